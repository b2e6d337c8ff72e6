# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the targets that are scripts, as ansible-test does, from the plain checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TARGETS = sorted((Path(__file__).parent / "targets").glob("*/runme.sh"))


@pytest.mark.parametrize("script", TARGETS, ids=lambda path: path.parent.name)
def test_target(script):
    done = subprocess.run([str(script)], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
