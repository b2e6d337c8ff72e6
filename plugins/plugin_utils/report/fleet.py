# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of the inventory as reports see them: where they stand and what they are, nothing secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PREFIX, model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError

_NAMES = ("mac", "vendor", "model", "site", "tenant", "enabled", "onboarding", "redirect_account")


class ListedPhone(NamedTuple):
    """One phone of the inventory."""

    host: str
    mac: str
    vendor: str
    model: str
    site: str
    tenant: str
    enabled: bool
    once: bool  # may have a one-time URL
    account: str


class Listed(NamedTuple):
    """The phones of a run; ``group``: the hosts of the whole group by MAC; ``problems``: hosts that could not be read, and why."""

    phones: list[ListedPhone]
    group: Mapping[str, str]
    complete: bool
    scope: str
    packs: Packs
    problems: list[str]


def read_listed(action: ActionBase, task_vars: Mapping[str, Any]) -> Listed:
    """Return the phones of the running task. A phone that is described wrongly is told and left out: a report is wanted then most of all.

    :raises FleetError: the fleet cannot be read at all.
    :raises ProblemsError: the vendor packs cannot be read.
    """
    fleet = read_fleet(task_vars, action._templar, names=frozenset(PREFIX + name for name in _NAMES))
    try:
        packs = Packs.below(Path(action._loader.get_basedir()), fleet.role_variable("phone_template_path"))
    except PackError as exc:
        raise ProblemsError([Problem("phone_template_path", str(exc))], "no report was made") from None
    scope = fleet.role_variable("phone_configs_scope", "all") or "all"
    return _listed(fleet, packs, str(scope))


def _listed(fleet: Fleet, packs: Packs, scope: str) -> Listed:
    specs = model_specs()
    usual = {name: specs[PREFIX + name].get("default") for name in _NAMES}
    batch = set(fleet.batch)
    phones, problems = [], []
    group: dict[str, str] = {}
    for host, variables, _unresolved in fleet.stream(fleet.hosts):
        values = {name: variables.get(PREFIX + name, usual[name]) for name in _NAMES}
        try:
            mac = normalize_mac(values["mac"])
        except MacError as exc:
            if host in batch:
                problems.append(f"{host}: phone_mac: {exc}")
            continue
        if group.setdefault(mac, host) != host:
            if host in batch:
                problems.append(f"{host}: phone_mac: {mac} is that of {group[mac]} too")
            continue
        if host not in batch:
            continue
        pack, model = None, None
        try:
            pack = packs.get(str(values["vendor"] or ""))
            model = pack.model(str(values["model"] or "")) if pack else None
        except PackError as exc:
            problems.append(f"{host}: phone_vendor: {exc}")
        handover = (model.handover or pack.data["handover"]) if pack and model else "home"
        enabled = values["enabled"] is not False
        phones.append(
            ListedPhone(
                host=str(host),
                mac=mac,
                vendor=str(values["vendor"] or ""),
                model=str(values["model"] or ""),
                site=str(values["site"] or ""),
                tenant=str(values["tenant"] or ""),
                enabled=enabled,
                once=enabled and values["onboarding"] == "once" and handover == "home",
                account=str(values["redirect_account"] or ""),
            )
        )
    return Listed(phones, group, fleet.complete, scope, packs, problems)
