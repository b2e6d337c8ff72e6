# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role as an operator runs it: ansible-playbook against phones that listen on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.sip_phone import SipPhone

PASSWORD = "Xw7pQ2zR9k-resync"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

pytestmark = pytest.mark.skipif(not (PLAYBOOK.exists() or shutil.which("ansible-playbook")), reason="ansible-playbook is not installed")


@pytest.fixture
def site(tmp_path):
    """An inventory of three phones and a folder that stands for a server."""

    def write(**addresses):
        hosts = {
            name: {
                "phone_mac": f"00156500000{number}",
                "phone_vendor": "yealink",
                "phone_model": "T54W",
                "phone_lines": [{"number": str(100 + number), "password": PASSWORD}],
                **({"ansible_host": addresses[name]} if name in addresses else {}),
            }
            for number, name in enumerate(("reception", "kitchen", "attic"), 1)
        }
        server = {"ansible_connection": "local", "provisioning_root": str(tmp_path / "root"), "phone_configs_become": False}
        server.update({f"phone_configs_{name}": "" for name in ("owner", "web_group", "gate_group", "nginx_site")})
        server["phone_configs_gate_config"] = str(tmp_path / "gate.json")
        settings = {
            "provisioning_url": "https://prov.example.com",
            "provisioning_secret": "6f0e1d2c3b4a59687786958493a2b1c0" * 2,
            "phone_configs_password_policy": "off",
            "phone_sip_server": "pbx.example.com",
            "phone_resync_timeout": 0.3,
            "ansible_python_interpreter": sys.executable,
        }
        groups = {"provisioning_servers": {"hosts": {"prov1": server}}, "phones": {"hosts": hosts}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}))
        roles = [{"role": "dialtone.phones.phone_configs"}, {"role": "dialtone.phones.phone_resync"}]
        play = {"hosts": "phones", "gather_facts": False, "roles": roles}
        (tmp_path / "both.yml").write_text(yaml.safe_dump([play]))
        (tmp_path / "alone.yml").write_text(yaml.safe_dump([{**play, "roles": roles[1:]}]))

    write()
    write.folder = tmp_path
    return write


def run(folder, playbook, *arguments, **more):
    command = [str(PLAYBOOK) if PLAYBOOK.exists() else "ansible-playbook", "-i", "hosts.yml", playbook, "-v", *arguments]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "COLUMNS": "1000"}
    command += ["-e", json.dumps(more)]
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    assert PASSWORD not in text
    return done.returncode, text


def test_only_phones_whose_files_changed_are_notified(site):
    with SipPhone("challenge", password=PASSWORD) as reception, SipPhone("ok") as kitchen:
        site(reception=f"127.0.0.1:{reception.port}", kitchen=f"127.0.0.1:{kitchen.port}")
        code, text = run(site.folder, "both.yml")
        assert code == 0, text
        assert not reception.requests + kitchen.requests, "phones that are new fetch when they start"

        code, text = run(site.folder, "both.yml", "--check", phone_language="de")
        assert code == 0, text
        assert '"planned": 2' in text
        assert not reception.requests + kitchen.requests, "check mode sends nothing"

        code, text = run(site.folder, "both.yml", "--limit", "reception,attic", phone_language="de")
        assert code == 0, text
        assert [request["event"] for request in reception.requests] == ["check-sync;reboot=false"] * 2
        assert not kitchen.requests
        assert "attic: has no address: set its ansible_host" in text
        assert not list((site.folder / "tmp").glob("**/resync.json")), "the plan with its passwords is gone"


def test_the_play_notifies_everybody_of_the_limit(site):
    with SipPhone("ok") as kitchen:
        site(kitchen=f"127.0.0.1:{kitchen.port}", reception="127.0.0.1:9")
        code, text = run(site.folder, "dialtone.phones.resync", phone_resync_reboot=True)
        assert code != 0
        assert "name the phones to restart with --limit" in text
        code, text = run(site.folder, "dialtone.phones.resync", "--limit", "kitchen,reception", phone_resync_reboot=True)
    assert code == 0, text
    assert [request["event"] for request in kitchen.requests] == ["check-sync;reboot=true"]
    assert "reception: did not answer at 127.0.0.1:9 (udp) within 0.3 s" in text


def test_the_role_alone_does_not_know_what_changed(site):
    code, text = run(site.folder, "alone.yml")
    assert code != 0
    assert "that role did not run" in " ".join(text.split())


def test_a_pbx_that_is_not_there_fails_the_task(site):
    more = {"phone_resync_via": "freeswitch", "phone_resync_pbx_password": "x", "phone_resync_pbx_port": 9}
    code, text = run(site.folder, "alone.yml", phone_resync_hosts=["attic"], **more)
    assert code != 0
    assert "FreeSWITCH's event socket at 127.0.0.1:9: can't be reached" in text
