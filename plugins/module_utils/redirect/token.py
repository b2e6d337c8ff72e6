# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access token that a login gives, and until when it is used."""

from __future__ import annotations

import time
from typing import Any, Mapping

_LIFETIME = 3600.0  # seconds, where the service does not say


class Token:
    """An access token; it is given up half a minute before its end, or at half of a life shorter than a minute."""

    def __init__(self) -> None:
        self.text = ""
        self._until = 0.0

    @property
    def good(self) -> bool:
        return bool(self.text) and time.monotonic() <= self._until

    def take(self, answer: Mapping[str, Any]) -> None:
        """Keep what a login answered with: ``access_token``, and ``expires_in`` in seconds."""
        self.text = str(answer["access_token"])
        try:
            lifetime = float(answer.get("expires_in") or _LIFETIME)
        except (TypeError, ValueError):
            lifetime = _LIFETIME
        self._until = time.monotonic() + max(lifetime - 30, lifetime / 2)

    def drop(self) -> None:
        """Ask for another one at the next call."""
        self.text = ""
