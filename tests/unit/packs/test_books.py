# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phonebooks of every pack that has them: golden files, limits, hostile names."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import HERE, PACKS, renderer
from .test_hostile import HOSTILE

VENDORS = [vendor for vendor in PACKS.names() if PACKS.get(vendor).data.get("phonebook")]
MAIN = {"yealink", "polycom", "cisco", "fanvil", "grandstream", "htek", "snom", "zoiper"}
PEOPLE = [
    {"name": "Zoë <Äpfel>", "numbers": ["+49 221 1", {"number": "0171 2", "type": "mobile"}], "group": "Büro & Co"},
    {"name": 'Ärzte "Mitte"', "number": "112"},
    {"name": "bob o'hara", "number": "105", "organization": "A & B", "email": "bob@example.com"},
    {
        "name": "Ada Lovelace",
        "numbers": [{"number": str(number), "type": kind} for number, kind in enumerate(("work", "mobile", "home", "fax", "other"), 201)],
        "group": "Büro & Co",
    },
    *({"name": f"Person {number:02}", "number": str(300 + number), "group": "People"} for number in range(32)),
]


def rendered(vendor, people, title="Firma & Co", **more):
    """Return the files of a book by name, and what phones had no room for."""
    pack = PACKS.get(vendor)
    book = {"title": title, "contacts": people, **more}
    listing = {"name": "company", "title": title, "file": "book.xml", "entries": pack.data["phonebook"].get("entries")}
    files = renderer(vendor).render_book(Phonebooks({"company": book}, HERE), listing)
    return {file.name: file.content.decode() for file in files}, renderer(vendor).book_notes["company"]


def test_the_main_vendors_have_phonebooks():
    assert set(VENDORS) >= MAIN


@pytest.mark.parametrize("vendor", VENDORS)
def test_golden_books(vendor):
    """Formats are as reviewed; UPDATE_GOLDEN=1 writes them anew, for review in the diff."""
    files, notes = rendered(vendor, PEOPLE, language="de")
    text = "".join(f"===== {name}\n{content}\n" for name, content in {**files, "notes": "".join(f"{note}\n" for note in notes)}.items())
    text = text.replace("\r\n", "\\r\n")
    golden = HERE / "golden_books" / f"{vendor}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(text.encode())
    assert golden.read_bytes().decode() == text


@pytest.mark.parametrize("vendor", VENDORS)
def test_more_people_than_fit_are_told_and_never_written(vendor):
    rule = PACKS.get(vendor).data["phonebook"]
    room = rule["entries"] * rule.get("pages", 1)
    people = [{"name": f"P{number:06}", "number": str(number)} for number in range(room + 3)]
    files, notes = rendered(vendor, people)
    text = "".join(content for name, content in files.items() if rule.get("pages", 1) == 1 or name != "book.xml")
    assert len(set(re.findall("P[0-9]{6}", text))) == room
    on_pages = f" on {rule['pages']} pages" if rule.get("pages") else ""
    assert notes == [f"take {room} entries{on_pages}, 3 of {room + 3} left out"]
    assert len(files) == (rule["pages"] + 1 if rule.get("pages") else 1)


@pytest.mark.parametrize("vendor", ["cisco", "cisco_enterprise"])
def test_pages_hold_32_entries_and_lead_to_each_other(vendor):
    people = [{"name": f"P{number:06}", "number": str(number)} for number in range(100)]
    files, _notes = rendered(vendor, people)
    assert list(files) == ["book.xml", "p1-book.xml", "p2-book.xml", "p3-book.xml", "p4-book.xml"]
    menu = ElementTree.fromstring(files["book.xml"])
    assert menu.tag == "CiscoIPPhoneMenu"
    assert [item.findtext("URL").rsplit("/", 1)[1] for item in menu.iter("MenuItem")] == list(files)[1:]
    assert all(len(item.findtext("Name")) <= 64 for item in menu.iter("MenuItem"))
    counts = []
    for name in list(files)[1:]:
        page = ElementTree.fromstring(files[name])
        counts.append(len(list(page.iter("DirectoryEntry"))))
        keys = {item.findtext("Name"): item.findtext("URL").rsplit("/", 1)[-1] for item in page.iter("SoftKeyItem")}
        number = int(name[1])
        assert keys.get("Next") == (f"p{number + 1}-book.xml" if number < 4 else None)
        assert keys.get("Previous") == (f"p{number - 1}-book.xml" if number > 1 else None)
    assert counts == [32, 32, 32, 4]


@pytest.mark.parametrize("vendor", VENDORS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=HOSTILE, place=st.sampled_from(["name", "group", "organization", "email", "title"]))
def test_a_hostile_text_is_refused_or_arrives_as_text(vendor, value, place):
    """Whatever stands in a book changes that text and nothing else: the file keeps its elements, of lines vCard's keep their names."""
    person = {"name": "harmless", "group": "harmless", "organization": "harmless", "email": "harmless", "number": "1"}
    try:
        files, _notes = rendered(
            vendor, [{**person, **({place: value + "x"} if place != "title" else {})}], value if place == "title" else "t"
        )
    except ProblemsError as exc:
        assert place in str(exc)
        return
    expected, _notes = rendered(vendor, [person], "t")
    for name, text in files.items():
        assert shape(text) == shape(expected[name])


def shape(text):
    if text.startswith("<"):
        # Digium's files hold texts in attributes.
        return [(element.tag, sorted(element.attrib)) for element in ElementTree.fromstring(text.encode()).iter()]
    return [line.split(":", 1)[0] for line in text.split("\r\n")]
