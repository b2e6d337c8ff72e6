# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a claim: armed, claimed by one address, spent, and open again only by an operator."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreError, schema
from ansible_collections.dialtone.phones.plugins.module_utils.claims.model import network_of

from .conftest import HOME, MAC, OTHER, device, request


def ask(store, *requests):
    return [(decision.allowed, decision.reason) for decision in store.claim(requests)]


def state(store, mac: str = MAC) -> str:
    return store.status([mac])["devices"][mac]["state"]


def events(store) -> list[str]:
    return [event["event"] for event in store.events([MAC])]


def test_an_armed_url_is_claimed_by_the_first_get_of_a_first_file(store):
    store.arm([device()])
    assert ask(store, request()) == [(True, "claimed")]
    assert state(store) == "claimed"
    assert events(store) == ["armed", "claimed"]


def test_another_file_does_not_claim(store):
    store.arm([device()])
    assert ask(store, request(first=False)) == [(False, "not-a-first-file")]
    assert state(store) == "armed"


def test_the_window_serves_the_same_address_only(store, clock):
    store.arm([device()])
    ask(store, request())
    assert ask(store, request(first=False), request(OTHER)) == [(True, "window"), (False, "other-address")]
    clock.pass_seconds(899)
    assert ask(store, request()) == [(True, "window")]
    clock.pass_seconds(2)
    assert ask(store, request()) == [(False, "spent")]
    assert state(store) == "spent"


def test_one_batch_of_many_claimants_has_one_winner(store):
    store.arm([device()])
    answers = ask(store, *(request(f"198.51.100.{n}/32") for n in range(200)))
    assert sum(allowed for allowed, _reason in answers) == 1


def test_an_unknown_token_is_unknown(store):
    assert ask(store, request()) == [(False, "unknown")]


@pytest.mark.parametrize("shift", [-86400, 86400])
def test_a_clock_that_is_set_wrong_within_a_boot_does_not_matter(store, clock, shift):
    store.arm([device()])
    ask(store, request())
    wall, boot, uptime = clock.moment
    clock.set(wall + shift, boot, uptime + 10)
    assert ask(store, request()) == [(True, "window")]


@pytest.mark.parametrize(("seconds", "allowed"), [(100, True), (1000, False), (-86400, False)])
def test_after_a_reboot_the_wall_clock_counts_and_a_negative_age_is_closed(store, clock, seconds, allowed):
    store.arm([device()])
    ask(store, request())
    clock.set(clock.moment.wall + seconds, "boot-2", 1.0)
    assert ask(store, request())[0][0] is allowed


def test_contact_at_home_spends_a_claim_and_is_remembered(store):
    store.arm([device()])
    ask(store, request())
    assert store.contacts([(MAC, "192.0.2.1", "Phone", "abcd1234")]) == [MAC]
    assert ask(store, request()) == [(False, "spent")]
    facts = store.status([MAC])["devices"][MAC]
    assert (facts["ended_by"], facts["last_contact_ip"]) == ("contact at home", "192.0.2.1")
    assert store.contact_token(MAC) == "abcd1234"


def test_contact_at_home_leaves_an_armed_url_armed(store):
    store.arm([device()])
    assert store.contacts([(MAC, "192.0.2.1", "Phone", "abcd1234")]) == []
    assert state(store) == "armed"


def test_a_phone_that_was_never_armed_is_seen_at_home_and_still_not_known(store):
    store.contacts([(MAC, "192.0.2.1", "Phone", "abcd1234")])
    for found in (store.status(), store.status([MAC])):
        assert (found["devices"], found["seen"][MAC]["last_contact_ip"]) == ({}, "192.0.2.1")
    assert store.status(["001565ffffff"])["seen"] == {}
    store.arm([device()])
    found = store.status()
    assert (found["devices"][MAC]["last_contact_ip"], found["seen"]) == ("192.0.2.1", {})


def test_the_end_of_a_window_is_written_down_once(store, clock):
    store.arm([device()])
    ask(store, request())
    assert store.expire() == []
    clock.pass_seconds(1000)
    assert store.expire() == [MAC]
    assert store.expire() == []
    clock.pass_seconds(-990)
    assert ask(store, request()) == [(False, "spent")]


def test_arming_again_changes_nothing_whatever_the_state(store):
    assert store.arm([device()]) == [{"mac": MAC, "state": "armed", "changed": True}]
    assert store.arm([device()]) == [{"mac": MAC, "state": "armed", "changed": False}]
    ask(store, request())
    assert store.arm([device()]) == [{"mac": MAC, "state": "claimed", "changed": False}]
    store.spend([MAC])
    assert store.arm([device()]) == [{"mac": MAC, "state": "spent", "changed": False}]


def test_arming_may_change_the_window_of_an_armed_url(store):
    store.arm([device()])
    assert store.arm([device(window=60)])[0]["changed"]
    assert store.status([MAC])["devices"][MAC]["window"] == 60


@pytest.mark.parametrize("change", [{"claim_generation": 2}, {"token_sha256": "f" * 64}], ids=["generation", "token"])
def test_arming_never_replaces_what_the_store_knows(store, change):
    store.arm([device()])
    store.spend([MAC])
    [result] = store.arm([{**device(), **change}])
    assert result["failed"] and not result["changed"]
    assert state(store) == "spent"


def test_unlocking_arms_a_new_generation_and_the_old_url_stays_closed(store):
    store.arm([device()])
    ask(store, request())
    store.spend([MAC])
    assert store.unlock([device(2)]) == [{"mac": MAC, "state": "armed", "changed": True}]
    assert ask(store, request(generation=1)) == [(False, "unknown")]
    assert ask(store, request(generation=2)) == [(True, "claimed")]
    assert events(store) == ["armed", "claimed", "spent", "unlocked", "armed", "claimed"]


def test_unlocking_in_two_steps_keeps_the_url_closed_until_it_is_armed(store):
    store.arm([device()])
    store.spend([MAC])
    assert store.unlock([{"mac": MAC}]) == [{"mac": MAC, "state": "unlocked", "changed": True}]
    assert store.unlock([{"mac": MAC}]) == [{"mac": MAC, "state": "unlocked", "changed": False}]
    assert ask(store, request(generation=1)) == [(False, "unknown")]
    assert store.arm([device(1)])[0]["failed"]
    assert store.arm([device(2)])[0]["changed"]
    assert ask(store, request(generation=2)) == [(True, "claimed")]


def test_unlocking_twice_with_one_generation_changes_once(store):
    store.arm([device()])
    store.spend([MAC])
    assert [store.unlock([device(2)])[0]["changed"] for _round in range(2)] == [True, False]
    ask(store, request(generation=2))
    assert store.unlock([device(2)])[0]["failed"]


def test_unlocking_while_the_window_is_open_needs_force(store):
    store.arm([device()])
    ask(store, request())
    [refused] = store.unlock([device(2)])
    assert refused["failed"] and "192.0.2.1" in refused["msg"]
    assert store.unlock([device(2)], force=True)[0]["changed"]
    assert ask(store, request()) == [(False, "unknown")]


@pytest.mark.parametrize(("verb", "name"), [("lock", "locked"), ("retire", "retired"), ("spend", "spent")])
def test_what_an_operator_closes_is_closed_at_once_and_stays_known(store, verb, name):
    store.arm([device()])
    ask(store, request())
    assert getattr(store, verb)([MAC], "ops")[0] == {"mac": MAC, "state": name, "changed": True}
    assert getattr(store, verb)([MAC], "ops")[0]["changed"] is False
    assert ask(store, request()) == [(False, name)]
    assert store.arm([device()])[0]["state"] == name


def test_a_reopened_url_serves_one_named_address_for_a_while(store, clock):
    store.arm([device()])
    ask(store, request())
    store.spend([MAC])
    assert store.reopen(MAC, OTHER, 600, "ops")["changed"]
    assert ask(store, request(OTHER), request(HOME)) == [(True, "reopened"), (False, "spent")]
    clock.pass_seconds(601)
    assert ask(store, request(OTHER)) == [(False, "spent")]


@pytest.mark.parametrize("close", ["lock", "retire", "spend"])
def test_closing_ends_what_was_reopened(store, close):
    store.arm([device()])
    store.spend([MAC])
    store.reopen(MAC, OTHER, 600, "ops")
    getattr(store, close)([MAC])
    assert ask(store, request(OTHER))[0][0] is False


@pytest.mark.parametrize(("prepare", "seconds"), [([], 600), (["spend"], 1801), (["lock"], 600)], ids=["armed", "too long", "locked"])
def test_reopening_is_refused_unless_spent_and_short(store, prepare, seconds):
    store.arm([device()])
    for verb in prepare:
        getattr(store, verb)([MAC])
    assert store.reopen(MAC, OTHER, seconds, "ops")["failed"]
    assert ask(store, request(OTHER, first=False))[0][0] is False


def test_wrong_pins_lock_the_claim(store):
    store.arm([device(pin_sha256="a" * 64)])
    wrong = request()._replace(pin_sha256="b" * 64)
    assert [reason for _allowed, reason in ask(store, *[wrong] * 7)] == ["wrong-pin"] * 4 + ["locked"] * 3
    assert state(store) == "locked"
    assert ask(store, request()._replace(pin_sha256="a" * 64)) == [(False, "locked")]


def test_a_pin_is_asked_for_and_costs_nothing_until_one_is_given(store):
    store.arm([device(pin_sha256="a" * 64)])
    assert ask(store, *[request()] * 7) == [(False, "pin")] * 7
    assert ask(store, request()._replace(pin_sha256="b" * 64), request()._replace(pin_sha256="a" * 64)) == [
        (False, "wrong-pin"),
        (True, "claimed"),
    ]
    assert ask(store, request(first=False)) == [(True, "window")]


def test_arming_again_changes_the_terms_of_a_claim_that_nobody_has_used(store):
    store.arm([device()])
    assert store.unlock([device(pin_sha256="a" * 64)])[0]["changed"]
    assert ask(store, request()) == [(False, "pin")]
    assert not store.arm([device(pin_sha256="a" * 64)])[0]["changed"]


def test_a_closed_store_answers_nobody_until_it_is_confirmed(store):
    store.arm([device()])
    store.close_claims("restored")
    assert ask(store, request()) == [(False, "closed")]
    assert store.status()["closed"]
    assert store.confirm("ops") is True
    assert store.confirm("ops") is False
    assert ask(store, request()) == [(True, "claimed")]


@pytest.mark.parametrize("seen", [0, 1, 5000])
def test_a_copy_goes_on_beyond_what_was_seen_of_the_store_that_it_replaces(store, seen):
    def newest() -> int:
        return store.execute("SELECT max(id) FROM event").fetchone()[0]

    before = newest()
    store.close_claims("restored", beyond=seen)
    assert newest() > max(seen, before)
    store.confirm("ops")
    assert newest() > max(seen, before) + 1


@pytest.mark.parametrize("verb", ["lock", "spend", "retire"])
def test_check_mode_says_the_same_and_changes_nothing(store, verb):
    store.arm([device()])
    before = store.status(), store.events()
    assert getattr(store, verb)([MAC], "ops", check=True)[0]["changed"]
    assert store.unlock([device(2)], check=True)[0]["changed"]
    assert store.arm([device(mac="001565000001")], check=True)[0]["changed"]
    assert (store.status(), store.events()) == before


def test_registrations_remember_intent_and_outcome(store):
    store.arm([device()])
    store.registrations("rps", [{"mac": MAC, "url_sha256": "ab", "generation": 1}], final=False)
    assert store.status()["devices"][MAC]["registrations"]["rps"]["state"] == "intent"
    row = {"mac": MAC, "url_sha256": "ab", "generation": 1, "state": "registered"}
    assert store.registrations("rps", [row])[0]["changed"]
    assert not store.registrations("rps", [row])[0]["changed"]
    assert store.status([MAC])["devices"][MAC]["registrations"]["rps"]["url_sha256"] == "ab"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM claim",
        "UPDATE claim SET state = 'armed'",
        "UPDATE claim SET claim_generation = 0",
        "UPDATE claim SET token_sha256 = 'x'",
        "DELETE FROM event",
        "UPDATE event SET event = 'x'",
    ],
)
def test_the_database_itself_refuses_what_may_never_happen(store, sql):
    store.arm([device()])
    store.spend([MAC])
    with pytest.raises(StoreError, match="never|generation"):
        store.execute(sql)
    assert state(store) == "spent"


@pytest.mark.parametrize(
    ("address", "net"),
    [("192.0.2.7", "192.0.2.7/32"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:192.0.2.7", "192.0.2.7/32")],
)
def test_the_same_address_is_a_host_or_a_v6_network(address, net):
    assert network_of(address) == net


def test_a_phone_belongs_to_the_scope_that_armed_it_until_another_adopts_it(store):
    store.arm([device(scope="north")])
    assert store.status([MAC])["devices"][MAC]["scope"] == "north"
    assert [row["changed"] for row in store.adopt([MAC], "south", check=True)] == [True]
    store.lock([MAC])
    assert store.adopt([MAC], "south", "ann") == [{"mac": MAC, "state": "locked", "changed": True}]
    assert store.adopt([MAC], "south", "ann") == [{"mac": MAC, "state": "locked", "changed": False}]
    assert store.status([MAC])["devices"][MAC]["scope"] == "south"
    assert store.adopt(["001565000009"], "south")[0]["failed"]
    assert events(store) == ["armed", "locked", "adopted"]


def test_the_key_of_nonces_is_made_once(store):
    key = store.nonce_key()
    assert len(key) == 32 and store.nonce_key() == key


def test_an_older_store_is_brought_up_to_date_and_keeps_its_claims(store):
    store.arm([device()])
    older = (
        "ALTER TABLE claim DROP COLUMN scope",
        "ALTER TABLE contact DROP COLUMN content",
        "DROP TABLE stranger",
        "DROP TABLE trouble",
        "DROP TABLE stub",
    )
    for statement in older:
        store.execute(statement)
    store.set_meta("schema", "1")
    again = type(store)(store.target)
    try:
        assert again.meta("schema") == str(schema.VERSION)
        assert (state(again), again.row(MAC).scope) == ("armed", "all")
        assert again.adopt([MAC], "north")[0]["changed"]
        assert ask(again, request()) == [(True, "claimed")]
    finally:
        again.close()
