# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of Yealink's dialect."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import agreed, classify, macs_in, pair, server_name_problem

MAC = "001565aabbcc"


@pytest.mark.parametrize(
    ("good", "text", "kind"),
    [
        (True, "OK", "done"),
        (False, "ok", "done"),
        (True, "", "done"),
        (False, "Existing MAC(s): 00-15-65-AA-BB-CC", "exists"),
        (False, "Error:Invalid MAC(s):00-15", "invalid"),
        (False, "Error:Invalid MAC", "invalid"),
        (False, "Error:Invalid server", "server"),
        (False, "The MAC(s) have been registered by other users, do you want to override?", "foreign"),
        (False, "Error:001565aabbcc", "foreign"),
        (False, "Error: 00-15-65-aa-bb-cc", "foreign"),
        (True, "Error:something", "failed"),
        (False, "Server name must be letters", "failed"),
    ],
)
def test_the_text_decides(good, text, kind):
    assert classify(good, text, MAC)[0] == kind


@pytest.mark.parametrize(
    ("value", "both"),
    [
        ([True, "OK"], (True, "OK")),
        ([0, "x"], (False, "x")),
        (["1", ["a"]], (True, ["a"])),
        ("OK", (True, "OK")),
        (False, (False, "")),
        (["aabbccddeeff", "aabbccddee00"], (True, ["aabbccddeeff", "aabbccddee00"])),
    ],
)
def test_envelopes_are_read_in_every_shape(value, both):
    assert pair(value) == both


def test_macs_are_found_in_lists_and_in_one_text():
    assert macs_in(["00-15-65-AA-BB-CC", "text"]) == [MAC]
    assert macs_in("001565AABBCC,00:15:65:aa:bb:cd") == [MAC, "001565aabbcd"]


@pytest.mark.parametrize(("name", "fits"), [("dialtone", True), ("a b-c_d.e", True), ("", False), ("x" * 21, False), ("https://x", False)])
def test_server_names_are_twenty_plain_characters(name, fits):
    assert (server_name_problem(name) == "") is fits


@pytest.mark.parametrize(
    ("value", "yes"), [([True, ""], True), (["1", "x"], True), (True, True), ([], False), (5, False), ("", False), (None, False)]
)
def test_only_a_boolean_says_yes(value, yes):
    assert agreed(value) is yes
