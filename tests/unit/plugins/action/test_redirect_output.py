# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run shows at the highest verbosity, in its log and on failure, with a task that does not even ask for no_log."""

from __future__ import annotations

import json
import os
import subprocess

from ansible_collections.dialtone.phones.tests.unit.redirect_lab import Fault, Running, simulator, url

SECRETS = ("c0ffee", "lab-secret", "hunter22")


def test_nothing_secret_is_shown(tmp_path):
    devices = [
        {"mac": f"00156500000{number}", "serial": "1", "url": url(number), "username": "u", "password": "hunter22"} for number in range(4)
    ]
    with Running(simulator("yealink_ymcs")) as lab:
        lab.seed("001565000002", owner="them")
        lab.faults = [Fault("lost", "addDevices"), Fault("garbage", "listDevices")]
        account = {
            "service": "yealink_ymcs",
            "api_url": lab.base,
            "access_key_id": "lab-key",
            "access_key_secret": "lab-secret",
            "retry_wait": 0.01,
        }
        runs = [
            {**account, "devices": devices},
            {**account, "devices": devices, "state": "absent"},
            {**account, "devices": devices, "access_key_secret": "lab-secret-wrong"},
            {**account, "devices": devices, "api_url": "http://127.0.0.1:9", "retries": 0},
            {**account, "devices": [*devices, {"mac": "1", "url": url(5)}, {"mac": "001565000007", "url": url(5) + "\n"}]},
        ]
        (tmp_path / "runs.json").write_text(json.dumps({"runs": runs}))
        tasks = [
            {"dialtone.phones.redirect": {name: f"{{{{ runs[{index}].{name} }}}}" for name in run}, "ignore_errors": True}
            for index, run in enumerate(runs)
        ]
        (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], indent=1))
        environment = {
            **os.environ,
            "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
        }
        command = ["ansible-playbook", "-vvvv", "-i", "localhost,", "-c", "local", "-e", "@runs.json", "play.yml"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert "belongs to" in said or "managed by another organisation" in said, said[-2000:]
    assert "is not a MAC address" in said
    assert not any(secret in said + (tmp_path / "log").read_text() for secret in SECRETS)
