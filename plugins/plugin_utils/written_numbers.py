# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds numbers that YAML reads as another than is written: the extension 0101 is 65 to it, 1_000 is 1000, 1:30 is 90, and the version 1.10 is 1.1.

What was read says nothing of that any more, so the place that Ansible remembers is looked at. Where it remembers none, nothing is found.
"""

from __future__ import annotations

import linecache
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.values import place_of

_NUMBER = re.compile(r"[-+]?[0-9.][0-9A-Za-z_:.+-]*")


def odd_numbers(value: Any, path: str = "") -> Iterator[tuple[str, str, int | float]]:
    """Yield the path, the spelling and the value of each such number in a raw value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from odd_numbers(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from odd_numbers(item, f"{path}[{index}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value.__class__ not in (int, float):
        plain = int(value) if isinstance(value, int) else float(value)
        place = place_of(value)
        found = _NUMBER.match(linecache.getline(place[0], place[1])[place[2] - 1 :]) if place else None
        # What stands there has to be what was read, or it is not its place: the lines of an encrypted file are others.
        if found and found.group().lstrip("+") != _digits(plain) and _is_same(_as_yaml(found.group()), plain):
            yield path, found.group(), plain


def _digits(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # an integer of thousands of digits
        return ""


def _is_same(one: Any, other: float) -> bool:
    # A NaN is not itself.
    return one == other or (isinstance(one, float) and math.isnan(one) and isinstance(other, float) and math.isnan(other))


def _as_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None
