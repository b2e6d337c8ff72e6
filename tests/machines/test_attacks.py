# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attack suite of tests/gate against the role's own deployment: SQLite, PostgreSQL, and a server with most variables changed."""

from __future__ import annotations

import pytest

from .servers import Servers

CASES = {
    "sqlite": (False, "tests/machines/server.yml", {}),
    "postgresql": (True, "tests/machines/server.yml", {}),
    "alternative": (False, "tests/gate/alternative.yml", {"vendor": "/var/vendor"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_attack_suite_finds_nothing(_network, tmp_path, case):
    shared, playbook, variables = CASES[case]
    servers = Servers(tmp_path, 1, shared, "127.0.0.1")
    try:
        servers.set_up(playbook, **variables)
        environment = {"DIALTONE_GATE_VENDOR": "/var/vendor"} if variables else {}
        suite = ["tests/gate/test_transport.py"] if variables else ["tests/gate"]
        done = servers.python(
            servers.machines[0], "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *suite, check=False, **environment
        )
    finally:
        servers.stop()
    print(done.stdout[-600:])
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-4000:]
