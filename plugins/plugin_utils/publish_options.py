# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the verb ``publish``, and the role variables that hold for a whole run."""

from __future__ import annotations

from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.release.options import SERVER_SPEC

# Where the folder of releases, the readers and the web server are is a matter of each server; the rest is one answer for all phones of a run.
ROLE_VARIABLES = (
    "provisioning_url",
    "provisioning_secret",
    "provisioning_secret_previous",
    "provisioning_preset",
    "phone_template_path",
    "phone_configs_password_policy",
    "phone_configs_phonebooks",
    "phone_configs_asset_path",
    "phone_configs_strict",
    "phone_configs_scope",
    "phone_configs_adopt_scopes",
    "phone_configs_prune",
    "phone_configs_max_change_percent",
    "phone_configs_keep_releases",
    "phone_configs_verify",
    "phone_configs_force",
    "phone_configs_diff_limit",
    "phone_configs_plan_path",
    "phone_configs_canary",
    "phone_configs_lock_timeout",
)

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **SERVER_SPEC,
    "scope": {"type": "str"},
    "adopt_scopes": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": True},
    "remove": {"type": "list", "elements": "str", "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "max_change_percent": {"type": "int", "default": 50},
    "verify": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "diff_limit": {"type": "int", "default": 50},
    "plan_path": {"type": "path"},
}
