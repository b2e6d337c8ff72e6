# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only the management cloud has: tokens, bulk answers, fuzzy filters, serial numbers."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import open_service
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import record_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Fault, Running, account, device, mac, simulator, url
from redirect.base import Answer
from redirect.services.yealink_ymcs import error

ROW = ROWS[0]


@pytest.fixture
def lab():
    with Running(simulator(ROW.service)) as running:
        yield running


def run(lab, devices, state="present", **more):
    return run_accounts(account(ROW, lab), devices, state, **more)


def test_250_phones_take_three_calls_to_add_and_three_to_read(lab):
    assert run(lab, [device(ROW, number) for number in range(250)]).counts()["registered"] == 250
    assert dict(lab.calls) == {"token": 1, "listDevices": 1, "addDevices": 3}


def test_an_expired_token_is_renewed_in_the_middle(lab):
    lab.faults = [Fault("expire", "addDevices")]
    assert not run(lab, [device(ROW, number) for number in range(5)]).failed
    assert lab.calls["token"] == 2


def test_a_token_that_never_works_is_renewed_once_only(lab):
    lab.faults = [Fault("expire", "", times=99)]
    results = run(lab, [device(ROW, 1)])
    assert "900401" in results.messages[0]
    assert sum(lab.calls.values()) <= 4


@pytest.mark.parametrize("cap", [100, 500])
def test_a_service_that_caps_its_pages_is_read_to_the_end(lab, cap):
    lab.page_cap = cap
    for number in range(450):
        lab.seed(mac(ROW, number), url=url(number))
    results = run(lab, [device(ROW, number) for number in range(450)])
    assert not results.changed
    assert lab.calls["listDevices"] <= -(-450 // cap) + 1


def test_a_substring_of_another_mac_is_not_taken_for_it(lab):
    lab.seed("001565000001", url=url(9))
    service = open_service(account(ROW, lab))
    assert service.lookup(["001565000002"])["001565000002"].state == "unknown"


def test_a_service_that_refuses_large_pages_is_asked_for_smaller_ones(lab):
    lab.page_limit = 100
    for number in range(150):
        lab.seed(mac(ROW, number), url=url(number))
    assert not run(lab, [device(ROW, number) for number in range(150)]).changed


@pytest.mark.parametrize("key", ["errors", "error"])
def test_bulk_errors_are_read_under_either_name(lab, key):
    lab.error_key = key
    lab.seed(mac(ROW, 1), owner="them")
    states = [item.state for item in run(lab, [device(ROW, number) for number in range(3)]).rows]
    assert states == ["registered", "foreign", "registered"]


def test_a_serial_number_that_looks_like_a_code_is_none(lab):
    lab.seed(mac(ROW, 1), owner="them")
    results = run(lab, [device(ROW, number, serial="314800003" + str(number)) for number in (1, 2)])
    assert [item.state for item in results.rows] == ["foreign", "registered"]


def test_phones_without_a_serial_go_by_mac(lab):
    results = run(lab, [device(ROW, 1), device(ROW, 2, serial="")])
    assert not results.failed
    assert (lab.calls["addDevices"], lab.calls["addDevicesByMac"]) == (1, 1)


def test_without_permission_for_that_each_is_told_what_it_needs(lab):
    lab.mac_only = False
    results = run(lab, [device(ROW, number, serial="") for number in range(150)] + [device(ROW, 999)])
    assert sum("serial number" in item.msg for item in results.rows) == 150
    assert lab.calls["addDevicesByMac"] == 1
    assert not results.rows[-1].failed


def test_a_new_url_is_patched_in_place_and_keeps_the_serial(lab):
    run(lab, [device(ROW, 1)])
    results = run(lab, [device(ROW, 1, 2)])
    assert (results.counts()["updated"], lab.calls["patchDevice"], lab.calls["delDevices"]) == (1, 1, 0)
    assert lab.devices[mac(ROW, 1)].serial == ROW.device["serial"]


def test_credentials_of_a_phone_are_sent_and_their_change_is_seen_in_the_record(lab):
    first = device(ROW, 1, username="u", password="p")
    run(lab, [first])
    assert (lab.devices[first.mac].username, lab.devices[first.mac].password) == ("u", "p")
    changed = device(ROW, 1, username="u", password="q", recorded=record_of(first, "present"))
    assert run(lab, [changed]).changed
    assert lab.devices[first.mac].password == "q"


def test_an_entry_that_vanished_before_the_patch_is_registered_again(lab):
    lab.seed(mac(ROW, 1), url="https://old.example.com/")
    original = lab._one

    def gone(method, key, body):
        lab.devices.clear()
        return original(method, key, body)

    lab._one = gone
    results = run(lab, [device(ROW, 1)])
    assert not results.failed
    assert lab.url_of(mac(ROW, 1)) == url(1)


def test_a_url_of_more_than_256_characters_fails_alone(lab):
    results = run(lab, [device(ROW, 1, url="https://p.example.com/" + "x" * 240), device(ROW, 2)])
    assert [item.failed for item in results.rows] == [True, False]
    assert "256" in results.rows[0].msg


def test_an_unknown_server_name_is_named_before_anything_is_written(lab):
    results = run_accounts(account(ROW, lab, server_name="nowhere"), [device(ROW, 1)])
    assert "nowhere" in results.messages[0]
    assert lab.write_calls() == 0


def test_a_known_server_name_is_sent_as_its_id(lab):
    lab.servers["here"] = "s1"
    run_accounts(account(ROW, lab, server_name="here"), [device(ROW, 1)])
    assert lab.devices[mac(ROW, 1)].server == "s1"


def test_a_wrong_clock_is_named(lab):
    lab.skew = 7200
    assert "clock" in run(lab, [device(ROW, 1)]).messages[0]


def test_a_crash_between_intent_and_outcome_is_read_back_without_a_duplicate(lab):
    class Dying:
        def intent(self, rows):
            return None

        def outcome(self, rows):
            raise KeyboardInterrupt

    wanted = [device(ROW, number) for number in range(5)]
    with pytest.raises(KeyboardInterrupt):
        run(lab, wanted, recorder=Dying())
    lab.forget_calls()
    again = [device(ROW, number, recorded={**record_of(wanted[number], "present"), "state": "intent"}) for number in range(5)]
    results = run(lab, again)
    assert not results.failed
    assert lab.write_calls() == 0


def test_an_answer_that_comes_too_late_is_read_back(lab):
    lab.faults = [Fault("slow", "addDevices", arg="0.6")]
    results = run_accounts(account(ROW, lab, timeout=0.2), [device(ROW, number) for number in range(5)])
    assert results.counts()["registered"] == 5
    assert lab.calls["addDevices"] == 1


def test_removal_of_450_takes_three_calls(lab):
    for number in range(450):
        lab.seed(mac(ROW, number), url=url(number))
    results = run(lab, [device(ROW, number) for number in range(450)], "absent", max_deregistrations=450)
    assert results.counts()["removed"] == 450
    assert lab.calls["delDevices"] == 3


def answer_before(lab, name, answer, done):
    """Answer the first call of a name, after it was done or in place of it."""
    original = lab.handle
    left = [1]

    def handle(request):
        if lab.call_name(request) != name or not left:
            return original(request)
        left.clear()
        if done:
            original(request)
        return answer

    lab.handle = handle


@pytest.mark.parametrize("done", [True, False])
def test_a_registration_that_a_proxy_repeated_is_read_back(lab, done):
    answer_before(lab, "addDevices", Answer(403, b'{"code": "500403", "message": "Request reply"}'), done)
    results = run(lab, [device(ROW, number) for number in range(5)])
    assert results.counts()["registered"] == 5
    assert lab.calls["addDevices"] == (1 if done else 2)


def test_a_user_name_that_is_listed_as_null_is_not_written_again(lab):
    original = lab._row
    lab._row = lambda entry: {**original(entry), "authName": None}
    devices = [device(ROW, 1, username="u", password="p")]
    run(lab, devices)
    assert not run(lab, devices).changed


@pytest.mark.parametrize("call", ["addDevices", "patchDevice"])
def test_a_refusal_that_repeats_a_secret_is_scrubbed(lab, call):
    if call == "patchDevice":
        lab.seed(mac(ROW, 1), url="https://old.example.com/")
    text = '{"code": "900412", "message": "not taken: pa55 word"}'
    handle = lab.handle
    lab.handle = lambda request: Answer(412, text.encode()) if lab.call_name(request) == call else handle(request)
    results = run(lab, [device(ROW, 1, username="u", password="pa55 word")])
    assert "not taken" in results.rows[0].msg
    assert "pa55" not in results.rows[0].msg + " ".join(results.messages)


def test_a_field_that_is_refused_again_and_again_is_told(lab):
    lab.seed(mac(ROW, 1), url="https://old.example.com/")
    lab._one = lambda *args: error(400, "900400", "Bad parameter")
    results = run(lab, [device(ROW, 1)])
    assert results.rows[0].failed
    assert "refuses a field" in results.rows[0].msg
