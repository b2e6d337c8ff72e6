# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machines need root, a network namespace of the run's own, and a few programs of the distribution (install.py)."""

from __future__ import annotations

import os
import shutil

import pytest

from .machine import make_bridge
from .servers import Servers


@pytest.fixture(scope="session")
def _network():
    if os.geteuid() != 0 or os.readlink("/proc/self/ns/net") == os.environ.get("MACHINES_OUTSIDE", os.readlink("/proc/1/ns/net")):
        pytest.skip("needs root and a network namespace of its own: make gate")
    if not shutil.which("nginx"):
        pytest.skip("nginx and the other programs are missing: make gate installs them")
    make_bridge()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def servers(request, _network, tmp_path_factory):
    """One server with SQLite; three that share a PostgreSQL, behind a balancer."""
    shared = request.param == "postgresql"
    made = Servers(tmp_path_factory.mktemp(request.param), 3 if shared else 1, shared)
    try:
        made.set_up()
        yield made
    finally:
        made.stop()
