# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirection of the phones of a play: who is registered where follows from the inventory and the claim store.

A phone whose one-time URL is armed is registered with it, once per generation. A spent one keeps its entry or loses it, by setting. A phone that
left the inventory loses it. The store holds what was last written, so a second run asks nobody anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import Batch, claim_url, read_batch
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import Settings, read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_args import OptionError, read_account, read_override
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_report import Progress, summary
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect_run import Refused, Results, Row, run_accounts

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


def plan(
    batch: Batch, settings: Settings, accounts: Mapping[str, Account], status: Mapping[str, Any], deregister_spent: bool, predict: bool
) -> Work:
    """Return what the accounts have to hold, from the inventory and the store.

    :param predict: take phones that the store does not know yet for armed, as they would be outside check mode.
    :raises ProblemsError: a phone names an account that is not there.
    """
    problems: list[Problem] = []
    present, absent = [], []
    for phone in batch.phones:
        row = status["devices"].get(phone.mac)
        if row is None and predict:
            row = {"state": "armed", "claim_generation": 1}
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


ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "override": {"type": "list", "elements": "str", "default": []},
    "verify": {"type": "bool", "default": False},
    "max_deregistrations": {"type": "int", "default": 100},
    "spent": {"type": "str", "choices": ["keep", "deregister"], "default": "keep"},
    "store": {"type": "str", "default": ""},
}


class FleetRedirect:
    """The redirect verb for the phones of a play."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action, self._task_vars = action, task_vars

    def run(self) -> dict[str, Any]:
        """Bring every account of the inventory to what it has to hold; nothing is asked where the store already knows."""
        _validation, args = self._action.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        override, wrong = read_override(args["override"])
        if wrong:
            raise AnsibleActionFail("; ".join(wrong))
        try:
            fleet = read_fleet(self._task_vars, self._action._templar)
            settings = read_settings(fleet, Path(self._action._loader.get_basedir()))
            accounts = read_accounts(fleet.role_variable("phone_redirect_accounts", {}))
            batch = read_batch(fleet, settings)
            client = ClaimClient(self._action, self._task_vars, {"path": args["store"]})
            status = client.status()
            work = plan(batch, settings, accounts, status, args["spent"] == "deregister", bool(self._action._task.check_mode))
            results = self._both(accounts, work, client, status, args, override)
        except (ProblemsError, FleetError, OptionError, Refused, RedirectError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        return self._told(results, batch)

    def _both(
        self,
        accounts: Mapping[str, Account],
        work: Work,
        client: ClaimClient,
        status: Mapping[str, Any],
        args: Mapping[str, Any],
        override: list[str],
    ) -> Results:
        recorder = StoreRecorder(client, {mac: row["claim_generation"] for mac, row in status["devices"].items()})
        both = Results()
        # What goes comes first: a handset that was replaced must not be shadowed by the old entry.
        for state, devices in (("absent", work.absent), ("present", work.present)):
            if not devices:
                continue
            done = run_accounts(
                accounts,
                devices,
                state,
                recorder,
                Progress(state),
                verify=args["verify"],
                check_mode=self._action._task.check_mode,
                override=override,
                max_deregistrations=args["max_deregistrations"],
            )
            both.rows += done.rows
            both.calls += done.calls
            both.messages += done.messages
        return both

    @staticmethod
    def _told(results: Results, batch: Batch) -> dict[str, Any]:
        hosts = {phone.mac: phone.host for phone in batch.phones}

        def public(row: Row) -> dict[str, Any]:
            return {"host": hosts.get(row.mac, ""), **row.public()}

        by_hand = [f"{phone.host}: {phone.why_not}" for phone in batch.phones if phone.account and not phone.once]
        return {
            "changed": results.changed,
            "failed": results.failed,
            "msg": summary(results),
            # Thousands of unchanged phones are a number; what happened is told one by one.
            "devices": [public(row) for row in results.rows if row.changed or row.failed],
            "counts": results.counts(),
            "calls": results.calls,
            "by_hand": by_hand,
        }
