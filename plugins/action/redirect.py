# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points phones to their URLs at a redirect service: those of the play, or devices that are named."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.args import OptionError, read_run
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.fleet import FleetRedirect
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.report import Progress, summary
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import Refused, run_accounts


class ActionModule(ActionBase):
    """Runs on the controller; the arguments hold secrets, so they are never returned and never given to a module."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        if self._task.args.get("devices") is None and not self._task.args.get("service"):
            return {**result, **FleetRedirect(self, task_vars or {}).run()}
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
