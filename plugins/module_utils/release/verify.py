# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a release back: finds what somebody changed by hand."""

from __future__ import annotations

import os
import stat
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release import gate_tree
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import WEB, Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.pins import PinShelf, pins_of
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import file_digest, parse_row
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Release


class Findings(t.NamedTuple):
    """Hand edits: by MAC the names of files that differ, are missing or belong to nobody; folders of no phone; files of the gate."""

    phones: dict[str, list[str]]
    strangers: list[str]
    gate: list[str]


def verify(release: Release, access: Access, shelf: PinShelf) -> Findings:
    """Hash every file of a release and hold it, its owner and its mode against the manifest."""
    phones: dict[str, list[str]] = {}
    digests = Digests()
    known = set()
    folder = os.path.join(release.path, "phones")
    _header, lines = release.rows()
    for line in lines:
        row = parse_row(line)
        known.add(row["mac"])
        files = {name: entry[0] for name, entry in row["files"].items()}
        bad = _compare(os.path.join(folder, row["mac"]), files, access, digests)
        pins = pins_of(row).items()
        bad += [
            plain for name, plain in pins if plain not in bad and not shelf.is_right(release.path, row["mac"], name, plain, file_digest)
        ]
        if bad:
            phones[row["mac"]] = bad
    strangers = sorted(set(_names(folder)) - known)
    gate = []
    for path, (digest, _size, reader) in gate_tree.listing(release.path).items():
        if not _is_right(os.path.join(release.path, path), digest, reader, access, digests):
            gate.append(path)
    return Findings(phones, strangers, gate)


class Digests:
    """Digests of files with several names, each read once: a fleet's phones share a firmware of 60 MB."""

    _SHARED = 16 << 10

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], str] = {}

    def of(self, path: str, status: os.stat_result) -> str:
        """Return the SHA-256 of a file; empty when it is gone."""
        if status.st_nlink < 2 or status.st_size < self._SHARED:
            return file_digest(path)
        key = (status.st_dev, status.st_ino)
        if key not in self._known:
            self._known[key] = file_digest(path)
        return self._known[key]


def _compare(folder: str, files: dict[str, str], access: Access, digests: Digests) -> list[str]:
    bad = [name for name, digest in files.items() if not _is_right(os.path.join(folder, name), digest, WEB, access, digests)]
    return sorted(bad + [name for name in _names(folder) if name not in files])


def _is_right(path: str, digest: str, reader: str, access: Access, digests: Digests) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and access.is_right(status, reader) and digests.of(path, status) == digest


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
