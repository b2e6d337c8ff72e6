# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_args import OptionError, read_run
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_run import Refused, Results, run_accounts

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
    failed = [row for row in results.rows if row.failed]
    if results.messages:
        text += f"; {'; '.join(results.messages)}"
    if failed:
        text += ": " if not results.messages else "; "
        text += "; ".join(f"{row.mac}: {row.msg}" for row in failed[:NAMED])
        if len(failed) > NAMED:
            text += f"; and {len(failed) - NAMED} more"
    return text


class ActionModule(ActionBase):
    """Runs on the controller; the arguments hold secrets, so they are never returned and never given to a module."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        try:
            account, devices, run = read_run(self._task.args)
            results = run_accounts(
                account, devices, recorder=None, progress=Progress(account.service), check_mode=self._task.check_mode, **run
            )
        except (OptionError, Refused, RedirectError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        result.update(
            changed=results.changed,
            failed=results.failed,
            msg=summary(results),
            devices=[row.public() for row in results.rows],
            counts=results.counts(),
            calls=results.calls,
            recorded={row.mac: row.recorded for row in results.rows if row.recorded},
        )
        return result
