# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service, with a simulator of it that runs."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Running, simulator


@pytest.fixture(params=ROWS, ids=str)
def row(request):
    return request.param


@pytest.fixture
def lab(row):
    with Running(simulator(row.service)) as running:
        yield running
