# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.dialtone.phones.plugins.filter.kea_include import kea_include

PATH = "/etc/kea/dialtone-classes.json"
CONFIGURATIONS = {
    "no classes": '{\n"Dhcp4": {\n    // ours\n    "valid-lifetime": 3600\n}\n}\n',
    "empty section": '{"Dhcp4": {}}',
    "classes": '{"Dhcp4": {"client-classes": [{"name": "a", "test": "substring(option[60].hex,0,1) == \']\'"}], "renew-timer": 9}}',
    "an empty list": '{"Dhcp4": {"client-classes": [ ], "renew-timer": 9}}',
    "a comment at the end": '{"Dhcp4": {"client-classes": [\n  {"name": "a"} // the last ]\n  # [ {\n ]}}',
    "a comma at the end": '{"Dhcp4": {"client-classes": [\n  {"name": "a"},\n ]}}',
    "the key elsewhere": '{"Dhcp4": {"subnet4": [{"client-classes": ["a"]}], /* "client-classes": [ */ "renew-timer": 9}}',
    "commented out": '{"Dhcp4": { // <?include "/etc/kea/dialtone-classes.json"?>\n "renew-timer": 9}}',
    "another section": '{"Control-agent": {"client-classes": []}, "Dhcp4": {"renew-timer": 9}}',
}


def data(text: str, ours: str) -> dict:
    """Read a configuration as Kea would."""
    text = re.sub(r'<\?include "[^"]*"\?>', lambda _found: ours, text)
    text = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|#[^\n]*|/\*.*?\*/', lambda found: found.group(1) or "", text, flags=re.DOTALL)
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", text))


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_classes_come_last_and_nothing_else_changes(text):
    made = kea_include(text, PATH)
    before, after = data(text, ""), data(made, '{"name": "dialtone"}')
    assert after["Dhcp4"].pop("client-classes") == [*before["Dhcp4"].pop("client-classes", []), {"name": "dialtone"}]
    assert after == before


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_twice_is_once_and_taken_out_is_as_before(text):
    made = kea_include(text, PATH)
    assert kea_include(made, PATH) == made
    assert kea_include(made, PATH, present=False) == text
    assert kea_include(text, PATH, present=False) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"Dhcp6": {}}', "no Dhcp4"),
        ('{"Dhcp4": {"client-classes": <?include "/etc/kea/all.json"?>}}', "by hand"),
        ('{"Dhcp4": {"client-classes": [', "ends before"),
        ("", "no Dhcp4"),
    ],
)
def test_what_is_no_configuration_is_told(text, said):
    with pytest.raises(AnsibleFilterError, match=said):
        kea_include(text, PATH)
