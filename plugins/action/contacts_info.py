# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whom the servers met that the inventory does not know, and whom of the inventory they miss."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import Terms, document
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.fleet import read_listed
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.states import read_states
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.unknown import sheet

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {"states": {"type": "dict", "required": True}, "silent_days": {"type": "int", "default": 14}}
_LISTS = ("silent", "outdated", "hammering", "trouble")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        if args["silent_days"] < 1:
            raise AnsibleActionFail(f"silent_days: got {args['silent_days']}, wanted at least 1")
        try:
            listed = read_listed(self, task_vars or {})
            made = document(listed, read_states(args["states"]), Terms("", args["silent_days"], ()), time.time())
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        return {
            **result,
            "changed": False,
            "unknown": made["unknown"],
            "csv": sheet(made["unknown"]),
            "unknown_requests": made["unknown_requests"],
            **{name: [_phone(phone) for phone in made["phones"] if name in phone["flags"]] for name in _LISTS},
            "warnings": [*made["problems"], *_missing(made)],
        }


def _missing(made: dict[str, Any]) -> list[str]:
    """Return what could not be asked: without it nobody would be unknown, and everybody silent."""
    what = "has no published release, so nothing is known of what phones fetch there; publish first"
    found = [f"{server['name']}: {what}" for server in made["servers"] if not server["release"]]
    if made["store"]["missing"]:
        found.append("claim store: there is none, so it is not known who asked; run dialtone.phones.site first")
    return found


def _phone(phone: dict[str, Any]) -> dict[str, Any]:
    contact = phone["last_contact"] or {}
    return {
        "host": phone["host"],
        "mac": phone["mac"],
        "site": phone["site"],
        "last_contact": contact.get("at"),
        "address": contact.get("address", ""),
        "errors": [error for error in phone["errors"] if error["open"]],
    }
