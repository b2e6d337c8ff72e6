# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MAC addresses: one inner form (twelve lower-case hex digits) and the spellings that vendors and services want."""

from __future__ import annotations

import re

# Twelve digits bare, or in pairs with one separator throughout, or Cisco's three groups of four.
_SPELLINGS = re.compile(
    r"\A(?:[0-9a-f]{12}|[0-9a-f]{2}(?P<s>[:\- ])[0-9a-f]{2}(?:(?P=s)[0-9a-f]{2}){4}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})\Z", re.IGNORECASE
)
_SEPARATORS = {"": "", "colon": ":", "dash": "-"}


class MacError(ValueError):
    """The text is no MAC address of one device; the message is a clause that fits behind a colon."""


def normalize_mac(text: object) -> str:
    """Return the twelve lower-case hex digits of a MAC address.

    :param text: the address bare, with colons, dashes or blanks between pairs, or with dots between groups of four.
    :raises MacError: not a string, wrong length or characters, mixed separators, the null, broadcast or a multicast address.
    """
    if not isinstance(text, str):
        raise MacError(f"{_shown(text)} is not a MAC address (a string of twelve hexadecimal digits; quote it in YAML)")
    if not _SPELLINGS.match(text.strip()):
        raise MacError(f"{_shown(text)} is not a MAC address (twelve hexadecimal digits, separators optional)")
    mac = re.sub(r"[^0-9a-f]", "", text.lower())
    if mac == "000000000000":
        raise MacError(f"{text!r} is the null address, not that of a device")
    if int(mac[:2], 16) & 1:
        raise MacError(f"{text!r} is a multicast or broadcast address, not that of a device")
    return mac


def _shown(value: object) -> str:
    if isinstance(value, (dict, list, tuple, set)):
        # What is inside may be a secret.
        return "a dictionary" if isinstance(value, dict) else f"a list of {len(value)}"
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a huge number"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 60 else text[:59] + "…"


def format_mac(mac: str, case: str = "lower", separator: str = "") -> str:
    """Spell a normalized MAC address.

    :param mac: twelve lower-case hex digits.
    :param case: ``lower`` or ``upper``.
    :param separator: ``""``, ``colon`` or ``dash``, put between pairs.
    """
    digits = mac.upper() if case == "upper" else mac
    mark = _SEPARATORS[separator]
    return mark.join(digits[i : i + 2] for i in range(0, 12, 2)) if mark else digits


def is_locally_administered(mac: str) -> bool:
    """Tell whether the address was chosen by an administrator (second-lowest bit of the first octet), so belongs to no vendor."""
    return bool(int(mac[:2], 16) & 2)
