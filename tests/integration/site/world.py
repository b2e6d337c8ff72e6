# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small world on this machine: an inventory, a simulated redirect service, and plays against a real nginx and gate."""

from __future__ import annotations

import copy
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests" / "lab"))

from redirect.base import Server  # noqa: E402
from redirect.serve import simulator  # noqa: E402

PORT, SERVICE_PORT, FOREIGN_PORT = 18445, 18446, 18447
SECRET = "5eed5eed0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00ddba11c"
SUDO = [] if os.geteuid() == 0 else ["sudo"]
CA = "/etc/dialtone/tls/ca.crt"

BASE: dict[str, Any] = {
    "all": {
        "vars": {
            "provisioning_url": f"https://127.0.0.1:{PORT}",
            "provisioning_secret": SECRET,
            "phone_sip_server": "pbx.example.com",
            "phone_networks": ["127.0.0.0/8"],
            "phone_redirect_account": "lab",
            "phone_redirect_accounts": {
                "lab": {
                    "service": "yealink_ymcs",
                    "api_url": f"http://127.0.0.1:{SERVICE_PORT}",
                    "access_key_id": "lab-key",
                    "access_key_secret": "lab-secret",
                    "retry_wait": 0.1,
                }
            },
            "phone_configs_phonebooks": {"company": {"extensions": True}},
            "phone_phonebooks": ["company"],
            "phone_vendor": "yealink",
        },
        "children": {
            "provisioning_servers": {
                "hosts": {"server": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}}
            },
            "phones": {"hosts": {}},
            "probe_phones": {"hosts": {}},
        },
    }
}


def phone(number: int, model: str = "T54W", **more: Any) -> dict[str, Any]:
    """Return the variables of one phone; its password is strong and told by its number."""
    line = {"number": str(number), "name": f'Jürgen & "Söhne" #{number}', "password": f"vK7-{number}-qTz-Wm4x-{number * 7919 % 9973}"}
    return {
        "phone_mac": f"80:5e:c0:00:{number // 100 % 100:02d}:{number % 100:02d}",
        "phone_model": model,
        "phone_serial": f"SN{number}",
        "phone_lines": [line],
        **more,
    }


def six_phones() -> dict[str, dict[str, Any]]:
    models = ("T54W", "T46U", "T31P", "T57W", "T53", "T42U")
    return {f"phone{number}": phone(number, model) for number, model in enumerate(models, 101)}


class World:
    """What a test plays with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.phones = six_phones()
        self.vars: dict[str, Any] = {}
        self.service: Any = None
        self._server: Server | None = None

    def start_service(self) -> None:
        self.service = simulator("yealink_ymcs", {"access_key_id": "lab-key", "access_key_secret": "lab-secret"})
        self._server = Server(self.service, SERVICE_PORT, "127.0.0.1", None)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop_service(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def inventory(self, changes: dict[str, Any] | None = None, **more: Any) -> Path:
        """Write the inventory.

        :param changes: by phone, variables to change (None removes the phone); a new name adds one.
        :param more: variables for all.
        """
        data = copy.deepcopy(BASE)
        phones = copy.deepcopy(self.phones)
        for name, change in (changes or {}).items():
            if change is None:
                phones.pop(name, None)
            else:
                phones[name] = {**phones.get(name, {}), **change}
        data["all"]["vars"].update({**self.vars, **more})
        data["all"]["children"]["phones"]["hosts"] = phones
        data["all"]["children"]["probe_phones"]["hosts"] = dict.fromkeys(phones, {})
        path = self.folder / "hosts.yml"
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return path

    def play(self, playbook: str, *args: str, inventory: Path | None = None, wanted: int | None = 0) -> str:
        """Run a playbook and return its output; any other exit status than the wanted one fails the test."""
        command = ["ansible-playbook", "-i", str(inventory or self.inventory()), str(TOP / playbook), *args]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=300,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        )
        output = done.stdout + done.stderr
        assert wanted is None or done.returncode == wanted, output[-6000:]
        return output

    def site(self, *args: str, **more: Any) -> str:
        return self.play("playbooks/site.yml", *args, **more)

    def probe(self, name: str, expect: str = "provisioned", **more: str) -> dict[str, Any]:
        """Boot one phone as its redirect service sends it, or at the ``url`` given, and return the probe's result."""
        variables = self.phones[name]
        args = {
            "vendor": variables.get("phone_vendor", "yealink"),
            "model": variables["phone_model"],
            "mac": variables["phone_mac"],
            "ca_path": CA,
            "expect": expect,
            **(more or {"redirect_url": f"http://127.0.0.1:{SERVICE_PORT}"}),
        }
        done = subprocess.run(
            ["ansible", "-i", str(self.inventory()), "server", "-m", "dialtone.phones.probe", "-a", json.dumps(args)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        )
        found = re.search(r"(?:=>|>>) (\{.*\})", done.stdout, re.DOTALL)
        assert found, done.stdout + done.stderr
        return json.loads(found.group(1))

    def onboarding(self, inventory: Path | None = None) -> dict[str, Any]:
        """Return what the claim store knows, by phone."""
        output = self.play(str(Path(__file__).with_name("info.yml")), inventory=inventory)
        found = re.search(r"PHONES (\{.*?\}) END", output.replace("\n", " "))
        assert found, output
        return json.loads(found.group(1).replace('\\"', '"'))

    def release(self) -> str:
        """Return the published release, as root sees it."""
        return subprocess.run([*SUDO, "readlink", "/var/lib/dialtone/current"], capture_output=True, text=True, check=True).stdout.strip()

    def published(self, mac: str) -> dict[str, str]:
        """Return the published files of a phone."""
        folder = f"/var/lib/dialtone/current/phones/{mac}"
        names = subprocess.run([*SUDO, "ls", folder], capture_output=True, text=True, check=False).stdout.split()
        return {
            name: subprocess.run([*SUDO, "cat", f"{folder}/{name}"], capture_output=True, text=True, check=True).stdout for name in names
        }


def changed(output: str) -> int:
    """Return the number of changed tasks of a run."""
    return sum(int(count) for count in re.findall(r"changed=(\d+)", output))


def get(url: str, timeout: float = 5) -> int:
    """Return the status of a plain GET, without any check of certificates."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=timeout, context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as exc:
        return exc.code
