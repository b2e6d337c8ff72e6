# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import Server, Terms, document
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.fleet import Listed, ListedPhone

from tests.unit.server_world import ServerWorld, mac

TERMS = Terms("Phones", 14, ("ansible-playbook", "dialtone.phones.unlock"))


def phone(number: int, **more: Any) -> ListedPhone:
    values = {"vendor": "yealink", "model": "T54W", "site": "Berlin", "tenant": "", "enabled": True, "once": True, "account": "rps", **more}
    return ListedPhone(host=values.pop("host", f"p{number}"), mac=mac(number), **values)


def listed(*phones: ListedPhone, complete: bool = True, problems: tuple[str, ...] = ()) -> Listed:
    return Listed(list(phones), {item.mac: item.host for item in phones}, complete, "all", Packs([]), list(problems))


def server(world: ServerWorld, name: str = "prov1", **more: Any) -> Server:
    return Server(name, {**world.state(), **more})


@pytest.fixture
def world(tmp_path):
    return ServerWorld(tmp_path)


def report(world, *phones, **more):
    return document(listed(*phones, **more), [server(world)], TERMS, time.time())


def one(world, *phones):
    return report(world, *(phones or (phone(1),)))["phones"][0]


def test_the_stages_of_a_phone(world):
    assert one(world)["stage"] == "listed"
    world.publish(1)
    world.arm(1)
    world.register(1)
    assert one(world)["stage"] == "redirected"
    world.claim(1)
    assert one(world)["stage"] == "claimed"
    world.contact(1, text="something else")
    assert one(world)["stage"] == "provisioned"
    assert one(world)["flags"] == ["outdated"]
    world.contact(1)
    assert one(world)["stage"] == "current"
    assert one(world)["flags"] == []


def test_the_funnel_counts_who_came_at_least_so_far(world):
    now = int(time.time())
    world.publish(1, 2, 3, at=now)
    world.contact(1, at=now)
    world.arm(2)
    world.claim(2)
    made = report(world, *map(phone, (1, 2, 3)))
    assert [entry["phones"] for entry in made["funnel"]] == [3, 2, 2, 1, 1]
    assert made["breakdown"]["site"][0] == {
        "name": "Berlin",
        "listed": 3,
        "redirected": 2,
        "claimed": 2,
        "provisioned": 1,
        "current": 1,
        "silent": 0,
    }


def test_a_raised_generation_is_not_current_until_the_phone_has_moved(world):
    world.publish(1, generation=2)
    world.contact(1, generation=1)
    assert one(world)["flags"] == ["outdated"]
    world.contact(1, generation=2)
    assert one(world)["stage"] == "current"


def test_a_phone_that_fetched_from_any_server_is_current(world, tmp_path):
    (tmp_path / "other").mkdir()
    other = ServerWorld(tmp_path / "other")
    world.publish(1, at=1_700_000_000)
    other.publish(1, at=1_700_000_005)
    world.contact(1, at=1_700_000_005)
    made = document(listed(phone(1)), [server(world), server(other, "prov2", store=None)], TERMS, time.time())
    assert made["phones"][0]["stage"] == "current"


def test_a_contact_of_an_older_gate_counts_by_its_time(world):
    world.publish(1)
    world.contact(1)
    world.store.execute("UPDATE contact SET content = ''")
    assert one(world)["stage"] == "current"
    world.publish(1, at=int(time.time()) + 60)
    assert one(world)["stage"] == "provisioned"


@pytest.mark.parametrize(("days", "silent"), [(13, False), (15, True)])
def test_silence_is_days_without_contact(world, days, silent):
    world.publish(1)
    world.contact(1)
    world.age(1, days)
    assert ("silent" in one(world)["flags"]) is silent
    assert "silent" not in one(world, phone(1, enabled=False))["flags"]


def test_who_never_called_is_silent_since_it_was_published(world):
    world.publish(1)
    assert "silent" in one(world)["flags"]
    world.publish(1, at=int(time.time()))
    assert "silent" not in one(world)["flags"]


def test_unlock_is_told_for_what_is_closed_and_quoted(world):
    assert one(world)["unlock"] is None
    world.arm(1)
    world.store.lock([mac(1)])
    assert one(world, phone(1, host="p 1'; reboot"))["unlock"] == "ansible-playbook dialtone.phones.unlock --limit 'p 1'\"'\"'; reboot'"
    assert one(world)["flags"] == ["locked", "unpublished"]


def test_a_claim_that_ended_without_arrival_is_stuck(world):
    world.publish(1, at=int(time.time()))
    world.arm(1)
    world.register(1)
    world.claim(1)
    world.store.spend([mac(1)])
    assert one(world)["flags"] == ["stuck"]
    world.contact(1, text="x", at=5)
    assert "stuck" not in one(world)["flags"]


@pytest.mark.parametrize(
    ("prepare", "drift"),
    [
        (lambda world: world.register(1), ""),
        (lambda world: world.register(1, state="intent"), "was begun and not finished"),
        (lambda world: world.register(1, state="failed"), "is not registered, although its one-time URL is armed"),
        (lambda world: world.arm(1, 2), "is registered with the URL of generation 1, armed is 2"),
        (lambda world: world.register(1, account="other"), "is registered with an account that the inventory does not name"),
    ],
)
def test_drift_is_what_the_records_contradict(world, prepare, drift):
    world.arm(1)
    world.register(1)
    prepare(world)
    found = one(world)
    assert drift in [entry["drift"] for entry in found["redirect"]]
    assert ("drift" in found["flags"]) is bool(drift)


def test_errors_are_open_until_the_next_contact(world):
    world.publish(1)
    world.trouble(1, "login")
    world.trouble(1, "limited")
    assert {"hammering", "trouble"} <= set(one(world)["flags"])
    world.contact(1)
    assert one(world)["flags"] == []
    assert [error["open"] for error in one(world)["errors"]] == [False, False]


def test_a_stranger_is_unknown_until_it_is_listed(world):
    world.stranger(mac(9), "Yealink SIP-T46U 108.86.0.1 80:5e:c0:00:00:09")
    found = report(world, phone(1))["unknown"]
    assert [(row["mac"], row["vendor"], row["model"]) for row in found] == [("80:5e:c0:00:00:09", "yealink", "T46U")]
    assert report(world, phone(1), phone(9))["unknown"] == []


def test_who_left_the_inventory_is_told_only_by_a_run_that_sees_all(world):
    world.publish(1, 2)
    world.arm(2)
    world.register(2)
    (left,) = report(world, phone(1))["left_behind"]
    assert (left["host"], left["published"], left["claim"], left["registered_with"]) == ("p2", True, "armed", ["rps"])
    assert report(world, phone(1), complete=False)["left_behind"] == []


def test_hidden_characters_of_names_show(world):
    found = one(world, phone(1, site="Ber\u202elin\u200b\n"))
    assert found["site"] == "Ber\ufffdlin\ufffd\ufffd"


def test_no_store_is_no_failure(world):
    made = document(listed(phone(1)), [server(world, store=None)], TERMS, 1_700_000_000.0)
    assert made["store"] == {"missing": True, "closed": False}
    assert made["generated_at"] == "2023-11-14T22:13:20Z"
