# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the onboarding verb makes of inventory and store."""

from __future__ import annotations

import hashlib

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver

from .claim_world import OTHER_SECRET, SECRET, World, mac


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.run("onboarding", new_store=True)
    made.calls.clear()
    return made


def told(result):
    return {row["host"] or row["mac"]: (row["state"], row["changed"]) for row in result["phones"]}


# Arming.


def test_phones_are_armed_once(world):
    assert set(world.states().values()) == {"armed"}
    again = world.run("onboarding")
    assert (again["changed"], again["counts"], again["phones"]) == (False, {"armed": 3}, [])
    assert world.calls == ["status"]


def test_a_missing_store_is_refused_until_the_operator_says_so(tmp_path):
    world = World(tmp_path)
    with pytest.raises(AnsibleActionFail, match="onboarding_new_store: true"):
        world.run("onboarding")
    assert world.run("onboarding", new_store=True, check=True)["changed"]
    with pytest.raises(AnsibleActionFail, match="onboarding_new_store: true"):
        world.run("onboarding", check=True)


def test_check_mode_on_a_server_that_was_never_set_up_predicts(tmp_path):
    world = World(tmp_path)
    world.set_up = False
    assert told(world.run("onboarding", check=True)) == dict.fromkeys(("p1", "p2", "p3"), ("armed", True))
    assert world.run("onboarding", check=True, state="unlocked")["counts"] == {"armed": 3}
    assert not (tmp_path / "claims.db").exists()


@pytest.mark.parametrize("new_store", [False, True])
def test_a_server_without_a_gate_gets_no_store(tmp_path, new_store):
    world = World(tmp_path)
    world.set_up = False
    with pytest.raises(AnsibleActionFail, match=r"this server has no gate .*run the role provisioning_server first"):
        world.run("onboarding", new_store=new_store)
    assert not (tmp_path / "claims.db").exists()


def test_check_mode_changes_nothing(world):
    world.phones["p4"] = world.phone(4)
    world.phones["p1"]["phone_enabled"] = False
    del world.phones["p2"]
    before = world.devices()
    result = world.run("onboarding", check=True, retire_absent=True)
    assert told(result)["p4"] == ("armed", True)
    assert told(result)["p1"] == ("spent", True)
    assert told(result)["80:5e:c0:00:00:02"] == ("retired", True)
    assert world.devices() == before


def test_what_was_closed_stays_closed(world):
    world.claim(1)
    world.spend(2)
    world.run("onboarding", state="locked", limit=["p3"])
    result = world.run("onboarding")
    assert not result["changed"]
    assert world.states() == {mac(1): "claimed", mac(2): "spent", mac(3): "locked"}


def test_a_phone_unlocked_on_the_server_is_armed_with_its_new_generation(world):
    world.spend(1)
    world.store.unlock([{"mac": mac(1), "by": "gatectl"}])
    assert told(world.run("onboarding")) == {"p1": ("armed", True)}
    assert world.devices()[mac(1)]["claim_generation"] == 2


@pytest.mark.parametrize(
    "change", [{"phone_enabled": False}, {"phone_onboarding": "off"}, {"phone_model": "Zoiper5", "phone_vendor": "zoiper"}]
)
@pytest.mark.parametrize("claimed", [False, True])
def test_a_phone_that_may_have_no_url_any_more_loses_an_open_one(world, change, claimed):
    if claimed:
        world.claim(1)
    world.phones["p1"].update(change)
    assert told(world.run("onboarding"))["p1"] == ("spent", True)
    again = world.run("onboarding")
    assert (again["changed"], told(again)["p1"]) == (False, ("off", False))


def test_a_longer_window_reaches_an_armed_phone(world):
    world.vars["phone_claim_window"] = 1200
    assert world.run("onboarding")["changed"]
    assert {row["window"] for row in world.devices().values()} == {1200}
    assert not world.run("onboarding")["changed"]


def test_another_secret_arms_unused_urls_anew_in_one_call(world):
    world.claim(3)
    world.vars["provisioning_secret"] = OTHER_SECRET
    before = world.devices()
    assert told(world.run("onboarding")) == {"p1": ("armed", True), "p2": ("armed", True)}
    assert world.calls == ["status", "unlock"]
    after = world.devices()
    assert [after[mac(number)]["claim_generation"] for number in (1, 2, 3)] == [2, 2, 1]
    assert after[mac(1)]["token_sha256"] != before[mac(1)]["token_sha256"]
    assert not world.run("onboarding")["changed"]


def test_a_restored_store_stays_closed_until_confirmed(world):
    world.store.close_claims("restored")
    for state in ("armed", "unlocked"):
        with pytest.raises(AnsibleActionFail, match="state: confirmed"):
            world.run("onboarding", state=state)
    assert world.run("onboarding", state="locked", limit=["p1"])["changed"]
    assert world.run("onboarding", state="confirmed", check=True)["changed"]
    assert world.run("onboarding", state="confirmed")["changed"]
    assert not world.run("onboarding", state="confirmed")["changed"]
    assert not world.run("onboarding")["changed"]


# Phones that left.


def test_a_phone_that_left_is_retired_by_a_run_over_the_whole_group_only(world):
    del world.phones["p2"]
    assert not world.run("onboarding", limit=["p1"], retire_absent=True)["changed"]
    assert not world.run("onboarding")["changed"]
    assert told(world.run("onboarding", retire_absent=True)) == {"80:5e:c0:00:00:02": ("retired", True)}
    assert not world.run("onboarding", retire_absent=True)["changed"]


def test_a_phone_of_another_scope_is_not_retired(world):
    other = World(world.folder, phones=0, phone_configs_scope="south")
    other.phones = {"s1": other.phone(11), "s2": other.phone(12)}
    assert told(other.run("onboarding", retire_absent=True)) == {"s1": ("armed", True), "s2": ("armed", True)}
    assert not world.run("onboarding", retire_absent=True)["changed"]
    assert set(world.states().values()) == {"armed"}


def test_a_phone_that_moved_to_another_scope_is_the_others_business(world):
    moved = World(world.folder, phones=0, phone_configs_scope="south")
    moved.phones = {"p2": world.phones.pop("p2")}
    world.spend(2)
    assert told(moved.run("onboarding", retire_absent=True)) == {"p2": ("spent", True)}
    assert not moved.run("onboarding", retire_absent=True)["changed"]
    assert not world.run("onboarding", retire_absent=True)["changed"]


def test_a_phone_that_came_back_says_why_it_is_closed(world):
    gone = world.phones.pop("p2")
    world.run("onboarding", retire_absent=True)
    world.phones["p2"] = gone
    result = world.run("onboarding")
    assert told(result) == {"p2": ("retired", False)}
    assert "unlock it" in result["phones"][0]["msg"]
    assert world.run("onboarding", readmit=True, check=True)["changed"]
    world.spend(1)
    assert told(world.run("onboarding", readmit=True)) == {"p2": ("armed", True)}
    assert world.states() == {mac(1): "spent", mac(2): "armed", mac(3): "armed"}


def test_retiring_names_what_left(world):
    del world.phones["p2"]
    assert told(world.run("onboarding", state="retired", macs=["80:5E:C0:00:00:02"], limit=["p1"])) == {
        "80:5e:c0:00:00:02": ("retired", True)
    }
    again = world.run("onboarding", state="retired", macs=["80:5E:C0:00:00:02", "80:5E:C0:00:00:77"], limit=["p1"])
    assert not again["changed"]
    assert [row["msg"] for row in again["phones"]] == ["is not known to the claim store"]


@pytest.mark.parametrize(
    ("macs", "what"),
    [
        (["80:5e:c0:00:00:01"], "is that of p1: take the host out"),
        (["80:5e:c0:00:00:0"], "is not a MAC address"),
        (["80:5e:c0:00:00:11"], "belongs to scope 'south'"),
        (None, "goes with state retired"),
    ],
)
def test_retiring_refuses_what_is_not_gone(world, macs, what):
    world.store.arm([{"mac": mac(0x11), "claim_generation": 1, "token_sha256": "a" * 64, "scope": "south"}])
    before = world.states()
    with pytest.raises(AnsibleActionFail, match=what):
        world.run("onboarding", state="retired", macs=macs)
    assert world.states() == before


# Unlocking, locking, spending.


@pytest.mark.parametrize("closed", ["spent", "locked", "retired"])
def test_unlocking_gives_a_new_url(world, closed):
    getattr(world.store, {"spent": "spend", "locked": "lock", "retired": "retire"}[closed])([mac(1)])
    result = world.run("onboarding", state="unlocked", limit=["p1"])
    assert told(result) == {"p1": ("armed", True)}
    assert "raise phone_generation" in result["msg"]
    assert world.devices()[mac(1)]["claim_generation"] == 2
    assert told(world.run("onboarding", state="unlocked", limit=["p1"])) == {"p1": ("armed", False)}


def test_unlocking_an_armed_phone_of_another_secret_gives_it_a_url_that_works(world):
    world.vars["provisioning_secret"] = OTHER_SECRET
    assert told(world.run("onboarding", state="unlocked", limit=["p1"])) == {"p1": ("armed", True)}


def test_an_open_window_ends_by_force_only(world):
    world.claim(1)
    result = world.run("onboarding", state="unlocked", limit=["p1", "p2"])
    assert result["failed"] and "p1: 192.0.2.1 has claimed it" in result["msg"]
    assert told(result)["p2"] == ("armed", False)
    assert told(world.run("onboarding", state="unlocked", limit=["p1"], force=True)) == {"p1": ("armed", True)}


def test_a_phone_without_one_time_url_fails_alone(world):
    world.phones["p2"]["phone_onboarding"] = "off"
    world.spend(1, 2)
    result = world.run("onboarding", state="unlocked")
    assert result["failed"] and "p2: phone_onboarding is off" in result["msg"] and "1 phone can't" in result["msg"]
    assert world.states()[mac(1)] == "armed"


def test_locking_a_phone_that_the_store_does_not_know_is_said(world):
    world.phones["p4"] = world.phone(4)
    result = world.run("onboarding", state="locked", limit=["p1", "p4"])
    assert result["failed"] and "p4: never had a one-time URL" in result["msg"]
    assert world.states()[mac(1)] == "locked"
    assert not world.run("onboarding", state="spent", limit=["p4"]).get("failed")


def test_spending_leaves_a_locked_phone_locked(world):
    world.run("onboarding", state="locked", limit=["p1"])
    world.run("onboarding", state="spent")
    assert world.states() == {mac(1): "locked", mac(2): "spent", mac(3): "spent"}


# Refusals.


def test_all_problems_of_the_phones_come_at_once_and_name_them(world):
    world.phones["p1"]["phone_mac"] = "80:5e:c0:00:00"
    world.phones["p2"]["phone_model"] = "T99X"
    world.phones["p3"].update(phone_vendor="yelink", phone_claim_window=5)
    world.phones["p4"] = {**world.phone(5), "phone_redirect_account": "{{ nowhere }}"}
    world.phones["p5"] = world.phone(5)
    with pytest.raises(AnsibleActionFail) as caught:
        world.run("onboarding")
    said = str(caught.value)
    for part in (
        "p1: phone_mac",
        "p2: phone_model",
        "p3: phone_claim_window",
        "p4: phone_redirect_account",
        f"p5: phone_mac: {mac(5)} is that of p4",
    ):
        assert part in said, said
    assert "nothing was changed" in said
    assert world.calls == []


def test_a_duplicate_outside_the_limit_is_refused(world):
    world.phones["p9"] = world.phone(1)
    with pytest.raises(AnsibleActionFail, match="is that of p1 too"):
        world.run("onboarding", limit=["p2"])


def test_a_vendor_that_nobody_has_names_its_neighbours(world):
    world.phones["p3"]["phone_vendor"] = "yelink"
    with pytest.raises(AnsibleActionFail, match="did you mean yealink"):
        world.run("onboarding")


def test_phones_outside_the_limit_may_be_wrong(world):
    world.phones["p2"]["phone_model"] = "T99X"
    assert not world.run("onboarding", limit=["p1"])["changed"]


def test_a_phones_lines_are_not_read(world):
    """Their passwords are vaulted, and a decryption takes milliseconds."""
    world.phones["p1"]["phone_lines"] = "{{ undefined_here }}"
    assert not world.run("onboarding")["changed"]


def test_nothing_that_passes_holds_a_token_or_the_secret(world):
    world.spend(1)
    results = [world.run("onboarding", state="unlocked", limit=["p1"]), world.run("onboarding"), world.run("onboarding_info")]
    seen = repr((results, world.arguments))
    assert SECRET not in seen
    urls = world.run("onboarding_info", urls=True)["phones"]
    tokens = [entry["url"].split("/c/")[1].strip("/") for entry in urls.values()]
    assert len(tokens) == 3
    assert not [token for token in tokens if token in seen]


def test_long_lists_travel_as_a_file(tmp_path):
    world = World(tmp_path, phones=30)
    assert world.run("onboarding", new_store=True)["counts"] == {"armed": 30}
    assert all(len(args.get("devices") or ()) <= 20 for args in world.arguments)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == []


# Telling.


def test_info_joins_store_and_inventory(world):
    world.claim(1)
    world.phones["p2"]["phone_onboarding"] = "off"
    world.phones["p4"] = world.phone(4)
    del world.phones["p3"]
    world.store.registrations("rps", [{"mac": mac(1), "state": "registered", "url_sha256": "x" * 64}])
    found = world.run("onboarding_info")
    assert {name: entry["state"] for name, entry in found["phones"].items()} == {"p1": "claimed", "p2": "armed", "p4": "new"}
    assert found["phones"]["p1"]["registrations"]["rps"]["state"] == "registered"
    assert found["phones"]["p2"]["msg"] == "phone_onboarding is off: enter its URL by hand"
    assert found["not_in_inventory"] == ["80:5e:c0:00:00:03"]
    assert found["store"] == {"new": False, "closed": False}
    assert "url" not in repr(found["phones"])
    assert world.run("onboarding_info", limit=["p1"])["not_in_inventory"] == []


def test_info_gives_no_url_that_would_not_open(world):
    world.vars["provisioning_secret"] = OTHER_SECRET
    entry = world.run("onboarding_info", urls=True)["phones"]["p1"]
    assert "url" not in entry and "provisioning_secret has changed" in entry["msg"]


def test_info_without_a_store_says_so(tmp_path):
    found = World(tmp_path).run("onboarding_info")
    assert found["store"]["new"] and found["counts"] == {"new": 3}


# PINs.


def pin_of(world, number, generation=1):
    return Deriver(SECRET).claim_pin(mac(number), world.store.epoch(), generation)


def test_a_phone_with_a_pin_is_armed_with_its_hash_and_nothing_tells_it(tmp_path):
    world = World(tmp_path, phone_claim_pin=True)
    result = world.run("onboarding", new_store=True)
    known = world.store.row(mac(1)).pin_sha256
    assert known == hashlib.sha256(f"{mac(1)}:1:{pin_of(world, 1)}".encode()).hexdigest()
    info = world.run("onboarding_info")
    assert info["phones"]["p1"]["pin_wanted"] is True
    assert pin_of(world, 1) not in f"{result}{info}{world.arguments}"
    assert world.run("onboarding_info", pins=True)["phones"]["p1"]["pin"] == pin_of(world, 1)


def test_a_pin_that_is_switched_on_later_holds_for_urls_that_nobody_has_used(world):
    world.claim(2)
    world.vars["phone_claim_pin"] = True
    assert world.run("onboarding")["changed"]
    assert world.store.row(mac(1)).pin_sha256 and not world.store.row(mac(2)).pin_sha256
    assert not world.run("onboarding")["changed"]
    world.vars["phone_claim_pin"] = False
    assert world.run("onboarding", state="unlocked", limit=["p1"])["changed"]
    assert world.store.row(mac(1)).pin_sha256 is None and world.store.row(mac(1)).claim_generation == 1


def test_an_unlocked_phone_has_another_pin(tmp_path):
    world = World(tmp_path, phone_claim_pin=True)
    world.run("onboarding", new_store=True)
    world.spend(1)
    world.run("onboarding", state="unlocked", limit=["p1"])
    assert world.run("onboarding_info", pins=True)["phones"]["p1"]["pin"] == pin_of(world, 1, 2)


def test_a_pin_is_refused_for_phones_that_do_not_ask(world):
    world.vars.update(phone_vendor="gigaset", phone_model="Maxwell 3", phone_claim_pin=True)
    world.phones["p1"].update(phone_mac="02:00:00:00:00:01", phone_redirect_account="rps")
    with pytest.raises(
        AnsibleActionFail, match="(?s)p1: phone_claim_pin: is on, but phones of gigaset.*p1: phone_mac: is locally administered"
    ):
        world.run("onboarding")
