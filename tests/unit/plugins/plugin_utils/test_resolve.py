# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleValueOmittedError
from ansible.template import Templar, trust_as_template
from ansible_collections.dialtone.phones.plugins.plugin_utils.resolve import OMIT, Resolver
from ansible_collections.dialtone.phones.plugins.plugin_utils.values import plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = ["a", "b", "c", "d"]

words = st.text(st.sampled_from("ab1 .-_äß'\"\\\n\t&<{}%#|$"), max_size=8)
scalars = st.one_of(words, st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from([0.0, -0.0, 1.0, 1.5, 1e20]))
containers = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["x", "y", "items"]), inner, max_size=3)),
    max_leaves=5,
)
filters = st.sampled_from(
    [
        "",
        "",
        " | default('d')",
        " | default(omit)",
        " | string",
        " | int",
        " | upper",
        " | length",
        " | to_json",
        " | list",
        " | first",
        " | type_debug",
        " | ternary('y', 'n')",
        " | map('upper') | list",
        " | regex_replace('a', 'b')",
        " | dict2items",
        " | combine({'z': 1})",
        " | b64encode",
        " | tojson",
    ]
)
operators = st.sampled_from([" ~ ", " + ", " == ", " and ", " or ", " in ", " is defined and ", " if true else "])


def value_of_one(allowed: list[str]) -> st.SearchStrategy:
    """Return values whose expressions refer only to some names, so that no circle arises."""
    names = st.sampled_from([*allowed, "missing"])
    literals = st.sampled_from(["1", "true", "none", "'t'", "'{{'", "[1, 'z']", "{'x': 1}", "omit", "1.0"])
    operands = st.one_of(
        names,
        names,
        literals,
        st.builds("{}.x".format, names),
        st.builds("{}['y']".format, names),
        st.builds("{}[0]".format, names),
        st.builds("{}.items".format, names),
    )
    simple = st.builds("{}{}".format, operands, filters)
    expressions = st.one_of(simple, simple, st.builds("({}){}({})".format, simple, operators, simple))
    pieces = st.one_of(
        words,
        st.builds("{{{{ {} }}}}".format, expressions),
        st.builds("{{{{ {} }}}}".format, names),
        st.builds("{{{{- {} -}}}}".format, operands),
        st.builds("{{% if {} %}}{}{{% endif %}}".format, expressions, words),
        st.builds("{{% for i in {} %}}{{{{ i }}}};{{% endfor %}}".format, operands),
        st.builds("{{% set q = {} %}}{{{{ q }}}}".format, simple),
        st.just("{# note #}"),
        st.sampled_from(["\n", "\r\n", "{% raw %}{{ 1 }}{% endraw %}", "{{ '{{ b }}' }}", "}}", "{"]),
    )
    templates = st.lists(pieces, min_size=1, max_size=3).map("".join).map(trust_as_template)
    return st.recursive(
        st.one_of(templates, templates, containers),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)),
        max_leaves=4,
    )


hosts = st.lists(
    st.fixed_dictionaries({}, optional={name: value_of_one(NAMES[at + 1 :]) for at, name in enumerate(NAMES)}), min_size=1, max_size=3
)


def engine(variables: dict, name: str) -> tuple[str, object]:
    """Return what Ansible says: a value in plain types with its type, that it is omitted, or that it fails."""
    try:
        value = plain(Templar(variables={**variables, "vars": variables}).template(variables[name]))
    except AnsibleValueOmittedError:
        return "omitted", None
    except Exception:
        return "failed", None
    return "value", repr(value)


def resolved(resolver: Resolver, variables: dict, name: str) -> tuple[str, object]:
    failures: list = []
    value = resolver.scope(variables).value(name, failures)
    if failures:
        return "failed", None
    return ("omitted", None) if value is OMIT else ("value", repr(value))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(hosts)
def test_any_expression_resolves_as_the_engine_resolves_it(fleet):
    # One resolver for all hosts, each seen twice: what one host taught it must hold for the next.
    resolver = Resolver(Templar(variables={}))
    for variables in fleet + fleet:
        for name in variables:
            assert resolved(resolver, variables, name) == engine(variables, name), (name, variables)


def resolver() -> Resolver:
    return Resolver(Templar(variables={}), {"groups": {"phones": ["p1", "p2"]}})


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return [trusted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("expression", "hosts", "wanted", "questions"),
    [
        ("{{ n }}", [{"n": 1}, {"n": True}, {"n": 1.0}, {"n": "1"}], [1, True, 1.0, "1"], 0),
        ("{{ n | string }}", [{"n": 1}, {"n": True}, {"n": 1.0}, {"n": "1"}, {"n": 1}], ["1", "True", "1.0", "1", "1"], 4),
        ("+{{ n }}-{{ m.x[0] }}", [{"n": 1, "m": {"x": ["y"]}}], ["+1-y"], 0),
        ("{{ groups['phones'] | length }}", [{}, {}], [2, 2], 1),
        ("{{ m.items | default(1) }}", [{"m": {"items": 1}}], None, None),
        ("{{ n | random }}", [{"n": [1]}, {"n": [1]}], [1, 1], 2),
        ("{{ [1] | map('random') | list | length }}", [{}, {}], None, None),
        ("{{ lookup('vars', 'n') }}", [{"n": 5}, {"n": 6}], [5, 6], 2),
        ("{{ vars['n'] }}", [{"n": 5}, {"n": 6}], [5, 6], 2),
    ],
)
def test_the_engine_is_asked_once_for_each_distinct_question(expression, hosts, wanted, questions):
    one = resolver()
    got = [one.scope({"v": trust_as_template(expression), **host}).value("v", []) for host in hosts]
    if wanted is not None:
        assert list(map(repr, got)) == list(map(repr, wanted))
    if questions is not None:
        assert one.engine_calls == questions


def test_untrusted_text_stays_as_it_is():
    assert resolver().scope({"v": "{{ n }}", "w": trust_as_template("{{ v }}"), "n": 1}).value("w", []) == "{{ n }}"


def test_an_omitted_variable_and_omitted_items_are_left_out():
    scope = resolver().scope(trusted({"v": "{{ omit }}", "w": [1, "{{ n | default(omit) }}"], "x": {"a": "{{ v }}", "b": 2}}))
    assert scope.value("v", []) is OMIT
    assert scope.value("w", []) == [1]
    assert scope.value("x", []) == {"b": 2}


def test_every_failing_part_of_a_variable_is_named():
    failures: list = []
    scope = resolver().scope(trusted({"v": {"a": ["{{ one }}", 1, "{{ two.x }}"], "b": "{{ 1 }}"}}))
    assert scope.value("v", failures) is OMIT
    assert [(failure.path, "undefined" in failure.what) for failure in failures] == [(".a[0]", True), (".a[2]", True)]


def test_a_circle_is_a_failure_and_not_a_hang():
    failures: list = []
    resolver().scope(trusted({"v": "{{ w }}", "w": ["{{ v }}"]})).value("v", failures)
    assert failures[0].what == "refers to itself (w -> v -> w)"


def test_a_lookup_that_is_not_needed_is_not_made():
    variables = trusted({"v": "{{ 'x' if true else w }}", "w": "{{ lookup('file', '/nonexistent') }}"})
    assert resolver().scope(variables).value("v", []) == "x"


def test_a_container_of_a_group_is_one_object_for_all_hosts():
    one = resolver()
    shared = trusted({"a": [1, {"b": "c"}]})
    assert one.scope({"v": shared}).value("v", []) is one.scope({"v": shared}).value("v", [])
