# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The redirect verbs as a playbook calls them."""

from __future__ import annotations

import logging
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader
from ansible.template import Templar
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import KEYS, LOGIN, Running, simulator, url

DEVICES = [{"mac": f"00:15:65:00:00:0{number}", "serial": f"31460{number}", "url": url(number)} for number in range(3)]


def act(verb: str, args: dict, check_mode: bool = False) -> dict:
    name = f"dialtone.phones.{verb}"
    task = Task.load({"action": name, "args": args, "check_mode": check_mode})
    loader = DataLoader()
    plugin = action_loader.get(
        name,
        task=task,
        connection=MagicMock(),
        play_context=MagicMock(check_mode=check_mode),
        loader=loader,
        templar=Templar(loader=loader, variables={}),
        shared_loader_obj=None,
    )
    return plugin.run(task_vars={})


@pytest.fixture
def lab():
    with Running(simulator("yealink_ymcs")) as running:
        yield running


def ymcs(lab, **more):
    return {"service": "yealink_ymcs", "api_url": lab.base, "retry_wait": 0.001, "devices": DEVICES, **KEYS, **more}


def test_result_holds_what_is_documented_and_no_secret(lab):
    result = act("redirect", ymcs(lab))
    assert result["changed"] is True
    assert [row["state"] for row in result["devices"]] == ["registered"] * 3
    assert result["counts"]["registered"] == 3
    assert "invocation" not in result
    assert "c0ffee" not in repr(result)
    assert "lab-secret" not in repr(result)


def test_what_is_returned_as_recorded_makes_the_next_run_silent(lab):
    recorded = act("redirect", ymcs(lab))["recorded"]
    lab.forget_calls()
    devices = [{**item, "recorded": recorded[item["mac"].replace(":", "")]} for item in DEVICES]
    result = act("redirect", ymcs(lab, devices=devices))
    assert (result["changed"], result["calls"], sum(lab.calls.values())) == (False, 0, 0)


def test_check_mode_is_honoured(lab):
    result = act("redirect", ymcs(lab), check_mode=True)
    assert result["changed"] is True
    assert "ownership unknown" in result["devices"][0]["msg"]
    assert lab.write_calls() == 0


def test_a_failed_device_fails_the_task_and_keeps_the_others(lab):
    lab.seed("001565000001", owner="them")
    result = act("redirect", ymcs(lab))
    assert result["failed"] is True
    assert [row["state"] for row in result["devices"]] == ["registered", "foreign", "registered"]
    assert "001565000001" in result["msg"]


def test_a_mac_only_device_without_permission_says_what_it_needs(lab):
    lab.mac_only = False
    devices = [{key: value for key, value in DEVICES[0].items() if key != "serial"}, *DEVICES[1:]]
    result = act("redirect", ymcs(lab, devices=devices))
    assert [row["failed"] for row in result["devices"]] == [True, False, False]
    assert "serial number" in result["devices"][0]["msg"]


def test_all_problems_are_told_at_once_without_urls():
    devices = [
        {"mac": "00:15:65:00:00:0", "url": url(1)},
        {"mac": "001565000001", "url": "c0ffee no url"},
        {"mac": "001565000002"},
        {"mac": "00-15-65-00-00-02", "url": url(2)},
        {"mac": "001565000003", "url": url(3), "seriel": "1"},
        "text",
    ]
    args = {"service": "yealink_ymcs", "acces_key_id": "x", "state": "gone", "timeout": "soon", "devices": devices, "override": ["zz"]}
    with pytest.raises(AnsibleActionFail) as caught:
        act("redirect", args)
    said = str(caught.value)
    for part in (
        "acces_key_id: is not an option, did you mean access_key_id",
        "access_key_id: is wanted by yealink_ymcs",
        "access_key_secret: is wanted",
        "api_url: yealink_ymcs has regional hosts",
        "state: 'gone' is not known; known: present, absent",
        "timeout: is not a number of seconds",
        "devices[0]: mac '00:15:65:00:00:0' is not a MAC address",
        "devices[1] (001565000001): url is not a URL",
        "devices[2] (001565000002): has no url",
        "devices[3] (001565000002): is the same MAC as devices[2]",
        "devices[4] (001565000003): seriel is not an option of a device, did you mean serial",
        "devices[5]: is a str; a dictionary is wanted",
        "override[0]: 'zz' is not a MAC address",
    ):
        assert part in said
    assert "c0ffee" not in said


@pytest.mark.parametrize(
    ("api_url", "what"),
    [
        ("http://rps.example.com/xmlrpc", "plain http"),
        ("https://user:pass@rps.example.com/", "holds credentials"),
        ("ftp://rps.example.com/", "is not an https URL"),
        ("https://rps.example.com/?a=1", "query"),
    ],
)
def test_an_unfit_api_url_is_refused(api_url, what):
    with pytest.raises(AnsibleActionFail, match=what):
        act("redirect", {"service": "yealink_rps_xml", "api_url": api_url, "devices": [], **LOGIN})


def test_an_unknown_service_lists_the_known_ones():
    with pytest.raises(AnsibleActionFail, match="known: yealink_ymcs"):
        act("redirect", {"service": "akuvox", "devices": []})


def test_debug_logs_of_the_http_library_hold_nothing(lab, caplog):
    for name in ("urllib3.connectionpool", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    act("redirect", ymcs(lab))
    assert caplog.text == ""


def test_info_tells_the_differences_both_ways(lab):
    lab.seed("001565000000", url=url(0))
    lab.seed("001565000001", url="https://elsewhere.example.com/")
    lab.seed("001565000009", url=url(9))
    lab.seed("001565000002", owner="them")
    result = act("redirect_info", ymcs(lab))
    assert result["differences"] == {
        "missing": ["001565000002"],
        "unexpected": ["001565000009"],
        "different": ["001565000001"],
        "unverifiable": [],
        "foreign": [],
    }
    assert result["counts"]["held"] == 3
    assert lab.write_calls() == 0
    assert "example.com" not in repr(result)


def test_info_asks_for_owners_where_the_service_tells():
    with Running(simulator("yealink_rps_xml")) as lab:
        lab.seed("001565000000", url=url(0))
        lab.seed("001565000002", owner="them")
        args = {
            "service": "yealink_rps_xml",
            "api_url": lab.base,
            "devices": [{"mac": item["mac"]} for item in DEVICES],
            "ownership": True,
            **LOGIN,
        }
        result = act("redirect_info", args)
    assert result["differences"]["foreign"] == ["001565000002"]
    assert result["differences"]["unverifiable"] == ["001565000000"]
