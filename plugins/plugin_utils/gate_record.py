# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate must know of a phone, from which a server compiles its rules."""

from __future__ import annotations

from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import REALM, Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.stubs import bootstrap_record


def gate_record(phone: Phone, pack: Pack, model: Model, settings: Settings, books: list[str]) -> dict[str, Any]:
    """Return the record of a phone; it holds secrets and leaves the controller only towards the server's manifest.

    :param phone: as ``fit`` left it.
    :param books: names of the files of its phonebooks.
    """
    mac, generation = phone["mac"], phone["generation"]
    files = [(spec, pack.file_name(spec.name, mac, model).lower()) for spec in pack.files if spec.for_model(model)]
    uploads = (pack.data.get("boot") or {}).get("uploads") or []
    handover = (model.handover or pack.data["handover"]) == "home"
    rule = pack.data.get("certificate") or {}
    home = [_home(phone, pack, settings.deriver, generation, True)]
    if generation > 1:
        home.append(_home(phone, pack, settings.deriver, generation - 1, False))
    if settings.previous:
        home.append(_home(phone, pack, settings.previous, generation, False))
    record = {
        "mac": mac,
        "host": phone["host"],
        "tenant": phone["tenant"],
        "scope": settings.scope,
        "generation": generation,
        "enabled": phone["enabled"],
        "home": home,
        "networks": phone["networks"],
        "client_certificate": phone["client_certificate"],
        "certificate_rule": {"subject": rule["subject"], "issuer": rule.get("issuer", "")} if rule.get("subject") else None,
        "onboarding": phone["onboarding"] if handover and phone["enabled"] else "off",
        "claim_window": phone["claim_window"],
        "claim_pin": phone["claim_pin"],
        "claim_files": [name for spec, name in files if spec.claims and spec.template],
        "contact_files": [name for spec, name in files if spec.contact],
        "files": [name for spec, name in files if spec.template] + [name.lower() for name in books],
        "pinned": [name for spec, name in files if spec.pinned],
        "uploads": [pack.file_name(name, mac, model).lower() for name in uploads],
        "strict_nc": bool((pack.data.get("http_auth") or {}).get("strict_nc", False)),
    }
    stub = bootstrap_record(pack, model, mac, settings.base) if phone["bootstrap"] and record["onboarding"] != "off" else None
    return {**record, "bootstrap": stub} if stub else record


def _home(phone: Phone, pack: Pack, deriver: Deriver, generation: int, current: bool) -> dict[str, Any]:
    mac, auth, length = phone["mac"], phone["http_auth"], pack.http_password_length
    entry = {"token": deriver.home_token(mac, generation), "auth": auth, "current": current, "realm": REALM}
    if auth != "none":
        entry["user"] = deriver.http_user(mac, generation)
    if auth == "basic":
        entry["ssha"] = deriver.ssha(mac, generation, length)
    elif auth == "digest":
        # One algorithm is offered: clients make little of a choice.
        algorithm = "sha256" if "SHA-256" in (pack.data.get("http_auth") or {}).get("digest_algorithms", ()) else "md5"
        entry[f"ha1_{algorithm}"] = deriver.ha1(mac, generation, algorithm, length=length)
    return entry
