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
    known = set()
    folder = os.path.join(release.path, "phones")
    _header, lines = release.rows()
    for line in lines:
        row = parse_row(line)
        known.add(row["mac"])
        files = {name: entry[0] for name, entry in row["files"].items()}
        bad = _compare(os.path.join(folder, row["mac"]), files, access)
        pins = pins_of(row).items()
        bad += [
            plain for name, plain in pins if plain not in bad and not shelf.is_right(release.path, row["mac"], name, plain, file_digest)
        ]
        if bad:
            phones[row["mac"]] = bad
    strangers = sorted(set(_names(folder)) - known)
    gate = []
    for path, (digest, _size, reader) in gate_tree.listing(release.path).items():
        if not _is_right(os.path.join(release.path, path), digest, reader, access):
            gate.append(path)
    return Findings(phones, strangers, gate)


def _compare(folder: str, files: dict[str, str], access: Access) -> list[str]:
    bad = [name for name, digest in files.items() if not _is_right(os.path.join(folder, name), digest, WEB, access)]
    return sorted(bad + [name for name in _names(folder) if name not in files])


def _is_right(path: str, digest: str, reader: str, access: Access) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and access.is_right(status, reader) and file_digest(path) == digest


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
