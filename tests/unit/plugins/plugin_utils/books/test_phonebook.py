# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.sources import read_csv
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError


def contact(name, number="1"):
    return {"name": name, "number": number}


def names(books, book):
    return [entry.name for entry in books.entries(book)]


def test_books_that_merge_each_other_in_circles_hold_everything_once(tmp_path):
    books = Phonebooks(
        {
            "a": {"contacts": [contact("A")], "merge": ["b", "a"]},
            "b": {"contacts": [contact("B")], "merge": ["c"]},
            "c": {"contacts": [contact("C")], "merge": ["a", "b"]},
        },
        tmp_path,
    )
    assert [names(books, book) for book in "abc"] == [["A", "B", "C"]] * 3


def test_books_that_merge_the_same_books_on_many_ways_take_no_longer(tmp_path):
    """Forty levels of two books each, merged crosswise: as many ways as there are bits in a trillion."""
    levels = {
        f"{side}{level}": {"contacts": [contact(f"{side}{level:02}")], "merge": [f"a{level + 1}", f"b{level + 1}"] if level < 39 else []}
        for level in range(40)
        for side in "ab"
    }
    assert len(names(Phonebooks(levels, tmp_path), "a0")) == 79


def test_people_are_merged_by_name_and_sorted_without_accents(tmp_path):
    books = Phonebooks(
        {"a": {"contacts": [contact("Zoë"), contact("ärzte", "2"), contact("Bob"), contact("zoë ", "3"), contact("Zoë", "1")]}}, tmp_path
    )
    assert [(entry.name, [number.number for number in entry.numbers]) for entry in books.entries("a")] == [
        ("ärzte", ["2"]),
        ("Bob", ["1"]),
        ("Zoë", ["1", "3"]),
    ]


def read(path, data):
    file = path / "people.csv"
    file.write_bytes(data)
    problems = []
    contacts = read_csv(file, problems)
    return [(one.name, one.numbers[0].number) for one in contacts], [str(problem).removeprefix(f"{file}") for problem in problems]


@pytest.mark.parametrize(
    "data",
    [
        b"name,number\nAnn,1\n",
        b"\xef\xbb\xbfName;Number\r\nAnn;1\r\n",
        b"name\tnumber\rAnn\t1\r",
        b'"name"|"number"\n\n"Ann"|"1"\n|\n',
        b"name,number,\nAnn,1,,,\n",
    ],
)
def test_a_table_of_contacts_is_read_as_programs_write_it(tmp_path, data):
    assert read(tmp_path, data) == ([("Ann", "1")], [])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", ": has no column name"),
        (b"\xff\xfen\0a\0", ": can't be read (it is not UTF-8)"),
        (b"nome,number\nAnn,1\n", ": has no column name"),
        (b"name,number\nSmith, Ann,1\n", ", line 2: has more cells than the header; is a delimiter in a cell without quotes?"),
        (b'name,number\n"Ann,1\n', ", line 2: is no row of a table (unexpected end of data)"),
        (b"name,number\n" + b"x" * 200_000 + b",1\n", ", line 2: is no row of a table (field larger than field limit (131072))"),
        (b"name,number\nAnn\n", ", line 2: has neither number nor numbers"),
        (b"name,number\n,1\n", ", line 2.name: is missing"),
        (b'name,number\n"A\nB",1\n', ", line 3.name: holds a control character: got 'A\\nB'; wanted text on one line"),
        (b"name,number\nA\0B,1\n", ", line 2"),
        ("name,number\nA\u2028B,1\n".encode(), ", line 2.name: holds a control character: got 'A\\u2028B'; wanted text on one line"),
        (b"name,number\nAnn,<1>\n", ", line 2.numbers[0].number: got '<1>'"),
    ],
)
def test_a_table_of_contacts_that_is_none_is_told_by_line(tmp_path, data, problem):
    _contacts, problems = read(tmp_path, data)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_formula_is_text(tmp_path):
    assert read(tmp_path, b'name,number\n"=HYPERLINK(""http://x"")",1\n{{ 7*7 }},2\n')[0] == [
        ('=HYPERLINK("http://x")', "1"),
        ("{{ 7*7 }}", "2"),
    ]


def test_a_books_digest_follows_its_files_and_those_of_books_merged_into_it(tmp_path):
    def digest(**more):
        return Phonebooks({"a": {"csv": "a.csv", "merge": ["b"], **more}, "b": {"csv": ["b.csv"]}}, tmp_path).digest("a")

    (tmp_path / "a.csv").write_text("name,number\nA,1\n")
    (tmp_path / "b.csv").write_text("name,number\nB,1\n")
    first = digest()
    assert digest() == first
    assert len({first, digest(title="x"), digest(language="sv")}) == 3
    (tmp_path / "b.csv").write_text("name,number\nB,2\n")
    assert digest() != first


def test_files_of_a_book_are_read_when_it_is_asked_for_and_all_faults_told_then(tmp_path):
    (tmp_path / "a.csv").write_text("name,number\nA,<\n,1\n")
    books = Phonebooks({"a": {"csv": "a.csv", "ldif": "none.ldif"}, "b": {"csv": "also-none.csv"}}, tmp_path)
    with pytest.raises(ProblemsError) as caught:
        books.entries("a")
    assert len(caught.value.problems) == 3
    assert "also-none" not in str(caught.value)
