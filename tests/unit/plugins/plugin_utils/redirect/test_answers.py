# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service with answers that prove nothing: what a run says has to be so all the same."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import Fault, account, device
from redirect.base import Answer

NUMBER = 7
DEEP = b"<value><array><data>" * 30000
JSON_SHAPES = [b"", b"null", b'"x"', b"5", b"{}", b'{"data": "x", "total": 7, "ret": 1, "retCode": 0}', b"[" * 100000]
XML_SHAPES = [
    b"<methodResponse><params><param><value><int>5</int></value></param></params></methodResponse>",
    b"<methodResponse><params><param><value><base64>a</base64></value></param></params></methodResponse>",
    b"<methodResponse><params><param>" + DEEP,
    b"",
]


def run(row, lab, devices, state="present", **more):
    return run_accounts(account(row, lab), devices, state, **more)


def strange(lab, call, body, times, first=True):
    """Answer the next calls of a name with a body, before or after they are done."""
    original = lab.handle
    left = [times]

    def handle(request):
        if lab.call_name(request) != call or not left[0]:
            return original(request)
        left[0] -= 1
        if not first:
            original(request)
        return Answer(200, body, {"Content-Type": "text/plain"})

    lab.handle = handle


def shapes(row):
    return XML_SHAPES if "username" in row.credentials and row.service != "grandstream_gdms" else JSON_SHAPES


@pytest.mark.parametrize("times", [1, 10000])
def test_a_list_that_cannot_be_read_is_not_an_empty_one(row, lab, times):
    if row.service in ("panasonic_rcs", "auerswald"):
        pytest.skip("what these answer is not documented beyond the good case")
    for body in shapes(row):
        lab.handle = type(lab).handle.__get__(lab)
        devices = [device(row, number) for number in range(NUMBER)]
        lab.devices.clear()
        run(row, lab, devices)
        strange(lab, row.read, body, times)
        for item in run(row, lab, devices, "absent").rows:
            assert item.failed == (item.mac in lab.devices), (body[:60], item)


def test_a_write_without_a_readable_answer_is_read_back(row, lab):
    for verb, state in ((row.create, "present"), (row.remove, "absent")):
        for body in shapes(row):
            lab.handle = type(lab).handle.__get__(lab)
            devices = [device(row, number) for number in range(3)]
            run(row, lab, devices, "absent" if state == "present" else "present")
            strange(lab, verb, body, 1, first=False)
            for item in run(row, lab, devices, state).rows:
                assert item.failed or (item.mac in lab.devices) == (state == "present"), (body[:60], item)


@pytest.mark.parametrize("number", [1, 7])
def test_a_busy_gateway_after_the_write_is_no_refusal(row, lab, number):
    lab.faults = [Fault("lost503", row.create, arg="0")]
    results = run(row, lab, [device(row, index) for index in range(number)])
    assert results.counts()["registered"] == number, [item.msg for item in results.rows]


def test_a_service_that_goes_down_is_not_asked_for_every_phone(row, lab):
    original = lab.handle
    down = []

    def handle(request):
        down.extend([1] if lab.call_name(request) in lab.writes else [])
        return Answer(502, b"<html>bad gateway</html>") if down else original(request)

    lab.handle = handle
    results = run(row, lab, [device(row, number) for number in range(30)])
    assert all(item.failed for item in results.rows)
    assert lab.write_calls() <= 6 * row.writes_each
    assert "502" in results.messages[0]


def test_a_write_that_always_loses_its_reply_is_finished(row, lab):
    run(row, lab, [device(row, 99)])  # a server entry that all share is made
    lab.faults = [Fault("lost", row.create, times=10000)]
    results = run(row, lab, [device(row, number) for number in range(8)])
    assert results.counts()["registered"] == 8, [item.msg for item in results.rows if item.failed][:2]
