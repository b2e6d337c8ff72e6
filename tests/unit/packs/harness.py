# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render one phone with one pack, as a run does, for the tests of packs."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import admin_password_of, books_of, context_of, parse_base, server_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.fit import fit, refusals
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import PackRenderer

HERE = Path(__file__).parent
DERIVER = Deriver("5f0c8d1e2a7b4c3d9e6f8a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506")
BASE = parse_base("https://prov.example.com:8443")
BOOKS = {
    "company": {
        "title": "Firma & Co",
        "contacts": [
            {
                "name": "Zoë <Äpfel>",
                "numbers": [{"number": "+49 221 1", "type": "work"}, {"number": "0171 2", "type": "mobile"}],
                "group": "Büro",
            },
            {"name": 'Ärzte "Mitte"', "number": "112"},
            {"name": "bob o'hara", "number": "105", "organization": "A & B", "email": "bob@example.com"},
        ],
    },
    "second": {"contacts": [{"name": "Otto", "number": "200"}]},
}
PACKS = Packs()


class Refused(Exception):
    """The phone was refused, with all problems."""


@functools.lru_cache(maxsize=1)
def builder() -> PhoneBuilder:
    return PhoneBuilder()


@functools.lru_cache(maxsize=64)
def renderer(vendor: str) -> PackRenderer:
    return PackRenderer(PACKS.get(vendor))


def phone_file(name: str) -> dict:
    return yaml.safe_load((HERE / "phones" / f"{name}.yml").read_text(encoding="utf-8"))


def first_models() -> list[tuple[str, str]]:
    """Return every model of every pack by the name people know it by."""
    return [(vendor, entry.get("name", entry["match"])) for vendor in PACKS.names() for entry in PACKS.get(vendor).data["models"]]


def render(vendor: str, model: str, variables: dict) -> tuple[dict[str, str], list[str]]:
    """Return the files of a phone (text by name) and what was left out.

    :raises Refused: the variables, or the pack, refuse it.
    """
    pack = PACKS.get(vendor)
    phone, problems = builder().build("reception", {**variables, "phone_vendor": vendor, "phone_model": model})
    if problems:
        raise Refused("\n".join(map(str, problems)))
    found = pack.model(model)
    assert found, f"{vendor} does not know its own model {model}"
    phone, notes = fit(phone, pack, found)
    problems = refusals(phone, pack)
    if problems:
        raise Refused("\n".join(map(str, problems)))
    phone["admin_password"] = admin_password_of(phone, pack, DERIVER)
    books = Phonebooks(BOOKS, HERE)
    server = server_of(phone, BASE, DERIVER, pack)
    listed = books_of(phone, pack, found, server, books)
    files = renderer(vendor).render(phone, found, context_of(phone, pack, found, server, listed))
    files += [file for listing in listed for file in renderer(vendor).render_book(books, listing)]
    return {file.name: file.content.decode() for file in files}, notes


def render_fitting(vendor: str, model: str, variables: dict) -> tuple[dict[str, str], list[str]]:
    """Return the files of a phone without what the pack's syntax can't carry; what that was is told with the notes."""
    try:
        return render(vendor, model, variables)
    except Refused as refusal:
        files, notes = render(vendor, model, _without_refused(variables, PACKS.get(vendor), ""))
        return files, [*str(refusal).split("\n"), *notes]


def _without_refused(value: Any, pack: Pack, where: str) -> Any:
    """Take what the pack's ``refused`` rules find out of all texts."""
    if isinstance(value, dict):
        return {name: _without_refused(item, pack, f"{where}.{name}" if where else name) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_refused(item, pack, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str):
        for pattern, only, _why in pack.refusal_rules:
            if only is None or only.fullmatch(where):
                value = pattern.sub("", value)
    return value
