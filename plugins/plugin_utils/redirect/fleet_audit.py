# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all redirect accounts of the inventory hold against what its phones and the claim store expect; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import open_service
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import Batch, read_phones, scope_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.audit import audit
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.fleet import CLOSED, Wishes, plan, read_accounts

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {"ownership": {"type": "bool", "default": False}, "store": {"type": "str", "default": ""}}


class FleetAudit:
    """The info verb for the phones of a play."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action, self._task_vars = action, task_vars

    def run(self) -> dict[str, Any]:
        """Return what each account holds; an account that cannot be read does not keep the others from being told."""
        _validation, args = self._action.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        try:
            fleet, settings, batch = read_phones(self._action, self._task_vars)
            accounts = read_accounts(fleet.role_variable("phone_redirect_accounts") or {})
            status = ClaimClient(self._action, self._task_vars, {"path": args["store"]}).status()
            work = plan(batch, settings, accounts, status, Wishes())
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        expected = [*work.present, *_closed(batch, status["devices"])]
        told: dict[str, Any] = {}
        failed = []
        for name, account in accounts.items():
            try:
                told[name] = self._one(account, [device for device in expected if device.account == name], batch, status, args["ownership"])
            except RedirectError as exc:
                failed.append(f"{name}: {exc}")
        result: dict[str, Any] = {"changed": False, "accounts": told, "by_hand": work.by_hand}
        return {**result, "failed": True, "msg": "; ".join(failed)} if failed else result

    @staticmethod
    def _one(account: Account, devices: list[Device], batch: Batch, status: Mapping[str, Any], ownership: bool) -> dict[str, Any]:
        service = open_service(account)
        try:
            found = audit(service, devices, ownership)
            known = service.capabilities.has_list
        finally:
            service.client.close()
        others = {mac for mac, row in status["devices"].items() if scope_of(row) != batch.scope}
        expected = {device.mac for device in devices}
        held = {row["mac"] for row in found["devices"] if row["state"] == "registered"}
        # A run that sees a part of the fleet cannot say what does not belong.
        found["differences"]["unexpected"] = sorted(held - expected - others) if batch.complete and known else []
        found["counts"]["unexpected"] = len(found["differences"]["unexpected"])
        found["devices"] = [{"host": batch.group.get(row["mac"], ""), **row} for row in found["devices"]]
        return found


def _closed(batch: Batch, devices: Mapping[str, Mapping[str, Any]]) -> list[Device]:
    """Return phones whose URL was used and whose entry was kept: it has to be there, wherever it points."""
    kept = []
    for phone in batch.phones:
        row = devices.get(phone.mac) or {}
        record = (row.get("registrations") or {}).get(phone.account) or {}
        if phone.once and row.get("state") in CLOSED and record.get("state") == "registered":
            kept.append(Device(mac=phone.mac, serial=phone.serial, mac_id=phone.mac_id, account=phone.account))
    return kept
