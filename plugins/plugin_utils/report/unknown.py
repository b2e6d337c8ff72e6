# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phones that asked and that nobody knows: what they seem to be, and the sheet in which they can be adopted."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.oui import vendor_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.text import iso, printable

# The first ones are what users_csv reads; what it does not know begins with an underscore, as a user's helper variables do.
COLUMNS = (
    "number", "name", "password", "mac", "vendor", "model", "site",
    "_phone_first_seen", "_phone_last_seen", "_phone_requests", "_phone_address", "_phone_user_agent",
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9+_-]+")
_MAKERS = re.compile(r"(?i)^(?:snom|polycom|sangoma|mitel|aastra)")


def unknown_phones(strangers: Iterable[Mapping[str, Any]], group: Mapping[str, str], packs: Packs) -> list[dict[str, Any]]:
    """Return who asked and is no phone of the inventory, seen last first.

    :param group: the hosts of the inventory by MAC.
    """
    found = []
    for row in strangers:
        if row["mac"] in group:
            continue
        vendor = vendor_of(row["mac"], packs.folders) or ""
        found.append(
            {
                "mac": format_mac(row["mac"], "lower", "colon"),
                "vendor": vendor,
                "model": model_of(row["ua"], vendor, packs),
                "first_at": iso(row["first_at"]),
                "last_at": iso(row["last_at"]),
                "requests": row["requests"],
                "address": printable(row["ip"]),
                "user_agent": printable(row["ua"]),
                "named_in": row["source"],
            }
        )
    return found


def model_of(agent: str, vendor: str, packs: Packs) -> str:
    """Return the model that a User-Agent names, as its vendor's pack knows it; empty when it names none."""
    try:
        pack = packs.get(vendor) if vendor else None
    except PackError:
        pack = None
    if pack is None:
        return ""
    for word in _WORD.findall(agent):
        for part in (re.sub(r"(?i)^sip-", "", word), *word.split("-")):
            text = re.sub(_MAKERS, "", part)
            if len(text) > 1 and re.search("[0-9]", text) and pack.model(text):
                return text.upper().replace("_", " ")
    return ""


def sheet(phones: Iterable[Mapping[str, Any]]) -> str:
    """Return the sheet: one row a phone, number, name and password to be filled in."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for phone in phones:
        known = (phone["mac"], phone["vendor"], phone["model"], "")
        seen = (phone["first_at"], phone["last_at"], phone["requests"], phone["address"], phone["user_agent"])
        writer.writerow([_cell(value) for value in ("", "", "", *known, *seen)])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: these texts were chosen by strangers."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
