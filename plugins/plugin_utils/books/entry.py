# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The people of phonebooks: what an entry is, and how entries of inventories and of files are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

TYPES = ("work", "mobile", "home", "fax", "other")
# A person with more numbers than this is a list, not a person.
MOST_NUMBERS = 10
_DIALLED = "[0-9A-Za-z*#+._@ /()-]{1,64}"
CONTACT: dict[str, Any] = {
    "type": "dict",
    "options": {
        "name": {"type": "text", "max_length": 256, "required": True},
        "number": {"type": "str", "pattern": _DIALLED},
        "numbers": {
            "type": "list",
            "max_items": MOST_NUMBERS,
            "elements": {
                "type": "dict",
                "shorthand": "number",
                "options": {
                    "number": {"type": "str", "pattern": _DIALLED, "required": True},
                    "type": {"type": "enum", "choices": list(TYPES), "default": "work"},
                },
            },
        },
        "group": {"type": "text", "max_length": 128, "default": ""},
        "organization": {"type": "text", "max_length": 256, "default": ""},
        "email": {"type": "text", "max_length": 256, "default": ""},
    },
}
_check = compile_spec(CONTACT)
_QUICK = re.compile(_DIALLED)
# What the long check would find nothing wrong with; nearly every entry of a big book is so.
_HARMLESS = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]{0,128}")


class Number(NamedTuple):
    """A number of a person."""

    number: str
    type: str


class Entry(NamedTuple):
    """A person of a book. ``name`` holds no double blanks; ``numbers`` has at least one."""

    name: str
    numbers: tuple[Number, ...]
    group: str = ""
    organization: str = ""
    email: str = ""


def entry_of(where: str, contact: Mapping[str, Any] | None, problems: list[Problem]) -> Entry | None:
    """Return a person of an inventory, as :data:`CONTACT` checked it; nothing when a problem was or is added."""
    if contact is None or not contact["name"]:
        return None
    numbers = [Number(one["number"], one["type"] or "work") for one in contact["numbers"] or () if one and one["number"]]
    if contact["number"]:
        numbers.insert(0, Number(contact["number"], "work"))
    if not numbers:
        problems.append(Problem(where, "has neither number nor numbers"))
        return None
    return Entry(
        " ".join(contact["name"].split()), tuple(numbers), contact["group"] or "", contact["organization"] or "", contact["email"] or ""
    )


def made(where: str, name: str, numbers: list[Number], more: Mapping[str, str], problems: list[Problem]) -> Entry | None:
    """Return a person as a file has it, nothing when a problem was added.

    :param more: group, organization, email; empty ones may be missing.
    """
    texts = (name, *more.values())
    if name and 0 < len(numbers) <= MOST_NUMBERS and all(map(_HARMLESS.fullmatch, texts)) and all(_QUICK.fullmatch(n[0]) for n in numbers):
        return Entry(" ".join(name.split()), tuple(numbers), more.get("group", ""), more.get("organization", ""), more.get("email", ""))
    given: dict[str, Any] = {key: text for key, text in {"name": name, **more}.items() if text}
    before = len(problems)
    contact = _check(where, {**given, "numbers": [{"number": one.number, "type": one.type} for one in numbers]}, problems)
    return None if len(problems) > before else entry_of(where, contact, problems)
