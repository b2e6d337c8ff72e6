# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon's keeper where no service manager is: a child that dies is followed by another, and a stop ends both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

FILES = Path(__file__).resolve().parents[4] / "roles/provisioning_server/files"
# A daemon that says who it is and waits.
CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from dialtone_gate import keep
keep._PAUSE = 0
keep.keep_running()
print(os.getpid(), flush=True)
signal.pause()
"""


def start() -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(FILES.parents[2] / "plugins/module_utils")}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(FILES)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def test_a_child_that_dies_is_followed_by_another_and_a_stop_ends_both():
    parent = start()
    first = int(parent.stdout.readline())
    os.kill(first, signal.SIGKILL)
    second = int(parent.stdout.readline())
    assert len({parent.pid, first, second}) == 3
    parent.terminate()
    assert parent.wait(timeout=20) == 0
    assert parent.stdout.read() == ""
    assert not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text().rpartition(")")[2][:3]


def test_a_keeper_that_is_killed_takes_its_child_along():
    parent = start()
    child = int(parent.stdout.readline())
    parent.kill()
    # The pipe ends when the last process that writes to it has ended.
    assert parent.stdout.read() == ""
    assert parent.wait(timeout=20) == -signal.SIGKILL
    assert child
