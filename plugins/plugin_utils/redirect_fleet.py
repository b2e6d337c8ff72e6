# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirection of the phones of a play: who is registered where follows from the inventory and the claim store.

A phone whose one-time URL is armed is registered with it, once per generation. A spent one keeps its entry or loses it, by setting. A phone that
left the inventory loses it. The store holds what was last written, so a second run asks nobody anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import Batch, claim_url
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import Settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_args import read_account

OPEN = ("armed", "claimed")
CLOSED = ("spent", "locked", "unlocked")


class Work(NamedTuple):
    """What a run has to bring about: entries that must be there, and entries that must not."""

    present: list[Device]
    absent: list[Device]


class StoreRecorder:
    """Writes intent and outcome of every batch into the claim store."""

    def __init__(self, client: ClaimClient, generations: Mapping[str, int]) -> None:
        self._client, self._generations = client, generations

    def intent(self, rows: list[dict[str, Any]]) -> None:
        self._write("intent", rows)

    def outcome(self, rows: list[dict[str, Any]]) -> None:
        self._write("outcome", rows)

    def _write(self, command: str, rows: list[dict[str, Any]]) -> None:
        by_account: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            kept = {name: row.get(name, "") for name in ("mac", "state", "url_sha256", "msg")}
            by_account.setdefault(row["account"], []).append({**kept, "generation": self._generations.get(row["mac"], 0)})
        for account, own in sorted(by_account.items()):
            self._client.registrations(command, account, own)


def read_accounts(given: Any) -> dict[str, Account]:
    """Return the accounts of ``phone_redirect_accounts``.

    :raises ProblemsError: with all that is wrong with them.
    """
    problems: list[Problem] = []
    accounts: dict[str, Account] = {}
    if not isinstance(given, Mapping):
        raise ProblemsError(
            [Problem("phone_redirect_accounts", f"is a {type(given).__name__}, wanted a dictionary of accounts by name")],
            "nothing was registered",
        )
    for name, options in given.items():
        where = f"phone_redirect_accounts.{name}"
        if not isinstance(options, Mapping):
            problems.append(Problem(where, f"is a {type(options).__name__}, wanted a dictionary of options"))
            continue
        account, wrong = read_account(options)
        accounts[str(name)] = account
        problems += [Problem(where, text) for text in wrong]
    if problems:
        raise ProblemsError(problems, "nothing was registered")
    return accounts


def plan(batch: Batch, settings: Settings, accounts: Mapping[str, Account], status: Mapping[str, Any], deregister_spent: bool) -> Work:
    """Return what the accounts have to hold, from the inventory and the store.

    :raises ProblemsError: a phone names an account that is not there.
    """
    problems: list[Problem] = []
    present, absent = [], []
    for phone in batch.phones:
        row = status["devices"].get(phone.mac)
        known = (row or {}).get("registrations") or {}
        for account, record in known.items():
            # An account that the phone has left, or that is not in the inventory any more, is not this phone's business twice.
            if account != phone.account and account in accounts and record.get("state") not in ("absent", "foreign"):
                absent.append(Device(mac=phone.mac, serial=phone.serial, mac_id=phone.mac_id, recorded=record, account=account))
        if not phone.account:
            continue
        if phone.account not in accounts:
            near = did_you_mean(phone.account, accounts) or f"; known: {', '.join(accounts) or 'none'}"
            problems.append(
                Problem(f"{phone.host}: phone_redirect_account", f"{phone.account!r} is no account of phone_redirect_accounts{near}")
            )
            continue
        record = known.get(phone.account) or {}
        device = {"mac": phone.mac, "serial": phone.serial, "mac_id": phone.mac_id, "recorded": record, "account": phone.account}
        if row and row["state"] in OPEN and phone.once:
            token = settings.deriver.claim_token(phone.mac, status["epoch"], row["claim_generation"])
            url = claim_url(settings.base, token, phone.claim_path)
            present.append(Device(**device, url=url, generation=row["claim_generation"]))
        elif (
            record
            and ((deregister_spent and row["state"] in CLOSED) or not phone.once)
            and record.get("state") not in ("absent", "foreign")
        ):
            absent.append(Device(**device))
    if batch.complete:
        for mac, row in status["devices"].items():
            if mac in batch.group:
                continue
            for account, record in (row.get("registrations") or {}).items():
                if account in accounts and record.get("state") not in ("absent", "foreign"):
                    absent.append(Device(mac=mac, recorded=record, account=account))
    if problems:
        raise ProblemsError(problems, "nothing was registered")
    return Work(present, absent)
