# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run over redirect accounts: read, decide, write in batches, read back what got lost, and say per MAC how it ended.

A recorder is told before and after every batch, so that a run that dies half-way knows the next time what to read back:
``intent(rows)`` and ``outcome(rows)``, rows being dicts of ``mac``, ``account``, ``state``, ``url_sha256``, ``auth_sha256``, ``generation``, ``msg``.
Neither holds a URL or a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import ABSENT, FOREIGN, OURS, Account, Device, Found, Outcome
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import open_service
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import GONE, REGISTERED, auth_digest, is_recorded, record_of

ROUNDS = 4  # first try, then so many times reading back and trying again
CHUNK = 50  # devices between two words to the recorder where the service has no batches
DEEP_CHECK = 100  # check mode asks for the ownership of up to so many MACs one by one

FOREIGN_STATE, FAILED, UNCERTAIN = "foreign", "failed", "unknown"


class Recorder(Protocol):
    def intent(self, rows: list[dict[str, Any]]) -> None: ...

    def outcome(self, rows: list[dict[str, Any]]) -> None: ...


class Refused(RedirectError):
    """A guard stopped the run before anything was written."""


@dataclass
class Row:
    """How it ended for one MAC. state is what the service holds now (in check mode: would hold)."""

    mac: str
    state: str
    changed: bool = False
    msg: str = ""
    failed: bool = False
    account: str = ""
    action: str = "unchanged"
    recorded: dict[str, Any] | None = None

    def public(self) -> dict[str, Any]:
        row = {"mac": self.mac, "state": self.state, "changed": self.changed, "failed": self.failed, "msg": self.msg}
        return {**row, "account": self.account} if self.account else row


@dataclass
class Results:
    rows: list[Row] = field(default_factory=list)
    calls: int = 0
    messages: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(row.changed for row in self.rows)

    @property
    def failed(self) -> bool:
        return any(row.failed for row in self.rows)

    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(("registered", "updated", "removed", "unchanged", "foreign", "failed"), 0)
        for row in self.rows:
            counts["foreign" if row.failed and row.state == FOREIGN_STATE else "failed" if row.failed else row.action] += 1
        return counts


def run_accounts(
    service_options: Account | Mapping[str, Account],
    devices: Sequence[Device],
    state: str = "present",
    recorder: Recorder | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    *,
    verify: bool = False,
    check_mode: bool = False,
    override: Collection[str] = (),
    max_deregistrations: int = 100,
    opener: Callable[[Account], Service] = open_service,
) -> Results:
    """Bring every device to the wanted state.

    :param service_options: one account, or accounts by the name that each device's ``account`` says.
    :param progress: called with account, devices settled and devices in all.
    :param verify: ask the service even where the record says that all is well.
    :param override: MACs that may be taken from another account, and that are written again even where the service does not tell their URL.
    :param max_deregistrations: more removals than this are refused before the first.
    :raises Refused: that guard.
    """
    accounts = {"": service_options} if isinstance(service_options, Account) else dict(service_options)
    if isinstance(service_options, Account):
        work = {"": list(devices)}
    else:
        work = {name: [device for device in devices if device.account == name] for name in sorted(accounts)}

    def run_all(dry: bool, tell: Callable[[str, int, int], None] | None) -> dict[str, _Run]:
        runs = {}
        for name, own in work.items():
            if own:
                runs[name] = _Run(accounts[name], name, state, recorder, tell, verify, dry, frozenset(override), len(own), opener)
                runs[name].go(own)
        return runs

    results = Results()
    if state != "present" and sum(verify or not is_recorded(device, state) for device in devices) > max_deregistrations:
        dry_runs = run_all(True, None).values()
        results.calls += sum(run.calls for run in dry_runs)
        number = sum(row.action == "removed" for run in dry_runs for row in run.rows.values())
        if number > max_deregistrations:
            raise Refused(
                f"{number} devices would be deregistered, more than max_deregistrations ({max_deregistrations}); nothing was removed"
            )
    runs = run_all(check_mode, progress)
    for name, run in runs.items():
        results.calls += run.calls
        if run.stopped:
            results.messages.append(f"{name}: {run.stopped}" if name else run.stopped)
    for device in devices:
        name = "" if isinstance(service_options, Account) else device.account
        row = runs[name].rows.get(device.mac) if name in runs else None
        results.rows.append(row or Row(device.mac, FAILED, msg=f"account {name!r} is not defined", failed=True))
    return results


class _Run:
    """One account, one state."""

    def __init__(self, account, name, state, recorder, progress, verify, check_mode, override, total, opener) -> None:
        self.account: Account = account
        self.name: str = name
        self.state: str = state
        self.recorder: Recorder | None = None if check_mode else recorder
        self.progress = progress
        self.verify: bool = verify
        self.check_mode: bool = check_mode
        self.override: frozenset[str] = override
        self.total: int = total
        self.opener = opener
        self.rows: dict[str, Row] = {}
        self.calls = 0
        self.stopped = ""
        self.unsaid: list[dict[str, Any]] = []  # failures that the recorder hears of with the next batch
        self.created: set[str] = set()  # MACs that this run sent to be registered
        self.notes: dict[str, str] = {}  # mac -> the verb whose reply was lost, or "exists"
        self.reasons: dict[str, str] = {}  # mac -> why it has to be read again
        self.service: Service

    def go(self, devices: Sequence[Device]) -> None:
        pending: dict[str, Device] = {}
        for device in devices:
            if is_recorded(device, self.state) and not self.verify:
                self._settle(device, Row(device.mac, REGISTERED if self.state == "present" else GONE, msg="as recorded"), record=False)
            else:
                pending[device.mac] = device
        if not pending:
            self._tell()
            return
        try:
            self.service = self.opener(self.account)
        except RedirectError as exc:
            self._stop(str(exc), pending)
            return
        try:
            for device in list(pending.values()):
                problem = self.service.learn(device) or (self.service.check(device) if self.state == "present" else "")
                if problem:
                    self._fail(pending.pop(device.mac), FAILED, problem, told=False)
            # Where reading costs a call per device, read and write by turns, so that a long run shows and records what it did.
            size = len(pending) if self.service.capabilities.cheap_lookup else CHUNK
            waiting = list(pending.values())
            for start in range(0, len(waiting), max(size, 1)):
                self._settle_all({device.mac: device for device in waiting[start : start + size]})
        finally:
            self.calls = self.service.client.calls
            self.service.client.close()
        self._tell()

    def _settle_all(self, pending: dict[str, Device]) -> None:
        if self.stopped:
            self._stop(self.stopped, pending)
            return
        for number in range(ROUNDS):
            if not pending or self.stopped:
                break
            pending = self._round(pending, number)
        for device in pending.values():
            why = self.reasons.get(device.mac, "no outcome")
            self._fail(device, UNCERTAIN, f"is not settled after {ROUNDS} tries: {why}; the next run reads it back", told=False)
        self._record(())

    # One round: read everything that is not settled, decide, write, and return what has to be read again.

    def _round(self, pending: dict[str, Device], number: int) -> dict[str, Device]:
        deep = number > 0 or (self.check_mode and len(pending) <= DEEP_CHECK)
        try:
            found = self.service.lookup(list(pending), deep=deep)
        except RedirectError as exc:
            self._stop(str(exc), pending)
            return {}
        plan: dict[str, list[tuple[Device, Found]]] = {"register": [], "update": [], "remove": []}
        settled: list[Device] = []
        decide = self._decide_present if self.state == "present" else self._decide_absent
        for mac, device in pending.items():
            item = found[mac]
            if item.problem:
                self._fail(device, FAILED, item.problem)
                continue
            verb = decide(device, item)
            if verb:
                plan[verb].append((device, item))
            elif mac in self.rows and not self.rows[mac].failed:
                settled.append(device)
        self._record(settled)
        self._tell()
        again: dict[str, Device] = {}
        for verb, work in plan.items():
            size = (
                self.service.capabilities.remove_batch if verb == "remove" else self.service.capabilities.batch if verb == "register" else 1
            )
            size = size if size > 1 else CHUNK
            for start in range(0, len(work), size):
                batch = work[start : start + size]
                if self.check_mode:
                    self._predict(verb, batch)
                elif self.stopped:
                    self._stop(self.stopped, {device.mac: device for device, _item in batch})
                else:
                    again.update(self._write(verb, batch))
                self._tell()
        return again

    def _decide_present(self, device: Device, item: Found) -> str:
        """The verb that is still wanted, or an empty text once the row is settled."""
        mac, note = device.mac, self.notes.get(device.mac, "")
        if item.state == FOREIGN:
            if mac in self.override and self.service.capabilities.override:
                return "register"
            self._fail(device, FOREIGN_STATE, "belongs to another account")
            return ""
        if item.state != OURS:
            if note == "exists":
                self._fail(device, FOREIGN_STATE, "is registered, but not in this account, so it belongs to another")
                return ""
            return "register"
        wrote = note in ("register", "update")
        if item.url is not None:
            if item.url == device.url and not self._auth_differs(device, item):
                self._done(device, note if wrote else "", "the reply was lost; read back" if wrote else "")
                return ""
            return "update"
        if note == "register" and self.service.capabilities.per_device_url != "none":
            self._done(device, note, "the reply was lost; read back")
            return ""
        if wrote or mac in self.override or self._outdated(device):
            return "update"
        self._done(device, "", "registered; the service does not tell where it points")
        return ""

    @staticmethod
    def _outdated(device: Device) -> bool:
        """The record says that something else was written, or that a write may have been cut short."""
        told = device.recorded.get("url_sha256") or device.recorded.get("state") == "intent"
        return bool(told) and not is_recorded(device, "present")

    @staticmethod
    def _auth_differs(device: Device, item: Found) -> bool:
        if item.username is not None and device.username and item.username != device.username:
            return True
        recorded = device.recorded.get("auth_sha256") if device.recorded else None
        return bool(recorded and auth_digest(device) and recorded != auth_digest(device))

    def _decide_absent(self, device: Device, item: Found) -> str:
        if item.state == OURS:
            return "remove"
        wrote = self.notes.get(device.mac) == "remove"
        if item.state == FOREIGN:
            self.rows[device.mac] = Row(device.mac, FOREIGN_STATE, msg="belongs to another account; nothing of ours to remove")
        else:
            self._done(device, "remove" if wrote else "", "the reply was lost; read back" if wrote else "")
        return ""

    def _write(self, verb: str, batch: list[tuple[Device, Found]]) -> dict[str, Device]:
        if self.recorder:
            self.recorder.intent([self._row(device, "intent", "") for device, _item in batch])
        try:
            if verb == "register":
                self.created.update(device.mac for device, _item in batch)
                outcomes = self.service.register([device for device, _item in batch], self.override)
            elif verb == "update":
                outcomes = self.service.update(batch)
            else:
                outcomes = self.service.deregister([item for _device, item in batch])
        except RedirectError as exc:
            outcomes = {device.mac: Outcome("stopped", str(exc)) for device, _item in batch}
        again: dict[str, Device] = {}
        done: list[Device] = []
        for device, item in batch:
            outcome = outcomes.get(device.mac) or Outcome("lost", "no outcome")
            kind = outcome.kind
            if kind == "done" or (kind == "absent" and verb == "remove"):
                points = "pointed elsewhere; " if verb == "update" and item.url is not None and item.url != device.url else ""
                self._done(device, verb, points)
                done.append(device)
            elif kind in ("lost", "exists", "absent"):
                self.notes[device.mac] = verb if kind == "lost" else "exists" if kind == "exists" else ""
                self.reasons[device.mac] = outcome.msg
                again[device.mac] = device
            elif kind == "foreign":
                self._fail(device, FOREIGN_STATE, outcome.msg or "belongs to another account")
            else:
                self._fail(device, FAILED, outcome.msg)
                if kind == "stopped":
                    self.stopped = self.stopped or outcome.msg.partition("not tried: ")[2] or outcome.msg
        self._record(done)
        if self.stopped and again:
            for device in again.values():
                self._fail(device, UNCERTAIN, f"what was sent got no readable answer, and then: {self.stopped}", told=False)
            return {}
        return again

    def _predict(self, verb: str, batch: list[tuple[Device, Found]]) -> None:
        for device, item in batch:
            if verb == "register":
                unsure = (
                    " (ownership unknown)"
                    if item.state not in (ABSENT, FOREIGN)
                    else " (taking it from another account)"
                    if item.state == FOREIGN
                    else ""
                )
                self._done(device, verb, f"would register{unsure}")
            elif verb == "update":
                self._done(device, verb, "would update" if item.url is None else "would update (points elsewhere)")
            else:
                self._done(device, verb, "would deregister")

    # Rows and words to the recorder.

    def _done(self, device: Device, verb: str, msg: str) -> None:
        words = {
            "register": ("registered", "registered"),
            "update": ("updated", "updated"),
            "remove": ("removed", "deregistered"),
            "": ("unchanged", ""),
        }
        if verb == "update" and device.mac in self.created:
            verb = "register"  # the second half of a registration whose reply got lost
        action, word = words[verb]
        state = REGISTERED if self.state == "present" else GONE
        if not msg:
            msg = word
        elif msg.endswith("; "):
            msg = f"{msg}{word}"
        elif word and not msg.startswith("would"):
            msg = f"{word} ({msg})"
        row = Row(device.mac, state, changed=bool(verb), msg=msg or ("registered already" if self.state == "present" else "not registered"))
        row.action = action
        self._settle(device, row, record=not self.check_mode)

    def _settle(self, device: Device, row: Row, record: bool = True) -> None:
        row.account = self.name
        row.recorded = record_of(device, self.state) if record else dict(device.recorded) or None
        self.rows[device.mac] = row

    def _fail(self, device: Device, state: str, msg: str, told: bool = True) -> None:
        self.rows[device.mac] = Row(device.mac, state, msg=msg, failed=True, account=self.name)
        if told:
            self.unsaid.append(self._row(device, state, msg))

    def _stop(self, why: str, pending: Mapping[str, Device]) -> None:
        self.stopped = why
        for device in pending.values():
            lost = self.notes.get(device.mac) in ("register", "update", "remove")
            self._fail(
                device,
                UNCERTAIN if lost else FAILED,
                f"what was sent got no readable answer, and then: {why}" if lost else f"not tried: {why}",
                told=False,
            )

    def _row(self, device: Device, state: str, msg: str) -> dict[str, Any]:
        record = record_of(device, self.state)
        return {
            "mac": device.mac,
            "account": self.name,
            "state": state,
            "url_sha256": record["url_sha256"],
            "auth_sha256": record.get("auth_sha256", ""),
            "generation": device.generation,
            "msg": msg,
        }

    def _record(self, devices: Iterable[Device]) -> None:
        rows = self.unsaid + [
            self._row(device, REGISTERED if self.state == "present" else GONE, self.rows[device.mac].msg) for device in devices
        ]
        self.unsaid = []
        if rows and self.recorder:
            self.recorder.outcome(rows)

    def _tell(self) -> None:
        if self.progress:
            self.progress(self.name, len(self.rows), self.total)
