# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on many phones at a pace that the network and the servers bear."""

from __future__ import annotations

import asyncio
import typing as t

Item = t.TypeVar("Item")


class Pace(t.NamedTuple):
    """How fast, how many at once, and after how many a rest is taken."""

    rate: float  # starts per second
    concurrency: int  # at work at once
    wave: int = 0  # phones of a wave; 0 makes one wave of all
    pause: float = 0.0  # seconds between the end of a wave and the next


async def paced(items: t.Sequence[Item], work: t.Callable[[Item], t.Awaitable[None]], pace: Pace) -> None:
    """Do the work for every item; the first exception ends it, after what is under way."""
    loop = asyncio.get_event_loop()
    next_start = loop.time()
    size = pace.wave or len(items) or 1
    for start in range(0, len(items), size):
        if start:
            await asyncio.sleep(pace.pause)
        slots = asyncio.Semaphore(pace.concurrency)
        running: t.Set[asyncio.Future] = set()
        failed: t.List[BaseException] = []

        for item in items[start : start + size]:
            await slots.acquire()
            if failed:
                break
            await asyncio.sleep(max(0.0, next_start - loop.time()))
            next_start = max(next_start, loop.time()) + 1 / pace.rate
            task = asyncio.ensure_future(_one(item, work, slots, failed))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(set(running))
        if failed:
            raise failed[0]


async def _one(item: Item, work: t.Callable[[Item], t.Awaitable[None]], slots: asyncio.Semaphore, failed: t.List[BaseException]) -> None:
    try:
        await work(item)
    except Exception as exc:  # told when the others are done
        failed.append(exc)
    finally:
        slots.release()
