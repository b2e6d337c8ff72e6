# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered of every phone of a large fleet, in a fraction of what dictionaries of objects take.

A dictionary that maps a text to a tuple costs 300 bytes an entry, and a run would need half a dozen of them; here an entry costs 30 to 50.
"""

from __future__ import annotations

import json
import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

_WORD = (1 << 64) - 1
# An odd constant that spreads neighbouring keys (the fraction of the golden ratio).
_SPREAD = 0x9E3779B97F4A7C15
_DIGEST = 32
_PIECE = 1 << 18

T = TypeVar("T")


class NumberMap:
    """Numbers of 64 bits to numbers from 0 to 2**63 - 1; what is in stays in."""

    __slots__ = ("_bits", "_keys", "_room", "_values")

    def __init__(self) -> None:
        self._resize(8)

    def _resize(self, bits: int) -> None:
        self._bits = bits
        self._keys = array("Q", bytes(8 << bits))
        self._values = array("q", [-1]) * (1 << bits)
        # Fuller than that, a search would pass many neighbours.
        self._room = (1 << bits) * 2 // 3

    def _slot(self, key: int) -> int:
        keys, values, last = self._keys, self._values, (1 << self._bits) - 1
        slot = (key * _SPREAD & _WORD) >> (64 - self._bits)
        while values[slot] >= 0 and keys[slot] != key:
            slot = (slot + 1) & last
        return slot

    def get(self, key: int, default: int = -1) -> int:
        """Return the value of a key."""
        value = self._values[self._slot(key)]
        return default if value < 0 else value

    def __len__(self) -> int:
        return (1 << self._bits) * 2 // 3 - self._room

    def __contains__(self, key: int) -> bool:
        return self._values[self._slot(key)] >= 0

    def setdefault(self, key: int, value: int) -> int:
        """Return the value of a key, which is the one given where it had none."""
        slot = self._slot(key)
        if self._values[slot] >= 0:
            return self._values[slot]
        if not self._room:
            keys, values = self._keys, self._values
            self._resize(self._bits + 1)
            for old, number in zip(keys, values, strict=True):
                if number >= 0:
                    self._put(self._slot(old), old, number)
            slot = self._slot(key)
        self._put(slot, key, value)
        return value

    def _put(self, slot: int, key: int, value: int) -> None:
        self._keys[slot], self._values[slot] = key, value
        self._room -= 1


class Digests:
    """SHA-256 digests, numbered in the order they came."""

    def __init__(self) -> None:
        self._joined = bytearray()
        self._numbers = NumberMap()
        # Digests that begin as another one does.
        self._twins: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._joined) // _DIGEST

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._joined[number * _DIGEST : (number + 1) * _DIGEST])

    def find(self, digest: bytes) -> int:
        """Return the number of a digest, -1 where it is not known."""
        number = self._numbers.get(int.from_bytes(digest[:8], "big"))
        return number if number < 0 or self[number] == digest else self._twins.get(digest, -1)

    def add(self, digest: bytes) -> bool:
        """Add a digest, unless it is known; tell whether it was added."""
        if self.find(digest) >= 0:
            return False
        number = len(self)
        if self._numbers.setdefault(int.from_bytes(digest[:8], "big"), number) != number:
            self._twins[digest] = number
        self._joined += digest
        return True


class Spilled(Generic[T]):
    """A list that is written and read front to back, in a file without a name.

    :param folder: for the file.
    :param pack: makes a JSON value of an item; ``unpack`` makes the item of it.
    """

    def __init__(self, folder: str, pack: Callable[[T], Any], unpack: Callable[[Any], T]) -> None:
        self._file: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._pack, self._unpack = pack, unpack
        self._count = 0
        self._end = 0

    def __len__(self) -> int:
        return self._count

    def append(self, item: T) -> None:
        self._file.seek(self._end)
        self._end += self._file.write(json.dumps(self._pack(item), separators=(",", ":")).encode() + b"\n")
        self._count += 1

    def __iter__(self) -> Iterator[T]:
        for line in lines_of(self._file):
            yield self._unpack(json.loads(line))

    def close(self) -> None:
        self._file.close()


def lines_of(file: Any) -> Iterator[bytes]:
    """Yield the lines of an open file from its start; several readers may take turns."""
    position = 0
    while True:
        file.seek(position)
        lines = file.readlines(_PIECE)
        if not lines:
            return
        position = file.tell()
        yield from lines


class Rows(Mapping[str, bytes]):
    """Rows by MAC, in a file without a name.

    :param rows: MAC and row, in ascending order of MACs.
    """

    def __init__(self, folder: str, rows: Iterable[tuple[str, bytes]]) -> None:
        self._file: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as the run
        self._macs = array("Q")
        self._ends = array("Q")
        end = 0
        for mac, row in rows:
            number = int(mac, 16)
            if self._macs and number <= self._macs[-1]:
                raise ValueError(f"{mac}: rows are not in the order of MACs")
            end += self._file.write(row)
            self._macs.append(number)
            self._ends.append(end)
        self._file.flush()

    def __len__(self) -> int:
        return len(self._macs)

    def __iter__(self) -> Iterator[str]:
        for number in self._macs:
            yield f"{number:012x}"

    def __getitem__(self, mac: str) -> bytes:
        try:
            key = int(mac, 16)
        except ValueError:
            raise KeyError(mac) from None
        number = bisect_left(self._macs, key)
        if number == len(self._macs) or self._macs[number] != key:
            raise KeyError(mac)
        begin = self._ends[number - 1] if number else 0
        return os.pread(self._file.fileno(), self._ends[number] - begin, begin)
