# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phonebooks: named lists of people and numbers, from the fleet's own extensions, from contacts, or both.

``phone_configs_phonebooks`` defines them. A book is merged by name, its numbers are unique, and it is sorted as its language does, so that the same
people give the same bytes. Files are read when a book is asked for, one book at a time: dozens of big books fit on no controller at once, and a run
that finds them unchanged need not read them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.collation import LANGUAGES, is_known, sort_key
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import CONTACT, Entry, Number, entry_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.sources import READERS, reader_version
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

_SELECTION = {"type": "list", "elements": {"type": "str"}, "default": []}
_FILES = {"type": "list", "elements": {"type": "str", "pattern": "[^\\s].*"}, "default": [], "max_items": 100}
_BOOKS = {
    "type": "dict",
    "options": {
        "title": {"type": "text", "max_length": 64},
        "language": {"type": "str", "pattern": "[A-Za-z]{2,3}(?:[_-][A-Za-z]{2,9})?", "default": ""},
        "extensions": {"type": "bool", "default": False},
        "groups": _SELECTION,
        "sites": _SELECTION,
        "tenants": _SELECTION,
        "contacts": {"type": "list", "elements": CONTACT, "default": [], "max_items": 100000},
        "csv": _FILES,
        "vcard": _FILES,
        "ldif": _FILES,
        "merge": _SELECTION,
        "readers": {"type": "dict", "options": {"groups": _SELECTION, "sites": _SELECTION, "tenants": _SELECTION}},
    },
}
_VARIABLE = "phone_configs_phonebooks"
# As phone_phonebooks names them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
# Between the names of books that a phone gets as one; no name holds it.
JOINT = "+"
_check_book = compile_spec(_BOOKS)


class Phonebooks:
    """The books of a run: defined once, fed with the phones of the whole group, then read by packs."""

    def __init__(self, definitions: object, base: Path) -> None:
        """Check the definitions; files are read later.

        :param definitions: book name to its definition.
        :param base: folder that relative paths start from.
        :raises ProblemsError: a definition is wrong.
        """
        problems: list[Problem] = []
        self._base = base
        self._books: dict[str, dict[str, Any]] = {}
        self._read: tuple[str, list[Entry]] | None = None
        self._digests: dict[str, bytes] = {}
        if definitions and not isinstance(definitions, Mapping):
            raise ProblemsError([Problem(_VARIABLE, f"got {shown(definitions)}, wanted a dictionary of books by name")])
        given_books: Mapping[Any, Any] = definitions or {}  # type: ignore[assignment]
        for book in sorted(given_books, key=str):
            if not isinstance(book, str) or not _NAME.fullmatch(book):
                what = f"{shown(book)} is no name of a book (1 to 32 letters, digits, dots, dashes and underscores; quote numbers)"
                problems.append(Problem(_VARIABLE, what))
            elif (definition := self._define(f"{_VARIABLE}.{book}", given_books[book], problems)) is not None:
                self._books[book] = definition
        for book, definition in self._books.items():
            for other in definition["merge"] or ():
                if other is not None and other not in given_books:
                    near = did_you_mean(other, map(str, given_books), "; did you mean {}?")
                    problems.append(Problem(f"{_VARIABLE}.{book}.merge", f"names {other!r}, which is no phonebook{near}"))
        if problems:
            raise ProblemsError(problems)
        self.clear()

    @staticmethod
    def _define(where: str, given: Any, problems: list[Problem]) -> dict[str, Any] | None:
        if isinstance(given, Mapping):
            # One file needs no list.
            given = {key: [value] if key in READERS and isinstance(value, str) else value for key, value in given.items()}
        definition = _check_book(where, given, problems)
        if definition is None:
            return None
        contacts = [entry_of(f"{where}.contacts[{index}]", one, problems) for index, one in enumerate(definition["contacts"] or ())]
        definition["contacts"] = [one for one in contacts if one]
        language = definition["language"] or ""
        if language and not is_known(language) and len(language.replace("-", "_").split("_", maxsplit=1)[0]) > 2:
            problems.append(
                Problem(f"{where}.language", f"got {shown(language)}, wanted a language such as de, {', '.join(LANGUAGES[:3])}…")
            )
        return definition

    def clear(self) -> None:
        """Forget the phones, for another reading of the fleet."""
        self._extensions: dict[str, list[Entry]] = {book: [] for book in self._books}
        self._read = None
        self._digests = {}

    def __contains__(self, book: object) -> bool:
        return book in self._books

    def names(self) -> list[str]:
        return list(self._books)

    def title(self, book: str) -> str:
        """Return what the phone shows as the book's name; of books joined to one, all of them."""
        return " + ".join(self._books[name]["title"] or name for name in book.split(JOINT))

    def readers(self) -> str:
        """Return who may have which book, as a text that changes when that does."""
        return repr({book: definition["readers"] for book, definition in self._books.items() if definition["readers"]})

    def refuses(self, book: str, phone: Phone) -> str:
        """Return why a phone must not have a book; empty when it may."""
        readers = self._books[book]["readers"] or {}
        for kind, have in (("tenants", [phone["tenant"]]), ("sites", [phone["site"]]), ("groups", phone["groups"])):
            wanted = readers.get(kind)
            if wanted and not set(wanted) & set(have):
                return f"{book!r} is for {kind} {', '.join(wanted)} only ({_VARIABLE}.{book}.readers), and the phone is none of theirs"
        return ""

    def add(self, phone: Phone) -> None:
        """Take the lines of one phone into the books that want them."""
        for book, definition in self._books.items():
            if not definition["extensions"] or not phone["enabled"]:
                continue
            wanted = (("groups", phone["groups"]), ("sites", [phone["site"]]), ("tenants", [phone["tenant"]]))
            if any(definition[name] and not set(definition[name]) & set(have) for name, have in wanted):
                continue
            for line in phone["lines"]:
                if line["directory"] and line["number"]:
                    name = " ".join(line["name"].split()) if line["name"] else line["number"]
                    group = (phone["groups"] or [""])[0]
                    self._extensions[book].append(Entry(name, (Number(line["number"], "work"),), group, "", phone["email"] or ""))

    def digest(self, book: str) -> bytes:
        """Return a digest of all that a book is made of; to be asked when the whole group was added."""
        total = hashlib.sha256(repr(self.title(book)).encode("utf-8", "surrogatepass"))
        for name in book.split(JOINT):
            for part in self._parts(name, set()):
                if part not in self._digests:
                    self._digests[part] = self._digest_part(part)
                total.update(self._digests[part])
            total.update(b"\0" + (self._books[name]["language"] or "").encode())
        return total.digest()

    def _digest_part(self, book: str) -> bytes:
        definition = self._books[book]
        total = hashlib.sha256(repr((self._extensions[book], definition["contacts"])).encode("utf-8", "surrogatepass"))
        for kind, path in self._files(book):
            total.update(f"{kind} {reader_version(kind)}".encode())
            try:
                with path.open("rb") as stream:
                    total.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError:
                total.update(b"?")
        return total.digest()

    def entries(self, book: str) -> list[Entry]:
        """Return the people of a book, or of several that were joined, merged and sorted.

        :raises ProblemsError: a file of it can't be used; all that is wrong with all its files.
        """
        if self._read is None or self._read[0] != book:
            names = book.split(JOINT)
            seen: set[str] = set()
            problems: list[Problem] = []
            every = [entry for name in names for part in self._parts(name, seen) for entry in self._people(part, problems)]
            if problems:
                raise ProblemsError(problems)
            self._read = book, merge(every, self._books[names[0]]["language"] or "")
        return self._read[1]

    def _parts(self, book: str, seen: set[str]) -> Iterator[str]:
        """Yield a book and those merged into it; each once, whatever circles they make."""
        if book in seen:
            return
        seen.add(book)
        yield book
        for other in self._books[book]["merge"] or ():
            yield from self._parts(other, seen)

    def _files(self, book: str) -> Iterator[tuple[str, Path]]:
        for kind in READERS:
            for path in self._books[book][kind] or ():
                yield kind, self._base / path

    def _people(self, book: str, problems: list[Problem]) -> Iterator[Entry]:
        yield from self._extensions[book]
        yield from self._books[book]["contacts"]
        for kind, path in self._files(book):
            yield from READERS[kind](path, problems)


def merge(entries: Iterable[Entry], language: str = "") -> list[Entry]:
    """Return entries with one per name, each number once, sorted by name."""
    merged: dict[str, Entry] = {}
    for entry in entries:
        slot = entry.name.casefold()
        kept = merged.get(slot)
        if kept is None:
            merged[slot] = entry if len(entry.numbers) == 1 else entry._replace(numbers=_unique(entry.numbers))
        else:
            merged[slot] = Entry(
                kept.name,
                _unique((*kept.numbers, *entry.numbers)),
                kept.group or entry.group,
                kept.organization or entry.organization,
                kept.email or entry.email,
            )
    key = sort_key(language)
    return sorted(merged.values(), key=lambda entry: key(entry.name))


def _unique(numbers: Iterable[Number]) -> tuple[Number, ...]:
    found: dict[str, Number] = {}
    for number in numbers:
        found.setdefault(number.number, number)
    return tuple(found.values())
