# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single tasks of the role, run on this machine: what they refuse, what they must not, and what they show."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[4] / "roles/provisioning_server"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

pytestmark = pytest.mark.skipif(not (PLAYBOOK.exists() or shutil.which("ansible-playbook")), reason="ansible-playbook is not installed")


def tasks(file: str) -> list[dict]:
    """Return the tasks of a file, those of blocks too, with the variables of their blocks."""
    found = []
    for task in yaml.safe_load((ROLE / "tasks" / file).read_text(encoding="utf-8")):
        found += [{"vars": task.get("vars", {}), **inner} for inner in task.get("block", [task])]
    return found


def run(folder: Path, file: str, *names: str, before: tuple[dict, ...] = (), **variables) -> str:
    """Run tasks of the role after others; return what Ansible says."""
    chosen = [{name: value for name, value in task.items() if name != "notify"} for task in tasks(file) if task["name"] in names]
    assert len(chosen) == len(names)
    given = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")],
        "tasks": [*before, *chosen],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    # What wins over the role's own variables, which a play can't.
    (folder / "given.yml").write_text(yaml.safe_dump(given))
    program = str(PLAYBOOK if PLAYBOOK.exists() else "ansible-playbook")
    command = [program, "-i", "localhost,", "-e", f"@{folder}/given.yml", str(folder / "play.yml")]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "0"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment).stdout


def test_a_mistyped_variable_is_refused_and_a_registered_result_is_none(tmp_path):
    registers = (
        {"ansible.builtin.debug": {"msg": "hello"}, "register": "provisioning_server_ready"},
        {"ansible.builtin.debug": {"msg": "hello"}, "loop": [1, 2], "register": "provisioning_server_each"},
        {"ansible.builtin.debug": {"msg": "hello"}, "when": False, "register": "provisioning_server_skipped"},
    )
    name, more = "Check that no variable is mistyped", {"role_path": str(ROLE)}
    assert "failed=0" in run(tmp_path, "preflight.yml", name, before=registers, **more)
    output = run(tmp_path, "preflight.yml", name, before=registers, provisioning_server_network=["192.0.2.0/24"], **more)
    assert "failed=1" in output
    assert '"msg": "provisioning_server_network: unknown; the variables of the role are ' in output


def look_at_the_folder(folder: Path, **variables) -> str:
    names = ("Look at the folder of the claim store", "Check that the folder of the claim store is the gate's own")
    return run(folder, "gate.yml", *names, **variables)


def test_the_folder_of_the_claim_store_may_be_a_link_and_the_gates_own_is_not_asked_for_its_owner(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    path, user = str(tmp_path / "link/claims.db"), getpass.getuser()
    assert "failed=0" in look_at_the_folder(tmp_path, provisioning_server_claim_store=path, _provisioning_server_user=user)
    if os.geteuid() == 0:
        os.chown(tmp_path / "disk", 4711, 4711)
        output = look_at_the_folder(tmp_path, provisioning_server_claim_store=path, _provisioning_server_user=user)
        assert "belongs to nobody, wanted root" in output
    # Brought back by root, or under the number that the gate's user had before: the role makes it the gate's own again.
    stranger = {"_provisioning_server_state": str(tmp_path / "link"), "_provisioning_server_user": "somebody-else"}
    assert "failed=0" in look_at_the_folder(tmp_path, **stranger)
    assert "failed=1" in look_at_the_folder(
        tmp_path, provisioning_server_claim_store=str(tmp_path / "claims.db"), _provisioning_server_user="x"
    )


def test_the_daemons_settings_are_shown_to_nobody(tmp_path):
    """Without --diff none is asked for; with it, the address that was there before may hold a password, whatever comes now."""
    (write,) = (task for task in tasks("gate.yml") if task["name"] == "Write the daemon's settings")
    assert write["diff"] is False


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://prov.example.com/phones", '\\"https://prov.example.com/phones\\"'),
        ('https://prov.example.com#"; return 200', "return 200"),
        ("https://prov.\nexample.com", "prov."),
        ("https://me:hidden@prov.example.com", "a URL with credentials"),
    ],
    ids=["path", "fragment", "line feed", "credentials"],
)
def test_what_is_no_address_of_a_server_is_refused(tmp_path, url, told):
    output = run(tmp_path, "preflight.yml", "Check the address of the server", provisioning_url=url)
    assert "failed=1" in output and "is not the address of a server" in output and told in output and "hidden" not in output


def test_the_address_of_a_server_is_taken(tmp_path):
    assert "failed=0" in run(tmp_path, "preflight.yml", "Check the address of the server", provisioning_url="https://prov.example.com:8443")
