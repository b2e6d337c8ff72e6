# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time that survives a clock that is set wrong: within one boot the uptime counts, across boots the wall clock."""

from __future__ import annotations

import time
from typing import NamedTuple


class Moment(NamedTuple):
    """A point in time: wall clock in seconds since 1970, the id of the boot, and seconds since that boot."""

    wall: float
    boot: str
    uptime: float


def now() -> Moment:
    """Return this machine's time; without a boot id (not Linux) every moment counts as another boot's."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as stream:
            boot = stream.read().strip()
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        boot, uptime = "", 0.0
    return Moment(time.time(), boot, uptime)


def elapsed(since: Moment, until: Moment) -> float:
    """Return the seconds between two moments; negative when the clock contradicts itself, which callers treat as closed."""
    if since.boot and since.boot == until.boot:
        return until.uptime - since.uptime
    return until.wall - since.wall
