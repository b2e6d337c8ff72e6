# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attack suite runs on the server itself, as root, against a deployed gate: DIALTONE_GATE_URL (and DIALTONE_GATE_CA) say where it is."""

from __future__ import annotations

import os
import subprocess

import pytest

from . import release


def pytest_collection_modifyitems(items) -> None:
    if os.environ.get("DIALTONE_GATE_URL") and os.geteuid() == 0:
        return
    for item in items:
        if os.path.dirname(__file__) in str(item.path):
            item.add_marker(pytest.mark.skip(reason="DIALTONE_GATE_URL names no deployed gate, or not root"))


@pytest.fixture(scope="session")
def gate():
    before = os.readlink(os.path.join(release.ROOT, "current"))
    release.write()
    yield release
    link = os.path.join(release.ROOT, "current")
    os.symlink(before, link + ".new")
    os.replace(link + ".new", link)
    subprocess.run(["nginx", "-s", "reload"], check=False)
