# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README says works: the collection installs from a checkout, and its inventory is understood by the installed copy."""

from __future__ import annotations

import os
import re
import subprocess

import yaml

from .site.world import SECRET, TOP


def test_the_collection_installs_and_reads_the_inventory_of_the_readme(tmp_path):
    """Built and installed as a user does; the copy is found before the checkout, and finds its packs and its model."""
    copy = tmp_path / "collections"
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(copy), "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}

    def run(*command: str, wanted: int = 0) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=tmp_path, timeout=300)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done.stdout

    run("ansible-galaxy", "collection", "install", "--force", "--offline", str(TOP), "-p", str(copy))
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    inventory = yaml.safe_load(re.search(r"```yaml\n# inventory.yml\n(.*?)```", readme, re.DOTALL).group(1))
    inventory["all"]["vars"].update(vault_provisioning_secret=SECRET, vault_sip_101="k7Vt-pQ2x-Rm9d-Lw4z", ansible_connection="local")
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (tmp_path / "check.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "hosts": "phones",
                    "gather_facts": False,
                    "tasks": [
                        {"dialtone.phones.fleet_info": {}, "run_once": True, "delegate_to": "localhost", "register": "fleet"},
                        {"ansible.builtin.debug": {"msg": "{{ fleet.phones.keys() | list }}"}, "run_once": True},
                    ],
                }
            ]
        ),
        encoding="utf-8",
    )
    assert "reception" in run("ansible-playbook", "-i", "inventory.yml", "check.yml", "-vvv")
    run("ansible-playbook", "-i", "inventory.yml", "dialtone.phones.site", "--syntax-check")
    run("ansible-playbook", "-i", "inventory.yml", "dialtone.phones.unlock", "--syntax-check")
    assert str(copy) in run("ansible-doc", "dialtone.phones.publish")
