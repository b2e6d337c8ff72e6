# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module makes of its arguments, and what it answers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreMissing
from ansible_collections.dialtone.phones.plugins.modules.claim_store import InputError, read_input, work

MAC, TOKEN = "001565aabbcc", "a" * 64


def params(**change) -> dict:
    usual = {
        "path": None,
        "config": "/nonexistent",
        "command": "status",
        "macs": None,
        "devices": None,
        "rows": None,
        "account": "rps",
        "input_file": None,
    }
    return {**usual, "force": False, "by": "", "limit": 100, **change}


def run(path, command: str, items=None, check: bool = False) -> dict:
    return work(str(path), params(command=command), items, check)


def device(**change) -> dict:
    return {"mac": MAC, "claim_generation": 1, "token_sha256": TOKEN, "window": 900, **change}


def test_a_missing_store_is_an_answer_to_status_and_an_error_to_the_rest(tmp_path):
    path = tmp_path / "claims.db"
    assert run(path, "status") == {"changed": False, "new": True, "epoch": "", "closed": False, "devices": {}}
    with pytest.raises(StoreMissing):
        run(path, "arm", [device()])
    assert not path.exists()


def test_the_verbs_report_per_mac(tmp_path):
    path = tmp_path / "claims.db"
    assert run(path, "init", check=True)["changed"] and run(path, "init")["changed"]
    assert run(path, "arm", [device()]) == {"changed": True, "devices": {MAC: {"state": "armed", "changed": True}}, "refused": []}
    assert not run(path, "arm", [device()])["changed"]
    assert run(path, "lock", [MAC, "001565000009"])["refused"] == ["001565000009"]
    assert run(path, "status", [MAC])["devices"][MAC]["locked"]
    assert run(path, "intent", [{"mac": MAC, "url_sha256": "x"}])["changed"]
    assert [event["event"] for event in run(path, "log", [MAC])["events"]] == ["armed", "locked", "registration"]
    assert not run(path, "confirm")["changed"]


def test_an_input_file_is_read_once_and_removed(tmp_path):
    path = tmp_path / "input.json"
    path.write_text(json.dumps([device()]))
    assert read_input(params(command="arm", input_file=str(path))) == [device()]
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"command": "lock"}, "needs macs"),
        ({"command": "arm"}, "needs devices"),
        ({"command": "lock", "macs": ["00:15:65:aa:bb:cc"]}, "twelve lower-case"),
        ({"command": "arm", "devices": [device(token_sha256="x")]}, "token_sha256"),
        ({"command": "arm", "devices": [device(claim_generation=0)]}, "claim_generation"),
        ({"command": "arm", "devices": [device(window=0)]}, "window"),
        ({"command": "unlock", "devices": [device(pin_sha256="1234")]}, "pin_sha256"),
        ({"command": "arm", "devices": [device(), device()]}, "appears twice"),
        ({"command": "arm", "input_file": "/nonexistent.json"}, "cannot be read"),
    ],
)
def test_input_that_cannot_be_used_is_named(change, words):
    with pytest.raises(InputError, match=words):
        read_input(params(**change))


def test_all_problems_are_told_at_once_up_to_twenty():
    with pytest.raises(InputError) as caught:
        read_input(params(command="lock", macs=["x"] * 30))
    assert str(caught.value).count("twelve") == 20 and str(caught.value).endswith("and 10 more")
