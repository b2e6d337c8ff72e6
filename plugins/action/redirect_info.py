# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what redirect accounts hold with what is expected: for the phones of the play, or for devices that are named."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import open_service
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.args import OptionError, read_info
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.audit import audit
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.fleet_audit import FleetAudit


class ActionModule(ActionBase):
    """Runs on the controller; the arguments hold secrets, so they are never returned and never given to a module."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        if self._task.args.get("devices") is None and not self._task.args.get("service"):
            return {**result, **FleetAudit(self, task_vars or {}).run()}
        try:
            account, devices, ownership = read_info(self._task.args)
            service = open_service(account)
            try:
                found = audit(service, devices, ownership)
            finally:
                service.client.close()
        except (OptionError, RedirectError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        result.update(changed=False, **found)
        return result
