# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The difference between a run and what a server publishes."""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import FORMAT, encode, gate_digest
from ansible_collections.dialtone.phones.plugins.plugin_utils.assets import is_asset_name
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import NumberMap, Spilled
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import Entry, PublishError, Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published
from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import Contents

# A content that is larger is told by its size and digest where files are compared for the reader.
TEXT_LIMIT = 100 * 1000
_SHOWN = 20
# Below this many phones a share says nothing: one of three is 33 %.
_GUARDED_FROM = 20


class Scope(NamedTuple):
    """What a run may touch: rows of ``name``; those of ``adopt`` when it publishes the phone itself.

    ``prune``: remove what is gone. ``remove``: MACs that are gone, whatever the run covers.
    """

    name: str
    adopt: Collection[str] = ()
    prune: bool = True
    remove: Collection[str] = ()


class Change(NamedTuple):
    """What happens to one phone: ``new``, ``changed`` or ``removed``; the names of its files that do, with old and new digest (empty: none)."""

    kind: str
    host: str
    mac: str
    vendor: str
    site: str
    files: dict[str, tuple[str, str]]
    gate: bool


class Index:
    """The contents to send, by digest, each once; ``size``: of all of them. Rendered ones are known by their place among all that were rendered."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._order = array("L")
        self._has = bytearray()
        self._others: dict[str, int] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._order) + len(self._others)

    def __iter__(self) -> Iterator[str]:
        return (digest for digest, _size in self.items())

    def add(self, digest: str, size: int) -> None:
        """Add a content, unless it is there."""
        number = self._contents.number(digest)
        if number < 0:
            if digest in self._others:
                return
            self._others[digest] = size
        else:
            if number >= len(self._has):
                self._has.extend(bytes(number + 1 - len(self._has)))
            if self._has[number]:
                return
            self._has[number] = 1
            self._order.append(number)
        self.size += size

    def items(self) -> Iterator[tuple[str, int]]:
        """Yield digest and size."""
        yield from map(self._contents.described, self._order)
        yield from self._others.items()


class Plan:
    """What has to be done on one server.

    ``changes`` (phones), ``moved`` (rows that change in what no phone and no gate sees, such as their key), ``index`` (contents to send), ``counts``.
    """

    def __init__(self, run: Run, published: Published, scope: Scope, folder: str) -> None:
        self._published = published
        self._scope = scope
        self._folder = folder
        self._entries: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as the plan
        self._conflicts: list[str] = []
        self._conflict_count = 0
        self.changes: Spilled[Change] = Spilled(folder, list, lambda fields: Change(*fields))
        self._kinds: Counter[str] = Counter()
        self._files = 0
        self.index = Index(run.contents)
        # Of contents in changed files: the sizes of those that a diff tells by size and digest alone, being local files or large.
        self.told: dict[str, int] = {}
        self.moved = 0
        self.unreached: list[str] = []
        self._compare(run)

    @property
    def counts(self) -> dict[str, int]:
        """Return the numbers that the result shows."""
        return {**{kind: self._kinds[kind] for kind in ("new", "changed", "removed")}, "files": self._files}

    @property
    def bytes(self) -> int:
        """Return how much content is sent."""
        return self.index.size

    def _compare(self, run: Run) -> None:
        macs, hosts = NumberMap(), set()
        # A complete run that prunes need not know the names: what it lacks goes.
        by_name = bool(self._published.rows) and not self._is_pruning(run)
        for entry in run.entries():
            if self._published.rows:
                macs.setdefault(int(entry.mac, 16), 0)
            if by_name:
                hosts.add(entry.host)
            self._one(entry, run)
        if self._conflict_count:
            more = [f"  … and {self._conflict_count - _SHOWN} more"] if self._conflict_count > _SHOWN else []
            raise PublishError(
                "\n".join(
                    [
                        f"{self._conflict_count} phones belong to another scope on {self._published.server}, nothing was published:",
                        *self._conflicts,
                        *more,
                    ]
                )
            )
        self._remove(run, macs, hosts)

    def _one(self, entry: Entry, run: Run) -> None:
        old = self._published.row(entry.mac)
        scope = self._scope
        if old and old["scope"] != scope.name and old["scope"] not in scope.adopt:
            self._conflict_count += 1
            if self._conflict_count <= _SHOWN:
                self._conflicts.append(
                    f"  {entry.host}: MAC {entry.mac} is published there by scope {old['scope']!r} as host {old['host']!r}; this run's scope is {scope.name!r}"
                )
            return
        files = run.files_of(entry, old)
        repair = [name for name in self._published.edited.get(entry.mac, ()) if name in files]
        for digest, size in files.values():
            if digest in run.contents and not self._published.has(digest):
                self.index.add(digest, size)
        row = {
            "mac": entry.mac,
            "host": entry.host,
            "vendor": entry.vendor,
            "site": entry.site,
            "scope": scope.name,
            "key": entry.key,
            "files": files,
            "gate": entry.gate if isinstance(entry.gate, str) else gate_digest(entry.gate),
            "about": run.about_of(entry),
        }
        if old == row and not repair:
            return
        before = old["files"] if old else {}
        differing = {
            name: ("" if name not in before else before[name][0], "" if name not in files else files[name][0])
            for name in sorted({*before, *files})
            if before.get(name, [""])[0] != files.get(name, [""])[0] or name in repair
        }
        for name, digests in differing.items():
            for entries, digest in zip((before, files), digests, strict=True):
                if digest:
                    size = entries[name][1]
                    if size > TEXT_LIMIT or run.contents.is_local(digest) or is_asset_name(name):
                        self.told[digest] = size
        gate = old is None or old["gate"] != row["gate"]
        if old is not None and not differing and not gate and old["scope"] == row["scope"]:
            self.moved += 1
        else:
            self._change(
                Change("new" if old is None else "changed", entry.host, entry.mac, entry.vendor, entry.site or "", differing, gate)
            )
        self._write({"set": {**row, "gate": run.gate_of(entry)}, **({"repair": repair} if repair else {})})

    def _is_pruning(self, run: Run) -> bool:
        return self._scope.prune and run.production.complete

    def _change(self, change: Change) -> None:
        self.changes.append(change)
        self._kinds[change.kind] += 1
        if change.kind != "removed":
            self._files += len(change.files)

    def _remove(self, run: Run, macs: NumberMap, hosts: set[str]) -> None:
        gone = self._is_pruning(run)
        for mac in sorted(self._published.rows):
            if int(mac, 16) in macs:
                continue
            row = self._published.row(mac) or {}
            if row["scope"] != self._scope.name:
                continue
            # A host of this run under another MAC: the handset was replaced, whatever else this run covers.
            if gone or mac in self._scope.remove or row["host"] in hosts:
                files = {name: (entry[0], "") for name, entry in row["files"].items()}
                self._change(Change("removed", row["host"], mac, row["vendor"], row["site"] or "", files, True))
                self._write({"remove": mac})
            elif mac in self._published.edited:
                self.unreached.append(row["host"])

    def _write(self, entry: dict[str, Any]) -> None:
        self._entries.write(encode(entry) + b"\n")

    def guard(self, percent: int) -> str:
        """Return why the plan goes too far; empty when it doesn't.

        Counted are phones of the run's scope that are published already: those that would change or go, as a share of all of them.
        """
        if percent >= 100:
            return ""
        total = sum(1 for mac in self._published.rows if (self._published.row(mac) or {}).get("scope") == self._scope.name)
        counts = self.counts
        touched = counts["changed"] + counts["removed"]
        if total <= _GUARDED_FROM or touched * 100 <= total * percent:
            return ""
        return (
            f"{self._published.server}: {counts['changed']:,} phones would change and {counts['removed']:,} be removed of {total:,} that are published "
            f"({touched * 100 // total} %), more than phone_configs_max_change_percent allows ({percent}); look at them with --check --diff, then "
            f"allow it for this run: -e phone_configs_max_change_percent=100"
        )

    def stream(self, header: dict[str, Any]) -> tuple[BinaryIO, int]:
        """Return the plan's lines as a stream, and their size."""
        first = encode({"format": FORMAT, "base": self._published.digest, "scope": self._scope.name, **header}) + b"\n"
        joined: BinaryIO = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by the caller
        joined.write(first)
        self._entries.seek(0)
        for piece in iter(lambda: self._entries.read(1 << 20), b""):
            joined.write(piece)
        size = joined.tell()
        joined.seek(0)
        return joined, size

    def changed_files(self) -> Iterator[tuple[Change, str, str, str]]:
        """Yield phone, name, old and new digest of every file that changes; of a removed phone none."""
        for change in self.changes:
            if change.kind != "removed":
                for name, (old, new) in change.files.items():
                    yield change, name, old, new

    def close(self) -> None:
        self._entries.close()
        self.changes.close()
