# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays of every day that have nothing to work with say so in one sentence, before anything is done."""

from __future__ import annotations

import pytest
import yaml

from .site.world import World

NO_GROUP = "provisioning_servers: the inventory has no such group, or it is empty; "


def refused(world, playbook, *args, inventory=None):
    output = " ".join(world.play(f"playbooks/{playbook}.yml", *args, inventory=inventory, wanted=2).split())
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize(
    ("playbook", "sentence"),
    [
        ("unknown", NO_GROUP + "its hosts are the ones that phones ask"),
        ("bootstrap", NO_GROUP + "the claim store is on one of its hosts"),
        ("rotate", NO_GROUP + "the claim store is on one of its hosts"),
    ],
)
def test_an_inventory_without_servers_is_told(tmp_path, playbook, sentence):
    world = World(tmp_path)
    inventory = world.inventory()
    data = yaml.safe_load(inventory.read_text())
    del data["all"]["children"]["provisioning_servers"]
    inventory.write_text(yaml.safe_dump(data))
    assert sentence in refused(world, playbook, "--limit", "phone101", inventory=inventory)


def test_a_server_without_a_release_is_told(tmp_path):
    world = World(tmp_path)
    inventory = world.inventory(provisioning_root=str(tmp_path / "nowhere"))
    output = " ".join(world.play("playbooks/unknown.yml", "-e", f"unknown_path={tmp_path}/unknown.csv", inventory=inventory).split())
    assert "server: has no published release, so nothing is known of what phones fetch there; publish first" in output


@pytest.mark.parametrize(
    ("playbook", "extra", "sentence"),
    [
        ("bootstrap", "bootstrap_state=locked", 'bootstrap_state: got "locked", wanted opened or closed'),
        ("rotate", "rotate_minutes=soon", 'rotate_minutes: got "soon", wanted a number above 0'),
        ("rotate", "rotate_every=0", 'rotate_every: got "0", wanted a number above 0'),
    ],
)
def test_what_can_not_be_meant_is_told_before_anything_is_published_or_opened(tmp_path, playbook, extra, sentence):
    assert sentence in refused(World(tmp_path), playbook, "--limit", "phone101", "-e", extra)
