# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fit a phonebook to what phones of a vendor take: how many people, numbers and pages, and which characters.

A pack's ``phonebook`` says it: ``entries`` of one file; ``pages``, files that a book may have; ``flat``, an entry has one number, so that people with
several stand several times (``named``: with its kind behind the name); ``numbers`` of one person; ``unique``, a number may stand once
in the book; ``refused``, rules as those of phones, whose ``only`` names ``title`` or a field of an entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import Entry
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown

# What stands in pages for the phone's own URL, which its server knows: pages are the same for all phones.
HOME = "https://own.dialtone.invalid/"
# A page beside the first: p2-directory.xml.
PAGE = re.compile("p[0-9]+-")


class Fitted(NamedTuple):
    """A book as phones of a vendor take it: people by page, and a sentence for each kind of thing that was left out."""

    pages: list[list[Entry]]
    notes: list[str]


def page_file(file: str, number: int) -> str:
    """Return the name of a page of a book."""
    return f"p{number}-{file}"


def fit_book(entries: Sequence[Entry], rule: Mapping[str, Any], most: int | None) -> Fitted:
    """Return the pages of a book.

    :param rule: the pack's ``phonebook``.
    :param most: entries of one page; nothing: no limit.
    """
    notes: list[str] = []
    people: Sequence[Entry] = entries
    pages = rule.get("pages", 1)
    room = most * pages if most else None
    if rule.get("flat"):
        people, total, twice = _flat(entries, rule["flat"] == "named", bool(rule.get("unique")), room)
        if twice:
            notes.append(f"take a number once, {twice} that stand for somebody else too left out")
    else:
        total = len(people)
        people = people[:room]
        if rule.get("numbers"):
            people, left = _few_numbers(people, rule["numbers"])
            if left:
                notes.append(f"take {rule['numbers']} numbers of a person, {left} left out")
    if not most:
        return Fitted([list(people)], notes)
    if total > len(people):
        of = f" on {pages} pages" if pages > 1 else ""
        notes.append(f"take {room} entries{of}, {total - len(people)} of {total} left out")
    return Fitted([list(people[at : at + most]) for at in range(0, len(people), most)] or [[]], notes)


def _few_numbers(people: Sequence[Entry], most: int) -> tuple[list[Entry], int]:
    left = sum(max(len(entry.numbers) - most, 0) for entry in people)
    return [entry if len(entry.numbers) <= most else entry._replace(numbers=entry.numbers[:most]) for entry in people], left


def _flat(people: Sequence[Entry], named: bool, unique: bool, room: int | None) -> tuple[list[Entry], int, int]:
    """Return an entry for each number, as many as there is room for; how many there are; how many numbers stood twice.

    :param named: the format tells no kinds of numbers, so the kind stands behind the names of people who have several.
    """
    found: list[Entry] = []
    seen: set[str] = set()
    total = twice = 0
    for entry in people:
        several = len(entry.numbers) > 1
        for number in entry.numbers:
            if unique:
                if number.number in seen:
                    twice += 1
                    continue
                seen.add(number.number)
            total += 1
            if room is not None and total > room:
                continue
            if several:
                name = f"{entry.name} ({number.type})" if named and number.type != "work" else entry.name
                found.append(Entry(name, (number,), entry.group, entry.organization, entry.email))
            else:
                found.append(entry)
    return found, total, twice


def book_refusals(where: str, title: str, entries: Sequence[Entry], rule: Mapping[str, Any]) -> list[Problem]:
    """Return what the format of a vendor's phonebooks can't carry."""
    found = []
    for each in rule.get("refused") or ():
        pattern, only, why = re.compile(each["pattern"]), re.compile(each["only"]) if each.get("only") else None, each["why"]
        if only is None or only.fullmatch("title"):
            found += [Problem(f"{where}.title", f"{shown(title)} {why}")] if pattern.search(title) else []
        for field in ("name", "group", "organization", "email"):
            if only is None or only.fullmatch(field):
                found += [
                    Problem(f"{where}: {shown(entry.name)}", f"{field} {why}") for entry in entries if pattern.search(getattr(entry, field))
                ]
        if only is None or only.fullmatch("number"):
            found += [
                Problem(f"{where}: {shown(entry.name)}", f"{shown(number.number)} {why}")
                for entry in entries
                for number in entry.numbers
                if pattern.search(number.number)
            ]
    return found
