# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that keep MACs in a spelling of their own: their filters are substrings of it, so a filter that finds nothing proves nothing."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Running, account, device, mac, simulator, url


def colons(address: str) -> str:
    return ":".join(address[i : i + 2] for i in range(0, 12, 2)).upper()


@pytest.fixture(params=[row for row in ROWS if row.service in ("yealink_ymcs", "yealink_rps_json")], ids=str)
def row(request):
    return request.param


@pytest.fixture
def lab(row):
    with Running(simulator(row.service)) as running:
        running.spell = colons
        yield running


def run(row, lab, devices, state="present", **more):
    return run_accounts(account(row, lab), devices, state, **more)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_own_entries_are_removed(row, lab, number):
    devices = [device(row, index) for index in range(number)]
    for item in devices:
        lab.seed(item.mac, url=item.url)
    predicted = run(row, lab, devices, "absent", check_mode=True)
    results = run(row, lab, devices, "absent")
    assert (predicted.counts()["removed"], results.counts()["removed"], lab.devices) == (number, number, {})


@pytest.mark.parametrize("number", [1, 3, 8])
def test_own_entries_are_left_or_changed_in_place(row, lab, number):
    devices = [device(row, index) for index in range(number)]
    run(row, lab, devices)
    lab.forget_calls()
    again = run(row, lab, devices)
    assert (again.failed, again.changed, lab.write_calls()) == (False, False, 0)
    moved = run(row, lab, [device(row, index, 2) for index in range(number)])
    assert moved.counts()["updated"] == number
    assert all(lab.url_of(mac(row, index)) == url(index, 2) for index in range(number))


def test_one_phone_more_takes_the_list_once_at_most(row, lab):
    for number in range(50, 90):
        lab.seed(mac(row, number), url=url(number))
    results = run(row, lab, [device(row, number) for number in range(3)])
    assert results.counts()["registered"] == 3
    assert lab.calls[row.read] <= 4


def test_what_is_ours_and_not_listed_is_said_so(lab, row):
    if row.service != "yealink_rps_json":
        pytest.skip("only this service tells whose a MAC is without listing it")
    lab.seed(mac(row, 1), url=url(1))
    lab._list = lambda body: lab._page([], body)
    for state in ("present", "absent"):
        results = run(row, lab, [device(row, 1)], state)
        assert results.rows[0].failed
        assert "does not list it" in results.rows[0].msg
    assert mac(row, 1) in lab.devices
