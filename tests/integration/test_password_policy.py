# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook password_policy, as an operator runs it. It reads the inventory and asks no server; publishing refuses by the same rules."""

from __future__ import annotations

import pytest

from .site.world import World

SHORT = "is too short for policy strong: wanted at least 12 characters"
# What a phone's line has, the highest level that it passes, and why no higher one.
PASSWORDS = {
    "phone101": ("pass-word101", "basic", "for policy strong"),
    "phone102": ("Kx7-9qPz", "basic", SHORT),
    "phone103": ("103", "off", "is too short for policy basic: wanted at least 8 characters"),
}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    for name, (password, _level, _why) in PASSWORDS.items():
        made.phones[name]["phone_lines"][0]["password"] = password
    return made


def play(world, *args, wanted=0):
    output = " ".join(world.play("playbooks/password_policy.yml", *args, wanted=wanted).split())
    assert not [line["password"] for phone in world.phones.values() for line in phone["phone_lines"] if f'"{line["password"]}"' in output]
    assert "pass-word101" not in output and "Kx7-9qPz" not in output and "Traceback" not in output
    return output


def test_the_play_tells_whom_publishing_would_refuse_and_why(world):
    report = world.folder / "weak.csv"
    output = play(world, "-e", f"policy_report={report}", wanted=2)
    assert "3 of 6 lines fail the level strong" in output
    rows = report.read_text().splitlines()
    assert report.stat().st_mode & 0o777 == 0o600
    assert rows[0] == "host,line,number,passes,why"
    assert len(rows) == 4
    for row, (name, (password, level, why)) in zip(rows[1:], PASSWORDS.items(), strict=True):
        assert row.startswith(f"{name},1,{name[-3:]},{level},") and why in row and f'"{password}"' not in row
        assert f"{name} line 1 ({name[-3:]}) passes {level}, " in output
    # Publishing reads the same rules: it names the same phones.
    refused = " ".join(world.play("playbooks/site.yml", "--check", "--tags", "always,phone_configs", wanted=2).split())
    assert [name for name in world.phones if f"{name}: phone_lines[0].password" in refused] == list(PASSWORDS)


def test_a_lower_level_asks_less_and_a_limit_asks_fewer(world):
    assert "1 of 6 lines fail the level basic: phone103 line 1 (103) passes off" in play(world, "-e", "policy_level=basic", wanted=2)
    assert "all 3 lines pass the level strong" in play(world, "--limit", "phone104,phone105,phone106")


def test_a_level_that_is_none_is_one_sentence(world):
    assert 'policy_level: got "stong", wanted one of off, basic, strong' in play(world, "-e", "policy_level=stong", wanted=2)
