# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several accounts in one run."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import Refused, run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Fault, Running, account, device, mac, simulator

YEALINK, SNOM = ROWS[0], next(row for row in ROWS if row.service == "snom_sraps")


@pytest.fixture
def labs():
    with Running(simulator(YEALINK.service)) as yealink, Running(simulator(SNOM.service)) as snom:
        yield yealink, snom


def accounts(labs):
    return {"yealink": account(YEALINK, labs[0]), "snom": account(SNOM, labs[1])}


def both(count=3):
    pairs = [(row, name, number) for row, name in ((YEALINK, "yealink"), (SNOM, "snom")) for number in range(count)]
    return [device(row, number, account=name) for row, name, number in pairs]


def test_each_phone_goes_to_its_account_in_the_order_given(labs):
    results = run_accounts(accounts(labs), both())
    assert [item.account for item in results.rows] == ["yealink"] * 3 + ["snom"] * 3
    assert (len(labs[0].devices), len(labs[1].devices)) == (3, 3)


def test_an_account_that_is_down_does_not_stop_the_other(labs):
    labs[0].faults = [Fault("status", "", times=999)]
    results = run_accounts(accounts(labs), both())
    assert [item.failed for item in results.rows] == [True] * 3 + [False] * 3
    assert results.messages[0].startswith("yealink: ")


def test_a_mac_in_two_accounts_has_a_row_for_each(labs):
    labs[0].seed(mac(YEALINK, 1))
    devices = [device(YEALINK, 1, account="yealink"), device(YEALINK, 1, account="snom")]
    results = run_accounts(accounts(labs), devices, "absent")
    assert [(item.account, item.changed) for item in results.rows] == [("yealink", True), ("snom", False)]


def test_removals_are_counted_over_all_accounts_before_the_first(labs):
    for number in range(3):
        labs[0].seed(mac(YEALINK, number))
        labs[1].seed(mac(SNOM, number))
    with pytest.raises(Refused, match="6 devices would be deregistered"):
        run_accounts(accounts(labs), both(), "absent", max_deregistrations=5)
    assert (len(labs[0].devices), len(labs[1].devices)) == (3, 3)


def test_phones_that_are_gone_already_do_not_count_as_removals(labs):
    labs[0].seed(mac(YEALINK, 1))
    results = run_accounts(accounts(labs), both(), "absent", max_deregistrations=1)
    assert results.counts()["removed"] == 1


def test_an_undefined_account_fails_its_phones_alone(labs):
    results = run_accounts(accounts(labs), [device(YEALINK, 1, account="nowhere"), device(YEALINK, 2, account="yealink")])
    assert [item.failed for item in results.rows] == [True, False]


def test_progress_is_told_in_numbers(labs):
    heard = []
    run_accounts(accounts(labs), both(), progress=lambda *words: heard.append(words))
    assert ("yealink", 3, 3) in heard
    assert ("snom", 3, 3) in heard
