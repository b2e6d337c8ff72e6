# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong values in every variable and option of the phone model, one a phone, all in one fleet: each is refused with one sentence that names phone and
variable and shows no secret, or is taken; nothing else happens."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError, report

from ...one_run import PHONE, produce

HIDDEN = "h1dden"


def nested(depth: int) -> list:
    value: list = []
    for _level in range(depth):
        value = [value]
    return value


WRONG = [
    *(None, True, False, -1, 10**5000, 1.5, float("nan"), datetime.date(2026, 1, 2), b"bytes", object()),
    *(
        "",
        " ",
        "x",
        "on",
        "no",
        "0101",
        "1:30",
        "\u0663",
        "\u0430",
        "\uff11",
        "\0",
        "a\nb",
        "\u202eabc",
        "\ud800",
        "-5",
        "a" * 10000,
        "::1",
        "[::1]:70000",
    ),
    *(
        [],
        [None],
        [[]],
        [{}],
        nested(3000),
        [1, "a"],
        {},
        {"": ""},
        {1: 2},
        {None: None},
        {"a\nb": 1},
        {"x" * 5000: 1},
        {"\ud800": 1},
        {10**5000: 1},
    ),
    *(HIDDEN, [HIDDEN], {"number": HIDDEN}, {"x": HIDDEN}),
]


def places(spec: dict, path: tuple = ()) -> Iterator[tuple]:
    """Yield the way to every value that a specification describes; a step is an option or the first item."""
    yield path
    if spec["type"] == "list":
        yield from places(spec["elements"], (*path, 0))
    for name, option in spec.get("options", {}).items():
        yield from places(option, (*path, name))
    if spec.get("free"):
        yield (*path, "some.parameter")
        yield (*path, "some.list", 0)


def put(value: object, path: tuple) -> object:
    """Return the value of a variable that holds a value at the end of a way, with what its lines and keys need beside it."""
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


def fleet() -> dict[str, dict]:
    hosts = {}
    for name, spec in model_specs().items():
        for path in places(spec):
            for value in WRONG:
                number = len(hosts)
                phone = {
                    **copy.copy(PHONE),
                    "phone_mac": f"001565{number:06x}",
                    "phone_lines": [{**PHONE["phone_lines"][0], "number": str(number)}],
                }
                given = put(value, path)
                if path[:1] == (0,) and len(path) > 1:
                    beside = {"phone_lines": phone["phone_lines"][0], "phone_keys": {"type": "blf", "value": "1"}}.get(name, {})
                    given = [{**beside, **given[0]}]
                phone[name] = given
                hosts[f"p{number}"] = phone
    return hosts


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    hosts = fleet()
    production = produce(tmp_path_factory.mktemp("run"), hosts)
    production._key = lambda *_args: None  # the double's digest is a plain repr
    taken = {row.host for row in production.rows()}
    with pytest.raises(ProblemsError):
        production.finish()
    return hosts, taken, production.problems


def test_every_phone_is_taken_or_refused_by_name(run):
    hosts, taken, problems = run
    refused = {problem.where.partition(": ")[0] for problem in problems}
    # A phone that is in order by itself may register as another one does.
    alone = [problem for problem in problems if "is registered by" not in problem.what]
    assert not taken & {problem.where.partition(": ")[0] for problem in alone}
    assert taken | refused == set(hosts)
    assert len(refused) > 4000


def test_every_sentence_is_one_line_that_names_the_variable(run):
    _hosts, _taken, problems = run
    for problem in problems:
        text = str(problem)
        assert text.isprintable()
        assert len(text) < 1000
        assert problem.where.partition(": ")[2].startswith("phone_"), text


def test_no_sentence_shows_what_stands_where_a_secret_belongs(run):
    _hosts, _taken, problems = run
    assert not [text for text in map(str, problems) if HIDDEN in text and ("password" in text or "phone_parameters" in text)]


def test_the_report_of_a_broken_fleet_stays_short(run):
    _hosts, _taken, problems = run
    text = report(problems)
    assert len(text.splitlines()) == 52
    assert len(text) < 20000
