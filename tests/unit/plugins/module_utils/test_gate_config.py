# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import (
    DEFAULT_STORE,
    GateConfigError,
    server_networks,
    store_target,
)


@pytest.mark.parametrize("text", [None, "{}", '{"store": "", "networks": []}', '{"store": null, "networks": null}'])
def test_what_is_not_said_is_the_default(tmp_path, text):
    path = tmp_path / "gate.json"
    if text is not None:
        path.write_text(text)
    assert store_target("", str(path)) == store_target(None, str(path)) == DEFAULT_STORE
    assert server_networks(str(path)) == []


def test_what_is_said_holds(tmp_path):
    path = tmp_path / "gate.json"
    path.write_text('{"store": "service=dialtone", "networks": ["10.0.0.0/8"]}')
    assert store_target("", str(path)) == "service=dialtone"
    assert store_target("/x", str(path)) == "/x"
    assert server_networks(str(path)) == ["10.0.0.0/8"]


@pytest.mark.parametrize("ask", [functools.partial(store_target, ""), server_networks])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "gate.json: cannot be read: Expecting"),
        ("[]", "gate.json: cannot be read: it is a list, wanted a dict"),
        ('{"store": 5, "networks": "10.0.0.0/8"}', "gate.json: (store is a int, wanted a str|networks is a str, wanted a list)$"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, ask, text, words):
    path = tmp_path / "gate.json"
    path.write_text(text)
    with pytest.raises(GateConfigError, match=words):
        ask(str(path))
