# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the inventory lists and what servers know to the report: one document, described in docs/report-schema.json. Nothing in it is secret."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.claims.notices import KINDS
from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.fleet import Listed, ListedPhone
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.text import iso, printable
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.unknown import unknown_phones

SCHEMA_VERSION = 1
DAY = 86400
# The way of a phone; each stage includes those before it.
STAGES = ("listed", "redirected", "claimed", "provisioned", "current")
# What deserves an operator's look, by phone.
FLAGS = ("locked", "stuck", "outdated", "silent", "drift", "hammering", "trouble", "unpublished", "disabled")
_REGISTERED = ("registered", "present")
_GONE = ("absent", "deregistered", "")


class Server(NamedTuple):
    """What one server said of itself."""

    name: str
    state: Mapping[str, Any]


class Terms(NamedTuple):
    """What the report goes by."""

    title: str
    silent_days: int
    unlock: Sequence[str]  # the command that unlocks a host, without its --limit


class _Store(NamedTuple):
    devices: Mapping[str, Mapping[str, Any]]
    contacts: Mapping[str, Mapping[str, Any]]
    troubles: Mapping[str, list[Mapping[str, Any]]]
    now: float


def document(listed: Listed, servers: Sequence[Server], terms: Terms, now: float) -> dict[str, Any]:
    """Return the report.

    :param now: the controller's time, for when no store tells its own.
    """
    known = next((server.state["store"] for server in servers if server.state.get("store")), None) or {}
    troubles: dict[str, list[Mapping[str, Any]]] = {}
    for row in known.get("troubles", ()):
        troubles.setdefault(row["mac"], []).append(row)
    store = _Store(known.get("devices", {}), known.get("contacts", {}), troubles, known.get("now") or now)
    phones = [_phone(phone, servers, store, terms) for phone in sorted(listed.phones, key=lambda phone: phone.host)]
    unknown = unknown_phones(known.get("strangers", ()), listed.group, listed.packs)
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": iso(now),
        "title": printable(terms.title),
        "complete": listed.complete,
        "silent_days": terms.silent_days,
        "servers": [_server(server) for server in servers],
        "store": {"missing": not known, "closed": bool(known.get("closed"))},
        "funnel": [
            {"stage": stage, "phones": sum(STAGES.index(phone["stage"]) >= number for phone in phones)}
            for number, stage in enumerate(STAGES)
        ],
        "flags": {flag: sum(flag in phone["flags"] for phone in phones) for flag in FLAGS},
        "claims": _counts(phone["claim"]["state"] for phone in phones),
        "claims_refused": {printable(reason): count for reason, count in sorted(known.get("refused", {}).items())},
        "breakdown": {kind: _breakdown(phones, kind) for kind in ("vendor", "model", "site")},
        "registrations": _registrations(phones),
        "activity": _activity(known.get("activity", {})),
        "phones": phones,
        "unknown": unknown,
        "unknown_requests": {"total": known.get("requests", 0), "not_kept": known.get("dropped", 0)},
        "left_behind": _left_behind(listed, servers, store),
        "problems": [printable(problem) for problem in listed.problems],
    }


def _server(server: Server) -> dict[str, Any]:
    release = server.state.get("release") or {}
    return {
        "name": printable(server.name),
        "release": printable(release.get("id", "")),
        "published_at": printable(release.get("created", "")) or None,
        "phones": release.get("phones", 0),
        "certificates": [
            {
                "file": printable(row["file"]),
                "use": row["use"],
                "subject": printable(row["subject"]),
                "not_after": iso(row["not_after"]),
                "msg": printable(row["msg"]),
            }
            for row in server.state.get("certificates", ())
        ],
    }


def _phone(phone: ListedPhone, servers: Sequence[Server], store: _Store, terms: Terms) -> dict[str, Any]:
    row = store.devices.get(phone.mac) or {}
    contact = store.contacts.get(phone.mac)
    served = [server.state["served"][phone.mac] for server in servers if phone.mac in server.state["served"]]
    state = row.get("state") or ("new" if phone.once else "off")
    is_current = contact is not None and _is_current(contact, served)
    redirect = [_registration(phone, account, known, row) for account, known in sorted((row.get("registrations") or {}).items())]
    errors = [_error(trouble, contact) for trouble in store.troubles.get(phone.mac, ())]
    claimed = row.get("claimed_at") is not None or state in ("claimed", "spent")
    stage = 0
    if any(entry["state"] in _REGISTERED for entry in redirect):
        stage = 1
    if claimed:
        stage = 2
    if contact is not None:
        stage = 4 if is_current else 3
    known_since = min([entry["since"] for entry in served if entry["since"]] + [at for at in (row.get("armed_at"),) if at], default=None)
    last = contact["at"] if contact else known_since
    flags = {
        "locked": state == "locked",
        "stuck": state == "spent" and (contact is None or (row.get("claimed_at") or 0) > contact["at"]),
        "outdated": contact is not None and not is_current,
        "silent": phone.enabled and last is not None and store.now - last > terms.silent_days * DAY,
        "drift": any(entry["drift"] for entry in redirect) or (state == "armed" and bool(phone.account) and not redirect),
        "hammering": any(error["kind"] == "limited" and error["open"] for error in errors),
        "trouble": any(error["open"] and error["kind"] != "limited" for error in errors),
        "unpublished": phone.enabled and bool(servers) and not served,
        "disabled": not phone.enabled,
    }
    return {
        "host": printable(phone.host),
        "mac": format_mac(phone.mac, "lower", "colon"),
        "vendor": printable(phone.vendor),
        "model": printable(phone.model),
        "site": printable(phone.site),
        "tenant": printable(phone.tenant),
        "stage": STAGES[stage],
        "flags": [flag for flag in FLAGS if flags[flag]],
        "claim": {
            "state": state,
            "generation": row.get("claim_generation") or 0,
            "armed_at": iso(row.get("armed_at")),
            "claimed_at": iso(row.get("claimed_at")),
            "claimed_from": printable(row.get("claim_ip")),
            "ended_at": iso(row.get("ended_at")),
            "ended_by": printable(row.get("ended_by")),
        },
        "last_contact": {"at": iso(contact["at"]), "address": printable(contact["ip"]), "user_agent": printable(contact["ua"])}
        if contact
        else None,
        "published_at": iso(max((entry["since"] for entry in served), default=0)),
        "redirect": redirect,
        "errors": errors,
        "unlock": shlex.join([*terms.unlock, "--limit", phone.host]) if state in ("spent", "locked", "unlocked") else None,
    }


def _is_current(contact: Mapping[str, Any], served: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether what the phone fetched last is what one of the servers serves it now."""
    for entry in served:
        if contact["print"]:
            if contact["print"] in entry["prints"]:
                return True
        # The gate was older when the phone called: then its time has to do.
        elif contact["home"] == entry["home"] and contact["at"] >= entry["since"] > 0:
            return True
    return False


def _registration(phone: ListedPhone, account: str, known: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a registration stands; drift is what another run of phone_redirect would set right, as far as the records tell."""
    state, generation = known.get("state") or "", known.get("generation") or 0
    drift = ""
    if account != phone.account:
        drift = "" if state in _GONE else "is registered with an account that the inventory does not name"
    elif state == "intent":
        drift = "was begun and not finished"
    elif row.get("state") == "armed" and state not in _REGISTERED:
        drift = "is not registered, although its one-time URL is armed"
    elif row.get("state") == "armed" and generation != row.get("claim_generation"):
        drift = f"is registered with the URL of generation {generation}, armed is {row.get('claim_generation')}"
    return {
        "account": printable(account),
        "state": printable(state),
        "at": iso(known.get("at")),
        "msg": printable(known.get("msg")),
        "drift": drift,
    }


def _error(trouble: Mapping[str, Any], contact: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what went wrong; it is open while the phone has not called at home since."""
    return {
        "kind": trouble["kind"],
        "text": KINDS.get(trouble["kind"], trouble["kind"]),
        "requests": trouble["requests"],
        "first_at": iso(trouble["first_at"]),
        "last_at": iso(trouble["last_at"]),
        "address": printable(trouble["ip"]),
        "detail": printable(trouble["detail"]),
        "open": contact is None or trouble["last_at"] > contact["at"],
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return dict(sorted(found.items()))


def _breakdown(phones: Iterable[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return counts by vendor, model or site, the largest first."""
    found: dict[str, dict[str, Any]] = {}
    for phone in phones:
        name = f"{phone['vendor']} {phone['model']}".strip() if kind == "model" else phone[kind]
        entry = found.setdefault(name, {"name": name, **dict.fromkeys(STAGES, 0), "silent": 0})
        for stage in STAGES[: STAGES.index(phone["stage"]) + 1]:
            entry[stage] += 1
        entry["silent"] += "silent" in phone["flags"]
    return sorted(found.values(), key=lambda entry: (-entry["listed"], entry["name"]))


def _registrations(phones: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for phone in phones:
        for entry in phone["redirect"]:
            account = found.setdefault(entry["account"], {"account": entry["account"], "states": {}, "drift": 0})
            account["states"][entry["state"]] = account["states"].get(entry["state"], 0) + 1
            account["drift"] += bool(entry["drift"])
    return [found[name] for name in sorted(found)]


def _activity(days: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    return [
        {"day": (iso(int(day) * DAY) or "")[:10], **{name: days[day].get(name, 0) for name in ("claimed", "refused", "spent", "unlocked")}}
        for day in sorted(days, key=int)
    ]


def _left_behind(listed: Listed, servers: Sequence[Server], store: _Store) -> list[dict[str, Any]]:
    """Return what servers still know of this scope and the inventory does not; nothing for a run that sees a part only."""
    if not listed.complete:
        return []
    found: dict[str, dict[str, Any]] = {}
    for server in servers:
        for mac, row in server.state["served"].items():
            if mac not in listed.group and row["scope"] == listed.scope:
                found.setdefault(mac, _left(mac))["host"] = printable(row["host"])
                found[mac]["published"] = True
    for mac, row in store.devices.items():
        if mac in listed.group or (row.get("scope") or "all") != listed.scope:
            continue
        accounts = [account for account, known in (row.get("registrations") or {}).items() if known.get("state") not in _GONE]
        if row.get("state") not in ("retired", "") or accounts:
            entry = found.setdefault(mac, _left(mac))
            entry["claim"] = row.get("state") or ""
            entry["registered_with"] = [printable(account) for account in sorted(accounts)]
    return [found[mac] for mac in sorted(found)]


def _left(mac: str) -> dict[str, Any]:
    return {"mac": format_mac(mac, "lower", "colon"), "host": "", "published": False, "claim": "", "registered_with": []}
