# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""FusionPBX's settings: which become variables of phones, which raw parameters, and which are left behind.

A setting of FusionPBX is a variable of its templates, not a parameter of the vendor. One that bears the name of a parameter of the vendor is taken as that.
No value of a setting is ever told: which of them are secrets, FusionPBX does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row, Tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.words import is_true, number, tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

# Who sees which contacts; all else of the category "contact" is of FusionPBX's web pages.
_OF_CONTACTS = ("permissions", "contact_users", "contact_groups", "contact_extensions")
# FusionPBX fills in this one name only, in both ways of writing it.
_DOMAIN = re.compile(r"\$\{domain_name\}|\{\$domain_name\}")
# Name -> values, in the database's order: only settings of type "array" have several.
Settings = dict[str, list[str]]


def category_settings(rows: Iterable[Row], prefix: str, owner: str | None) -> dict[str | None, Settings]:
    """Return the settings of the category "provision" that are switched on, by whom they belong to.

    :param prefix: of the columns, such as ``domain_setting``.
    :param owner: column of the owner, None for the defaults of all.
    """
    found: dict[str | None, Settings] = {}
    for row in sorted(rows, key=lambda row: number(row.get(f"{prefix}_order")) or 0):
        subcategory = row.get(f"{prefix}_subcategory")
        if subcategory and is_true(row.get(f"{prefix}_enabled")):
            category = row.get(f"{prefix}_category")
            if category == "domain":
                if subcategory != "time_zone":
                    continue
                subcategory = "domain.time_zone"
            elif category == "contact":
                if subcategory not in _OF_CONTACTS:
                    continue
                subcategory = f"contact.{subcategory}"
            settings = found.setdefault(row.get(owner) if owner else None, {})
            values = settings.setdefault(subcategory, [])
            value = row.get(f"{prefix}_value") or ""
            if row.get(f"{prefix}_name") == "array":
                values.append(value)
            else:
                values[:] = [value]
    return found


def plain_settings(rows: Iterable[Row], owner: str, name: str, value: str, enabled: str) -> dict[str | None, Settings]:
    """Return the settings of profiles or devices that are switched on, by their owner."""
    found: dict[str | None, Settings] = {}
    for row in rows:
        if row.get(name) and is_true(row.get(enabled)):
            found.setdefault(row.get(owner), {})[str(row[name])] = [row.get(value) or ""]
    return found


def settings_of(data: Tables) -> dict[str, dict[str | None, Settings]]:
    """Return all settings, by level: defaults, domain, user, profile, device; within a level by owner."""
    return {
        "default": category_settings(data.get("v_default_settings", ()), "default_setting", None),
        "domain": category_settings(data.get("v_domain_settings", ()), "domain_setting", "domain_uuid"),
        "user": category_settings(data.get("v_user_settings", ()), "user_setting", "user_uuid"),
        "profile": plain_settings(
            data.get("v_device_profile_settings", ()),
            "device_profile_uuid",
            "profile_setting_name",
            "profile_setting_value",
            "profile_setting_enabled",
        ),
        "device": plain_settings(
            data.get("v_device_settings", ()),
            "device_uuid",
            "device_setting_subcategory",
            "device_setting_value",
            "device_setting_enabled",
        ),
    }


def switch(settings: Settings, name: str) -> bool | None:
    """Return what a switch of the phonebooks says, in whichever of its two categories; None where it is not set."""
    texts = [settings[key][0] for key in (f"contact.{name}", name) if settings.get(key)]
    return any(is_true(text) for text in texts) if texts else None


def in_domain(settings: Settings, domain: str) -> Settings:
    """Return settings with the name of the tenant where they ask for it."""
    asking = {name: values for name, values in settings.items() if any(_DOMAIN.search(value) for value in values)}
    if not asking:
        return settings
    return {**settings, **{name: [_DOMAIN.sub(lambda _mark: domain, value) for value in values] for name, values in asking.items()}}


def variables_of(settings: Settings, pack: Pack | None, where: str, left: list[Problem], fill: Settings | None = None) -> dict[str, Any]:
    """Return the variables that settings of one level set.

    :param pack: whose parameters may be meant; None at a level that phones of several vendors share.
    :param fill: the settings of all levels: the other server of a pair that is one variable here.
    """
    known = tables()
    found: dict[str, Any] = {}
    parameters: dict[str, str] = {}
    unknown = []
    fill = {**(fill or {}), **settings}
    for name, values in settings.items():
        texts = [value.strip() for value in values if value.strip()]
        if name in known["superseded"] or name.startswith("contact.") or not texts:
            continue
        variable = "phone_timezone" if name == "domain.time_zone" else known["settings"].get(name)
        if name == "stun_port" and any(fill.get("stun_server", ())):
            name, variable, texts = "stun_server", "phone_stun_server", list(fill["stun_server"])
        if variable:
            value = _value(variable, texts, fill)
            problems: list[Problem] = []
            _checker(variable)(variable, value, problems)
            if problems:
                left.append(Problem(where, f"setting {name}: its value is not fit for {variable}"))
            else:
                found[variable] = value
        elif pack and name in pack.parameters:
            parameters[name] = values[0]
        else:
            unknown.append(name)
    if parameters:
        found["phone_parameters"] = parameters
    if unknown:
        plural = f"{len(unknown)} settings have" if len(unknown) > 1 else "1 setting has"
        left.append(Problem(where, f"{plural} no counterpart: {', '.join(sorted(unknown))}"))
    return found


def _value(variable: str, texts: list[str], settings: Settings) -> Any:
    if variable == "phone_ntp_servers":
        pair = [settings.get(f"ntp_server_{which}", [""])[0].strip() for which in ("primary", "secondary")]
        return list(dict.fromkeys(server for server in pair if server))
    if variable == "phone_networks":
        return texts
    if variable == "phone_stun_server":
        port = (settings.get("stun_port") or [""])[0].strip()
        return f"{texts[0]}:{port}" if port and ":" not in texts[0] else texts[0]
    return texts[0]


_CHECKERS: dict[str, Any] = {}


def _checker(variable: str) -> Any:
    if variable not in _CHECKERS:
        _CHECKERS[variable] = compile_spec(model_specs()[variable])
    return _CHECKERS[variable]
