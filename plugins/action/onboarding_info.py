# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins the claim store's rows with the inventory's names; never returns a token or a PIN unless asked for."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import claim_url, read_phones, token_sha256
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "urls": {"type": "bool", "default": False},
    "pins": {"type": "bool", "default": False},
    "store": {"type": "str", "default": ""},
}
_FACTS = ("claim_generation", "armed_at", "claimed_at", "claim_ip", "ended_at", "ended_by", "last_contact", "window", "window_left")


def home_of(seen: str, token: str) -> str:
    """Return by which home a phone was last seen: that of its present generation and secret, an older one, or never.

    :param seen: what the store knows of the home token, its first digits.
    """
    if not seen:
        return "never"
    return "current" if token.startswith(seen) else "old"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        try:
            _fleet, settings, batch = read_phones(self, task_vars or {})
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        status = ClaimClient(self, task_vars or {}, {"path": args["store"]}).status()
        phones: dict[str, dict[str, Any]] = {}
        counts: dict[str, int] = {}
        for phone in batch.phones:
            row = status["devices"].get(phone.mac)
            state = (row or {}).get("state") or ("new" if phone.once else "off")
            counts[state] = counts.get(state, 0) + 1
            entry: dict[str, Any] = {"mac": format_mac(phone.mac, "lower", "colon"), "state": state, "generation": phone.generation}
            entry["home"] = "never"
            if phone.why_not:
                entry["msg"] = phone.why_not
            if row:
                entry.update({name: row.get(name) for name in _FACTS})
                entry["home"] = home_of(row.get("contact_token") or "", settings.deriver.home_token(phone.mac, phone.generation))
                entry["stub_window_left"] = row.get("stub_window_left") or 0
                entry["pin_wanted"] = bool(row.get("pin"))
                if args["pins"] and row.get("pin") and state == "armed":
                    entry["pin"] = settings.deriver.claim_pin(phone.mac, status["epoch"], row["claim_generation"])
                entry["registrations"] = {
                    account: {"state": known.get("state"), "at": known.get("at"), "msg": known.get("msg", "")}
                    for account, known in (row.get("registrations") or {}).items()
                }
                if args["urls"] and state == "armed" and phone.once:
                    token = settings.deriver.claim_token(phone.mac, status["epoch"], row["claim_generation"])
                    if token_sha256(token) == row["token_sha256"]:
                        entry["url"] = claim_url(settings.base, token, phone.claim_path)
                    else:
                        entry["msg"] = "provisioning_secret has changed since the phone was armed; run onboarding"
            phones[phone.host] = entry
        left = [mac for mac in batch.left(status["devices"]) if status["devices"][mac]["state"] != "retired"]
        result.update(
            changed=False,
            store={"new": status["new"], "closed": bool(status.get("closed"))},
            counts=counts,
            phones=phones,
            not_in_inventory=[format_mac(mac, "lower", "colon") for mac in left],
        )
        return result
