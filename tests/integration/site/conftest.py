# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each file of tests starts with the six phones, whatever the one before it did to them."""

from __future__ import annotations

import pytest

from .world import six_phones


@pytest.fixture(scope="module", autouse=True)
def six_phones_again(world):
    world.phones = six_phones()
    world.vars = {}
