# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a redirect run is told: lines of progress while it lasts, and one sentence at its end; never a URL or a secret."""

from __future__ import annotations

import time

from ansible.utils.display import Display
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import Results

display = Display()
EVERY = 5.0  # seconds between two lines of progress
NAMED = 10  # failed devices named in the message; all are in the result


class Progress:
    """A line now and then, with counts only."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.last = time.monotonic()

    def __call__(self, account: str, done: int, total: int) -> None:
        if time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            display.display(f"redirect {account or self.label}: {done} of {total} devices")


def summary(results: Results) -> str:
    """One sentence for the whole run; no URL, no secret."""
    counts = results.counts()
    text = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no devices"
    # What stopped an account is told once, not again for every phone that was not tried because of it.
    failed = [row for row in results.rows if row.failed and not (results.messages and row.msg.startswith("not tried: "))]
    if results.messages:
        text += f"; {'; '.join(results.messages)}"
    if failed:
        text += ": " if not results.messages else "; "
        text += "; ".join(f"{row.mac}: {row.msg}" for row in failed[:NAMED])
        if len(failed) > NAMED:
            text += f"; and {len(failed) - NAMED} more"
    return text
