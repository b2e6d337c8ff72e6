# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service through the same scenarios, against a simulated service that counts calls."""

from __future__ import annotations

import math

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import SERVICES, service_class
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import record_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import Refused, run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Fault, account, device, mac, url


class Notes:
    """A recorder that keeps what it hears, as a claim store would."""

    def __init__(self) -> None:
        self.held: dict[str, dict] = {}
        self.words: list[tuple[str, int]] = []

    def intent(self, rows):
        self.words.append(("intent", len(rows)))
        self.held.update({row["mac"]: row for row in rows})

    def outcome(self, rows):
        self.words.append(("outcome", len(rows)))
        self.held.update({row["mac"]: row for row in rows})


def run(row, lab, devices, state="present", **more):
    account_options = more.pop("account_options", {})
    return run_accounts(account(row, lab, **account_options), devices, state, **more)


def by_mac(results):
    return {item.mac: item for item in results.rows}


def points_to(lab, address):
    return lab.url_of(address)


def test_every_service_has_a_row():
    assert [item.service for item in ROWS] == list(SERVICES)


def test_first_run_registers_all_within_the_budget_of_calls(row, lab):
    batch = service_class(row.service).capabilities.batch
    number = 120 if batch > 1 else 20
    devices = [device(row, index) for index in range(number)]
    notes = Notes()
    results = run(row, lab, devices, recorder=notes)
    assert not results.failed, [item.msg for item in results.rows if item.failed][:3]
    assert results.counts()["registered"] == number
    assert all(points_to(lab, item.mac) == item.url for item in devices)
    wanted = math.ceil(number / batch) + number * row.pushes if batch > 1 else number * (row.writes_each + row.reads_each)
    assert sum(lab.calls.values()) <= wanted + row.budget
    assert {item["state"] for item in notes.held.values()} == {"registered"}


def test_second_run_writes_nothing(row, lab):
    devices = [device(row, number) for number in range(7)]
    run(row, lab, devices)
    lab.forget_calls()
    results = run(row, lab, devices)
    assert not results.failed
    assert not results.changed
    assert lab.write_calls() == 0


def test_recorded_devices_need_no_call_at_all(row, lab):
    devices = [device(row, number) for number in range(7)]
    done = run(row, lab, devices)
    recorded = {item.mac: item.recorded for item in done.rows}
    lab.forget_calls()
    results = run(row, lab, [device(row, number, recorded=recorded[mac(row, number)]) for number in range(7)])
    assert not results.changed
    assert sum(lab.calls.values()) == 0


def test_verify_asks_the_service_and_repairs_drift_where_it_can_be_seen(row, lab):
    first = device(row, 1)
    run(row, lab, [first])
    lab.seed(first.mac, url="https://elsewhere.example.com/x/") if row.readable else lab.devices.pop(first.mac)
    results = run(row, lab, [device(row, 1, recorded=record_of(first, "present"))], verify=True)
    assert results.changed
    assert points_to(lab, first.mac) == first.url


def test_check_mode_writes_nothing_and_says_what_it_would_do(row, lab):
    results = run(row, lab, [device(row, 1)], check_mode=True)
    assert lab.write_calls() == 0
    assert results.changed
    assert results.rows[0].msg.startswith("would register")
    assert ("ownership unknown" in results.rows[0].msg) == (not row.sees_foreign)


def test_a_new_url_is_written_over_our_own_entry(row, lab):
    old = device(row, 1)
    run(row, lab, [old])
    results = run(row, lab, [device(row, 1, 2, recorded=record_of(old, "present"))])
    assert (results.failed, results.counts()["updated"]) == (False, 1), results.rows[0].msg
    assert points_to(lab, old.mac) == url(1, 2)


def test_a_foreign_mac_fails_alone(row, lab):
    lab.seed(mac(row, 2), owner="them", url="https://them.example.com/")
    results = run(row, lab, [device(row, number) for number in range(10)])
    failed = [item for item in results.rows if item.failed]
    assert [(item.mac, item.state) for item in failed] == [(mac(row, 2), "foreign")]
    assert results.counts()["registered"] == 9
    assert lab.devices[mac(row, 2)].owner == "them"


def test_a_single_foreign_mac_is_named_as_such(row, lab):
    lab.seed(mac(row, 2), owner="them", url="https://them.example.com/")
    results = run(row, lab, [device(row, 2)])
    assert results.rows[0].state == "foreign"
    assert lab.devices[mac(row, 2)].owner == "them"


@pytest.mark.parametrize(
    ("kind", "count"),
    [("lost", 1), ("lost500", 1), ("truncated", 1), ("malformed", 1), ("reset", 1), ("status", 1), ("lost", 8), ("truncated", 8)],
)
def test_a_lost_reply_to_a_registration_is_read_back(row, lab, kind, count):
    lab.faults = [Fault(kind, row.create)]
    results = run(row, lab, [device(row, number) for number in range(count)])
    assert not results.failed, [item.msg for item in results.rows if item.failed]
    assert results.counts()["registered"] == count
    assert all(points_to(lab, mac(row, number)) == url(number) for number in range(count))


@pytest.mark.parametrize("kind", ["lost", "lost500", "truncated", "reset", "status"])
def test_a_lost_reply_to_an_update_is_read_back(row, lab, kind):
    old = device(row, 1)
    run(row, lab, [old])
    lab.faults = [Fault(kind, row.change)]
    results = run(row, lab, [device(row, 1, 2, recorded=record_of(old, "present"))])
    assert not results.failed, results.rows[0].msg
    assert results.changed
    assert points_to(lab, old.mac) == url(1, 2)


@pytest.mark.parametrize("kind", ["lost", "truncated", "reset", "status"])
def test_a_lost_reply_to_a_removal_is_read_back(row, lab, kind):
    run(row, lab, [device(row, 1)])
    lab.faults = [Fault(kind, row.remove)]
    results = run(row, lab, [device(row, 1)], "absent")
    assert not results.failed, results.rows[0].msg
    assert mac(row, 1) not in lab.devices


def test_deregistering_twice_is_a_success_without_a_change(row, lab):
    devices = [device(row, number) for number in range(3)]
    run(row, lab, devices)
    first = run(row, lab, devices, "absent")
    second = run(row, lab, devices, "absent")
    assert (first.counts()["removed"], first.failed) == (3, False), [item.msg for item in first.rows]
    assert (second.changed, second.failed) == (False, False), [item.msg for item in second.rows]
    assert not lab.devices


def test_another_accounts_mac_is_never_deregistered(row, lab):
    lab.seed(mac(row, 2), owner="them", url="https://them.example.com/")
    results = run(row, lab, [device(row, 2)], "absent")
    assert not results.changed
    assert mac(row, 2) in lab.devices


def test_mass_removal_is_refused_before_the_first(row, lab):
    for number in range(12):
        lab.seed(mac(row, number), url=url(number))
    with pytest.raises(Refused, match="max_deregistrations"):
        run(row, lab, [device(row, number) for number in range(12)], "absent", max_deregistrations=11)
    assert len(lab.devices) == 12


def test_a_service_that_is_down_fails_every_device_with_a_reason_and_few_calls(row, lab):
    lab.faults = [Fault("status", "", times=10000, arg="503")]
    results = run(row, lab, [device(row, number) for number in range(10)])
    assert all(item.failed for item in results.rows)
    assert "503" in results.messages[0]
    assert sum(lab.calls.values()) <= 6


def test_refused_credentials_are_named_and_hide_the_secret(row, lab):
    lab.account = {name: "other-" + value for name, value in lab.account.items()}
    results = run(row, lab, [device(row, 1)])
    assert results.failed
    assert "refuses" in results.messages[0]
    assert "lab-secret" not in results.messages[0]
    assert "lab-password" not in results.messages[0]


@pytest.mark.parametrize("retry_after", ["", "0"])
def test_throttling_is_waited_out(row, lab, retry_after):
    lab.faults = [Fault("429", row.create, times=2, arg=retry_after), Fault("429", row.read, times=2, arg=retry_after)]
    results = run(row, lab, [device(row, number) for number in range(6)])
    assert not results.failed
    assert results.counts()["registered"] == 6


def test_more_patience_than_allowed_is_refused(row, lab):
    lab.faults = [Fault("429", "", times=50, arg="3600")]
    results = run(row, lab, [device(row, 1)])
    assert results.failed
    assert "retry_limit" in results.messages[0]


def test_redirects_are_not_followed(row, lab):
    lab.faults = [Fault("redirect", "", times=50)]
    results = run(row, lab, [device(row, 1)])
    assert results.failed
    assert "not followed" in results.messages[0]


def test_450_entries_are_read_in_pages(row, lab):
    if not row.lists:
        pytest.skip("the service has no list")
    for number in range(450):
        lab.seed(mac(row, number), url=url(number))
    results = run(row, lab, [device(row, number) for number in range(450)])
    assert not results.changed, [item.msg for item in results.rows if item.changed][:2]
    assert not results.failed
    assert lab.write_calls() == 0


def test_a_run_that_died_reads_back_before_it_writes(row, lab):
    """The recorder heard the intent, the write arrived, the outcome was never said."""
    wanted = device(row, 1)
    run(row, lab, [wanted])
    lab.forget_calls()
    results = run(row, lab, [device(row, 1, recorded={**record_of(wanted, "present"), "state": "intent"})])
    assert not results.failed
    assert points_to(lab, wanted.mac) == wanted.url
    assert lab.write_calls() <= (0 if row.readable else 2)


def test_the_recorder_hears_an_intent_before_each_batch_and_an_outcome_after(row, lab):
    notes = Notes()
    run(row, lab, [device(row, number) for number in range(3)], recorder=notes)
    assert [word for word, _count in notes.words] == ["intent", "outcome"]
    assert sum(count for word, count in notes.words if word == "intent") == 3
    assert "prov.example.com" not in repr(notes.held)


def test_no_message_holds_a_url_or_a_secret(row, lab):
    lab.faults = [Fault("garbage", "", times=3), Fault("status", row.create, times=1)]
    lab.seed(mac(row, 2), owner="them", url="https://them.example.com/")
    results = run(row, lab, [device(row, number) for number in range(4)])
    said = repr(results)
    assert "c0ffee" not in said
    assert "lab-secret" not in said
    assert "lab-password" not in said
    assert by_mac(results)[mac(row, 2)].failed
