# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What files of tests can ask for."""

from __future__ import annotations

import pytest

from ..conftest import root
from .world import six_phones


@pytest.fixture(scope="module")
def six_phones_again(world):
    """The six phones, whatever an earlier file did to them, and nothing seen of them."""
    root("sh", "-c", "rm -f /var/lib/dialtone-gate/claims.db*")
    world.phones = six_phones()
    world.vars = {}
