# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File names without regard to case: nginx cannot lower a text, but a map compares its keys without case.

So the names on disk are listed once per *shape*, the name with the phone's own MAC replaced by ``@``: a fleet has some dozens of
shapes, whatever its size. A request for a shape that is not listed is looked for as it is spelled (its MAC lowered).
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Set, Tuple

_NAME = re.compile(r"\A[a-z0-9][a-z0-9._-]{0,99}\Z")
MARK = "@"
# What a pinned name has before its last dot: the content's digest. nginx and the daemon know names by this pattern (dialtone.conf.j2, contacts.py).
_PIN = re.compile(r"-v[0-9a-f]{16}(?=\.[a-z0-9]+\Z)")


class NameShapes:
    """Collects the names that files have on disk."""

    def __init__(self) -> None:
        self._shapes: Set[str] = set()

    def add(self, mac: str, name: str) -> None:
        self._shapes.add(shape_of(mac, name))

    def add_pinned(self, mac: str, name: str) -> None:
        """Add all pinned names of a file, as one pattern."""
        stem, _dot, suffix = shape_of(mac, name).rpartition(".")
        self._shapes.add("~*^{}-v[0-9a-f]{{16}}\\.{}$".format(stem.replace(".", "\\."), suffix))

    def render(self, value: str = "") -> str:
        """Return map entries from a shape in any case to the name on disk, or to a value."""
        return "".join(f'"{shape}" "{value or _on_disk(shape)}";\n' for shape in sorted(self._shapes))


class UploadSets:
    """Collects the sets of names that phones may store."""

    def __init__(self) -> None:
        self._ids: Dict[Tuple[str, ...], int] = {}

    def add(self, mac: str, names: Iterable[str]) -> str:
        """Return the id of the set of upload names; empty when the phone may store nothing."""
        shapes = tuple(sorted({shape_of(mac, name) for name in names}))
        return f"u{self._ids.setdefault(shapes, len(self._ids) + 1)}" if shapes else ""

    def render(self) -> str:
        """Return map entries from ``<set>/<shape>`` to the name to store under."""
        return "".join(f'"u{number}/{s}" "{_on_disk(s)}";\n' for shapes, number in self._ids.items() for s in shapes)


def is_name(name: object) -> bool:
    """Tell whether a name can be a served file's: lower case, one path segment, no leading dot."""
    return isinstance(name, str) and bool(_NAME.match(name))


def pin_name(name: str, digest: str) -> str:
    """Return the name under which one content of a file can be fetched for as long as a release that had it is kept.

    :param name: as it is on disk, with a suffix.
    :param digest: the content's SHA-256.
    """
    stem, _dot, suffix = name.rpartition(".")
    return f"{stem}-v{digest[:16]}.{suffix}"


def plain_name(name: str) -> str:
    """Return the name that a pinned name stands for; any other name as it is."""
    return _PIN.sub("", name)


def shape_of(mac: str, name: str) -> str:
    """Return the name with the first occurrence of the phone's MAC replaced by the mark."""
    return name.lower().replace(mac, MARK, 1)


def _on_disk(shape: str) -> str:
    return shape.replace(MARK, "${dialtone_mac}")
