# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils import paced as module
from ansible_collections.dialtone.phones.plugins.module_utils.paced import Pace, paced


def work_of(pace, count, fail_at=None):
    """Return what was done, the most that were at work at once, and the naps."""
    done, busy, most = [], 0, 0

    async def work(item):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.001)
        busy -= 1
        if item == fail_at:
            raise ValueError(item)
        done.append(item)

    async def run():
        try:
            await paced(range(count), work, pace)
        except ValueError:
            return "failed"
        return "ended"

    return asyncio.run(run()), done, most


def test_all_items_are_done_once():
    ended, done, _most = work_of(Pace(100000, 7, 4, 0), 25)
    assert ended == "ended"
    assert sorted(done) == list(range(25))


def test_no_more_than_allowed_are_at_work_at_once():
    _ended, done, most = work_of(Pace(100000, 3), 20)
    assert len(done) == 20
    assert most <= 3


def test_nothing_to_do_is_done():
    assert work_of(Pace(1, 1), 0) == ("ended", [], 0)


def test_a_failure_ends_it_and_is_told():
    ended, done, _most = work_of(Pace(100000, 1), 20, fail_at=5)
    assert ended == "failed"
    assert done == [0, 1, 2, 3, 4]


@pytest.fixture
def naps(monkeypatch):
    """Every wait that was asked for, without waiting."""
    asked = []
    real = asyncio.sleep

    async def sleep(seconds):
        asked.append(seconds)
        await real(0)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return asked


def run_quietly(items, pace):
    async def work(_item):
        return None

    asyncio.run(paced(items, work, pace))


def test_starts_are_apart_as_the_rate_says(naps):
    run_quietly(range(4), Pace(rate=0.1, concurrency=4))
    assert [round(nap / 10) for nap in naps] == [0, 1, 2, 3]


def test_there_is_a_rest_between_waves_and_none_after_the_last(naps):
    run_quietly(range(6), Pace(rate=1000000, concurrency=4, wave=2, pause=60))
    assert [nap for nap in naps if nap > 1] == [60, 60]
