# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec


def kind_of(value):
    return type(value).__name__  # an integer of thousands of digits can't be written into a test's name


def check(spec, value):
    problems: list[Problem] = []
    return compile_spec(spec)("place", value, problems), [str(problem) for problem in problems]


@pytest.mark.parametrize("kind", ["host", "hostport"])
@pytest.mark.parametrize(
    "text", ["fe80::1%eth0", "fe80::1%a\nevil = 1", 'fe80::1%"><x', "[fe80::1%1]:5060", "1.2.3", "a b", "", "-a", "a..b"]
)
def test_what_is_no_host_is_refused(kind, text):
    value, problems = check({"type": kind}, text)
    assert value is None
    assert len(problems) == 1
    assert "\n" not in problems[0]


@pytest.mark.parametrize("text", ["fe80::%eth0/64", "fe80::%a;deny all/64", "fe80::1%a\nb", "10.0.0.1/8", "any", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text):
    assert check({"type": "cidr"}, text)[0] is None


@pytest.mark.parametrize(
    "text", ["https://a/\ud800", "https://a/\x9f", "https://a/\uffff", "https://a/\u2028", "https://a/b c", "javascript:x", "//a"]
)
def test_what_is_no_url_is_refused_without_being_shown(text):
    assert check({"type": "url"}, text) == (None, ["place: is not a URL (http, https, ftp or tftp, without blanks)"])


@pytest.mark.parametrize("value", [True, False, 1.1, 1e5, 10**5000, datetime.date(2026, 1, 2), ["x"], {"x": "hidden"}], ids=kind_of)
def test_a_secret_that_yaml_changed_is_refused_without_being_shown(value):
    text, problems = check({"type": "secret"}, value)
    assert text is None
    assert problems == [f"place: is a {type(value).__name__}, wanted a string (quote it in YAML)"]


def test_a_secret_of_digits_may_stand_without_quotes():
    assert check({"type": "secret"}, 12345678) == ("12345678", [])


LINES = {"type": "list", "elements": {"type": "dict", "options": {"password": {"type": "secret"}, "name": {"type": "str"}}}}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("[{'password': 'hidden'}]", "place: got a text, wanted a list"),
        ({"password": "hidden"}, "place: got a dictionary, wanted a list"),
        (["101:hidden"], "place[0]: got a text, wanted a dictionary of password, name"),
        ([["hidden"]], "place[0]: got a list of 1, wanted a dictionary of password, name"),
        ([{"name": {"password": "hidden"}}], "place[0].name: got a dictionary, wanted a string (quote it in YAML)"),
        ([{"pasword": "hidden"}], "place[0].pasword: is unknown, did you mean password?"),
    ],
)
def test_a_wrong_shape_never_shows_the_secrets_inside(value, problem):
    assert check(LINES, value)[1] == [problem]


@pytest.mark.parametrize(
    "spec",
    [
        *({"type": kind} for kind in ("str", "text", "secret", "int", "bool", "mac", "host", "hostport", "url", "cidr", "timezone")),
        {"type": "enum", "choices": ["off", "on"]},
        {"type": "list", "elements": {"type": "str"}},
        {"type": "dict", "options": {"a": {"type": "str"}}},
        {"type": "dict", "free": True},
    ],
    ids=lambda spec: spec["type"],
)
@pytest.mark.parametrize(
    "value",
    [None, 10**5000, -(10**5000), float("nan"), b"x", datetime.date(2026, 1, 2), {"x"}, (1,), "x" * 100_000, "\ud800", 1j],
    ids=kind_of,
)
def test_any_value_gives_a_value_or_one_short_sentence(spec, value):
    _value, problems = check(spec, value)
    for problem in problems:
        assert "\n" not in problem
        assert len(problem) < 300
        problem.encode()


@pytest.mark.parametrize(("value", "word"), [(False, "off"), (True, "on"), ("Off", "off"), (" on ", "on")])
def test_a_word_that_yaml_reads_as_a_boolean_is_meant(value, word):
    assert check({"type": "enum", "choices": ["off", "on"]}, value) == (word, [])


def test_a_boolean_where_no_such_word_is_a_choice_is_refused():
    assert check({"type": "str", "pattern": "[A-Z]{2}"}, False)[1] == ["place: got False, wanted a string (quote it in YAML)"]
