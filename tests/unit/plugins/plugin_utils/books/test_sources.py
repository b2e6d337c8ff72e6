# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.books import sources
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import Entry, Number
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.sources import READERS

pytest.importorskip("vobject")
pytest.importorskip("ldif")


def read(tmp_path, kind, data):
    file = tmp_path / f"people.{kind}"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    problems = []
    return READERS[kind](file, problems), [str(problem).removeprefix(str(file)) for problem in problems]


VCARD = """BEGIN:VCARD
VERSION:3.0
N:Lovelace;Ada;;;
FN:Ada Lovelace
ORG:Analytical Engines;Research
CATEGORIES:Friends,Math
EMAIL;TYPE=INTERNET:ada@example.com
TEL;TYPE=HOME,VOICE:+44 20 1
TEL;TYPE=CELL:+44 7 2
TEL;TYPE=WORK,FAX:+44 20 3
TEL;TYPE=WORK,PREF:+44\u00a020\u20134
END:VCARD

begin:vcard
version:4.0
FN:Öğüt\\, Çağla
TEL;VALUE=uri;TYPE=work:tel:+90-212-1;ext=5
END:VCARD
BEGIN:VCARD
VERSION:2.1
N:Nobody;Without a number
END:VCARD
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg
TEL;CELL:0171
TEL;HOME:0221
END:VCARD
"""


def test_cards_of_all_versions_are_read(tmp_path):
    entries, problems = read(tmp_path, "vcard", VCARD.replace("\n", "\r\n"))
    assert problems == []
    assert entries == [
        Entry(
            "Ada Lovelace",
            (Number("+44 20-4", "work"), Number("+44 20 1", "home"), Number("+44 7 2", "mobile"), Number("+44 20 3", "fax")),
            "Friends",
            "Analytical Engines",
            "ada@example.com",
        ),
        Entry("Öğüt, Çağla", (Number("+90-212-1", "work"),)),
        Entry("Jörg Müller", (Number("0171", "mobile"), Number("0221", "home"))),
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("hello\n", [", line 1: got 'hello', wanted BEGIN:VCARD"]),
        ("BEGIN:VCARD\nFN:A\nTEL:1\n", [", line 1: begins a vCard that does not end"]),
        (
            "BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nVERSION:3.0\nFN:B\nTEL:2\nEND:VCARD\n",
            [", line 1: begins a vCard that does not end before line 3"],
        ),
        ("BEGIN:VCARD\nVERSION:3.0\nno colon here\nTEL:1\nEND:VCARD\n", [", line 1: is no vCard that can be read"]),
        ("BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:<script>\nEND:VCARD\n", [", line 1.numbers[0].number: got '<script>'"]),
        ("BEGIN:VCARD\nVERSION:3.0\nTEL:1\nEND:VCARD\n", [", line 1.name: is missing"]),
        (b"BEGIN:VCARD\nFN:\xff\xfe\nEND:VCARD\n", [": can't be read (it is not UTF-8)"]),
        (
            "BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:!\nEND:VCARD\n\nBEGIN:VCARD\nVERSION:3.0\nFN:B\nTEL:?\nEND:VCARD\n",
            [", line 1.numbers[0].number: got '!'", ", line 7.numbers[0].number: got '?'"],
        ),
    ],
)
def test_cards_that_are_none_are_told_by_line_all_at_once(tmp_path, data, told):
    _entries, problems = read(tmp_path, "vcard", data)
    assert len(problems) == len(told)
    for problem, start in zip(problems, told, strict=True):
        assert problem.startswith(start)


def test_one_broken_card_costs_itself_only(tmp_path):
    good = "BEGIN:VCARD\nVERSION:3.0\nFN:{}\nTEL:1\nEND:VCARD\n"
    entries, problems = read(tmp_path, "vcard", good.format("A") + "BEGIN:VCARD\n;;;\nEND:VCARD\n" + good.format("B"))
    assert [entry.name for entry in entries] == ["A", "B"]
    assert len(problems) == 1


def test_a_card_is_data(tmp_path):
    entries, problems = read(
        tmp_path, "vcard", "BEGIN:VCARD\nVERSION:3.0\nFN:{{ 7*7 }} $(id) =cmd()\nTEL:1\nPHOTO;VALUE=uri:file:///etc/passwd\nEND:VCARD\n"
    )
    assert (entries, problems) == ([Entry("{{ 7*7 }} $(id) =cmd()", (Number("1", "work"),))], [])


LDIF = f"""version: 1
# people of the directory

dn: cn=Ada Lovelace,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
cn: Ada Lovelace
displayName:: {base64.b64encode("Ada Lovelace, Gräfin".encode()).decode()}
telephoneNumber: +44 20 1
mobile: +44 7
 2
homePhone: 3
facsimileTelephoneNumber: 4
ou: Research
o: Analytical Engines
mail: ada@example.com
jpegPhoto:< file:///etc/passwd

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=bob,dc=example,dc=com
givenName: Bob
sn: O'Hara
TelephoneNumber;lang-en: 105
"""


def test_an_export_is_read_and_follows_no_address(tmp_path):
    entries, problems = read(tmp_path, "ldif", LDIF)
    assert problems == []
    assert entries == [
        Entry(
            "Ada Lovelace, Gräfin",
            (Number("+44 20 1", "work"), Number("+44 72", "mobile"), Number("3", "home"), Number("4", "fax")),
            "Research",
            "Analytical Engines",
            "ada@example.com",
        ),
        Entry("Bob O'Hara", (Number("105", "work"),)),
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("cn: A\ntelephoneNumber: 1\n", ", line 1: is no entry of an LDAP export (it does not begin with dn:)"),
        ("\n\ndn: cn=A\ncn A\n", ", line 3: is no entry of an LDAP export ('cn A' has no colon)"),
        ("dn: cn=A\nchangetype: delete\n", ", line 1: is no entry of an LDAP export (it tells a change, not an entry)"),
        ("dn: cn=A\ncn: A\ntelephoneNumber: <1>\n", ", line 1.numbers[0].number: got '<1>'"),
        ("dn: cn=A\ntelephoneNumber: 1\n", ", line 1.name: is missing"),
        ("dn: cn=A\ncn:: /w==\ntelephoneNumber: 1\n", ", line 1: is no entry of an LDAP export (cn is not encoded in UTF-8)"),
        ("dn: cn=A\ncn:: ====x\ntelephoneNumber: 1\n", ", line 1"),
        (b"dn: cn=A\n\xff\xff: A\ntelephoneNumber: 1\n", ", line 1: is no entry of an LDAP export ("),
    ],
)
def test_an_export_that_is_none_is_told_by_line(tmp_path, data, told):
    _entries, problems = read(tmp_path, "ldif", data)
    assert len(problems) == 1
    assert problems[0].startswith(told)


def test_a_name_that_takes_a_pattern_forever_is_not_looked_at(tmp_path):
    name = "cn=a" + "+b=c" * 2000 + ",\\"
    entries, problems = read(tmp_path, "ldif", f"dn: {name}\ncn: A\ntelephoneNumber: 1\n")
    assert ([entry.name for entry in entries], problems) == (["A"], [])


@pytest.mark.parametrize(("kind", "library"), [("vcard", "vobject"), ("ldif", "ldif")])
def test_a_missing_library_is_told_in_one_sentence(tmp_path, monkeypatch, kind, library):
    monkeypatch.setattr(sources, library, None)
    entries, problems = read(tmp_path, kind, VCARD)
    assert entries == []
    assert len(problems) == 1
    assert f"pip install {library}" in problems[0]


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_file_that_is_missing_or_too_large_is_told(tmp_path, monkeypatch, kind):
    problems = []
    assert READERS[kind](tmp_path / "nowhere", problems) == []
    monkeypatch.setattr(sources, "LARGEST", 10)
    assert read(tmp_path, kind, "x" * 11)[0] == []
    assert [str(problem).split(": ", 1)[1] for problem in problems] == ["can't be read (No such file or directory)"]


def test_what_is_no_persons_word_is_passed_over_before_it_is_parsed(tmp_path, monkeypatch):
    def lines_seen(module, name):
        seen = []
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda text, *args, **more: (seen.append(text), real(text, *args, **more))[1])
        return seen

    photo = "\n ".join(["QUJD" * 18] * 500)
    cards = lines_seen(sources.vobject, "readOne")
    card = f"BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nitem1.photo;ENCODING=b:{photo}\nTEL:5\n 6\nEND:VCARD\n"
    assert read(tmp_path, "vcard", card) == ([Entry("Ann", (Number("56", "work"),))], [])
    exports = lines_seen(sources.ldif, "LDIFParser")
    export = f"dn: cn=x\ncn: Ann\njpegPhoto:: {photo}\ntelephoneNumber: 5\n 6\n"
    assert read(tmp_path, "ldif", export) == ([Entry("Ann", (Number("56", "work"),))], [])
    assert "QUJD" not in cards[0]
    assert b"QUJD" not in exports[0].getvalue()
