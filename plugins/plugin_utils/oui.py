# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose device a MAC address is: by the prefixes that vendor packs declare, else by the IEEE's registry."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import yaml

_SHIPPED = Path(__file__).resolve().parents[2] / "templates"


@functools.lru_cache(maxsize=16)
def _declared(folders: tuple[str, ...]) -> tuple[dict[str, frozenset[str]], tuple[int, ...], frozenset[str]]:
    """Return the vendors of each prefix, the lengths of prefixes from the longest, and all vendors."""
    prefixes: dict[str, set[str]] = {}
    vendors = set()
    for root in (*folders, str(_SHIPPED)):
        for file in sorted(Path(root).glob("*/pack.yml")):
            vendor = file.parent.name
            vendors.add(vendor)
            try:
                pack = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            except (OSError, UnicodeDecodeError, yaml.YAMLError):
                continue  # whoever renders with the pack says what is wrong with it
            for prefix in (pack or {}).get("ouis") or () if isinstance(pack, dict) else ():
                prefixes.setdefault(re.sub("[^0-9a-f]", "", str(prefix).lower()), set()).add(vendor)
    lengths = tuple(sorted({len(prefix) for prefix in prefixes}, reverse=True))
    return {prefix: frozenset(names) for prefix, names in prefixes.items()}, lengths, frozenset(vendors)


def vendors_of(mac: str, folders: tuple[str, ...] = ()) -> frozenset[str]:
    """Return all vendor packs that a MAC may belong to; some vendors share a prefix.

    :param mac: twelve lower-case hexadecimal digits.
    :param folders: the user's own folders of packs.
    """
    prefixes, lengths, vendors = _declared(folders)
    for length in lengths:
        found = prefixes.get(mac[:length])
        if found:
            return found
    words = set(re.findall("[a-z0-9]+", (owner_of(mac) or "").lower()))
    return frozenset(vendor for vendor in vendors if vendor in words)


def vendor_of(mac: str, folders: tuple[str, ...] = ()) -> str | None:
    """Return the vendor pack of a MAC; none when nobody or more than one vendor claims it."""
    found = vendors_of(mac, folders)
    return next(iter(found)) if len(found) == 1 else None


def owner_of(mac: str) -> str | None:
    """Return the organisation that the IEEE's registry names for a MAC, as netaddr ships it."""
    return _organisation(mac[:6])


@functools.lru_cache(maxsize=4096)
def _organisation(prefix: str) -> str | None:
    try:
        from netaddr import OUI
        from netaddr.core import AddrFormatError, NotRegisteredError
    except ImportError:
        return None
    try:
        return OUI(prefix).registration().org
    except (NotRegisteredError, AddrFormatError, ValueError):
        return None
