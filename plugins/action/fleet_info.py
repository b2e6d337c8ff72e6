# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validates the phones of the play and returns them, vendor-neutral; secrets are masked unless asked for."""

from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.passwords import line_levels
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone, model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import prepare

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "secrets": {"type": "bool", "default": False},
    "policy": {"type": "bool", "default": False},
}
MASK = "***"
# Up to the last @ before the path: a password may hold one.
_USERINFO = re.compile(r"//[^/?#\s]*@")
_NUMBERED = re.compile(r"\[secret [0-9]+\]")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        phones: dict[str, Phone] = {}
        policy: dict[str, list[dict[str, Any]]] = {}
        counts: dict[str, dict[str, int]] = {"vendors": {}, "models": {}, "sites": {}}
        try:
            production = prepare(self, task_vars or {})
            if args["policy"]:
                # What fails is what is asked for here.
                production.settings = production.settings._replace(password_policy="off")
            for row in production.rows():
                phone = row.phone
                if args["policy"]:
                    policy[row.host] = line_levels(phone)
                phones[row.host] = phone if args["secrets"] else masked(phone, model_specs())
                for kind, name in (("vendors", row.vendor), ("models", f"{row.vendor} {phone['model']}"), ("sites", row.site)):
                    counts[kind][name] = counts[kind].get(name, 0) + 1
            production.finish()
        except ProblemsError as exc:
            raise AnsibleActionFail(str(exc)) from None
        return {
            **result,
            "changed": False,
            "phones": phones,
            "counts": counts,
            "complete": production.complete,
            "fleet_size": production.hosts_all,
            "fleet_warnings": list(production.warnings),
            **({"policy": policy} if args["policy"] else {}),
        }


def masked(value: Any, specs: dict[str, Any]) -> Any:
    """Return a copy in which every value of type secret is masked; lines keep that they have a password."""
    if isinstance(value, dict):
        copy = {}
        for key, item in value.items():
            spec = specs.get(f"phone_{key}") or {}
            if spec.get("type") == "secret":
                copy[key] = MASK if item is not None else None
            elif key == "parameters":
                # Raw parameters have no types: their names are told, their values may be secrets.
                copy[key] = dict.fromkeys(item or {}, MASK)
            else:
                inner = spec.get("options") or (spec.get("elements") or {}).get("options") or {}
                copy[key] = masked(item, {f"phone_{option}": each for option, each in inner.items()})
        return copy
    if isinstance(value, list):
        return [masked(item, specs) for item in value]
    return _without_credentials(value) if isinstance(value, str) and "://" in value else value


def _without_credentials(text: str) -> str:
    """Return a text without what URLs in it carry before their host, and without parameters that are named like secrets."""
    text = _USERINFO.sub(f"//{MASK}@", text)
    return _NUMBERED.sub(MASK, Masker(()).mask(text))
