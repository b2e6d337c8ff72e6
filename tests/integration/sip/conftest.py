# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What files of tests can ask for: SIP programs, and plays against them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..conftest import root
from ..site.world import TOP
from .agents import DOMAIN, PASSWORD, Kamailio, Phone

# The distribution would start what it installs, on the ports of telephony.
INSTALL = """command -v sipp >/dev/null && [ -x /usr/sbin/kamailio ] && ls /usr/lib/*/kamailio/modules/tls.so >/dev/null 2>&1 && exit 0
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 0755 $policy; ours=1; }
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends sip-tester kamailio kamailio-tls-modules
status=$?
[ -z "${ours:-}" ] || rm -f $policy
exit $status
"""


class Desk:
    """Phones of an inventory, and plays that notify them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hosts: dict[str, dict[str, Any]] = {}

    def phone(self, user: str, behaviour: str = "accepts", **variables: Any) -> Phone:
        """Add a phone to the inventory, by the name ``phone<user>``."""
        made = Phone(self.folder, user, behaviour)
        self.add(user, **variables)
        return made

    def add(self, user: str, **variables: Any) -> None:
        line = {"number": user, "password": PASSWORD}
        mac = f"80:5e:c0:00:0{user[0]}:{user[1:]}"
        self._hosts[f"phone{user}"] = {"phone_mac": mac, "phone_model": "T54W", "phone_lines": [line], **variables}

    def play(self, playbook: str, *args: str, wanted: int = 0, **variables: Any) -> str:
        """Run a playbook with variables for all, and return its output in one line, words apart by one blank."""
        general = {
            "provisioning_url": "https://prov.example.com",
            "provisioning_secret": "5eed5eed0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00ddba11c",
            "phone_vendor": "yealink",
            "phone_sip_server": DOMAIN,
            "phone_resync_rate": 100,
            **variables,
        }
        path = self.folder / "hosts.json"
        path.write_text(json.dumps({"all": {"vars": general, "children": {"phones": {"hosts": self._hosts}}}}))
        done = subprocess.run(
            ["ansible-playbook", "-i", str(path), str(TOP / playbook), *args],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "COLUMNS": "1000"},
        )
        output = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == wanted, output[-4000:]
        assert PASSWORD not in output
        return output

    def resync(self, *args: str, **more: Any) -> str:
        return self.play("playbooks/resync.yml", *args, **more)


@pytest.fixture(scope="session")
def programs() -> None:
    done = root("sh", "-c", INSTALL, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def desk(programs, tmp_path_factory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def kamailio(desk):
    with Kamailio(desk.folder).running() as running:
        yield running
