# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phonebooks: named lists of people and numbers, from the fleet's own extensions, from contacts, or both.

``phone_configs_phonebooks`` defines them. A book is merged by name, its numbers are unique, and it is sorted by name without regard to case and
accents, so that the same people give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

_NUMBER = {"type": "str", "pattern": "[0-9A-Za-z*#+._@ /()-]{1,64}", "required": True}
_TYPES = ["work", "mobile", "home", "fax", "other"]
_CONTACT = {
    "type": "dict",
    "options": {
        "name": {"type": "text", "max_length": 256, "required": True},
        "number": {"type": "str", "pattern": _NUMBER["pattern"]},
        "numbers": {
            "type": "list",
            "max_items": 10,
            "elements": {
                "type": "dict",
                "shorthand": "number",
                "options": {"number": _NUMBER, "type": {"type": "enum", "choices": _TYPES, "default": "work"}},
            },
        },
        "group": {"type": "text", "max_length": 128, "default": ""},
        "organization": {"type": "text", "max_length": 256, "default": ""},
        "email": {"type": "text", "max_length": 256, "default": ""},
    },
}
_SELECTION = {"type": "list", "elements": {"type": "str"}, "default": []}
_BOOKS = {
    "type": "dict",
    "options": {
        "title": {"type": "text", "max_length": 64},
        "extensions": {"type": "bool", "default": False},
        "groups": _SELECTION,
        "sites": _SELECTION,
        "tenants": _SELECTION,
        "contacts": {"type": "list", "elements": _CONTACT, "default": [], "max_items": 100000},
        "csv": {"type": "str"},
        "merge": {"type": "list", "elements": {"type": "str"}, "default": []},
    },
}
# As phone_phonebooks names them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_check_book = compile_spec(_BOOKS)
_check_contact = compile_spec(_CONTACT)

Entry = dict[str, Any]


class Phonebooks:
    """The books of a run: defined once, fed with the phones of the whole group, then read by packs."""

    def __init__(self, definitions: object, base: Path, name: str = "phone_configs_phonebooks") -> None:
        """Check the definitions.

        :param definitions: book name to its definition.
        :param base: folder that relative CSV paths start from.
        :raises ProblemsError: a definition is wrong.
        """
        problems: list[Problem] = []
        self._books: dict[str, dict[str, Any]] = {}
        if definitions and not isinstance(definitions, Mapping):
            raise ProblemsError([Problem(name, f"got {shown(definitions)}, wanted a dictionary of books by name")])
        given_books: Mapping[Any, Any] = definitions or {}  # type: ignore[assignment]
        for book in sorted(given_books, key=str):
            if not isinstance(book, str) or not _NAME.fullmatch(book):
                problems.append(
                    Problem(
                        name, f"{shown(book)} is no name of a book (1 to 32 letters, digits, dots, dashes and underscores; quote numbers)"
                    )
                )
                continue
            given = given_books[book]
            checked = _check_book(f"{name}.{book}", given, problems)
            if checked is None:
                continue
            for index, contact in enumerate(checked["contacts"] or []):
                if contact is not None:
                    _complete(contact, f"{name}.{book}.contacts[{index}]", problems)
            if checked["csv"]:
                checked["contacts"] = [*(checked["contacts"] or []), *read_contacts(base / checked["csv"], problems)]
            self._books[book] = checked
        for book, checked in self._books.items():
            for other in checked["merge"] or ():
                if other is not None and other not in given_books:
                    problems.append(Problem(f"{name}.{book}.merge", f"names {other!r}, which is no phonebook"))
        if problems:
            raise ProblemsError(problems)
        self.clear()

    def clear(self) -> None:
        """Forget the phones, for another reading of the fleet."""
        self._extensions: dict[str, list[Entry]] = {book: [] for book in self._books}

    def __contains__(self, book: object) -> bool:
        return book in self._books

    def names(self) -> list[str]:
        return list(self._books)

    def title(self, book: str) -> str:
        """Return what the phone shows as the book's name."""
        return self._books[book]["title"] or book

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
                    self._extensions[book].append(
                        {
                            "name": line["name"] or line["number"],
                            "numbers": [{"number": line["number"], "type": "work"}],
                            "group": (phone["groups"] or [""])[0],
                            "organization": "",
                            "email": phone["email"] or "",
                        }
                    )

    def entries(self, book: str) -> list[Entry]:
        """Return the people of a book, merged and sorted."""
        return merge([*self._all(book, set())])

    def _all(self, book: str, seen: set[str]) -> Iterable[Entry]:
        """Yield what a book and those merged into it hold; each book once, whatever circles they make."""
        if book in seen:
            return
        seen.add(book)
        yield from self._extensions[book]
        yield from self._books[book]["contacts"]
        for other in self._books[book]["merge"]:
            yield from self._all(other, seen)


def sort_key(name: str) -> tuple[str, str]:
    """Return what names are sorted by: letters without accents and case, then the name itself."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return plain.replace("ß", "ss").casefold(), name


def merge(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries with one per name, each number once, sorted by name."""
    merged: dict[str, Entry] = {}
    for entry in entries:
        name = " ".join(entry["name"].split())
        kept = merged.setdefault(name.casefold(), {**entry, "name": name, "numbers": []})
        have = {number["number"] for number in kept["numbers"]}
        kept["numbers"] += [number for number in entry["numbers"] if number["number"] not in have]
        for field in ("group", "organization", "email"):
            kept[field] = kept[field] or entry[field]
    return sorted(merged.values(), key=lambda entry: sort_key(entry["name"]))


def _complete(contact: dict[str, Any], where: str, problems: list[Problem]) -> None:
    number = contact.pop("number", None)
    contact["numbers"] = ([{"number": number, "type": "work"}] if number else []) + [one for one in contact["numbers"] or [] if one]
    if not contact["numbers"]:
        problems.append(Problem(where, "has neither number nor numbers"))


def read_contacts(path: Path, problems: list[Problem]) -> list[Entry]:
    """Return the contacts of a CSV file with the columns name, number (or work, mobile, home, fax, other), group, organization, email."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        problems.append(Problem(str(path), f"can't be read ({exc.strerror if isinstance(exc, OSError) else 'it is not UTF-8'})"))
        return []
    # A quoted cell may hold line ends, so the reader splits the lines, and only at those that programs write.
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    contacts = []
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        fields = {str(field or "").strip().lower(): field for field in reader.fieldnames or []}
        if "name" not in fields:
            problems.append(Problem(str(path), "has no column name"))
            return []
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row and any(cell.strip() for cell in row[None]):
                problems.append(Problem(place, "has more cells than the header; is a delimiter in a cell without quotes?"))
                continue
            cells = {word: (row.get(field) or "").strip() for word, field in fields.items() if isinstance(row.get(field), str)}
            if not any(cells.values()):
                continue
            numbers = [{"number": cells[kind], "type": kind} for kind in _TYPES if cells.get(kind)]
            given = {key: cells[key] for key in ("name", "group", "organization", "email") if cells.get(key)}
            if cells.get("number"):
                numbers.insert(0, {"number": cells["number"], "type": "work"})
            contact = _check_contact(place, {**given, "numbers": numbers}, problems)
            if contact:
                _complete(contact, place, problems)
                contacts.append(contact)
    except csv.Error as exc:
        problems.append(Problem(f"{path}, line {reader.reader.line_num}", f"is no row of a table ({exc})"))
    return contacts
