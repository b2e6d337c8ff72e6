# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a redirect account holds against what the inventory expects, both ways; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import FOREIGN, OURS, Device, Found


def audit(service: Service, devices: Sequence[Device], ownership: bool = False) -> dict[str, Any]:
    """Compare.

    :param ownership: ask for each expected MAC that the account does not hold whether another account has it (a call each, where it can be told).
    :returns: ``devices``, ``differences``, ``counts``, ``capabilities`` and ``limits``, with MACs and never a URL.
    :raises RedirectError: the service cannot be read.
    """
    expected = {device.mac: device for device in devices}
    for device in devices:
        service.learn(device)
    held: dict[str, Found] = {}
    if service.capabilities.has_list:
        held = {item.mac: item for item in service.list()}
    elif expected:
        held = {mac: item for mac, item in service.lookup(list(expected), deep=True).items() if item.state == OURS}
    else:
        # Nothing to look for, yet refused credentials are to be told.
        service.ping()
    unread = [mac for mac in expected if mac in held and held[mac].url is None]
    if unread and service.capabilities.can_read_url and service.capabilities.has_list:
        held.update({mac: item for mac, item in service.lookup(unread, deep=True).items() if item.state == OURS})
    missing = [mac for mac in expected if mac not in held]
    foreign: list[str] = []
    if ownership and missing:
        foreign = [mac for mac, item in service.lookup(missing, deep=True).items() if item.state == FOREIGN]
    elsewhere = frozenset(foreign)
    rows = []
    for mac in sorted(set(held) | set(expected)):
        rows.append(
            {
                "mac": mac,
                "state": _state(mac, held, elsewhere),
                "expected": mac in expected,
                "matches": _matches(expected.get(mac), held.get(mac)),
            }
        )
    differences = {
        "missing": missing,
        "unexpected": sorted(set(held) - set(expected)) if expected else [],
        "different": [row["mac"] for row in rows if row["matches"] is False],
        "unverifiable": [row["mac"] for row in rows if row["matches"] is None and row["expected"] and row["mac"] in held],
        "foreign": foreign,
    }
    return {
        "devices": rows,
        "differences": differences,
        "counts": {"held": len(held), "expected": len(expected), **{name: len(macs) for name, macs in differences.items()}},
        "capabilities": asdict(service.capabilities),
        "limits": list(service.limits),
        "calls": service.client.calls,
    }


def _state(mac: str, held: dict[str, Found], foreign: frozenset[str]) -> str:
    return "registered" if mac in held else "foreign" if mac in foreign else "absent"


def _matches(device: Device | None, item: Found | None) -> bool | None:
    """Whether the MAC points where it should; None where that cannot be told or nothing is expected."""
    if device is None or item is None or item.url is None or not device.url:
        return None
    return item.url == device.url
