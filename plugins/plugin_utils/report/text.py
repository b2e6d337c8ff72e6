# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts and times as reports write them."""

from __future__ import annotations

import datetime
import unicodedata
from typing import Any

# Control and format characters (bidirectional overrides are among them), line and paragraph separators, surrogates, private and unassigned ones.
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})


def printable(value: Any) -> str:
    """Return a text in which every character shows: those that don't are written as U+FFFD, so that no name can pose as another."""
    text = str(value if value is not None else "")
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(char) in _HIDDEN else char for char in text)


def iso(seconds: float | None) -> str | None:
    """Return a time in seconds since 1970 as text, in UTC; nothing for none."""
    if seconds is None or seconds <= 0:
        return None
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
