# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run with the tag of a role does all of the role."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"


@pytest.mark.parametrize("role", NAMES)
def test_no_tag_stands_at_an_include_where_it_reaches_nothing_of_the_file(role):
    for path in (ROLES / role / "tasks").glob("*.yml"):
        for task in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert not ("ansible.builtin.include_tasks" in task and "tags" in task), f"{path.name}: {task['name']}"


@pytest.mark.skipif(not (PLAYBOOK.exists() or shutil.which("ansible-playbook")), reason="ansible-playbook is not installed")
@pytest.mark.parametrize("role", NAMES)
def test_every_task_has_the_tag_of_its_role_or_always_runs(role, tmp_path):
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "roles": [f"dialtone.phones.{role}"]}]))
    command = [str(PLAYBOOK if PLAYBOOK.exists() else "ansible-playbook"), "-i", "localhost,", str(tmp_path / "play.yml"), "--list-tasks"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    tasks = [line.strip() for line in listed.splitlines() if "TAGS: [" in line and not line.strip().startswith("play #")]
    untagged = [line for line in tasks if not {role, "always"} & set(line.split("TAGS: [")[1].rstrip("]").split(", "))]
    assert tasks and not untagged
