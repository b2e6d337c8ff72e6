# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold the phonebooks that a phone asks for against what is defined, whom they are for, and what its vendor's phones can fetch."""

from __future__ import annotations

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, did_you_mean, shown


def check_books(phone: Phone, pack: Pack, books: Phonebooks) -> tuple[list[Problem], list[str]]:
    """Return what is wrong with a phone's list of phonebooks, and what its operator should know."""
    host, asked = phone["host"], phone["phonebooks"] or []
    problems: list[Problem] = []
    for name in asked:
        if name not in books:
            near = did_you_mean(name, books.names()) or f"; known: {', '.join(books.names()) or 'none'}"
            problems.append(Problem(f"{host}: phone_phonebooks", f"{name!r} is no phonebook of phone_configs_phonebooks{near}"))
        elif refused := books.refuses(name, phone):
            problems.append(Problem(f"{host}: phone_phonebooks", refused))
        else:
            problems += _title_problems(host, pack, name, books.title(name))
    rule = pack.data.get("phonebook")
    if not asked or not rule:
        return problems, []
    schemes = rule.get("auth", (pack.data.get("http_auth") or {}).get("schemes", ["basic"]))
    if phone["http_auth"] in ("none", *schemes):
        return problems, []
    what = f"is {phone['http_auth']}, which phones of {pack.vendor} do not answer when they fetch a phonebook"
    return problems, [f"phone_http_auth: {what}; with none, the phone's URL and phone_networks guard it"]


def _title_problems(host: str, pack: Pack, book: str, title: str) -> list[Problem]:
    """A book's title stands in the phone's own file."""
    if not pack.data.get("phonebook"):
        return []
    return [
        Problem(f"{host}: title of phonebook {book}", f"{shown(title)} {why}")
        for pattern, only, why in pack.refusal_rules
        if pattern.search(title) and (only is None or only.fullmatch("phone_phonebooks.title"))
    ]
