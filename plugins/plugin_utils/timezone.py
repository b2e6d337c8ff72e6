# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time zones as phones want them: an offset and a yearly rule for summer time.

The rule comes from the POSIX TZ line that ends every IANA zone file (RFC 9636, section 3.3). It has no year in it, so the same inventory
gives the same files in every year.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import zoneinfo
from pathlib import Path
from typing import NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import did_you_mean, shown

_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_TIME = r"[+-]?[0-9]{1,3}(?::[0-9]{2}(?::[0-9]{2})?)?"
_POSIX = re.compile(rf"(?P<std>{_NAME})(?P<offset>{_TIME})(?:(?P<dst>{_NAME})(?P<dst_offset>{_TIME})?,(?P<start>[^,]+),(?P<end>[^,]+))?")
_RULE = re.compile(rf"M(?P<month>[0-9]{{1,2}})\.(?P<week>[1-5])\.(?P<day>[0-6])(?:/(?P<time>{_TIME}))?")


class TimezoneError(ValueError):
    """No such time zone; the message is a clause that fits behind a colon."""


class Change(NamedTuple):
    """When summer time starts or ends, in the wall clock before the change."""

    month: int  # 1 to 12
    week: int  # 1 to 5 of the month; 5 is the last
    weekday: int  # 0 is Sunday
    minutes: int  # since midnight; may lie outside 0 to 1439 (see RFC 9636)

    @property
    def hour(self) -> int:
        """The hour, where a phone knows nothing finer: 0 to 23."""
        return min(max(self.minutes // 60, 0), 23)


class Timezone(NamedTuple):
    """A zone: its offset east of UTC and, where it has summer time, the yearly rule."""

    name: str
    offset: int  # minutes east of UTC in winter
    dst: bool
    save: int  # minutes that summer time adds; negative where the rule is written the other way round (Europe/Dublin)
    start: Change | None
    end: Change | None
    abbreviation: str

    def utc(self, sign_zero: bool = False, pad: bool = False, separator: str = ":") -> str:
        """Return the offset as text: ``+1``, ``-3:30``, ``0``.

        :param sign_zero: write ``+0`` instead of ``0``.
        :param pad: write ``+01:00``, with hours and minutes in full.
        :param separator: between hours and minutes.
        """
        hours, minutes = divmod(abs(self.offset), 60)
        sign = "-" if self.offset < 0 else "+" if self.offset or sign_zero or pad else ""
        if pad:
            return f"{sign}{hours:02d}{separator}{minutes:02d}"
        return f"{sign}{hours}" + (f"{separator}{minutes:02d}" if minutes else "")


def _minutes(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    return sign * (parts[0] * 60 + (parts[1] if len(parts) > 1 else 0))


def _change(text: str) -> Change:
    rule = _RULE.fullmatch(text)
    if not rule:
        # Day-of-year rules (Jn) are allowed by the standard and used by no zone today.
        raise TimezoneError(f"has a rule for summer time that phones can't follow ({text})")
    return Change(int(rule["month"]), int(rule["week"]), int(rule["day"]), _minutes(rule["time"]) if rule["time"] else 120)


def _zone_file(name: str) -> bytes | None:
    """Return the zone's file from the system, or from the tzdata package where the system has none."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    package, _dot, resource = f"tzdata.zoneinfo.{name.replace('/', '.')}".rpartition(".")
    try:
        return importlib.resources.files(package).joinpath(resource).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def zone_footer(name: str) -> str | None:
    """Return the POSIX TZ line of a zone; none when there is no such zone."""
    data = _zone_file(name) if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", name) else None
    if not data or not data.startswith(b"TZif"):
        return None
    return data.rstrip(b"\n").rsplit(b"\n", 1)[-1].decode("ascii", "replace")


@functools.lru_cache(maxsize=1)
def _known_zones() -> tuple[str, ...]:
    return tuple(sorted(zoneinfo.available_timezones()))


@functools.lru_cache(maxsize=1024)
def _load(name: str) -> Timezone:
    footer = zone_footer(name)
    if footer is None:
        raise TimezoneError(f"got {shown(name)}, wanted an IANA time zone such as Europe/Berlin{did_you_mean(name, _known_zones())}")
    posix = _POSIX.fullmatch(footer)
    if not posix:
        raise TimezoneError(f"{name} has no rule that phones can follow ({footer!r})")
    offset = -_minutes(posix["offset"])
    if not posix["dst"]:
        return Timezone(name, offset, False, 0, None, None, posix["std"].strip("<>"))
    save = (-_minutes(posix["dst_offset"]) if posix["dst_offset"] else offset + 60) - offset
    start, end = _change(posix["start"]), _change(posix["end"])
    if save < 0:
        # Ireland's standard time is its summer time: told the usual way round, winter is the base.
        offset, save, start, end = offset + save, -save, end, start
    return Timezone(name, offset, True, save, start, end, posix["std"].strip("<>"))


def timezone(name: object) -> Timezone:
    """Return the zone of an IANA name.

    :raises TimezoneError: not a name of the IANA database, or its rule can't be expressed.
    """
    if not isinstance(name, str):
        raise TimezoneError(f"got {shown(name)}, wanted an IANA time zone such as Europe/Berlin")
    if len(name) > 64:
        raise TimezoneError(f"has {len(name)} characters, wanted an IANA time zone such as Europe/Berlin")
    return _load(name)
