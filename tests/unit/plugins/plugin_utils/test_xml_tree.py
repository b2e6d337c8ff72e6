# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.xml_tree import TreeError, write_tree

LAYOUT = {"root": "sysConf"}


def test_paths_become_elements_that_are_opened_once_wherever_a_name_stands():
    text = write_tree([("sip/line[1]/Name", "a"), ("ap/Url", "u"), ("sip/line[2]/Name", "b"), ("sip/line[1]/Port", "5060")], LAYOUT)
    assert [(element.tag, element.attrib) for element in ElementTree.fromstring(text).iter()] == [
        ("sysConf", {}),
        ("sip", {}),
        ("line", {"index": "1"}),
        ("Name", {}),
        ("Port", {}),
        ("line", {"index": "2"}),
        ("Name", {}),
        ("ap", {}),
        ("Url", {}),
    ]


def test_a_value_arrives_whatever_it_holds():
    value = "a<b>&amp;\"'ß]]>"
    assert ElementTree.fromstring(write_tree([("phone/Title", value)], LAYOUT)).findtext("phone/Title") == value


def test_a_name_may_stand_several_times_and_the_index_attribute_is_the_layouts():
    text = write_tree([("x/Url", "1"), ("x/Url", "2"), ("y[3]", "z")], {"root": "r", "index": "id"})
    root = ElementTree.fromstring(text)
    assert [element.text for element in root.iter("Url")] == ["1", "2"]
    assert root.find("y").attrib == {"id": "3"}


def test_the_index_attribute_may_differ_by_element_or_be_left_out():
    layout = {"root": "device", "index": {"line": "button", "ntp": ""}}
    text = write_tree([("line[2]/name", "a"), ("ntps/ntp[1]/name", "b"), ("ntps/ntp[2]/name", "c"), ("x[3]/y", "d")], layout)
    assert [(element.tag, element.attrib) for element in ElementTree.fromstring(text).iter() if element.tag in ("line", "ntp", "x")] == [
        ("line", {"button": "2"}),
        ("ntp", {}),
        ("ntp", {}),
        ("x", {"index": "3"}),
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([("a b/c", "secret")], "'a b' is no name of an element"),
        ([("a/", "secret")], "'' is no name of an element"),
        ([("a[1/c", "secret")], "is no name of an element"),
        ([("a", "secret"), ("a/b", "x")], "goes through a, which has a value of its own"),
        ([("a/b", "x"), ("a", "secret")], "parameter a has a value, but other parameters go through it"),
    ],
)
def test_a_name_that_has_no_place_is_refused_without_its_value(parameters, message):
    with pytest.raises(TreeError, match=message.replace("[", r"\[")) as caught:
        write_tree(parameters, LAYOUT)
    assert "secret" not in str(caught.value)
