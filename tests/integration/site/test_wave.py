# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canaries go first, and the last phone leaves."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac

from .world import CA, changed, phone

ONLY = ("--tags", "always,phone_configs", "-e", "phone_configs_max_change_percent=100")


@pytest.fixture(scope="module")
def fleet(world, foreign_site):
    """Three phones, of which the first is the canary."""
    world.phones.clear()
    world.phones.update({f"phone{number}": phone(number) for number in (141, 142, 143)})
    world.vars = {"phone_configs_canary": "canaries", "phone_configs_canary_ca_path": CA, "phone_configs_canary_patience": 3}
    world.site("-e", "phone_configs_max_change_percent=100", inventory=with_canary(world, phone_configs_canary_from="server"))
    yield {name: normalize_mac(variables["phone_mac"]) for name, variables in world.phones.items()}
    world.vars = {}


def with_canary(world, **variables):
    path = world.inventory(**variables)
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["all"]["children"]["canaries"] = {"hosts": {"phone141": {}}}
    # No phones of a probe's own here: these are in use.
    del data["all"]["children"]["probe_phones"]
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def test_the_others_follow_when_the_canary_came_up(world, fleet):
    before = world.onboarding()["phone141"]
    output = world.site(*ONLY, inventory=with_canary(world, phone_dialplan="FLEET"))
    assert "Start the canaries as phones" in output
    for mac in fleet.values():
        assert "FLEET" in "".join(world.published(mac).values())
    # The probe neither claimed nor counted as contact.
    after = world.onboarding()["phone141"]
    assert (after["state"], after.get("last_contact")) == (before["state"], before.get("last_contact")) == ("armed", None)
    assert changed(world.site(*ONLY, inventory=with_canary(world, phone_dialplan="FLEET"))) == 0


def test_a_canary_that_does_not_come_up_stops_the_run_with_a_sentence(world, fleet):
    others = {mac: world.published(mac) for name, mac in fleet.items() if name != "phone141"}
    broken = with_canary(world, phone_dialplan="BROKEN", phone_networks=["192.0.2.0/24"])
    output = world.site(*ONLY, inventory=broken, wanted=2)
    assert "phone141: canaries did not come up with what was published for them (refused); no other phone was published" in output
    assert "BROKEN" in "".join(world.published(fleet["phone141"]).values())
    assert {mac: world.published(mac) for mac in others} == others
    # Said again by the next run, which has nothing new for the canary.
    assert "canaries did not come up" in world.site(*ONLY, inventory=broken, wanted=2)
    assert {mac: world.published(mac) for mac in others} == others


def test_what_is_wrong_with_another_phone_stops_the_canary_too(world, fleet):
    inventory = world.inventory({"phone143": {"phone_langauge": "de"}}, phone_dialplan="NEVER")
    data = yaml.safe_load(inventory.read_text(encoding="utf-8"))
    data["all"]["children"]["canaries"] = {"hosts": {"phone141": {}}}
    inventory.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert "did you mean phone_language" in world.site(*ONLY, inventory=inventory, wanted=2)
    assert "NEVER" not in "".join(world.published(fleet["phone141"]).values())


def test_a_canary_group_that_is_not_there_is_told(world, fleet):
    output = world.site(*ONLY, inventory=world.inventory(), wanted=2)
    assert "phone_configs_canary: is canaries, which is no group of the inventory" in output


def test_the_last_phone_leaves_when_somebody_says_so(world, fleet):
    world.vars = {}
    macs = ",".join(fleet.values())
    world.phones.clear()
    command = ("playbooks/decommission.yml", "-e", f"mac={macs}")
    assert "has no hosts" in world.play(*command, wanted=2)
    world.play(*command, "-e", "decommission_last=true", "-e", "phone_configs_max_change_percent=100")
    for mac in fleet.values():
        assert world.published(mac) == {} and mac not in world.service.devices
    assert changed(world.play(*command, "-e", "decommission_last=true")) == 0
