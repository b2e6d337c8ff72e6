# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The redirect verb for the phones of a play: inventory, claim store and two simulated services."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible.template import trust_as_template
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import KEYS, LOGIN, Fault, Running, simulator

from .claim_world import OTHER_SECRET, SECRET, World, mac


@pytest.fixture
def labs():
    with Running(simulator("yealink_ymcs")) as new, Running(simulator("yealink_rps_xml")) as old:
        yield new, old


@pytest.fixture
def world(tmp_path, labs):
    new, old = labs
    made = World(
        tmp_path,
        phone_redirect_account="new",
        phone_redirect_accounts={
            "new": {"service": "yealink_ymcs", "api_url": new.base, "retry_wait": 0.001, **KEYS},
            "old": {"service": "yealink_rps_xml", "api_url": old.base, "retry_wait": 0.001, **LOGIN},
        },
    )
    made.run("onboarding", new_store=True)
    return made


@pytest.fixture
def new(labs):
    return labs[0]


@pytest.fixture
def old(labs):
    return labs[1]


def rounds(world, **args):
    """A site run: arm, then register."""
    world.run("onboarding", retire_absent=True)
    return world.run("redirect", **args)


def calls(*labs):
    return sum(sum(lab.calls.values()) for lab in labs)


def record(world, number, account="new"):
    return world.devices()[mac(number)]["registrations"][account]["state"]


def test_armed_phones_are_registered_once_and_then_nobody_is_asked(world, new):
    result = world.run("redirect")
    assert (result["changed"], result["counts"]["registered"]) == (True, 3)
    urls = {item["mac"].replace(":", ""): item["url"] for item in world.run("onboarding_info", urls=True)["phones"].values()}
    assert {address: new.devices[address].url for address in urls} == urls
    before = calls(new)
    again = world.run("redirect")
    assert (again["changed"], again["calls"], again["devices"], again["counts"]["unchanged"]) == (False, 0, [], 3)
    assert calls(new) == before


def test_check_mode_writes_nothing_anywhere(world, new):
    before = world.devices()
    result = world.run("redirect", check=True)
    assert (result["changed"], result["counts"]["registered"]) == (True, 3)
    assert all("would register" in row["msg"] for row in result["devices"])
    assert new.write_calls() == 0 and world.devices() == before


def test_check_mode_takes_phones_for_armed_that_would_be(world, new):
    world.phones["p4"] = world.phone(4)
    world.store.unlock([{"mac": mac(1)}])
    rounds_ = world.run("redirect", check=True, spent="deregister")
    assert {row["host"]: row["msg"].split(" (")[0] for row in rounds_["devices"]} == dict.fromkeys(
        ("p1", "p2", "p3", "p4"), "would register"
    )


def test_check_mode_predicts_what_an_unlock_leads_to(world, new):
    world.run("redirect")
    world.spend(1)
    assert not world.run("redirect", check=True, limit=["p1"])["changed"]
    predicted = world.run("redirect", check=True, limit=["p1"], unlocking=True)
    assert [(row["host"], row["changed"]) for row in predicted["devices"]] == [("p1", True)]
    held = new.devices[mac(1)].url
    world.run("onboarding", state="unlocked", limit=["p1"])
    assert world.run("redirect", limit=["p1"])["counts"]["updated"] == 1
    assert new.devices[mac(1)].url != held


@pytest.mark.parametrize("state", ["spent", "locked"])
def test_a_closed_claim_keeps_its_entry_unless_told(world, new, state):
    world.run("redirect")
    world.run("onboarding", state=state, limit=["p1"])
    assert not rounds(world)["changed"]
    result = rounds(world, spent="deregister")
    assert result["counts"]["removed"] == 1 and mac(1) not in new.devices
    assert not rounds(world, spent="deregister")["changed"]


def test_a_claimed_phone_keeps_its_entry_while_its_window_is_open(world, new):
    world.run("redirect")
    world.claim(1)
    assert not rounds(world, spent="deregister")["changed"]
    assert mac(1) in new.devices


@pytest.mark.parametrize("change", [{"phone_enabled": False}, {"phone_onboarding": "off"}, {"phone_redirect_account": ""}])
def test_a_phone_that_may_not_be_registered_any_more_is_taken_out(world, new, change):
    world.run("redirect")
    world.phones["p1"].update(change)
    result = rounds(world)
    assert result["counts"]["removed"] == 1 and mac(1) not in new.devices
    assert not rounds(world)["changed"]


def test_what_is_left_to_do_by_hand_is_told(world):
    world.phones["p1"]["phone_onboarding"] = "off"
    assert rounds(world)["by_hand"] == ["p1: phone_onboarding is off: enter its URL by hand"]


def test_a_phone_that_moved_leaves_its_old_account(world, new, old):
    world.run("redirect")
    world.phones["p1"]["phone_redirect_account"] = "old"
    result = world.run("redirect")
    assert (result["counts"]["removed"], result["counts"]["registered"]) == (1, 1)
    assert mac(1) not in new.devices and mac(1) in old.devices
    before = calls(new, old)
    assert not world.run("redirect")["changed"]
    assert calls(new, old) == before
    assert (record(world, 1, "new"), record(world, 1, "old")) == ("absent", "registered")


def test_an_account_that_is_gone_is_told_with_what_it_holds(world, new, old):
    world.run("redirect")
    del world.vars["phone_redirect_accounts"]["new"]
    world.vars["phone_redirect_account"] = "old"
    del world.phones["p3"]
    result = rounds(world)
    assert result["counts"]["registered"] == 2
    assert "account 'new' is not in phone_redirect_accounts any more" in result["by_hand"][0]
    assert all(mac(number) in result["by_hand"][0] for number in (1, 2, 3))


def test_an_unknown_account_is_refused_before_anything_is_asked(world, new):
    world.phones["p2"]["phone_redirect_account"] = "nwe"
    with pytest.raises(
        AnsibleActionFail, match="p2: phone_redirect_account: 'nwe' is no account of phone_redirect_accounts; known: new, old"
    ):
        world.run("redirect")
    assert calls(new) == 0


@pytest.mark.parametrize(
    ("accounts", "what"),
    [
        (["new"], "is a list, wanted a dictionary"),
        ({"new": "key"}, "phone_redirect_accounts.new: is a str"),
        ({"new": {"service": "yealink"}}, "known: yealink_ymcs"),
        ({"new": {"service": "yealink_rps_xml", "username": "u", "pasword": "hunter22"}}, "did you mean password"),
    ],
)
def test_unusable_accounts_are_refused_without_a_secret(world, accounts, what):
    world.vars["phone_redirect_accounts"] = accounts
    with pytest.raises(AnsibleActionFail) as caught:
        world.run("redirect")
    assert what in str(caught.value) and "hunter22" not in str(caught.value)


def test_an_undefined_secret_of_an_account_is_named(world):
    world.vars["phone_redirect_accounts"] = {"new": {"service": "yealink_ymcs", "access_key_id": trust_as_template("{{ vault_nowhere }}")}}
    with pytest.raises(AnsibleActionFail, match="phone_redirect_accounts.*vault_nowhere"):
        world.run("redirect")


def test_no_account_and_no_wish_for_one_is_nothing_to_do(world):
    world.vars.update(phone_redirect_account="", phone_redirect_accounts=None)
    assert not world.run("redirect")["changed"]


# Phones that left.


def test_a_phone_that_left_is_taken_out_by_a_run_over_the_whole_group(world, new):
    world.run("redirect")
    del world.phones["p2"]
    assert not world.run("redirect", limit=["p1"])["changed"]
    assert not world.run("redirect", absent="keep")["changed"]
    assert world.run("redirect", check=True)["counts"]["removed"] == 1
    assert rounds(world)["counts"]["removed"] == 1
    assert mac(2) not in new.devices
    assert not rounds(world)["changed"]


def test_a_phone_that_left_is_taken_out_at_once_when_named(world, new):
    world.run("redirect")
    del world.phones["p2"]
    result = world.run("redirect", limit=["p1"], gone=["80-5E-C0-00-00-02"])
    assert (result["counts"]["removed"], result["counts"]["unchanged"]) == (1, 1)
    assert mac(2) not in new.devices
    with pytest.raises(AnsibleActionFail, match="is that of p3"):
        world.run("redirect", limit=["p1"], gone=[mac(3)])


def test_another_scopes_phones_stay_registered(world, new):
    world.run("redirect")
    south = World(world.folder, phones=0, **{**world.vars, "phone_configs_scope": "south"})
    south.phones = {"s1": south.phone(11)}
    assert rounds(south)["counts"]["registered"] == 1
    assert not rounds(world)["changed"]
    assert {mac(11), mac(1)} <= set(new.devices)


def test_mass_removal_is_refused_before_the_first(world, new):
    world.run("redirect")
    del world.phones["p2"], world.phones["p3"]
    with pytest.raises(AnsibleActionFail, match="2 devices would be deregistered"):
        world.run("redirect", max_deregistrations=1)
    assert len(new.devices) == 3


# Trouble.


def test_a_run_that_died_before_its_answer_reads_back_and_registers_nothing_twice(world, new):
    world.dies_at = "outcome"
    with pytest.raises(KeyboardInterrupt):
        world.run("redirect")
    world.dies_at = ""
    assert {record(world, number) for number in (1, 2, 3)} == {"intent"}
    writes = new.write_calls()
    result = world.run("redirect")
    assert not result.get("failed") and new.write_calls() == writes
    assert {record(world, number) for number in (1, 2, 3)} == {"registered"}
    assert world.run("redirect")["calls"] == 0


def test_a_run_that_died_before_its_request_registers(world, new):
    world.store.registrations("new", [{"mac": mac(1), "state": "intent", "url_sha256": "x" * 64}], final=False)
    assert world.run("redirect")["counts"]["registered"] == 3


def test_a_removal_that_died_is_finished(world, new):
    world.run("redirect")
    del world.phones["p2"]
    world.dies_at = "outcome"
    with pytest.raises(KeyboardInterrupt):
        world.run("redirect")
    world.dies_at = ""
    world.run("redirect")
    assert mac(2) not in new.devices and record(world, 2) == "absent"


def test_another_accounts_mac_fails_alone(world, new):
    new.seed(mac(2), owner="them")
    result = world.run("redirect")
    assert result["failed"] and [row["host"] for row in result["devices"] if row["failed"]] == ["p2"]
    assert new.devices[mac(2)].owner == "them"
    assert {record(world, 1), record(world, 3)} == {"registered"}
    # Nothing of ours is there, so nothing is taken out either.
    del world.phones["p2"]
    assert not rounds(world)["changed"]
    assert new.devices[mac(2)].owner == "them"


def test_a_service_that_is_down_fails_its_phones_only(world, new, old):
    world.phones["p1"]["phone_redirect_account"] = "old"
    new.faults = [Fault("status", "", times=999)]
    result = world.run("redirect")
    assert result["failed"] and [row["host"] for row in result["devices"] if not row["failed"]] == ["p1"]
    assert mac(1) in old.devices


def test_a_url_of_another_secret_is_never_registered(world, new):
    world.run("redirect")
    world.claim(1)
    world.vars["provisioning_secret"] = OTHER_SECRET
    result = world.run("redirect")
    assert not result["changed"]
    assert sorted(result["by_hand"]) == [
        f"{name}: provisioning_secret has changed since it was armed; run onboarding" for name in ("p2", "p3")
    ]
    assert world.run("redirect", check=True)["counts"]["updated"] == 2
    assert rounds(world)["counts"]["updated"] == 2


def test_a_phone_that_came_back_is_not_registered_with_a_closed_url(world, new):
    world.run("redirect")
    gone = world.phones.pop("p2")
    rounds(world)
    world.phones["p2"] = gone
    result = rounds(world)
    assert not result["changed"] and "p2: was retired" in result["by_hand"][0]
    assert [row["host"] for row in world.run("redirect", check=True, readmit=True)["devices"]] == ["p2"]


def test_verify_finds_drift(world, new):
    world.run("redirect")
    new.devices[mac(1)].url = "https://elsewhere.example.com/"
    assert not world.run("redirect")["changed"]
    assert world.run("redirect", verify=True)["counts"]["updated"] == 1
    assert not world.run("redirect", verify=True)["changed"]


def test_info_compares_every_account_with_the_fleet(world, new, old):
    world.phones["p3"]["phone_redirect_account"] = "old"
    world.run("redirect")
    world.spend(1)
    new.devices[mac(2)].url = "https://elsewhere.example.com/"
    new.seed(mac(0x99), url="https://prov.example.com/c/x/")
    found = world.run("redirect_info")
    first, second = found["accounts"]["new"], found["accounts"]["old"]
    assert (first["differences"]["different"], first["differences"]["missing"]) == ([mac(2)], [])
    assert first["differences"]["unexpected"] == [mac(0x99)]
    assert [row["host"] for row in second["devices"]] == ["p3"]
    del new.devices[mac(1)]
    assert world.run("redirect_info")["accounts"]["new"]["differences"]["missing"] == [mac(1)]
    assert world.run("redirect_info", limit=["p1"])["accounts"]["new"]["differences"]["unexpected"] == []
    assert "example.com" not in repr(found) and new.write_calls() == 1
    new.faults = [Fault("status", "", times=999)]
    broken = world.run("redirect_info")
    assert broken["failed"] and broken["msg"].startswith("new: ") and "old" in broken["accounts"]


def test_nothing_secret_is_in_a_result_or_passes_to_the_server(world, new):
    new.seed(mac(2), owner="them")
    results = [world.run("redirect", check=True), world.run("redirect"), world.run("redirect", verify=True)]
    tokens = [entry["url"].split("/c/")[1].strip("/") for entry in world.run("onboarding_info", urls=True)["phones"].values()]
    said = repr((results, world.arguments))
    assert len(tokens) == 3
    assert not [secret for secret in (*tokens, SECRET, "lab-secret", "lab-password") if secret in said]
