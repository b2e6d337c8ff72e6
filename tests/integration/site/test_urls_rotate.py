# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation on a real gate: a phone is followed from its old URL to its new one, first alone, then with the whole fleet's secret."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver

from .world import PORT, SECRET

NEW_SECRET = "0c0ffee0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00ddba115e"
QUICK = ("-e", "rotate_minutes=0.05", "-e", "rotate_every=1", "-e", "rotate_resync=false")


@pytest.fixture(scope="module")
def site(world, six_phones_again):
    before = dict(world.vars)
    world.vars.update(phone_redirect_account="", onboarding_new_store=True)
    world.site()
    world.play("playbooks/unlock.yml", "--limit", "phone105", "-e", "unlock_force=true")
    url = world.onboarding()["phone105"]["url"]
    assert world.probe("phone105", url=url)["verdict"] == "provisioned"
    yield
    world.vars.clear()
    world.vars.update(before)
    world.phones["phone105"].pop("phone_generation", None)


def come_back(world, secret: str, generation: int) -> None:
    """The phone polls where it was last told to, and goes where its files send it."""
    mac = normalize_mac(world.phones["phone105"]["phone_mac"])
    deriver = Deriver(secret)
    url = f"https://127.0.0.1:{PORT}/p/{deriver.home_token(mac, generation)}/"
    done = world.probe("phone105", url=url, username=deriver.http_user(mac, generation), password=deriver.http_password(mac, generation))
    assert done["verdict"] == "provisioned", done


def test_what_is_not_written_in_the_inventory_is_not_rotated(site, world):
    assert "name the phones with --limit" in world.play("playbooks/rotate.yml", wanted=2)
    assert "nothing to rotate" in world.play("playbooks/rotate.yml", "--limit", "phone105", *QUICK, wanted=2)
    assert "phone105: phone_generation: 2" in world.play("playbooks/rotate.yml", "--limit", "phone105", "-e", "rotate_plan=true")


def test_one_phone_is_followed_to_its_new_generation(site, world):
    world.phones["phone105"]["phone_generation"] = 2
    output = world.play("playbooks/rotate.yml", "--limit", "phone105", *QUICK, wanted=2)
    assert "1 of 1 phones were not seen on their new URL" in output and "phone105" in output
    come_back(world, SECRET, 1)
    output = world.play("playbooks/rotate.yml", "--limit", "phone105", *QUICK, "-e", "rotate_follow=true")
    assert "on their new URL" in output and "provisioning_secret_previous" not in output


def test_a_fleet_is_followed_to_a_new_secret_and_the_old_one_may_go(site, world):
    world.vars.update(provisioning_secret=NEW_SECRET, provisioning_secret_previous=SECRET)
    whole = ("-e", "rotate_all=true", "-e", "phone_configs_max_change_percent=100")
    output = world.play("playbooks/rotate.yml", *whole, *QUICK, wanted=2)
    assert "phones were not seen on their new URL" in output and "phone105" in output
    assert SECRET not in output and NEW_SECRET not in output
    come_back(world, SECRET, 2)
    output = world.play("playbooks/rotate.yml", "--limit", "phone105", *QUICK, "-e", "rotate_follow=true")
    assert "follow the whole fleet" in output
    output = world.play("playbooks/rotate.yml", "-e", "rotate_all=true", *QUICK, "-e", "rotate_follow=true")
    assert "provisioning_secret_previous can be taken out" in output
