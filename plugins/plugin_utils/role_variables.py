# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of roles that share the phones' prefix: which there are, so that a mistyped one is not taken for a setting that nobody made."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import NOT_RESERVED, RESERVED_PREFIXES
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import did_you_mean

_ROLES = Path(__file__).resolve().parents[2] / "roles"
# Given to the verbs, or named by loops of the roles themselves.
_MORE = ("phone_redirect_accounts", "phone_configs_server", "phone_configs_canary_host")


@functools.lru_cache(maxsize=1)
def role_variables() -> tuple[str, ...]:
    """Return the known names, in alphabetical order."""
    names = set(_MORE)
    for prefix in RESERVED_PREFIXES:
        text = (_ROLES / prefix.rstrip("_") / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        for entry in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["argument_specs"].values():
            names.update(name for name in entry["options"] if name.startswith(RESERVED_PREFIXES))
    return tuple(sorted(names))


def mistyped(name: str) -> str:
    """Return what is wrong with the name of a variable that begins as those of the roles do; empty where nothing is."""
    if not name.startswith(RESERVED_PREFIXES) or name in NOT_RESERVED or name in role_variables():
        return ""
    prefix = next(prefix for prefix in RESERVED_PREFIXES if name.startswith(prefix))
    # What all of them begin with would make any of them a near miss.
    known = [other[len(prefix) :] for other in (*role_variables(), *NOT_RESERVED) if other.startswith(prefix)]
    near = did_you_mean(name[len(prefix) :], known, "{}")
    return f"unknown, did you mean {' or '.join(prefix + one for one in near.split(' or '))}?" if near else "unknown"


def is_result(value: Any) -> bool:
    """Tell whether a value is what a task registered, which stands beside the settings of its host."""
    return isinstance(value, Mapping) and ("changed" in value or "failed" in value or "results" in value)
