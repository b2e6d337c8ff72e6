# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine that the integration tests need: root or sudo, apt, and no provisioning server of somebody else on it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .site.world import FOREIGN_PORT, SUDO, TOP, World

MARK = Path("/var/tmp/dialtone-integration-tests")
FOREIGN = "/etc/nginx/conf.d/foreign-site-of-a-test.conf"


def root(*command: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run([*SUDO, *command], check=check, capture_output=True, text=True)


def clean(inventory: Path) -> None:
    done = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), str(TOP / "tests/lab/demo/clean.yml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=inventory.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A machine of our own: what an earlier run or the demo left is taken away; anybody else's server is not touched."""
    if SUDO and root("-n", "true", check=False).returncode != 0:
        pytest.fail("the integration tests need root, or a user who may sudo without a password")
    if (TOP / ".cache/demo").exists():
        subprocess.run([str(TOP / "tests/lab/demo/demo"), "clean"], check=True, cwd=TOP)
    if os.path.exists("/etc/dialtone") and not MARK.exists():
        pytest.fail("this machine has a provisioning server (/etc/dialtone) that is no test's; the integration tests would overwrite it")
    MARK.touch()
    made = World(tmp_path_factory.mktemp("world"))
    clean(made.inventory())
    made.start_service()
    yield made
    made.stop_service()
    root("rm", "-f", FOREIGN)
    clean(made.inventory())
    MARK.unlink()


@pytest.fixture(scope="session")
def foreign_site(world):
    """A site of somebody else in the same nginx, there before us."""
    root(
        "sh",
        "-c",
        "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nginx && rm -f /etc/nginx/sites-enabled/default",
    )
    text = f"server {{ listen 127.0.0.1:{FOREIGN_PORT}; location / {{ return 200 foreign; }} }}\n"
    subprocess.run([*SUDO, "tee", FOREIGN], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    root("sh", "-c", "service nginx restart")
    return f"http://127.0.0.1:{FOREIGN_PORT}/"
