# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Notes, Problem, report


@pytest.mark.parametrize(("limit", "kept"), [(None, ["a", "b", "c"]), (2, ["a", "b"]), (0, [])])
def test_notes_beyond_the_limit_are_counted(limit, kept):
    notes = Notes(limit)
    notes.tell(["a", "b", "a"])
    notes.tell(iter(["c"]))
    assert (list(notes), len(notes)) == (kept, 3)


def test_few_problems_are_told_one_a_line():
    problems = [Problem(f"p{number}: phone_x", "unknown") for number in range(50)]
    assert report(problems).splitlines() == [
        "50 problems found, nothing was written:",
        *(f"  p{number}: phone_x: unknown" for number in range(50)),
    ]


def test_what_is_wrong_with_a_whole_fleet_does_not_hide_what_is_wrong_with_one_phone():
    problems = [Problem(f"p{number}: phone_langauge", "unknown") for number in range(2000)]
    problems += [Problem(f"p{number}: phone_wallpaper", f"'{number}.jpg' is not there") for number in range(2000)]
    problems += [Problem("p7: phone_mac", "is not set"), Problem("inventory", "is incomplete")]
    lines = report(problems).splitlines()
    assert lines[:3] == [
        "4002 problems found, nothing was written:",
        "  p0, p1, p2, p3, p4 and 1995 more: phone_langauge: unknown",
        "  p0: phone_wallpaper: '0.jpg' is not there",
    ]
    assert lines[-3:] == ["  p7: phone_mac: is not set", "  inventory: is incomplete", "  … and 1953 more"]
    assert len(lines) == 52


def test_lines_of_a_sheet_that_are_wrong_alike_take_one_line():
    problems = [Problem(f"people.csv line {number}", "mac: is missing") for number in range(2, 102)]
    assert report(problems, "nothing was loaded").splitlines()[1:] == [
        "  people.csv line 2, people.csv line 3, people.csv line 4, people.csv line 5, people.csv line 6 and 95 more: mac: is missing"
    ]


@pytest.mark.parametrize("char", ["\n", "\0", "\x1b", "\x85", "\u2028", "\u202e", "\u2066", "\u200b", "\ud800", "\ufeff"])
def test_a_problem_and_a_note_are_one_line_that_hides_nothing(char):
    notes = Notes()
    notes.tell([f"a{char}b"])
    for text in (str(Problem(f"p{char}1", f"x{char}")), *notes):
        assert text.isprintable()
        assert f"{ord(char):x}" in text or char in "\n"
