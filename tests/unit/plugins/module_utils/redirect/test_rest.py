# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only the Hawk services have: links, whole documents, lists without settings."""

from __future__ import annotations

import re

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Fault, Running, account, device, mac, simulator, url

ROW = next(row for row in ROWS if row.service == "snom_sraps")


@pytest.fixture
def lab():
    with Running(simulator(ROW.service)) as running:
        yield running


def run(lab, devices, state="present", **more):
    return run_accounts(account(ROW, lab), devices, state, **more)


@pytest.mark.parametrize("call", ["tokens", "companies"])
def test_a_link_to_another_host_is_not_followed(lab, call):
    lab.faults = [Fault("offsite", call)]
    results = run(lab, [device(ROW, 1)])
    assert "not followed" in results.messages[0]
    assert lab.write_calls() == 0


def test_a_next_page_on_another_host_is_not_followed(lab):
    for number in range(150):
        lab.seed(mac(ROW, number), url=url(number))
    lab.faults = [Fault("offsite", "list")]
    results = run(lab, [device(ROW, number) for number in range(150)])
    assert "not followed" in results.messages[0]


def test_settings_of_others_and_the_profile_survive_an_update(lab):
    address = mac(ROW, 1)
    lab.seed(address, url="https://old.example.com/")
    lab.documents[address]["settings_manager"]["other"] = {"value": "1", "attrs": {"perm": "R"}}
    lab.documents[address]["provisioning_profile"] = "p1"
    assert run(lab, [device(ROW, 1)]).counts()["updated"] == 1
    assert lab.documents[address]["settings_manager"]["other"]["value"] == "1"
    assert lab.documents[address]["provisioning_profile"] == "p1"
    assert lab.url_of(address) == url(1)


def test_a_list_without_settings_is_completed_by_a_call_each(lab):
    lab.list_has_settings = False
    for number in range(8):
        lab.seed(mac(ROW, number), url=url(number))
    results = run(lab, [device(ROW, number) for number in range(8)])
    assert not results.changed
    assert lab.calls["GET"] == 8


def test_a_wrong_clock_is_named(lab):
    lab.skew = -600
    assert re.search(r"clock of this machine is (599|60\d) s ahead", run(lab, [device(ROW, 1)]).messages[0])


def test_a_key_without_a_role_is_told_so(lab):
    original = lab.handle
    lab.handle = lambda request: type(original(request))(200, b'{"links": {}}') if "tokens" in request.path else original(request)
    assert "no role" in run(lab, [device(ROW, 1)]).messages[0]


@pytest.mark.parametrize("link", ["?page_size={size}&page={next}&sort=a%2Db", "{base}{path}?page_size={size}&page={next}&sort=a%2Db"])
def test_a_next_page_may_be_relative_and_escaped(lab, link):
    original = lab._page

    def page(request, rows):
        answer = original(request, rows)
        if "Link" in answer.headers:
            following = int(request.query.get("page") or 1) + 1
            target = link.format(base=lab.base, path=request.path, size=100, next=following)
            answer.headers["Link"] = f'<{lab.base}/elsewhere>; rel="first", <{target}>; rel="next"'
        return answer

    lab._page = page
    for number in range(150):
        lab.seed(mac(ROW, number), url=url(number))
    results = run(lab, [device(ROW, number) for number in range(150)])
    assert (results.failed, results.changed) == (False, False)


def test_a_page_of_a_proxy_is_no_proof_of_removal(lab):
    lab.seed(mac(ROW, 1), url=url(1))
    lab.faults = [Fault("status", "DELETE", arg="404")]
    assert run(lab, [device(ROW, 1)], "absent").changed
    assert not lab.devices
    lab.seed(mac(ROW, 1), url=url(1))
    lab.faults = [Fault("status", "DELETE", arg="404", times=99)]
    results = run(lab, [device(ROW, 1)], "absent")
    assert (results.failed, results.changed) == (True, False)
