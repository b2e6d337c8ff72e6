# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which phones may be probed, and what the plan of a vendor's phone says."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader
from ansible.template import Templar, trust_as_template
from ansible_collections.dialtone.phones.plugins.action.probe import boot_plan
from ansible_collections.dialtone.phones.plugins.module_utils.boot import Plan
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.tests.unit.packs.harness import first_models

from .claim_world import HostVars, World, mac

PHONE = {"vendor": "yealink", "model": "T54W", "mac": "80:5E:C0:00:00:01", "url": "https://prov.example.com/c/x/"}


def probe(world, args, probes=(), **task_vars):
    task = Task.load({"action": "dialtone.phones.probe", "args": args})
    loader = DataLoader()
    loader.set_basedir(str(world.folder))
    task_vars = {
        "groups": {"phones": list(world.phones), "probe_phones": list(probes)},
        "hostvars": HostVars(world),
        "ansible_play_batch": ["server"],
        **task_vars,
    }
    plugin = action_loader.get(
        "dialtone.phones.probe",
        task=task,
        connection=MagicMock(),
        play_context=MagicMock(check_mode=False),
        loader=loader,
        templar=Templar(loader=loader, variables=task_vars),
        shared_loader_obj=None,
    )
    sent = []
    plugin._execute_module = lambda module_name, module_args, task_vars: sent.append(module_args) or {"verdict": "provisioned"}
    plugin.run(task_vars=task_vars)
    return sent[0]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_phone_in_use_is_refused(world):
    with pytest.raises(AnsibleActionFail, match="80:5e:c0:00:00:01 is p1, a phone in use"):
        probe(world, PHONE)


@pytest.mark.parametrize("spelled", ["{{ prefix }}:00:00:01", "805E.C000.0001", "{{ '805EC0000001' | lower }}"])
def test_a_phone_in_use_is_known_by_any_spelling(world, spelled):
    world.vars["prefix"] = "80:5e:c0"
    world.phones["p1"]["phone_mac"] = trust_as_template(spelled)
    with pytest.raises(AnsibleActionFail, match="is p1, a phone in use"):
        probe(world, PHONE)


@pytest.mark.parametrize("no", [False, "no", "false", 0])
def test_no_is_no(world, no):
    with pytest.raises(AnsibleActionFail, match="a phone in use"):
        probe(world, {**PHONE, "force": no})


def test_force_asks_all_the_same_and_says_so_to_the_module(world):
    assert probe(world, {**PHONE, "force": "yes"})["force"] is True


def test_an_observer_may_start_a_phone_in_use(world):
    assert probe(world, {**PHONE, "as_observer": "yes"})["as_observer"] is True


def test_probe_phones_and_strangers_may_boot(world):
    assert probe(world, PHONE, probes=["p1"])["plan"]["mac"] == mac(1)
    assert probe(world, {**PHONE, "mac": "02:00:00:00:00:01"})["force"] is False
    assert probe(world, PHONE, groups={})["plan"]["mac"] == mac(1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"vendor": "yelink"}, "did you mean yealink"),
        ({"model": "T99X"}, "model: 'T99X' is not known"),
        ({"mac": "80:5e:c0"}, "is not a MAC address"),
        ({"mac": ""}, "mac: is missing"),
        ({"force": "perhaps"}, "force: 'perhaps' is neither yes nor no"),
    ],
)
def test_unusable_options_are_refused_in_a_sentence(world, change, what):
    with pytest.raises(AnsibleActionFail, match=what):
        probe(world, {**PHONE, **change})


@pytest.mark.parametrize(("vendor", "model"), first_models())
def test_every_vendor_has_a_plan(vendor, model):
    pack = Packs([]).get(vendor)
    made = Plan(**boot_plan(pack, pack.model(model), mac(1), "1.2.3.4", "SN1"))
    assert made.files and "{" not in made.user_agent
    assert all("{" not in name for name, _wanted in made.files)
