# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From nginx's lines about what went wrong to rows of the store."""

from __future__ import annotations

import asyncio
import json

import pytest
from claims import notices, open_store
from dialtone_gate.contacts import Contacts
from dialtone_gate.keeper import Keeper

from .test_gate import MAC, Lab

USUAL = {"notice": "o", "device": "", "asked": "", "status": "404", "reason": "", "ip": "192.0.2.7", "agent": "Phone"}


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


def heard(lab: Lab, *lines: dict) -> dict:
    """Send lines to the daemon's end of the log and return what it has written."""

    async def work() -> None:
        keeper = Keeper(lab.store)
        contacts = Contacts(lab.devices, keeper)
        for line in lines:
            contacts.datagram_received(b"<190>Nov 22 15:00:00 dialtone: " + json.dumps({**USUAL, **line}).encode(), None)
        await contacts._notices.flush()
        keeper.close()

    asyncio.run(work())
    store = open_store(lab.store)
    try:
        return notices.read(store)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("line", "mac", "source"),
    [
        ({"asked": "00156500AABB"}, "00156500aabb", "path"),
        ({"asked": "00-15-65-00-aa-bb"}, "00156500aabb", "path"),
        ({"asked": "00%3A15%3a65%3A00%3Aaa%3Abb"}, "00156500aabb", "path"),
        ({"agent": "Yealink SIP-T54W 96.86.0.45 00:15:65:00:aa:bb"}, "00156500aabb", "agent"),
        ({"agent": "Mozilla/4.0 (compatible; snomD785-SIP 10.1 000413AABBCC SXM:0)"}, "000413aabbcc", "agent"),
        ({"asked": "000000000123", "agent": "Yealink SIP-T31P 1.0 00:15:65:00:aa:bb"}, "00156500aabb", "agent"),
        ({"agent": "curl/8"}, None, None),
        ({"asked": "01156500aabb"}, None, None),
        ({"asked": "0" * 12}, None, None),
        ({"agent": "x" + "0015650000ab" * 3}, None, None),
    ],
)
def test_a_stranger_is_who_names_a_mac_that_the_release_does_not_hold(lab, line, mac, source):
    found = heard(lab, line)
    assert found["requests"] == 1 and not found["troubles"]
    assert [(row["mac"], row["source"]) for row in found["strangers"]] == ([(mac, source)] if mac else [])


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"device": MAC, "status": "401"}, "login"),
        ({"device": MAC, "status": "401", "reason": "wrong-password"}, "login"),
        ({"device": MAC, "status": "401", "reason": "stale"}, None),
        ({"device": MAC, "status": "404"}, "barred"),
        ({"device": MAC, "status": "404", "reason": "old-generation"}, "moved"),
        ({"device": MAC, "status": "429"}, "limited"),
        ({"device": MAC, "status": "503"}, "failure"),
        ({"device": MAC, "status": "200"}, "old"),
        ({"asked": MAC}, "lost"),
        ({"asked": MAC, "notice": "c", "reason": "spent"}, "claim"),
        ({"device": "001565000099", "status": "404"}, None),
    ],
)
def test_the_kind_of_a_trouble(lab, line, kind):
    found = heard(lab, line, line)
    assert [(row["mac"], row["kind"], row["requests"]) for row in found["troubles"]] == ([(MAC, kind, 2)] if kind else [])
    assert not found["strangers"]


@pytest.mark.parametrize("text", ['{"notice": "o"', '{"notice"]', '{"notice": {}}'])
def test_rubbish_is_ignored(lab, text):
    async def work() -> None:
        keeper = Keeper(lab.store)
        Contacts(lab.devices, keeper).datagram_received(text.encode(), None)
        keeper.close()

    asyncio.run(work())
