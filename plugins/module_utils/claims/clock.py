# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time that survives a clock that is set wrong: within one boot the uptime counts, across boots the wall clock."""

from __future__ import annotations

import functools
import time
from typing import NamedTuple


class Moment(NamedTuple):
    """A point in time: wall clock in seconds since 1970, the id of the boot, and seconds since that boot."""

    wall: float
    boot: str
    uptime: float


@functools.lru_cache(maxsize=None)
def _boot_id() -> str:
    """Return the id of this boot; it cannot change while a process lives. Empty where there is none (not Linux)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def now() -> Moment:
    """Return this machine's time; without a boot id every moment counts as another boot's."""
    boot = _boot_id()
    return Moment(time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME) if boot else 0.0)


def elapsed(since: Moment, until: Moment) -> float:
    """Return the seconds between two moments; negative when the clock contradicts itself, which callers treat as closed."""
    if since.boot and since.boot == until.boot:
        return until.uptime - since.uptime
    return until.wall - since.wall
