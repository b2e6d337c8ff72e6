# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run remembers of every phone: as dictionaries and lists would have it, in less memory."""

from __future__ import annotations

import hashlib
import os
import random
import sys

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Digests, NumberMap, Rows, Spilled


@pytest.mark.parametrize(
    "keys",
    [
        range(5000),
        [0, (1 << 64) - 1, 1 << 63],
        [number << 48 for number in range(3000)],
        [number * 0xDEADBEEF97F4A7C15 % (1 << 64) for number in range(3000)],
    ],
    ids=["neighbours", "ends", "alike at the low end", "spread"],
)
def test_numbers_are_found_as_a_dictionary_finds_them(keys):
    ours, theirs = NumberMap(), {}
    rng = random.Random(7)
    for key in [*keys, *(rng.choice(list(keys)) for again in range(100))]:
        value = rng.randrange(1 << 62)
        assert ours.setdefault(key, value) == theirs.setdefault(key, value)
    assert {key: ours.get(key) for key in keys} == theirs
    assert len(ours) == len(theirs)
    strangers = [key for key in (5, 6000, (1 << 64) - 2) if key not in theirs]
    assert [(key in ours, ours.get(key)) for key in strangers] == [(False, -1)] * len(strangers)
    assert ours.get((1 << 64) - 3, 4) == 4


def test_numbers_of_a_large_fleet_take_a_fraction_of_a_dictionary():
    macs, plain = NumberMap(), {}
    for number in range(50000):
        macs.setdefault(0x001565000000 + number, number)
        plain[f"001565{number:06x}"] = (f"host-{number}", False)
    ours = sys.getsizeof(macs._keys) + sys.getsizeof(macs._values)
    theirs = sys.getsizeof(plain) + sum(sys.getsizeof(key) + sys.getsizeof(value) + sys.getsizeof(value[0]) for key, value in plain.items())
    assert ours * 4 < theirs


def test_digests_are_numbered_as_they_come():
    digests = Digests()
    values = [hashlib.sha256(b"%d" % number).digest() for number in range(2000)]
    assert [digests.add(value) for value in values] == [True] * 2000
    assert [digests.add(value) for value in values] == [False] * 2000
    assert [digests.find(value) for value in values] == list(range(2000))
    assert digests.find(hashlib.sha256(b"x").digest()) == -1
    assert (len(digests), digests[7]) == (2000, values[7])


def test_digests_that_begin_alike_are_told_apart():
    digests = Digests()
    values = [b"same bgn" + bytes([number]) * 24 for number in range(5)]
    for value in values[:4]:
        assert digests.add(value)
        assert not digests.add(value)
    assert [digests.find(value) for value in values] == [0, 1, 2, 3, -1]


def test_a_spilled_list_is_read_by_several_readers_while_it_grows(tmp_path):
    spilled = Spilled(str(tmp_path), list, tuple)
    assert (len(spilled), bool(spilled), list(spilled)) == (0, False, [])
    for number in range(3000):
        spilled.append((number, "ü" * 200))
    first, second = iter(spilled), iter(spilled)
    assert [next(first)[0] for number in range(1500)] == list(range(1500))
    assert [item[0] for item in second] == list(range(3000))
    spilled.append((3000, ""))
    assert [item[0] for item in first] == list(range(1500, 3001))
    assert (len(spilled), os.listdir(tmp_path)) == (3001, [])
    spilled.close()


def test_rows_are_found_by_mac(tmp_path):
    given = {f"{number * 3:012x}": b"row %d" % number for number in range(500)}
    rows = Rows(str(tmp_path), given.items())
    assert dict(rows) == given
    assert [key in rows for key in ("000000000000", "000000000001", "ffffffffffff", "")] == [True, False, False, False]
    assert (len(rows), rows.get("zz"), os.listdir(tmp_path)) == (500, None, [])
    assert dict(Rows(str(tmp_path), [])) == {}


def test_rows_out_of_order_are_refused(tmp_path):
    with pytest.raises(ValueError, match="00000000000a: rows are not in the order of MACs"):
        Rows(str(tmp_path), [("00000000000b", b""), ("00000000000a", b"")])
