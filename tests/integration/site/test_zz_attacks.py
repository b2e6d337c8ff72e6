# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attack suite against the server that the role has set up on this machine; `make gate` runs more of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from ..conftest import root
from .world import CA, PORT, SUDO, TOP


def test_the_attack_suite_finds_nothing(world):
    if subprocess.run([*SUDO, "test", "-e", "/etc/dialtone/gate.json"], check=False).returncode != 0:
        world.site()
    environment = [f"DIALTONE_GATE_URL=https://127.0.0.1:{PORT}", f"DIALTONE_GATE_CA={CA}", f"PATH={os.environ['PATH']}"]
    command = [*SUDO, "env", *environment, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/gate"]
    kept = "/root/dialtone-claims-of-a-test"
    root("sh", "-c", f"rm -f {kept} && gatectl backup {kept}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TOP, timeout=300)
    finally:
        # The suite's phones are nobody's: tests that follow must not find them in the store.
        root("sh", "-c", f"gatectl restore {kept} && gatectl confirm && rm {kept}")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    assert re.search(r"[0-9]{3} passed", done.stdout), done.stdout
