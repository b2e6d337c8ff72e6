# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phones that are as they were published: their inputs have the digest that the manifest has, so they need not be resolved, checked and fitted anew.

What the rest of a run must know of such a phone is kept in its row as ``about``: who registers where (a user must not be registered twice), whom the
phonebooks list, and what the operator is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.assets import Asset
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderedFile

About = dict[str, Any]
# What a row keeps of a phonebook, in this order: all that rendering it takes.
BOOK_FIELDS = ("name", "title", "file", "entries")
# Index of the line, user, server, port, whether the line is shared.
User = tuple[int, str, str, int | None, bool]


def users_of(phone: Phone) -> Iterator[User]:
    """Yield what the lines of a phone register as."""
    for line in phone["lines"]:
        # What could not be read of a line that is refused tells nothing of whom it clashes with.
        if line["enabled"] and line["shared"] is not None:
            for server in line["servers"][:1]:
                yield line["index"], line["user"] or "", server["host"], server["port"], line["shared"]


def about_of(phone: Phone, listed: list[dict[str, Any]], warnings: list[str]) -> About:
    """Return what is kept of a phone.

    :param phone: as it was before it was fitted to its model.
    :param listed: its phonebooks, as ``context.books_of`` lists them.
    :param warnings: what the operator was told of it.
    """
    about: About = {"users": [list(user) for user in users_of(phone)], "asked": phone["phonebooks"] or [], "warnings": warnings}
    if listed and phone["enabled"]:
        about["books"] = [[listing[name] for name in BOOK_FIELDS] for listing in listed]
    people = [[line["number"], line["name"]] for line in phone["lines"] if line["directory"] and line["number"]]
    if people and phone["enabled"]:
        about["people"] = people
        about.update({name: phone[name] for name in ("groups", "tenant", "email") if phone[name]})
    return about


class UnchangedRow:
    """What :class:`production.PhoneRow` is for a phone that has to be built, from a row of the manifest. ``gate`` is the record's digest."""

    __slots__ = ("_production", "about", "files", "gate", "host", "key", "mac", "site", "vendor")

    def __init__(self, production: Any, row: dict[str, Any]) -> None:
        self._production = production
        self.host: str = row["host"]
        self.mac: str = row["mac"]
        self.vendor: str = row["vendor"]
        self.site: str = row["site"]
        self.key: str | None = row["key"]
        self.gate: str = row["gate"]
        self.about: About = row["about"]
        self.files: dict[str, list[Any]] = row["files"]

    @property
    def users(self) -> list[list[Any]]:
        """As :func:`users_of` gives them."""
        return self.about["users"]

    @property
    def listing(self) -> Phone:
        """As much of the phone as phonebooks read."""
        about = self.about
        return {
            "enabled": "people" in about,
            "site": self.site,
            "groups": about.get("groups") or [],
            "tenant": about.get("tenant", ""),
            "email": about.get("email"),
            "lines": [{"directory": True, "number": number, "name": name} for number, name in about.get("people", ())],
        }

    @property
    def listed(self) -> list[dict[str, Any]]:
        """Its phonebooks, as much of what ``context.books_of`` lists as rendering them takes."""
        return [dict(zip(BOOK_FIELDS, book, strict=True)) for book in self.about.get("books", ())]

    def render(self) -> list[RenderedFile]:
        """Return the phone's own files."""
        return self._production.row(self.host).render()

    def assets(self) -> list[Asset]:
        """Return the local files that are published beside them."""
        return self._production.row(self.host).assets()

    secrets: tuple[str, ...] = ()
    secret_parameters: tuple[str, ...] = ()
