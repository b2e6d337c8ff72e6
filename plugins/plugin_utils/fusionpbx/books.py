# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phonebooks of FusionPBX's tenants: their extensions and contacts, as a book of ``phone_configs_phonebooks`` each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row, Tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.words import is_true
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem

_NUMBER = re.compile(r"[0-9A-Za-z*#+._@ /()-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_KINDS = {"mobile": "mobile", "cell": "mobile", "home": "home", "fax": "fax", "work": "work", "office": "work"}
_MOST = 10


# Of which rows of one tenant are wanted at a time.
TABLES = (
    "v_extensions",
    "v_contacts",
    "v_contact_phones",
    "v_contact_emails",
    "v_contact_users",
    "v_contact_groups",
    "v_user_groups",
    "phonebooks",
    "phonebook_contacts",
)


def extensions_of(data: Tables) -> list[dict[str, Any]]:
    """Return the extensions of a tenant that are on and visible in the directory."""
    entries = []
    for row in data.get("v_extensions", ()):
        number = (row.get("extension") or "").strip()
        if not is_true(row.get("enabled")) or not is_true(row.get("directory_visible"), empty=True):
            continue
        if _NUMBER.fullmatch(number):
            name = _name(row.get("directory_first_name"), row.get("directory_last_name")) or _name(row.get("effective_caller_id_name"))
            entry: dict[str, Any] = {"name": name or number, "numbers": [{"number": number, "type": "work"}]}
            if group := _name(row.get("call_group"))[:128]:
                entry["group"] = group
            entries.append(entry)
    return entries


def contacts_of(data: Tables, domain_name: str, left: list[Problem]) -> dict[str, dict[str, Any]]:
    """Return the contacts of a tenant that have a number to call, by their UUID."""
    phones: dict[str | None, list[dict[str, str]]] = {}
    refused = speed_dials = behind = 0
    for row in data.get("v_contact_phones", ()):
        fax = is_true(row.get("phone_type_fax")) and not is_true(row.get("phone_type_voice"))
        if not (fax or is_true(row.get("phone_type_voice"), empty=True)):
            continue
        number = (row.get("phone_number") or row.get("phone_extension") or "").strip()
        if not _NUMBER.fullmatch(number):
            refused += bool(number)
            continue
        speed_dials += bool((row.get("phone_speed_dial") or "").strip())
        behind += bool((row.get("phone_number") or "").strip() and (row.get("phone_extension") or "").strip())
        kind = "fax" if fax else _KINDS.get((row.get("phone_label") or "").strip().lower(), "work")
        phones.setdefault(row.get("contact_uuid"), []).append({"number": number, "type": kind})
    mails: dict[str | None, str] = {}
    for row in data.get("v_contact_emails", ()):
        if row.get("email_address") and (row.get("contact_uuid") not in mails or is_true(row.get("email_primary"))):
            mails[row.get("contact_uuid")] = str(row["email_address"])
    entries: dict[str, dict[str, Any]] = {}
    for row in data.get("v_contacts", ()):
        numbers = phones.get(row.get("contact_uuid"))
        if not numbers:
            continue
        organization = _name(row.get("contact_organization"))
        name = _name(row.get("contact_name_given"), row.get("contact_name_family")) or _name(row.get("contact_nickname")) or organization
        if not name:
            refused += 1
            continue
        if len(numbers) > _MOST:
            left.append(Problem(f"{domain_name} contact {name}", f"has {len(numbers)} numbers, of which {_MOST} are taken"))
        entry: dict[str, Any] = {"name": name, "numbers": numbers[:_MOST]}
        more = {
            "organization": organization,
            "group": _name(row.get("contact_category"))[:128],
            "email": _name(mails.get(row.get("contact_uuid"))),
        }
        entries[str(row.get("contact_uuid"))] = {**entry, **{key: text for key, text in more.items() if text}}
    for count, what in (
        (refused, "without a name, or with a number that can't be dialled"),
        (speed_dials, "with a speed dial, which has no counterpart; a key of type speed_dial is one"),
        (behind, "with an extension behind their number, which was left out"),
    ):
        if count:
            left.append(Problem(f"{domain_name} contacts", f"{count} {what}"))
    return entries


def entries_of(rows: Iterable[Row], where: str, left: list[Problem]) -> list[dict[str, Any]]:
    """Return the entries of one of FS PBX's phonebooks."""
    entries = []
    refused = 0
    for row in rows:
        number = (row.get("phone_number") or "").strip()
        if _NUMBER.fullmatch(number):
            name = _name(row.get("first_name"), row.get("last_name")) or number
            entries.append({"name": name, "numbers": [{"number": number, "type": "work"}]})
        else:
            refused += 1
    if refused:
        left.append(Problem(where, f"{refused} with a number that can't be dialled"))
    return entries


def _name(*parts: str | None) -> str:
    text = " ".join(part.strip() for part in parts if part and part.strip())
    return " ".join(_CONTROL.sub(" ", text).split())[:256]
