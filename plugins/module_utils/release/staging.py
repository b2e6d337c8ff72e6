# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the phones' part of a release: names for what is there already, files for what is new."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import WEB, Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ContentMissing, ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.links import Linker
from ansible_collections.dialtone.phones.plugins.module_utils.release.pins import pins_of


class Changes:
    """What a run wants of a release.

    :param rows: by MAC: ``{"set": row, "repair": [names]}`` or ``{"remove": mac}``.
    :param sent: digests of the contents that came along.
    :param contents: those contents, each yielded once, in pieces.
    :param elsewhere: paths of contents in another release, by digest (a rollback).
    """

    def __init__(
        self,
        rows: t.Mapping[str, dict[str, t.Any]],
        sent: t.Collection[str] = (),
        contents: t.Iterable[tuple[str, t.Iterable[bytes]]] = (),
        elsewhere: dict[str, str] | None = None,
    ) -> None:
        self.rows = rows
        self.sent = set(sent)
        self.contents = contents
        self.elsewhere = elsewhere or {}


class PhoneTree:
    """The tree ``phones/<mac>/<name>`` of a release that is being built.

    After :meth:`build`: ``pins`` and ``retired`` are the pinned names that came and went, by MAC; ``gates`` tells whether any gate record
    changed, ``damaged`` lists phones of unchanged rows whose files are gone,
    ``linked``, ``written`` (contents) and ``bytes`` count.
    """

    def __init__(self, staged: str, access: Access, linker: Linker) -> None:
        self._path = os.path.join(staged, "phones")
        self._access = access
        self._linker = linker
        self._wanted: dict[str, list[str]] = {}
        self._sources: dict[str, str] = {}
        self.gates = False
        self.damaged: list[str] = []
        self.pins: dict[str, dict[str, str]] = {}
        self.retired: dict[str, list[str]] = {}
        self.linked = self.written = self.bytes = self.phones = 0

    def build(self, old_phones: str, old_rows: t.Iterable[bytes], changes: Changes) -> t.Iterator[bytes]:
        """Yield the new manifest's encoded rows while building their folders; the contents follow at the end.

        :param old_phones: the folder ``phones`` of the release that serves.
        :raises ContentMissing: content that was not sent is not on the server either.
        """
        self._access.folder(self._path, WEB)
        # Contents that a changed row wants and nobody sent must be at hand under another name.
        at_hand = {
            digest
            for entry in changes.rows.values()
            if "set" in entry
            for digest, _size in entry["set"]["files"].values()
            if digest not in changes.sent
        }
        for mac, line, old, entry in _merge(old_rows, changes.rows):
            if old:
                self._note_sources(old_phones, old, at_hand)
            if entry is None:
                yield self._carry_over(old_phones, line, old)
            elif "set" in entry:
                yield self._set(old_phones, mac, old, entry)
            else:
                self.gates = True
                self._pin(mac, old, None)
                continue
            self.phones += 1
        self._fill(changes)

    def _note_sources(self, old_phones: str, old: dict[str, t.Any], at_hand: set[str]) -> None:
        for name, (digest, _size) in old["files"].items():
            if digest in at_hand and digest not in self._sources:
                self._sources[digest] = os.path.join(old_phones, old["mac"], name)

    def _carry_over(self, old_phones: str, line: bytes, row: dict[str, t.Any]) -> bytes:
        target = os.path.join(self._path, row["mac"])
        self._access.folder(target, WEB)
        lost = []
        for name in row["files"]:
            try:
                self._linker.link(os.path.join(old_phones, row["mac"], name), os.path.join(target, name))
            except FileNotFoundError:
                lost.append(name)
        self.linked += len(row["files"]) - len(lost)
        if not lost:
            return line
        # Somebody deleted files by hand. The row says so, without a key: whoever next publishes this phone renders it again.
        self.damaged.append(row["mac"])
        files = {name: entry for name, entry in row["files"].items() if name not in lost}
        return manifest.encode({**row, "files": files, "key": None})

    def _set(self, old_phones: str, mac: str, old: dict[str, t.Any] | None, entry: dict[str, t.Any]) -> bytes:
        row = entry["set"]
        manifest.check_row(row)
        # The gate knows the names too: a request in any case is mapped to them.
        self.gates = self.gates or old is None or old["gate"] != row["gate"] or set(old["files"]) != set(row["files"])
        self._pin(mac, old, row)
        target = os.path.join(self._path, mac)
        self._access.folder(target, WEB)
        before = old["files"] if old else {}
        repair = entry.get("repair", ())
        for name, (digest, _size) in row["files"].items():
            path = os.path.join(target, name)
            if name not in repair and name in before and before[name][0] == digest:
                with contextlib.suppress(FileNotFoundError):
                    self._linker.link(os.path.join(old_phones, mac, name), path)
                    self.linked += 1
                    continue
            self._wanted.setdefault(digest, []).append(path)
        return manifest.encode(row)

    def _pin(self, mac: str, old: dict[str, t.Any] | None, row: dict[str, t.Any] | None) -> None:
        pins = pins_of(row)
        retired = [name for name in pins_of(old) if name not in pins]
        if pins:
            self.pins[mac] = pins
        if retired:
            self.retired[mac] = retired

    def _fill(self, changes: Changes) -> None:
        for digest, pieces in changes.contents:
            paths = self._wanted.pop(digest, None)
            if paths:
                self._write(paths[0], pieces)
                self._link_all(paths[0], paths[1:])
        lost = []
        for digest, paths in self._wanted.items():
            source = changes.elsewhere.get(digest) or self._sources.get(digest)
            if source is None or file_digest(source) != digest:
                lost.append(digest)
            else:
                self._link_all(source, paths)
        if lost:
            raise ContentMissing(sorted(lost))

    def _write(self, path: str, pieces: t.Iterable[bytes]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for piece in pieces:
                self.bytes += len(piece)
                view = memoryview(piece)
                while view:
                    view = view[os.write(descriptor, view) :]
            self._access.give_file(descriptor, WEB)
        finally:
            os.close(descriptor)
        self.written += 1

    def _link_all(self, source: str, targets: list[str]) -> None:
        for target in targets:
            self._linker.link(source, target)
        self.linked += len(targets)


def file_digest(path: str) -> str:
    """Return the SHA-256 of a file; empty when it is gone."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for piece in iter(lambda: stream.read(1 << 20), b""):
                found.update(piece)
    except FileNotFoundError:
        return ""
    return found.hexdigest()


_Step = t.Tuple[str, t.Optional[bytes], t.Optional[t.Dict[str, t.Any]], t.Optional[t.Dict[str, t.Any]]]


def _merge(old_rows: t.Iterable[bytes], changes: t.Mapping[str, dict[str, t.Any]]) -> t.Iterator[_Step]:
    """Walk the old rows and the changes together, by MAC: MAC, the old row as it stands and parsed, the change."""
    todo = sorted(changes)
    position = 0
    last = ""
    for line in old_rows:
        row = parse_row(line)
        mac = row["mac"]
        if mac <= last:
            raise ReleaseError("the manifest's rows are out of order; it was edited, let current point to another release")
        last = mac
        while position < len(todo) and todo[position] < mac:
            yield from _new(todo[position], changes)
            position += 1
        entry = None
        if position < len(todo) and todo[position] == mac:
            entry = changes[mac]
            position += 1
        yield mac, line, row, entry
    for mac in todo[position:]:
        yield from _new(mac, changes)


def _new(mac: str, changes: t.Mapping[str, dict[str, t.Any]]) -> t.Iterator[_Step]:
    entry = changes[mac]
    if "set" in entry:
        yield mac, None, None, entry


def parse_row(line: bytes) -> dict[str, t.Any]:
    """Return a manifest's row.

    :raises ReleaseError: it is not one.
    """
    try:
        row = json.loads(line)
        row["mac"], row["files"]
    except (ValueError, KeyError, TypeError):
        raise ReleaseError("a row of the manifest can't be read; it was edited, let current point to another release") from None
    return row
