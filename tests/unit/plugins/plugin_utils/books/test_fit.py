# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.collation import sort_key
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import Entry, Number
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.fit import book_refusals, fit_book


def person(name, *numbers):
    return Entry(name, tuple(Number(*number) if isinstance(number, tuple) else Number(number, "work") for number in numbers))


ADA, BOB = person("Ada", "1", ("2", "mobile"), "3"), person("Bob", "2")


@pytest.mark.parametrize(
    ("rule", "most", "pages", "notes"),
    [
        ({}, None, [["Ada", "Bob"]], []),
        ({}, 1, [["Ada"]], ["take 1 entries, 1 of 2 left out"]),
        ({"numbers": 2}, None, [["Ada", "Bob"]], ["take 2 numbers of a person, 1 left out"]),
        ({"flat": True}, None, [["Ada", "Ada", "Ada", "Bob"]], []),
        ({"flat": "named"}, 2, [["Ada", "Ada (mobile)"]], ["take 2 entries, 2 of 4 left out"]),
        ({"flat": "named", "pages": 2}, 2, [["Ada", "Ada (mobile)"], ["Ada", "Bob"]], []),
        ({"flat": "named", "pages": 3}, 1, [["Ada"], ["Ada (mobile)"], ["Ada"]], ["take 3 entries on 3 pages, 1 of 4 left out"]),
        (
            {"flat": True, "unique": True},
            None,
            [["Ada", "Ada", "Ada"]],
            ["take a number once, 1 that stand for somebody else too left out"],
        ),
    ],
)
def test_a_book_is_cut_to_what_phones_take_and_that_is_told(rule, most, pages, notes):
    fitted = fit_book([ADA, BOB], rule, most)
    assert [[entry.name for entry in page] for page in fitted.pages] == pages
    assert fitted.notes == notes


def test_an_empty_book_is_a_page_without_entries():
    assert fit_book([], {"pages": 5}, 32).pages == [[]]


def test_what_a_format_cannot_carry_is_refused_by_name_all_at_once():
    rule = {
        "refused": [{"pattern": "[|]", "why": "holds a bar"}, {"pattern": "^x", "only": "name|title", "why": "begins with x"}],
    }
    entries = [Entry("a|b", (Number("1", "work"),)), Entry("xyz", (Number("1", "work"),), group="x")]
    assert [str(problem) for problem in book_refusals("book", "x|", entries, rule)] == [
        "book.title: 'x|' holds a bar",
        "book: 'a|b': name holds a bar",
        "book.title: 'x|' begins with x",
        "book: 'xyz': name begins with x",
    ]


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("", "_x 1a Adam Ärzte Muller Müller O'Neil Öberg Weiß Weisz Zorn иван йод карл"),
        ("de_AT", "Adam Afra Ärzte Muller Müller Öberg Zorn"),
        ("de_phonebook", "Mueller Müller Mufe Muller Mumm"),
        ("sv_SE", "Adam Oskar Zorn Ågren Ärla Öberg"),
        ("da", "Aage Zoo Ærø Øl Åse"),
        ("cs", "Cibulka Cyril Čapek Dana Hora Chalupa Iva"),
        ("es", "Nadal Nunez Ñu Oro"),
        ("pl", "Cud Czyn Ćma Lis Lód Łoś Mak"),
        ("tr", "Hale Ilgaz Isik Işık İnci Jale Osman Oya Ömer"),
        ("hu", "Cukor Csaba Dani Gizi Gyula"),
    ],
)
def test_names_are_sorted_as_the_language_does(language, names):
    wanted = names.split()
    assert sorted(dict.fromkeys(wanted[::-1]), key=sort_key(language)) == list(dict.fromkeys(wanted))
