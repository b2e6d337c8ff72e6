# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role on a server that lives on: what it refuses, what a second run leaves alone, and a store that lies elsewhere."""

from __future__ import annotations

import json
import re

import pytest

from .machine import wait_for
from .servers import Servers

PLAYBOOK = "tests/machines/server.yml"


@pytest.fixture(scope="module")
def server(_network, tmp_path_factory):
    made = Servers(tmp_path_factory.mktemp("settings"), 1, False, "127.0.0.1")
    try:
        made.set_up()
        yield made
    finally:
        made.stop()


def changed(output: str) -> int:
    return int(re.search(r"^server1 +: ok=\d+ +changed=(\d+)", output, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"provisioning_server_networks": ["192.0.2.1/24"]}, "the gate can't use its settings: networks: 192.0.2.1/24 has host bits set"),
        ({"provisioning_server_claim_prefix_v4": 33}, "provisioning_server_claim_prefix_v4: 33 is not between 1 and 32"),
        ({"provisioning_server_claim_prefix_v6": 0}, "provisioning_server_claim_prefix_v6: 0 is not between 1 and 128"),
        ({"provisioning_server_claim_store": "/var/lib/claims.db"}, "the folder /var/lib belongs to root, wanted dialtone-gate"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_the_daemon_cannot_use_are_refused_before_they_are_there(server, variables, sentence):
    settings = server.machines[0].sh("cat /etc/dialtone/gate.json")
    output = " ".join(server.play(PLAYBOOK, wanted=2, **variables).split())
    assert sentence in output
    assert server.machines[0].sh("cat /etc/dialtone/gate.json") == settings


def test_a_run_after_the_distribution_rotated_nginxs_logs_changes_nothing(server):
    # What its postrotate script does: nginx opens all of its logs again, and gives them to its workers' user.
    machine = server.machines[0]
    machine.sh("kill -USR1 $(cat /run/nginx.pid)")
    wait_for(lambda: "www-data" in machine.sh("stat -c %U /var/log/dialtone/error.log"), what="the logs to be opened again")
    assert changed(server.play(PLAYBOOK)) == 0
    assert machine.sh("stat -c %a /var/log/dialtone/error.log").strip() == "600"


def test_other_users_list_nothing_of_what_is_served_or_known(server):
    for folder in (
        "/var/lib/dialtone/releases",
        "/var/lib/dialtone/releases/bootstrap",
        "/var/lib/dialtone/uploads",
        "/var/lib/dialtone-gate",
    ):
        done = server.machines[0].run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "ls", folder], check=False)
        assert "Permission denied" in done.stderr, folder


def test_a_store_may_lie_in_another_folder_of_the_gates_own(server):
    machine, path = server.machines[0], "/var/lib/elsewhere/claims.db"
    server.play(PLAYBOOK, provisioning_server_claim_store=path)
    assert json.loads(machine.sh("cat /etc/dialtone/gate.json"))["store"] == path
    assert machine.sh("stat -c '%U %a' /var/lib/elsewhere /var/lib/elsewhere/claims.db").split("\n")[:2] == [
        "dialtone-gate 700",
        "dialtone-gate 600",
    ]
    assert "no phones" in machine.sh("gatectl status")
    assert changed(server.play(PLAYBOOK, provisioning_server_claim_store=path)) == 0
