# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of claims and of what /b/ hands out, once more with a real PostgreSQL in SQLite's place."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .conftest import root
from .site.world import TOP

sys.path.insert(0, str(TOP / "tests" / "lab"))

from postgresql import Server, programs  # noqa: E402

# The distribution would start a cluster of its own, on PostgreSQL's port.
INSTALL = """policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 0755 $policy; ours=1; }
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql
status=$?
[ -z "${ours:-}" ] || rm -f $policy
exit $status
"""
SUITES = ("tests/unit/plugins/module_utils/claims", "tests/unit/roles/provisioning_server/test_bootstrap.py")


def test_claims_and_stubs_follow_the_same_rules():
    if programs() is None:
        # Its package makes a certificate there; a machine that has somebody else's folder in that place would be left with a half-installed package.
        if root("test", "-w", "/etc/ssl/certs", check=False).returncode != 0:
            pytest.skip("PostgreSQL is not installed, and can't be: /etc/ssl/certs can't be written")
        done = root("sh", "-c", INSTALL, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with Server() as server:
        target = f"postgresql:///postgres?host={server.folder}&port={server.port}&user=owner"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "postgresql", "-rs", *SUITES],
            env={**os.environ, "DIALTONE_TEST_POSTGRESQL": target, "DIALTONE_TEST_ROUNDS": "1"},
            cwd=TOP,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0 and "skipped" not in done.stdout, done.stdout[-6000:] + done.stderr[-2000:]
