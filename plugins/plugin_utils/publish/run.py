# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of a run, rendered once for however many servers."""

from __future__ import annotations

import contextlib
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import encode
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.fit import PAGE
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.shelves import Files, Shelves
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import NumberMap, lines_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Notes, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderError
from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import Contents

_SHOWN = 20
_EVERY = 5.0


class PublishError(Exception):
    """The run can't be published; the message is the whole report."""


class Entry(NamedTuple):
    """One phone of the run.

    ``files`` maps names on disk to digest and size; None: not rendered, since nothing it is made of changed. Its phonebooks are apart, in ``books``
    (a place in the run's list; None: no books), since they change with other phones. ``gate`` is the digest of the gate record where the phone is as it
    was published, so that the record was not made. ``about``: what later runs need of it while it stays so.
    """

    host: str
    mac: str
    vendor: str
    site: str | None
    key: str | None
    gate: dict[str, Any] | str
    files: Files | None
    books: int | None
    secrets: list[str]
    secret_parameters: list[str]
    about: dict[str, Any]


class Run:
    """What is published, independent of any server.

    :param production: gives the phones (``rows()``), in the same order each time it is asked.
    :param folder: for temporary files without a name.
    :param tell: prints a line of progress.
    """

    def __init__(self, production: Any, folder: str, tell: Callable[[str], None]) -> None:
        self.production = production
        self.contents = Contents(folder)
        self._folder = folder
        self._tell = tell
        self._entries: Any = None
        self._shelves = Shelves(production, self.contents)
        self.rendered = 0
        self.warnings = Notes()
        self.phones = 0

    @property
    def is_ready(self) -> bool:
        """Tell whether the phones were found in order."""
        return self._entries is not None

    def prepare(self, published: Published, force: bool, keep_all: bool) -> None:
        """Render what this server needs and no server before it needed.

        :param force: render every phone.
        :param keep_all: keep the contents of every changed file, for a diff.
        :raises PublishError: phones that are not in order or can't be rendered, all of them.
        """
        with _rare_collections():
            self._prepare(published, force, keep_all)

    def _prepare(self, published: Published, force: bool, keep_all: bool) -> None:
        if self._entries is None:
            skip = None if force else published.unspoilt
            self._entries = self._pass(None, lambda phone: force or published.must_render(phone.mac, phone.key), published, keep_all, skip)
            self.warnings = self.production.warnings
            return
        # Books that were known by what the first server has may be new to this one.
        problems = _Problems()
        self.production.problems += self._shelves.complete(published, keep_all, problems.add)
        problems.check()
        short = NumberMap()
        for entry in self.entries():
            if self._is_short(entry, published, force, keep_all):
                short.setdefault(int(entry.mac, 16), 0)
        if short:
            self._entries = self._pass(self.entries(), lambda phone: int(phone.mac, 16) in short, published, keep_all)

    def entries(self) -> Iterator[Entry]:
        """Yield the phones as they were prepared."""
        for line in lines_of(self._entries):
            yield Entry(*json.loads(line))

    def files_of(self, entry: Entry, old: dict[str, Any] | None) -> Files:
        """Return all files of a phone; what was not rendered is as the server's row has it."""
        books = {} if entry.books is None else self._shelves.files(entry.books)
        own = entry.files
        if own is None:
            # A book may have had more pages.
            own = {name: value for name, value in (old or {"files": {}})["files"].items() if PAGE.sub("", name, count=1) not in books}
        return {**own, **books}

    def about_of(self, entry: Entry) -> dict[str, Any]:
        """Return what the server's row keeps of a phone."""
        return entry.about if entry.books is None else {**entry.about, "shelf": self._shelves.key(entry.books)}

    def gate_of(self, entry: Entry) -> dict[str, Any]:
        """Return a phone's gate record, which is not made for a phone that is as it was published."""
        return entry.gate if isinstance(entry.gate, dict) else self.production.row(entry.host).gate

    def _pass(
        self,
        before: Iterator[Entry] | None,
        is_wanted: Callable[[Any], bool],
        published: Published,
        keep_all: bool,
        skip: Callable[[str], dict[str, Any] | None] | None = None,
    ) -> Any:
        """Go through all phones once and return the file of their entries.

        :param skip: gives the manifest's row of a host whose files need not be looked at when its inputs did not change.
        """
        production = self.production
        fresh: Any = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - takes the place of the last one
        problems = _Problems()
        progress = _Progress(self._tell, production.hosts_all if production.complete else None)
        self.phones = 0
        for phone in production.rows(skip):
            self.phones += 1
            known = next(before) if before is not None else None
            files = known.files if known else None
            books = known.books if known else None
            if known is None and phone.listed:
                books = self._shelves.place(phone)
            # Once something is wrong nothing will be published: the rest is only checked.
            if is_wanted(phone) and not production.problems:
                self.rendered += known is None or known.files is None
                files = self._render(phone, published, keep_all, problems)
            secret = keep_all and files is not None
            entry = Entry(
                phone.host,
                phone.mac,
                phone.vendor,
                phone.site,
                phone.key,
                phone.gate,
                files,
                books,
                sorted(phone.secrets) if secret else [],
                list(phone.secret_parameters) if secret else [],
                phone.about,
            )
            fresh.write(encode(list(entry)) + b"\n")
            progress.step(self.phones, self.rendered)
        if before is None:
            # What is wrong with books is told with what is wrong with phones.
            production.problems += self._shelves.fill(None if keep_all else published, problems.add)
        try:
            production.finish()
        except ProblemsError as exc:
            problems.refuse(str(exc))
        problems.check()
        return fresh

    def _is_short(self, entry: Entry, published: Published, force: bool, keep_all: bool) -> bool:
        if entry.files is None:
            return force or published.must_render(entry.mac, entry.key)
        return any(
            digest not in self.contents and self._is_needed(entry.mac, name, digest, published, keep_all)
            for name, (digest, _size) in entry.files.items()
        )

    @staticmethod
    def _is_needed(mac: str, name: str, digest: str, published: Published, keep_all: bool) -> bool:
        if not published.has(digest):
            return True
        if not keep_all:
            return False
        row = published.row(mac)
        return row is None or row["files"].get(name, [""])[0] != digest

    def _render(self, phone: Any, published: Published, keep_all: bool, problems: _Problems) -> Files:
        files: Files = {}
        try:
            for file in phone.render():
                name = file.name.lower()
                if name in files:
                    problems.add(f"{phone.host}: {file.name}: two files of the phone have this name on disk (names are lower case there)")
                files[name] = [file.sha256, len(file.content)]
                if not problems and self._is_needed(phone.mac, name, file.sha256, published, keep_all):
                    self.contents.add(file.sha256, file.content)
            for asset in phone.assets():
                if asset.name in files:
                    problems.add(f"{phone.host}: {asset.name}: two files of the phone have this name on disk")
                files[asset.name] = [asset.sha256, asset.size]
                # It stays where it is until it is sent, to whichever server lacks it.
                self.contents.add_file(asset.sha256, asset.path, asset.size)
        except RenderError as exc:
            problems.add(Masker(phone.secrets, phone.secret_parameters).mask(str(exc)))
        return files


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Have the garbage collector look less often, and not at what the inventory holds: it would go through all of it again and again."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Problems:
    """Collects what is wrong, so that all of it is told."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._count = 0
        self._report = ""

    def __bool__(self) -> bool:
        return self._count > 0 or bool(self._report)

    def refuse(self, report: str) -> None:
        """Put a report of its own in front."""
        self._report = report

    def add(self, line: str) -> None:
        self._count += 1
        if self._count <= _SHOWN:
            self._lines.append(line)

    def check(self) -> None:
        lines = [self._report] if self._report else []
        if self._count:
            lines.append(f"{self._count} {'files' if self._count > 1 else 'file'} can't be rendered, nothing was published:")
            lines += [f"  {line}" for line in self._lines]
            lines += [f"  … and {self._count - _SHOWN} more"] if self._count > _SHOWN else []
        if lines:
            raise PublishError("\n".join(lines))


class _Progress:
    """Prints a line every few seconds of a long run."""

    def __init__(self, tell: Callable[[str], None], total: int | None) -> None:
        self._tell = tell
        self._of = f" of {total:,}" if total else ""
        self._next = time.monotonic() + _EVERY

    def step(self, seen: int, rendered: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._tell(f"publish: {seen:,}{self._of} phones read, {rendered:,} rendered")
