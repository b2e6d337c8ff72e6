# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder, model_specs

PHONE = {
    "phone_mac": "00:15:65:00:00:01",
    "phone_vendor": "yealink",
    "phone_model": "T54W",
    "phone_sip_server": "pbx.example.com",
    "phone_lines": [{"number": "101", "password": "x"}],
}
BLF = {"type": "blf", "value": "102"}
BUILDER = PhoneBuilder()


def build(**variables):
    phone, problems = BUILDER.build("h", {**PHONE, **variables})
    return phone, [str(problem) for problem in problems]


ODD = [
    None,
    True,
    False,
    -1,
    10**30,
    1.5,
    float("nan"),
    "",
    " ",
    "x",
    "a\nb",
    "\ud800",
    "x" * 5000,
    b"x",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": None},
    {None: 1},
    {"x"},
]
EXAMPLES = {
    "phone_lines": PHONE["phone_lines"][0],
    "phone_keys": BLF,
    "phone_sip_servers": {"host": "a"},
    "phone_paging": {"address": "224.0.0.1:5"},
    "phone_dot1x": {"mode": "off"},
    "phone_firmwares": {"models": ["T54W"]},
    "phone_ldap": {"host": "a", "base": "b"},
}


@pytest.mark.parametrize("name", list(model_specs()))
def test_whatever_a_variable_or_an_option_is_set_to_there_is_a_phone_or_a_sentence(name):
    spec = model_specs()[name]
    options = spec.get("options") or (spec.get("elements") or {}).get("options") or {}
    given = list(ODD)
    for option in options:
        for odd in ODD:
            whole = {**EXAMPLES.get(name, {}), option: odd}
            given.append([EXAMPLES[name], whole] if spec["type"] == "list" else whole)
    for value in given:
        _phone, problems = build(**{name: value})
        for problem in problems:
            assert problem.startswith("h: phone_")
            assert "\n" not in problem
            assert len(problem) < 600


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"phone_keys": [BLF, {**BLF, "line": 2}]}, "h: phone_keys[1].line: got 2, but the phone has 1 line(s)"),
        ({"phone_keys_a": [BLF], "phone_keys": [{**BLF, "line": 2}]}, "h: phone_keys[0].line: got 2, but the phone has 1 line(s)"),
        ({"phone_keys_a": [BLF, {"type": "custom"}], "phone_keys": [BLF]}, "h: phone_keys_a[1].code: is missing, and type custom needs it"),
        (
            {"phone_keys": [{**BLF, "position": 3}, BLF, {**BLF, "position": 3}]},
            "h: phone_keys[2].position: 3 is that of phone_keys[0] too",
        ),
        ({"phone_keys_a": [{**BLF, "position": 3}] * 2}, "h: phone_keys_a[1].position: 3 is that of phone_keys_a[0] too"),
        ({"phone_keys": [{**BLF, "line": "x"}]}, "h: phone_keys[0].line: got 'x', wanted an integer from 1 to 100"),
        ({"phone_kyes": []}, "h: phone_kyes: unknown, did you mean phone_keys or phone_lines?"),
        ({"phone_parameters_": {}}, "h: phone_parameters_: unknown, did you mean phone_parameters?"),
        ({"phone_lines": []}, "h: phone_lines: has 0 items, wanted 1 to 100"),
    ],
)
def test_a_fault_is_told_where_it_was_written(variables, problem):
    assert problem in build(**variables)[1]


def test_a_phones_own_key_wins_the_slot_of_a_layout():
    phone, problems = build(
        phone_keys_a=[{**BLF, "position": 3, "value": "1"}],
        phone_keys_b=[{**BLF, "position": 3, "value": "2"}],
        phone_keys=[{**BLF, "position": 3, "value": "3"}],
    )
    assert problems == []
    assert [key["value"] for key in phone["keys"] if key["position"] == 3] == ["3"]


def test_the_same_slot_number_on_another_module_or_area_is_another_slot():
    assert (
        build(phone_keys=[{**BLF, "position": 3}, {**BLF, "position": 3, "module": 1}, {**BLF, "position": 3, "area": "memory"}])[1] == []
    )


def test_parameters_merge_by_name_and_the_phones_own_come_last():
    phone, problems = build(phone_parameters={"c": 3}, phone_parameters_b={"b": 2, "c": 2}, phone_parameters_a={"a": 1, "b": 1})
    assert problems == []
    assert phone["parameters"] == {"a": 1, "b": 2, "c": 3}


def test_a_password_that_is_none_is_told_once():
    assert build(phone_lines=[{"number": "101", "password": False}])[1] == [
        "h: phone_lines[0].password: is a bool, wanted a string (quote it in YAML)"
    ]
    assert build(phone_lines=[{"number": "101"}])[1] == ["h: phone_lines[0].password: is not set"]
