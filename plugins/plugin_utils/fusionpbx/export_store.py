# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes exported files beside what is there: never over a file of somebody else's, nor over one that was edited since.

A list of what was written, with a digest of each file as it lies on the disk, tells our own files from others. Vaulted text is salted and differs each
time, so what is on the disk is decrypted and compared, and stays as it is where it says the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.export_inventory import ExportFile
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file

LIST = ".dialtone-export.json"
VAULT = b"$ANSIBLE_VAULT;"
_SUFFIXES = ("", ".yml", ".yaml", ".json")


class Vault(NamedTuple):
    """How to encrypt and decrypt; decrypting raises ``ValueError`` with a clause."""

    encrypt: Callable[[bytes], bytes]
    decrypt: Callable[[bytes], bytes]
    label: str  # of what is encrypted, empty where it has none


class Change(NamedTuple):
    """What happens to a file: ``create``, ``replace`` or ``remove``; the texts are empty where they are secret."""

    path: str
    kind: str
    before: str
    after: str


class Store:
    """The destination, and what is to be done to it."""

    def __init__(self, folder: Path, vault: Vault | None, force: bool) -> None:
        self._folder = folder
        self._vault = vault
        self._force = force
        self.problems: list[Problem] = []
        self._ours: dict[str, str] = {}
        self._wanted: dict[str, bytes] = {}
        self._remove: list[str] = []
        self._kept: dict[str, str] = {}

    def plan(self, files: Iterable[ExportFile]) -> list[Change]:
        """Compare, and return what is to be done; nothing may be written while ``problems`` is not empty."""
        self._ours = self._read_list()
        changes: list[Change] = []
        named = set()
        for file in files:
            named.add(file.path)
            self._shadows(file.path)
            change = self._compare(file)
            if change is not None:
                changes.append(change)
        for path in sorted(set(self._ours) - named):
            there = self._read(path)
            if there is None:
                continue
            if _digest(there) != self._ours[path] and not self._force:
                self._tell(path, "is exported no more, but was edited since the last export; remove it, or set force")
            else:
                self._remove.append(path)
                changes.append(Change(path, "remove", "" if there.startswith(VAULT) else there.decode("utf-8", "replace"), ""))
        return changes

    @property
    def adopts(self) -> bool:
        """Whether files that are right already are to be listed as ours, as after an export that was broken off."""
        return any(self._ours.get(path) != digest for path, digest in self._kept.items())

    def write(self) -> None:
        """Do what was planned.

        :raises OSError: a file cannot be written.
        """
        listed = dict(self._kept)
        for path, data in self._wanted.items():
            _replace(self._folder / path, data)
            listed[path] = _digest(data)
        for path in self._remove:
            (self._folder / path).unlink()
            folder = (self._folder / path).parent
            # A group's folder of which nothing is left; one with files of somebody else's stays.
            if folder != self._folder and not any(folder.iterdir()):
                folder.rmdir()
        if listed != self._ours:
            _replace(self._folder / LIST, (json.dumps(listed, indent=1, sort_keys=True) + "\n").encode())

    def _tell(self, path: str, what: str) -> None:
        self.problems.append(Problem(str(self._folder / path), what))

    def _read_list(self) -> dict[str, str]:
        data = self._read(LIST)
        if data is None:
            return {}
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            self._tell(LIST, "is no list of exported files; remove it together with what was exported, or export elsewhere")
            return {}
        # Only names that this program gives: whoever can write the list must not choose what is removed.
        return {path: value for path, value in found.items() if ".." not in Path(path).parts and not Path(path).is_absolute()}

    def _read(self, path: str) -> bytes | None:
        file = self._folder / path
        try:
            if file.is_symlink() or any(parent.is_symlink() for parent in file.parents if self._folder in parent.parents):
                self._tell(path, "is a symbolic link, or lies behind one; what is written through it would end up elsewhere")
                return None
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            self._tell(path, "has no place: a part of its path is a file")
        except OSError as exc:
            self._tell(path, f"cannot be read ({exc.strerror or exc})")
        return None

    def _shadows(self, path: str) -> None:
        """Refuse a folder of group variables beside a file for the same group: Ansible would read the folder only."""
        folder = Path(path).parent
        if folder.parent.name != "group_vars":
            return
        for suffix in _SUFFIXES:
            file = self._folder / folder.with_name(folder.name + suffix)
            if file.is_file():
                problem = Problem(
                    str(file), f"would not be read any more beside the folder {folder.name}/; move it there as {folder.name}/main.yml"
                )
                if problem not in self.problems:
                    self.problems.append(problem)

    def _compare(self, file: ExportFile) -> Change | None:
        wanted = file.text.encode("utf-8", "surrogatepass")
        told = len(self.problems)
        there = self._read(file.path)
        if len(self.problems) > told:
            return None
        if there is None:
            self._wanted[file.path] = self._sealed(wanted, file.secret)
            return Change(file.path, "create", "", "" if file.secret else file.text)
        edited = self._ours.get(file.path) != _digest(there)
        plain: bytes | None = there
        if there.startswith(VAULT):
            plain = self._opened(file.path, there)
            if plain is None:
                return None
        same = plain == wanted and there.startswith(VAULT) == file.secret and (not file.secret or _label(there) == self._label())
        if same:
            self._kept[file.path] = _digest(there)
            return None
        if edited and not self._force:
            what = "was edited since the last export" if file.path in self._ours else "is there already, and is not of an export"
            self._tell(file.path, f"{what}; move it away, or set force to replace it")
            return None
        self._wanted[file.path] = self._sealed(wanted, file.secret)
        shown = not file.secret and not there.startswith(VAULT)
        return Change(file.path, "replace", there.decode("utf-8", "replace") if shown else "", file.text if shown else "")

    def _label(self) -> str:
        return self._vault.label if self._vault else ""

    def _opened(self, path: str, data: bytes) -> bytes | None:
        try:
            if self._vault is None:
                raise ValueError("there is no vault password")
            return self._vault.decrypt(data)
        except ValueError as exc:
            self._tell(path, f"cannot be decrypted, so it is not known whether it would change ({exc})")
            return None

    def _sealed(self, data: bytes, secret: bool) -> bytes:
        # Whether there is a vault was checked before: without one nothing is written at all.
        return self._vault.encrypt(data) if secret and self._vault else data


def _label(data: bytes) -> str:
    """Return the vault ID that a vaulted file names in its first line."""
    parts = data.partition(b"\n")[0].decode("ascii", "replace").strip().split(";")
    return parts[3] if len(parts) > 3 else ""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, for its owner only."""
    for folder in reversed(file.parents):
        # The mode of a folder made with its parents would be its own alone.
        folder.mkdir(mode=0o700, exist_ok=True)
    replace_file(file, data)
