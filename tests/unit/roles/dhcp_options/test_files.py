# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role does to files of Kea and dnsmasq, with programs in their place that take any."""

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


def play(folder: Path, tasks_from: str = "kea.yml", **settings) -> subprocess.CompletedProcess:
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "dhcp_options_kea_file": str(folder / "classes.json"),
        "dhcp_options_kea_config": str(folder / "kea.conf"),
        "dhcp_options_dnsmasq_file": str(folder / "dnsmasq.conf"),
        "dhcp_options_restart": False,
        "dhcp_options_enabled": True,
        "__dhcp_options_classes": [],
        **settings,
    }
    tasks = [{"ansible.builtin.include_role": {"name": "dialtone.phones.dhcp_options", "tasks_from": tasks_from}}]
    made = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([made]))
    for name in ("kea-dhcp4", "dnsmasq"):
        (folder / name).write_text("#!/bin/sh\nexit 0\n")
        (folder / name).chmod(0o755)
    command = [str(PLAYBOOK if PLAYBOOK.exists() else "ansible-playbook"), "-i", "localhost,", str(folder / "play.yml")]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def run(folder: Path, **settings) -> None:
    done = play(folder, **settings)
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


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("tasks_from", "variable", "name"),
    [
        ("kea.yml", "dhcp_options_kea_file", "kea.conf"),
        ("kea.yml", "dhcp_options_kea_file", "folder"),
        ("dnsmasq.yml", "dhcp_options_dnsmasq_file", "own.conf"),
    ],
)
def test_a_file_of_somebody_elses_is_neither_replaced_nor_removed(tmp_path, tasks_from, variable, name, enabled):
    (tmp_path / "folder").mkdir()
    for file in ("kea.conf", "own.conf"):
        (tmp_path / file).write_text(CONFIG)
    done = play(tmp_path, tasks_from, dhcp_options_enabled=enabled, **{variable: str(tmp_path / name)})
    assert done.returncode == 2
    assert f"{variable}: {tmp_path / name} of localhost is not of this role" in " ".join(done.stdout.split())
    assert [(tmp_path / file).read_text() for file in ("kea.conf", "own.conf")] == [CONFIG, CONFIG]
    assert (tmp_path / "folder").is_dir()


def test_a_file_of_the_role_is_written_anew_and_taken_away(tmp_path):
    options = [{"code": 66, "text": "https://prov.example.com/b/", "hex": "00"}]
    made = {"vendor": "yealink", "vendor_class": "yealink", "ouis": [], "options": options, "encapsulated": [], "encapsulated_hex": ""}
    file = tmp_path / "dnsmasq.conf"
    for enabled in (True, True, False, False):
        run(tmp_path, tasks_from="dnsmasq.yml", dhcp_options_enabled=enabled, __dhcp_options_classes=[made])
        assert file.exists() is enabled
