# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import ClaimRequest, lan

MAC = "001565aabbcc"
HERE, THERE = "10.0.0.5/32", "10.0.0.6/32"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def arm(store, generation: int = 1) -> None:
    device = {"mac": MAC, "claim_generation": generation, "token_sha256": digest(f"real {generation}"), "window": 900, "by": "test"}
    (store.arm if generation == 1 else store.unlock)([device])


def claim(store, token: str, net: str):
    row = store.by_stub(digest(token), net)
    if row is None:
        return None
    return store.claim([ClaimRequest(row.token_sha256, net, net.partition("/")[0], first_file=True)])[0]


def test_without_a_window_or_a_certificate_there_is_no_stub(store):
    arm(store)
    assert lan.hand(store, MAC, HERE, "10.0.0.5", False) == ("", "no-window")


def test_a_stub_opens_the_claim_for_the_address_it_was_handed_to_and_no_other(store):
    arm(store)
    assert store.open_window([MAC], 600, "me")[0]["changed"]
    token, reason = lan.hand(store, MAC, HERE, "10.0.0.5", False)
    assert len(token) == 40 and not reason
    assert claim(store, token, THERE) is None
    assert claim(store, token, HERE).allowed
    assert [event["event"] for event in store.events([MAC])] == ["armed", "window opened", "stub", "claimed"]


def test_who_asks_first_keeps_the_stub(store):
    arm(store)
    store.open_window([MAC], 600)
    lan.hand(store, MAC, HERE, "10.0.0.5", False)
    assert lan.hand(store, MAC, THERE, "10.0.0.6", False) == ("", "other-address")


def test_a_lost_answer_costs_nothing_and_makes_the_first_token_void(store):
    arm(store)
    store.open_window([MAC], 600)
    first, second = (lan.hand(store, MAC, HERE, "10.0.0.5", False).token for _hand in range(2))
    assert claim(store, first, HERE) is None
    assert claim(store, second, HERE).allowed


def test_a_certificate_needs_no_window_and_may_come_from_another_address(store):
    arm(store)
    first = lan.hand(store, MAC, HERE, "10.0.0.5", True).token
    second = lan.hand(store, MAC, THERE, "10.0.0.6", True).token
    assert first and second and claim(store, first, HERE) is None and claim(store, second, THERE).allowed


@pytest.mark.parametrize("verb", ["lock", "spend", "retire"])
def test_what_closes_the_claim_closes_the_stub(store, verb):
    arm(store)
    store.open_window([MAC], 600)
    token = lan.hand(store, MAC, HERE, "10.0.0.5", False).token
    getattr(store, verb)([MAC])
    decision = claim(store, token, HERE)
    assert decision is not None and not decision.allowed
    assert not lan.hand(store, MAC, HERE, "10.0.0.5", False).token


def test_a_stub_of_an_older_generation_is_void(store):
    arm(store)
    store.open_window([MAC], 600)
    token = lan.hand(store, MAC, HERE, "10.0.0.5", False).token
    store.spend([MAC])
    arm(store, 2)
    assert claim(store, token, HERE) is None
    assert lan.hand(store, MAC, HERE, "10.0.0.5", False) == ("", "no-window")


def test_the_window_ends_by_itself_or_by_word(store, clock):
    arm(store)
    store.open_window([MAC], 60)
    assert store.status([MAC])["devices"][MAC]["stub_window_left"] > 0
    assert store.close_window([MAC], "me")[0]["changed"]
    assert not store.close_window([MAC], "me")[0]["changed"]
    assert lan.hand(store, MAC, HERE, "10.0.0.5", False).reason == "no-window"
    store.open_window([MAC], 60)
    clock.pass_seconds(61)
    assert lan.hand(store, MAC, HERE, "10.0.0.5", False).reason == "no-window"


@pytest.mark.parametrize("seconds", [0, -1, lan.MAX_OPEN + 1])
def test_a_window_is_bounded(store, seconds):
    arm(store)
    assert store.open_window([MAC], seconds)[0]["failed"]


def test_only_an_armed_phone_gets_a_window(store):
    assert "does not know" in store.open_window([MAC], 60)[0]["msg"]
    arm(store)
    store.spend([MAC])
    assert "is spent" in store.open_window([MAC], 60)[0]["msg"]


def test_a_restored_store_hands_out_nothing(store):
    arm(store)
    store.open_window([MAC], 600)
    store.close_claims("restored")
    assert lan.hand(store, MAC, HERE, "10.0.0.5", True) == ("", "closed")
