# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a run: what the inventory says about the whole installation, checked, all problems at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.assets import Assets
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import Base, BaseError, parse_base
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver, SecretError
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.passwords import LEVELS
from ansible_collections.dialtone.phones.plugins.plugin_utils.presets import CLOUD, PRESETS, Preset
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

# Settings of a run whose type is simple, and what they are when nobody set them.
_SETTINGS = {
    "phone_template_path": compile_spec({"type": "list", "elements": {"type": "str"}, "max_items": 100}),
    "phone_configs_password_policy": compile_spec({"type": "enum", "choices": LEVELS}),
    "phone_configs_scope": compile_spec({"type": "str", "max_length": 64, "pattern": "[^\\s].*"}),
    "phone_configs_strict": compile_spec({"type": "bool"}),
    "provisioning_preset": compile_spec({"type": "enum", "choices": list(PRESETS)}),
    "phone_configs_asset_path": compile_spec({"type": "list", "elements": {"type": "str"}, "max_items": 100}),
}
_DEFAULTS = {
    "phone_template_path": [],
    "phone_configs_password_policy": None,
    "phone_configs_scope": "all",
    "phone_configs_strict": False,
    "provisioning_preset": CLOUD,
    "phone_configs_asset_path": [],
}
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


class Settings(NamedTuple):
    """What holds for the whole run; read from role variables, which must be the same for all phones."""

    base: Base
    deriver: Deriver
    previous: Deriver | None
    packs: Packs
    books: Phonebooks
    password_policy: str
    scope: str
    strict: bool
    assets: Assets
    preset: Preset = PRESETS[CLOUD]
    server_networks: bool = False  # whether every provisioning server admits its own networks only


def read_settings(fleet: Fleet, basedir: Path, inventory_dir: str | None = None) -> Settings:
    """Return the settings of a run.

    :param basedir: the folder of the playbook.
    :raises ProblemsError: with all that is wrong with them.
    """
    problems: list[Problem] = []

    def read(name: str, default: Any = None) -> Any:
        try:
            return fleet.role_variable(name, default)
        except FleetError as exc:
            problems.append(Problem("inventory", str(exc)))
            return default

    def setting(name: str) -> Any:
        """Read a setting and check its type; its default where it is wrong, so that the rest is checked too."""
        found: list[Problem] = []
        given = read(name)
        value = None if given is None else _SETTINGS[name](name, given, found)
        problems.extend(found)
        return _DEFAULTS[name] if value is None else value

    base = deriver = previous = packs = books = None
    try:
        base = parse_base(read("provisioning_url"))
    except BaseError as exc:
        problems.append(Problem("inventory", str(exc)))
    try:
        deriver = Deriver(read("provisioning_secret"))
        older = read("provisioning_secret_previous")
        previous = Deriver(older, "provisioning_secret_previous") if older else None
    except SecretError as exc:
        problems.append(Problem("inventory", str(exc)))
    try:
        packs = Packs([str(basedir / path) for path in setting("phone_template_path") if path])
    except PackError as exc:
        problems.append(Problem("inventory", str(exc)))
    try:
        books = Phonebooks(read("phone_configs_phonebooks"), basedir)
    except ProblemsError as exc:
        problems += exc.problems
    preset = PRESETS[setting("provisioning_preset")]
    policy, scope, strict = (setting(f"phone_configs_{name}") for name in ("password_policy", "scope", "strict"))
    folders = [
        *([inventory_dir] if inventory_dir else []),
        basedir,
        *(basedir / path for path in setting("phone_configs_asset_path") if path),
    ]
    networks = False
    try:
        networks = fleet.is_set_on_servers("provisioning_server_networks")
    except FleetError as exc:
        problems.append(Problem("inventory", str(exc)))
    if problems or not base or not deriver or not packs or books is None:
        raise ProblemsError(problems)
    return Settings(
        base, deriver, previous, packs, books, policy or preset.password_policy, scope, strict, Assets(folders), preset, networks
    )
