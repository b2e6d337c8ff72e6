# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of a run as onboarding and redirection see them: who may have a one-time URL, and what that URL is."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.context import Base
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import Settings


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


class Batch(NamedTuple):
    """The phones of a run, and the MACs of the whole group."""

    phones: list[ClaimPhone]
    group: frozenset[str]
    complete: bool


def read_batch(fleet: Fleet, settings: Settings) -> Batch:
    """Return the phones of the run.

    :raises ProblemsError: a phone of the run is described wrongly; all problems at once.
    """
    builder = PhoneBuilder()
    wanted = set(fleet.batch)
    problems: list[Problem] = []
    phones, macs = [], set()
    for host, variables, unresolved in fleet.stream(fleet.hosts):
        phone, found = builder.build(host, variables)
        if phone["mac"]:
            macs.add(phone["mac"])
        if host not in wanted:
            continue
        problems += unresolved + found
        if unresolved or found:
            continue
        claim_path, why_not = "", ""
        try:
            pack = settings.packs.get(phone["vendor"])
            model = pack.model(phone["model"]) if pack else None
            if pack is None or model is None:
                problems.append(Problem(f"{host}: phone_model", pack.model_problem(phone["model"]) if pack else "its vendor has no pack"))
                continue
        except PackError as exc:
            problems.append(Problem(f"{host}: phone_vendor", str(exc)))
            continue
        handover = model.handover or pack.data["handover"]
        if not phone["enabled"]:
            why_not = "is not enabled"
        elif phone["onboarding"] != "once":
            why_not = "phone_onboarding is off: enter its URL by hand"
        elif handover != "home":
            why_not = f"{pack.vendor} {phone['model']} can't be handed over to a URL of its own: it is provisioned by hand or on its LAN"
        else:
            claim_path = pack.file_name(model.claim_path or pack.data["claim_path"], phone["mac"], model)
        phones.append(
            ClaimPhone(
                host,
                phone["mac"],
                phone["vendor"],
                not why_not,
                why_not,
                phone["claim_window"],
                phone["serial"] or "",
                phone["mac_id"] or "",
                phone["redirect_account"],
                claim_path,
            )
        )
    if problems:
        raise ProblemsError(problems, "nothing was changed")
    return Batch(phones, frozenset(macs), fleet.complete)


def token_sha256(token: str) -> str:
    """Return what the store knows of a claim token."""
    return hashlib.sha256(token.encode()).hexdigest()


def claim_url(base: Base, token: str, path: str) -> str:
    """Return the one-time URL as the redirect service is told it."""
    return f"{base.scheme}://{base.netloc}/c/{token}/{path}"


def terms(phone: ClaimPhone, deriver: Deriver, epoch: str, generation: int, by: str, reason: str) -> dict[str, Any]:
    """Return the device entry that arms a phone's claim of one generation."""
    token = deriver.claim_token(phone.mac, epoch, generation)
    return {
        "mac": phone.mac,
        "claim_generation": generation,
        "token_sha256": token_sha256(token),
        "window": phone.window,
        "by": by,
        "reason": reason,
    }
