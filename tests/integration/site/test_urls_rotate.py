# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotation on a real gate: a phone is followed from its old URL to its new one, first alone, then with the whole fleet's secret."""

from __future__ import annotations

import concurrent.futures
import contextlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver

from ..conftest import root
from ..sip.agents import HERE, Phone, free_port, until
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
    for name in ("phone104", "phone105"):
        world.phones[name].pop("phone_generation", None)


@pytest.fixture
def told(world, tmp_path):
    """Two phones that listen for notifications, by name; phone104 is where nobody answers."""
    root("sh", "-c", "command -v sipp >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends sip-tester; }")
    with contextlib.ExitStack() as stack:
        phones = {name: stack.enter_context(Phone(tmp_path, name[-3:]).running()) for name in ("phone101", "phone105")}
        addresses = {name: f"{HERE}:{phone.port}" for name, phone in phones.items()}
        world.vars.update(phone_resync_addresses={**addresses, "phone104": f"{HERE}:{free_port()}"}, phone_resync_timeout=1)
        yield phones
    for name in ("phone_resync_addresses", "phone_resync_timeout"):
        world.vars.pop(name)


@contextlib.contextmanager
def coming_back(world, phone: Phone, secret: str, generation: int):
    """The phone polls as soon as it is told to, while a play waits for it."""

    def wait() -> None:
        until(phone.events, 120)
        come_back(world, secret, generation)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait)
        yield
        waiting.result()


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


def test_exactly_the_phones_that_were_rotated_are_notified_and_followed_home(site, world, told):
    world.phones["phone105"]["phone_generation"] = 3
    world.phones["phone104"]["phone_generation"] = 2
    with coming_back(world, told["phone105"], SECRET, 2):
        output = world.play(
            "playbooks/rotate.yml", "--limit", "phone101,phone104,phone105", "-e", "rotate_minutes=2", "-e", "rotate_every=1"
        )
    assert told["phone105"].events() == ["check-sync;reboot=false"]
    assert told["phone101"].events() == []
    # A phone that is off is a sentence, and holds up nobody: it was never at home.
    assert f"phone104: did not answer at {world.vars['phone_resync_addresses']['phone104']} (udp) within 1 s" in " ".join(output.split())
    assert "on their new URL" in output


def test_a_fleet_is_followed_to_a_new_secret_and_the_old_one_may_go(site, world):
    world.vars.update(provisioning_secret=NEW_SECRET, provisioning_secret_previous=SECRET)
    whole = ("-e", "rotate_all=true", "-e", "phone_configs_max_change_percent=100")
    output = world.play("playbooks/rotate.yml", *whole, *QUICK, wanted=2)
    assert "phones were not seen on their new URL" in output and "phone105" in output
    assert SECRET not in output and NEW_SECRET not in output
    come_back(world, SECRET, 3)
    output = world.play("playbooks/rotate.yml", "--limit", "phone105", *QUICK, "-e", "rotate_follow=true")
    assert "follow the whole fleet" in output
    output = world.play("playbooks/rotate.yml", "-e", "rotate_all=true", *QUICK, "-e", "rotate_follow=true")
    assert "provisioning_secret_previous can be taken out" in output
