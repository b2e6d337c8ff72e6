# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redirection of the phones of a play: who is registered where follows from the inventory and the claim store.

A phone whose one-time URL is armed is registered with it, once per generation. A spent one keeps its entry or loses it, by setting. A phone that
left the inventory loses it. The store holds what was last written, so a second run asks nobody anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import (
    Batch,
    ClaimPhone,
    claim_url,
    read_gone,
    read_phones,
    token_sha256,
)
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.args import OptionError, read_account, read_override
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.report import Progress, summary
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import Refused, Results, Row, run_accounts
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings

OPEN = ("armed", "claimed")
CLOSED = ("spent", "locked", "unlocked")
# What a record says when the account holds nothing of ours.
NOTHING = ("absent", "foreign")
_SHOWN = 20


class Work(NamedTuple):
    """What a run has to bring about: entries that must be there, entries that must not, and what no run can do."""

    present: list[Device]
    absent: list[Device]
    by_hand: list[str]


class Wishes(NamedTuple):
    """How a run is to go.

    deregister_spent: take out entries whose one-time URL was used. deregister_absent: those of phones that left the inventory. gone: MACs that
    have left, whatever the run covers. predict: take phones for armed that would be outside check mode. unlocking, readmit: the task before
    this one would have unlocked the phones, or those that were retired, had it not been in check mode.
    """

    deregister_spent: bool = False
    deregister_absent: bool = True
    gone: Collection[str] = ()
    predict: bool = False
    unlocking: bool = False
    readmit: bool = False


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


def plan(batch: Batch, settings: Settings, accounts: Mapping[str, Account], status: Mapping[str, Any], wishes: Wishes) -> Work:
    """Return what the accounts have to hold, from the inventory and the store.

    :raises ProblemsError: a phone names an account that is not there.
    """
    made = _Plan(settings, accounts, status, wishes)
    for phone in batch.phones:
        made.add(phone)
    devices = status["devices"]
    left = [mac for mac in batch.left(devices) if wishes.deregister_absent or devices[mac]["state"] == "retired"]
    for mac in dict.fromkeys([*left, *wishes.gone]):
        made.remove(mac, devices.get(mac) or {})
    if made.problems:
        raise ProblemsError(made.problems, "nothing was registered")
    return Work(made.present, made.absent, [*made.by_hand, *made.orphans()])


class _Plan:
    def __init__(self, settings: Settings, accounts: Mapping[str, Account], status: Mapping[str, Any], wishes: Wishes) -> None:
        self._settings, self._accounts, self._status, self._wishes = settings, accounts, status, wishes
        self._orphans: dict[str, list[str]] = {}
        self.problems: list[Problem] = []
        self.present: list[Device] = []
        self.absent: list[Device] = []
        self.by_hand: list[str] = []

    def add(self, phone: ClaimPhone) -> None:
        row = self._status["devices"].get(phone.mac) or {}
        known = row.get("registrations") or {}
        state, generation, token = self._claim(phone, row)
        self._leave(phone.mac, {name: record for name, record in known.items() if name != phone.account}, phone)
        if not phone.account:
            return
        if phone.account not in self._accounts:
            near = did_you_mean(phone.account, self._accounts) or f"; known: {', '.join(self._accounts) or 'none'}"
            self.problems.append(
                Problem(f"{phone.host}: phone_redirect_account", f"{phone.account!r} is no account of phone_redirect_accounts{near}")
            )
            return
        record = known.get(phone.account) or {}
        if not phone.once:
            self.by_hand.append(f"{phone.host}: {phone.why_not}")
            self._leave(phone.mac, {phone.account: record}, phone)
        elif state in OPEN:
            if token:
                url = claim_url(self._settings.base, token, phone.claim_path)
                self.present.append(self._device(phone.mac, phone.account, record, phone, url=url, generation=generation))
            elif state == "armed":
                self.by_hand.append(f"{phone.host}: provisioning_secret has changed since it was armed; run onboarding")
        elif state == "retired":
            self.by_hand.append(f"{phone.host}: was retired when it left the inventory; unlock it to give it a new one-time URL")
            self._leave(phone.mac, {phone.account: record}, phone)
        elif state in CLOSED and self._wishes.deregister_spent:
            self._leave(phone.mac, {phone.account: record}, phone)

    def remove(self, mac: str, row: Mapping[str, Any]) -> None:
        self._leave(mac, row.get("registrations") or {})

    def orphans(self) -> list[str]:
        """Return what is registered in accounts that nobody knows the credentials of any more."""
        told = []
        for account, macs in sorted(self._orphans.items()):
            more = f" and {len(macs) - _SHOWN} more" if len(macs) > _SHOWN else ""
            told.append(
                f"account {account!r} is not in phone_redirect_accounts any more, but holds {', '.join(sorted(macs)[:_SHOWN])}{more}: "
                "put it back for one run, or remove them at the service"
            )
        return told

    def _claim(self, phone: ClaimPhone, row: Mapping[str, Any]) -> tuple[str, int, str]:
        """Return state, generation and token of a phone's claim as they are, or in check mode as they would be; no token when it is not known."""
        state, generation = row.get("state") or "", row.get("claim_generation") or 0
        token = self._settings.deriver.claim_token(phone.mac, self._status["epoch"], generation) if state in OPEN else ""
        known = bool(token) and row.get("token_sha256") == token_sha256(token)
        if self._wishes.predict:
            if not state or state == "unlocked":
                state, generation, known = "armed", generation or 1, True
            elif (
                (state == "armed" and not known)
                or (state not in OPEN and self._wishes.unlocking)
                or (state == "retired" and self._wishes.readmit)
            ):
                state, generation, known = "armed", generation + 1, True
            if known:
                token = self._settings.deriver.claim_token(phone.mac, self._status["epoch"], generation)
        return state, generation, token if known else ""

    def _leave(self, mac: str, known: Mapping[str, Mapping[str, Any]], phone: ClaimPhone | None = None) -> None:
        for account, record in known.items():
            if not record or record.get("state") in NOTHING:
                continue
            if account in self._accounts:
                self.absent.append(self._device(mac, account, record, phone))
            else:
                self._orphans.setdefault(account, []).append(mac)

    @staticmethod
    def _device(mac: str, account: str, record: Mapping[str, Any], phone: ClaimPhone | None, **more: Any) -> Device:
        serial, mac_id = (phone.serial, phone.mac_id) if phone else ("", "")
        return Device(mac=mac, serial=serial, mac_id=mac_id, recorded=dict(record), account=account, **more)


ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "override": {"type": "list", "elements": "str", "default": []},
    "verify": {"type": "bool", "default": False},
    "max_deregistrations": {"type": "int", "default": 100},
    "spent": {"type": "str", "choices": ["keep", "deregister"], "default": "keep"},
    "absent": {"type": "str", "choices": ["keep", "deregister"], "default": "deregister"},
    "gone": {"type": "list", "elements": "str", "default": []},
    "readmit": {"type": "bool", "default": False},
    "unlocking": {"type": "bool", "default": False},
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
            fleet, settings, batch = read_phones(self._action, self._task_vars)
            accounts = read_accounts(fleet.role_variable("phone_redirect_accounts") or {})
            client = ClaimClient(self._action, self._task_vars, {"path": args["store"]})
            status = client.status()
            predict = bool(self._action._task.check_mode)
            gone = read_gone(args["gone"], batch, status["devices"], "gone")
            wishes = Wishes(
                args["spent"] == "deregister", args["absent"] == "deregister", gone, predict, args["unlocking"], args["readmit"]
            )
            work = plan(batch, settings, accounts, status, wishes)
            results = self._both(accounts, work, client, status, args, override)
        except (ProblemsError, FleetError, OptionError, Refused, RedirectError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        return self._told(results, batch, work)

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
    def _told(results: Results, batch: Batch, work: Work) -> dict[str, Any]:
        def public(row: Row) -> dict[str, Any]:
            return {"host": batch.group.get(row.mac, ""), **row.public()}

        return {
            "changed": results.changed,
            "failed": results.failed,
            "msg": summary(results),
            # Thousands of unchanged phones are a number; what happened is told one by one.
            "devices": [public(row) for row in results.rows if row.changed or row.failed],
            "counts": results.counts(),
            "calls": results.calls,
            "by_hand": work.by_hand,
        }
