# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of a run as onboarding and redirection see them: who may have a one-time URL, and what that URL is."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple

from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, is_locally_administered, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import Base
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PREFIX, model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings, read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

# Nothing else of a phone is read: lines hold vaulted passwords, each of which would cost a decryption.
VARIABLES = frozenset(
    PREFIX + name
    for name in (
        "mac",
        "vendor",
        "model",
        "enabled",
        "onboarding",
        "claim_window",
        "claim_pin",
        "serial",
        "mac_id",
        "redirect_account",
        "bootstrap",
        "generation",
    )
)


class ClaimPhone(NamedTuple):
    """What onboarding and redirection need of a phone."""

    host: str
    mac: str
    vendor: str
    once: bool  # may have a one-time URL
    why_not: str  # what remains to be done by hand, when it may not
    window: int
    serial: str
    mac_id: str
    account: str
    claim_path: str
    pin: bool = False  # whether a person must type a PIN before the one-time URL serves
    bootstrap: bool = False  # may be handed a stub on its LAN
    generation: int = 1  # of its home


class Batch(NamedTuple):
    """The phones of a run, the hosts of the whole group by MAC, whether the run covers the whole group, and the part of the fleet it is."""

    phones: list[ClaimPhone]
    group: Mapping[str, str]
    complete: bool
    scope: str

    def left(self, devices: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the MACs that the store knows of this scope and that the inventory does not have; nothing for a run that sees a part only."""
        return sorted(mac for mac, row in devices.items() if mac not in self.group and scope_of(row) == self.scope) if self.complete else []


def scope_of(row: Mapping[str, Any]) -> str:
    """Return the part of the fleet that the store counts a phone to."""
    return row.get("scope") or "all"


def read_phones(action: ActionBase, task_vars: Mapping[str, Any]) -> tuple[Fleet, Settings, Batch]:
    """Return the fleet, the settings and the phones of the running task.

    :raises ProblemsError: a setting or a phone of the run is described wrongly; all problems at once.
    :raises FleetError: the fleet cannot be read at all.
    """
    fleet = read_fleet(task_vars, action._templar, names=VARIABLES)
    settings = read_settings(fleet, Path(action._loader.get_basedir()))
    return fleet, settings, read_batch(fleet, settings)


def read_batch(fleet: Fleet, settings: Settings) -> Batch:
    """Return the phones of the run.

    :raises ProblemsError: a phone of the run is described wrongly, or two phones of the group have one MAC; all problems at once.
    """
    reader = _Reader(settings)
    wanted = set(fleet.batch)
    phones: list[ClaimPhone] = []
    group: dict[str, str] = {}
    for host, variables, unresolved in fleet.stream(fleet.hosts):
        values, found = reader.values(host, variables)
        mac = values.get("mac")
        if mac and group.setdefault(mac, host) != host:
            reader.problems.append(
                Problem(f"{host}: phone_mac", f"{mac} is that of {group[mac]} too, wanted one phone per MAC in the whole group")
            )
        if host not in wanted:
            continue
        if unresolved or found:
            named = {problem.where.split(" (")[0] for problem in unresolved}
            reader.problems += unresolved + [problem for problem in found if problem.where not in named]
            continue
        phone = reader.phone(host, values)
        if phone:
            phones.append(phone)
    if reader.problems:
        raise ProblemsError(reader.problems, "nothing was changed")
    return Batch(phones, group, fleet.complete, settings.scope)


class _Reader:
    """Checks the few variables of phones that matter here, as their specification says."""

    def __init__(self, settings: Settings) -> None:
        self.problems: list[Problem] = []
        self._packs = settings.packs
        specs = model_specs()
        self._specs = {name: specs[name] for name in sorted(VARIABLES)}
        self._checks = {name: compile_spec(spec) for name, spec in self._specs.items()}

    def values(self, host: str, variables: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the checked variables of a phone without their prefix, and what is wrong with them."""
        found: list[Problem] = []
        values: dict[str, Any] = {}
        for name, spec in self._specs.items():
            value = variables.get(name)
            if value is None:
                if spec.get("required"):
                    found.append(Problem(name, "is not set"))
                value = spec.get("default")
            else:
                value = self._checks[name](name, value, found)
            values[name[len(PREFIX) :]] = value
        return values, [Problem(f"{host}: {problem.where}", problem.what) for problem in found]

    def phone(self, host: str, values: Mapping[str, Any]) -> ClaimPhone | None:
        """Return the phone, or nothing when it has no pack or no model; then the problem is noted."""
        known = self._packs.model_of(host, values, self.problems)
        if known is None:
            return None
        pack, model = known
        problems = contradictions(host, values, pack)
        if problems:
            self.problems += problems
            return None
        claim_path, why_not = "", ""
        if not values["enabled"]:
            why_not = "is not enabled"
        elif values["onboarding"] != "once":
            why_not = "phone_onboarding is off: enter its URL by hand"
        elif (model.handover or pack.data["handover"]) != "home":
            why_not = f"{pack.vendor} {values['model']} can't be handed over to a URL of its own: it is provisioned by hand or on its LAN"
        else:
            claim_path = pack.file_name(model.claim_path or pack.data["claim_path"], values["mac"], model)
        return ClaimPhone(
            host,
            values["mac"],
            values["vendor"],
            not why_not,
            why_not,
            values["claim_window"],
            values["serial"] or "",
            values["mac_id"] or "",
            values["redirect_account"] or "",
            claim_path,
            values["claim_pin"],
            values["bootstrap"],
            values["generation"],
        )


def contradictions(host: str, phone: Mapping[str, Any], pack: Pack) -> list[Problem]:
    """Return why a phone cannot get its one-time URL in the way that its variables ask for.

    :param phone: its checked variables without their prefix.
    """
    problems = []
    if phone["claim_pin"] and phone["onboarding"] == "once" and not pack.prompts:
        problems.append(Problem(f"{host}: phone_claim_pin", pack.pin_problem()))
    if phone["redirect_account"] and is_locally_administered(phone["mac"]):
        problems.append(Problem(f"{host}: phone_mac", "is locally administered, so it can't be registered with a redirect service"))
    return problems


def holders(fleet: Fleet) -> dict[str, str]:
    """Return the hosts of the whole group by MAC; what is no MAC is somebody else's problem."""
    found: dict[str, str] = {}
    for host, variables, _problems in fleet.stream(fleet.hosts):
        with contextlib.suppress(MacError):
            found.setdefault(normalize_mac(variables.get("phone_mac")), host)
    return found


def read_gone(given: Iterable[Any], batch: Batch, devices: Mapping[str, Mapping[str, Any]], option: str) -> list[str]:
    """Return MACs that an operator says have left, as the store knows them.

    :raises ProblemsError: one of them is no MAC, is still that of a phone of the inventory, or belongs to another part of the fleet.
    """
    problems: list[Problem] = []
    macs: list[str] = []
    for number, item in enumerate(given):
        try:
            mac = normalize_mac(item)
        except MacError as exc:
            problems.append(Problem(f"{option}[{number}]", str(exc)))
            continue
        if mac in batch.group:
            what = f"{mac} is that of {batch.group[mac]}: take the host out of the inventory, or give it its new phone_mac, first"
            problems.append(Problem(f"{option}[{number}]", what))
        elif mac in devices and scope_of(devices[mac]) != batch.scope:
            what = f"{mac} belongs to scope {scope_of(devices[mac])!r}, this run's phone_configs_scope is {batch.scope!r}"
            problems.append(Problem(f"{option}[{number}]", what))
        macs.append(mac)
    if problems:
        raise ProblemsError(problems, "nothing was changed")
    return list(dict.fromkeys(macs))


def who() -> str:
    """Return who runs the play, for the audit trail."""
    try:
        return os.environ.get("SUDO_USER") or getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def token_sha256(token: str) -> str:
    """Return what the store knows of a claim token."""
    return hashlib.sha256(token.encode()).hexdigest()


def pin_sha256(phone: ClaimPhone, settings: Settings, epoch: str, generation: int) -> str | None:
    """Return what the store knows of a claim's PIN, nothing for a phone without one."""
    if not phone.pin:
        return None
    pin = settings.deriver.claim_pin(phone.mac, epoch, generation)
    return hashlib.sha256(f"{phone.mac}:{generation}:{pin}".encode()).hexdigest()


def claim_url(base: Base, token: str, path: str) -> str:
    """Return the one-time URL as the redirect service is told it."""
    return f"{base.scheme}://{base.netloc}/c/{token}/{path}"


def terms(phone: ClaimPhone, settings: Settings, epoch: str, generation: int, by: str, reason: str) -> dict[str, Any]:
    """Return the device entry that arms a phone's claim of one generation."""
    token = settings.deriver.claim_token(phone.mac, epoch, generation)
    return {
        "mac": phone.mac,
        "claim_generation": generation,
        "token_sha256": token_sha256(token),
        "window": phone.window,
        "pin_sha256": pin_sha256(phone, settings, epoch, generation),
        "by": by,
        "reason": reason,
        "scope": settings.scope,
    }
