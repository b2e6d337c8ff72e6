# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which phone of a FusionPBX or FS PBX tenant gets which phonebook.

FusionPBX shows all contacts to everybody, or, with its contact permissions on, to each phone those of its user and of the groups of its user. FS PBX has
phonebooks with names: those of a device, else the tenant's default ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.books import contacts_of, entries_of, extensions_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.lines import clean
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.settings import Settings, switch
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row, Tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.words import is_true, number
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem

# Gives a book that is called so, by what it is of, a name that no other has.
Naming = Callable[[str, str], str]
# As many as a phone may name.
MOST = 8


class Shelf:
    """The books of one tenant. ``books`` are to be defined, ``common`` are those of all its phones."""

    def __init__(self, data: Tables, domain: str, settings: Settings, naming: Naming, left: list[Problem]) -> None:
        """
        :param data: the tenant's rows only, of ``fusionpbx_books.TABLES``.
        """
        self._domain = domain
        self._naming = naming
        self.books: dict[str, dict[str, Any]] = {}
        self.common: list[str] = []
        self._of_user: dict[str, list[str]] = {}
        self._of_group: dict[str, list[str]] = {}
        self._groups: dict[str | None, list[str]] = {}
        self._combined: dict[tuple[str, ...], str] = {}
        self._named: dict[str | None, str] = {}
        extensions = [] if switch(settings, "contact_extensions") is False else extensions_of(data)
        contacts = contacts_of(data, domain, left)
        if data.get("phonebooks"):
            # Extensions are in those that say so, whatever FusionPBX's setting says.
            self._name_books(data, extensions_of(data), left)
            if contacts:
                left.append(Problem(f"{domain} contacts", f"{len(contacts)} of FusionPBX's own are in no phonebook of FS PBX"))
        elif switch(settings, "permissions"):
            self._permit(data, contacts, extensions, settings, left)
        elif extensions or contacts:
            self.common = [self._define(domain, domain, contacts=[*extensions, *contacts.values()])]

    def of(self, user: str | None, assigned: list[str | None]) -> list[str] | None:
        """Return the books of a phone that are not those of all; None where it has no other.

        :param user: UUID of the user of its device.
        :param assigned: UUIDs of FS PBX's phonebooks for this device, in their order.
        """
        named = [self._named[uuid] for uuid in assigned if uuid in self._named]
        if named:
            return named[:MOST]
        names = [
            *self._of_user.get(user or "", ()),
            *(name for group in self._groups.get(user, ()) for name in self._of_group.get(group, ())),
        ]
        if not names:
            return None
        # One book, as in FusionPBX: many phones have room for one only.
        parts = tuple(sorted({*names, *self.common}))
        if len(parts) > 1 and parts not in self._combined:
            self._combined[parts] = self._define("\0".join(parts), f"{self._domain} contacts", merge=list(parts))
        return [self._combined.get(parts, parts[0])]

    def _define(self, key: str, title: str, **book: Any) -> str:
        name = self._naming(key, title)
        self.books[name] = {"title": clean(title, 64) or name, **book}
        return name

    def _permit(
        self,
        data: Tables,
        contacts: Mapping[str, dict[str, Any]],
        extensions: list[dict[str, Any]],
        settings: Settings,
        left: list[Problem],
    ) -> None:
        if extensions:
            self.common = [self._define(self._domain, self._domain, contacts=extensions)]
        for table, owner, shown, kind, books in (
            ("v_contact_users", "user_uuid", "contact_users", "user", self._of_user),
            ("v_contact_groups", "group_uuid", "contact_groups", "group", self._of_group),
        ):
            if not switch(settings, shown):
                continue
            owned: dict[str, list[str]] = {}
            for row in data.get(table, ()):
                if row.get(owner) and str(row.get("contact_uuid")) in contacts:
                    owned.setdefault(str(row[owner]), []).append(str(row["contact_uuid"]))
            for uuid, members in owned.items():
                entries = [contacts[member] for member in dict.fromkeys(members)]
                books[uuid] = [self._define(f"{kind} {uuid}", f"{self._domain} {kind}", contacts=entries)]
        for row in data.get("v_user_groups", ()):
            self._groups.setdefault(row.get("user_uuid"), []).append(str(row.get("group_uuid")))
        seen = {entry["name"] for name in (*self._of_user.values(), *self._of_group.values()) for entry in self.books[name[0]]["contacts"]}
        unseen = sum(1 for entry in contacts.values() if entry["name"] not in seen)
        if unseen:
            left.append(
                Problem(f"{self._domain} contacts", f"{unseen} are for no user and no group, so no phone shows them, there as here")
            )

    def _name_books(self, data: Tables, extensions: list[dict[str, Any]], left: list[Problem]) -> None:
        """Define FS PBX's phonebooks."""
        rows: dict[str | None, list[Row]] = {}
        for row in data.get("phonebook_contacts", ()):
            rows.setdefault(row.get("phonebook_uuid"), []).append(row)
        inside = None
        for row in data["phonebooks"]:
            uuid = row.get("phonebook_uuid")
            title = clean(row.get("name"), 64) or self._domain
            if not is_true(row.get("enabled"), empty=True):
                continue
            book: dict[str, Any] = {"contacts": entries_of(rows.get(uuid, ()), f"{self._domain} phonebook {title}", left)}
            if extensions and is_true(row.get("include_extensions"), empty=True):
                inside = inside or self._define(f"extensions of {self._domain}", self._domain, contacts=extensions)
                book["merge"] = [inside]
            self._named[uuid] = self._define(f"phonebook {uuid}", title, **book)
            if is_true(row.get("is_default")):
                self.common.append(self._named[uuid])
        self.common = self.common[:MOST]


def in_order(rows: list[Row]) -> list[str | None]:
    """Return the UUIDs of a device's phonebooks in the order of their slots."""
    return [row.get("phonebook_uuid") for row in sorted(rows, key=lambda row: number(row.get("slot")) or 0)]
