# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phonebooks of a run: each set of books that phones of a vendor get is one shelf, each book on it is rendered once for all of them.

A book that some phone has already, made of the same people by the same templates, is not even read: the server's row of that phone tells its files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.fit import PAGE
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderError
from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import Contents
from ansible_collections.dialtone.phones.plugins.plugin_utils.unchanged import BOOK_FIELDS

# Name on disk -> digest and size.
Files = dict[str, list[Any]]
Listed = list[dict[str, Any]]


class _Shelf:
    """Books that phones of one vendor get together. ``had``: files of a published phone that is as it was, with the key they were made under."""

    def __init__(self, vendor: str, listed: Listed) -> None:
        self.vendor, self.listed = vendor, listed
        self.had: tuple[str, Files] | None = None
        self.key = ""
        self.files: Files = {}


class Shelves:
    """All shelves of a run, by number."""

    def __init__(self, production: Any, contents: Contents) -> None:
        self._production, self._contents = production, contents
        self._shelves: list[_Shelf] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._rendered: dict[tuple[Any, ...], Files] = {}

    def place(self, phone: Any) -> int:
        """Return the number of a phone's shelf."""
        listed: Listed = phone.listed
        slot = (phone.vendor, *((listing["name"], listing["file"], listing["entries"]) for listing in listed))
        number = self._numbers.setdefault(slot, len(self._shelves))
        if number == len(self._shelves):
            self._shelves.append(_Shelf(phone.vendor, [{name: listing[name] for name in BOOK_FIELDS} for listing in listed]))
        shelf = self._shelves[number]
        if shelf.had is None and phone.about.get("shelf"):
            names = {listing["file"].lower() for listing in listed}
            files = {name: value for name, value in phone.files.items() if PAGE.sub("", name, count=1) in names or name in names}
            shelf.had = (phone.about["shelf"], files)
        return number

    def files(self, number: int) -> Files:
        return self._shelves[number].files

    def key(self, number: int) -> str:
        return self._shelves[number].key

    def fill(self, published: Published | None, tell: Callable[[str], None]) -> list[Problem]:
        """Find or render the files of all books; return what is wrong with them.

        :param published: what a server has, whose files need not be rendered; None: render all.
        :param tell: takes what templates had to say.
        """
        missing = []
        for shelf in self._shelves:
            shelf.key = self._production.shelf_key(shelf.vendor, shelf.listed)
            if published is not None and shelf.had is not None and shelf.had[0] == shelf.key:
                shelf.files = shelf.had[1]
            else:
                missing.append(shelf)
        return self._render(missing, tell)

    def complete(self, published: Published, keep_all: bool, tell: Callable[[str], None]) -> list[Problem]:
        """Render what another server lacks of the books that :meth:`fill` found."""
        lacking = [
            shelf
            for shelf in self._shelves
            if any(digest not in self._contents and (keep_all or not published.has(digest)) for digest, _size in shelf.files.values())
        ]
        return self._render(lacking, tell)

    def _render(self, shelves: list[_Shelf], tell: Callable[[str], None]) -> list[Problem]:
        problems: list[Problem] = []
        # Book by book, for one after the other to be in memory.
        wanted: dict[tuple[Any, ...], None] = {}
        for shelf in shelves:
            wanted.update(dict.fromkeys((listing["name"], shelf.vendor, *listing.values()) for listing in shelf.listed))
        for slot in sorted(wanted.keys() - self._rendered.keys(), key=repr):
            self._rendered[slot] = {}
            try:
                for file in self._production.render_book(slot[1], dict(zip(BOOK_FIELDS, slot[2:], strict=True))):
                    self._rendered[slot][file.name.lower()] = [file.sha256, len(file.content)]
                    # Shared by many phones: kept for whichever server lacks them.
                    self._contents.add(file.sha256, file.content)
            except RenderError as exc:
                tell(str(exc))
            except ProblemsError as exc:
                problems += [problem for problem in exc.problems if problem not in problems]
        for shelf in shelves:
            shelf.files = {}
            for listing in shelf.listed:
                shelf.files.update(self._rendered[(listing["name"], shelf.vendor, *listing.values())])
        return problems
