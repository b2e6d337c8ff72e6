# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's part of a release: compiled from the rows' gate records, or carried over while no record changed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pkgutil
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils import gate
from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import GATE, WEB, Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.links import Linker

# Digest, size and reader of every compiled file, to find hand edits and to tell whether the web server has to read anything again.
_LISTING = "gate.json.gz"
# nginx opens these at each request; all else of its files it reads when it loads its configuration.
_READ_AT_REQUEST = ("gate/htpasswd/",)
_COMPILER = "ansible_collections.dialtone.phones.plugins.module_utils"

Listing = t.Dict[str, t.List[t.Any]]
Compiler = t.Callable[[t.Iterable[t.Dict[str, t.Any]], t.List[str]], t.Iterable[t.Any]]


def compiler_digest() -> str:
    """Return what changes when the compiler does, so that a new version of the collection compiles anew."""
    found = hashlib.sha256()
    parts = sorted(module.name for module in pkgutil.iter_modules(gate.__path__))
    for name in ("gate_compile.py", *(f"gate/{part}.py" for part in parts)):
        found.update(pkgutil.get_data(_COMPILER, name) or b"")
    return found.hexdigest()[:16]


def compile_into(
    staged: str,
    records: t.Iterable[dict[str, t.Any]],
    networks: list[str],
    old: str | None,
    access: Access,
    linker: Linker,
    compiler: Compiler,
) -> Listing:
    """Compile the gate into a staged release; files that come out as before are names of the old ones.

    :param records: the gate records of all phones of the release.
    :param networks: what limits all phones (CIDR), empty for no limit.
    :param old: the release that serves, if any.
    :raises ReleaseError: a record that the compiler refuses.
    """
    before = listing(old) if old else {}
    now: Listing = {}
    folders: set[str] = set()
    try:
        for item in compiler(records, networks):
            reader = GATE if item.reader == "gate" else WEB
            path = os.path.join(staged, item.path)
            _make_folders(staged, os.path.dirname(item.path), reader, folders, access)
            digest = hashlib.sha256(item.content).hexdigest()
            now[item.path] = [digest, len(item.content), reader]
            if before.get(item.path, [""])[0] == digest:
                try:
                    linker.link(os.path.join(str(old), item.path), path)
                    continue
                except FileNotFoundError:
                    pass
            _write(path, item.content, reader, access)
    except ValueError as exc:
        raise ReleaseError(f"the gate can't be compiled: {exc}") from None
    _write_listing(staged, now)
    return now


def carry_over(staged: str, old: str, access: Access, linker: Linker) -> Listing | None:
    """Give the staged release the old one's gate; None when files of it are gone."""
    files = listing(old)
    folders: set[str] = set()
    for path, (_digest, _size, reader) in files.items():
        _make_folders(staged, os.path.dirname(path), reader, folders, access)
        try:
            linker.link(os.path.join(old, path), os.path.join(staged, path))
        except FileNotFoundError:
            return None
    if not files:
        return None
    _write_listing(staged, files)
    return files


def listing(release: str) -> Listing:
    """Return digest, size and reader of a release's compiled files; empty when it has none or the list is damaged."""
    try:
        with gzip.open(os.path.join(release, _LISTING), "rb") as stream:
            return json.load(stream)
    except (OSError, EOFError, ValueError):
        return {}


def concerns_nginx(before: Listing, now: Listing) -> bool:
    """Tell whether anything changed that nginx reads only when it loads its configuration."""

    def loaded(files: Listing) -> dict[str, str]:
        return {path: entry[0] for path, entry in files.items() if entry[2] == WEB and not path.startswith(_READ_AT_REQUEST)}

    return loaded(before) != loaded(now)


def _make_folders(staged: str, folder: str, reader: str, made: set[str], access: Access) -> None:
    if folder in made or not folder:
        return
    parent = os.path.dirname(folder)
    _make_folders(staged, parent, reader, made, access)
    # The first level is passed through by both readers and lists nothing; what is below belongs to one of them.
    access.folder(os.path.join(staged, folder), reader if parent else None, 0o750 if parent else 0o711)
    made.add(folder)


def _write(path: str, content: bytes, reader: str, access: Access) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        access.give_file(descriptor, reader)


def _write_listing(staged: str, files: Listing) -> None:
    path = os.path.join(staged, _LISTING)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw, gzip.GzipFile("", "wb", 3, raw, mtime=0) as stream:
        stream.write(manifest.encode(files))
