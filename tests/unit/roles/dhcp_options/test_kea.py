# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the role that changes a configuration of Kea, with a program in its place that takes any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
CONFIG = '{ "Dhcp4": { # ours\n  "subnet4": [ ] } }\n'

pytestmark = [
    pytest.mark.skipif(not (PLAYBOOK.exists() or shutil.which("ansible-playbook")), reason="ansible-playbook is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the role's files belong to root"),
]


def run(folder: Path, **settings) -> None:
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dhcp_options_kea_file": str(folder / "classes.json"),
        "dhcp_options_kea_config": str(folder / "kea.conf"),
        "dhcp_options_restart": False,
        "dhcp_options_enabled": True,
        "__dhcp_options_classes": [],
        **settings,
    }
    tasks = [{"ansible.builtin.include_role": {"name": "dialtone.phones.dhcp_options", "tasks_from": "kea.yml"}}]
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "kea-dhcp4").write_text("#!/bin/sh\nexit 0\n")
    (folder / "kea-dhcp4").chmod(0o755)
    command = [str(PLAYBOOK if PLAYBOOK.exists() else "ansible-playbook"), "-i", "localhost,", str(folder / "play.yml")]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kea_reads_its_configuration_as_the_user_it_could_before(tmp_path):
    config = tmp_path / "kea.conf"
    config.write_text(CONFIG)
    config.chmod(0o640)
    os.chown(config, 4711, 4712)
    for enabled in (True, False):
        run(tmp_path, dhcp_options_enabled=enabled)
        found = config.stat()
        assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, 4711, 4712)
        assert ("classes.json" in config.read_text()) is enabled
    assert config.read_text() == CONFIG
