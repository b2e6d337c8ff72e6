# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every store can do, in terms of SQL that SQLite and PostgreSQL both speak; the two differ in how they connect and whose clock counts."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import lan, model, schema, verbs
from .clock import Moment
from .model import ClaimRequest, Decision, Row, StoreError, StoreMissing

_SELECT = (
    'SELECT mac, claim_generation, token_sha256, state, "window", armed_at, armed_by, reason, pin_sha256, pin_failures, claimed_at, claimed_boot,'
    " claimed_uptime, claim_net, claim_ip, claim_ua, claim_cert, ended_at, ended_by, reopen_at, reopen_boot, reopen_uptime, reopen_window, reopen_net, scope"
    " FROM claim"
)
Result = Dict[str, Any]


class Store:
    """A claim store. Methods raise :class:`StoreError` when the store cannot be used; they are safe to call from several threads."""

    name = "store"

    @classmethod
    def create(cls, target: str, by: str = "", check: bool = False) -> bool:
        """Make a store with a new random epoch; return False, and change nothing, when there is one."""
        try:
            cls(target).close()
        except StoreMissing:
            return check or cls.make(target, by)
        return False

    # How a kind of store is made and connects; the rest of the class is common.
    def __init__(self, target: str) -> None:
        """
        :param target: the path of a database, or the address of one.
        :raises StoreMissing: there is no store.
        """
        self.target = target
        self._lock = threading.RLock()

    @classmethod
    def make(cls, target: str, by: str) -> bool:
        """Make the tables, and an epoch; return False when somebody else just did."""
        raise NotImplementedError

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        raise NotImplementedError

    def transaction(self, keep: bool = True) -> contextlib.AbstractContextManager:
        """Run statements as one; with ``keep`` false they are undone at the end, which is how check mode asks."""
        raise NotImplementedError

    def moment(self) -> Moment:
        raise NotImplementedError

    def skip_events(self, number: int) -> None:
        """Let the next event get a number above the given one."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def migrate(self, write: bool = True) -> None:
        """Bring a store that an older gate wrote to the present schema, in one transaction.

        :param write: without it the store is only looked at, and left as it is.
        :raises StoreError: a newer gate wrote it.
        """
        version = int(self.meta("schema") or 0)
        if version > schema.VERSION:
            raise StoreError(f"{self.name}: was written by a newer gate (schema {version}, known up to {schema.VERSION})")
        if write and version < schema.VERSION:
            with self.transaction():
                for number in range(version, schema.VERSION):
                    for statement in schema.MIGRATIONS[number]:
                        self.execute(statement)
                self.set_meta("schema", str(schema.VERSION))

    # Reading.
    def meta(self, key: str) -> str:
        row = self.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def set_meta(self, key: str, value: str) -> None:
        self.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    def epoch(self) -> str:
        return self.meta("epoch")

    def nonce_key(self) -> bytes:
        """Return the random key by which servers that share the store recognize each other's nonces, made when first asked for.

        It opens nothing: a nonce without the phone's password is worth nothing.
        """
        self.execute("INSERT INTO meta (key, value) VALUES ('nonce_key', ?) ON CONFLICT (key) DO NOTHING", (secrets.token_hex(32),))
        return bytes.fromhex(self.meta("nonce_key"))

    def is_closed(self) -> bool:
        """Tell whether all claims are closed because the store was restored and nobody has confirmed it yet."""
        return self.meta("closed") != ""

    def by_token(self, token_sha256: str) -> Optional[Row]:
        found = self.execute(_SELECT + " WHERE token_sha256 = ?", (token_sha256,)).fetchone()
        return Row(*found) if found else None

    def by_stub(self, token_sha256: str, net: str) -> Optional[Row]:
        return lan.row_of(self, token_sha256, net)

    def row(self, mac: str) -> Optional[Row]:
        found = self.execute(_SELECT + " WHERE mac = ?", (mac,)).fetchone()
        return Row(*found) if found else None

    def rows(self, macs: Optional[Iterable[str]] = None) -> Iterator[Row]:
        if macs is None:
            for found in self.execute(_SELECT + " ORDER BY mac").fetchall():
                yield Row(*found)
            return
        for mac in macs:
            row = self.row(mac)
            if row is not None:
                yield row

    def contact_token(self, mac: str) -> str:
        """Return the id of the home token that the phone was last seen with; empty when it never was."""
        found = self.execute("SELECT token_id FROM contact WHERE mac = ?", (mac,)).fetchone()
        return str(found[0]) if found else ""

    def status(self, macs: Optional[Sequence[str]] = None) -> Result:
        """Return the epoch and, per MAC, the claim, the last contact and the registrations; ``seen`` has the contacts of phones without a claim.

        Those are kept apart: to everybody who arms and closes, a phone of ``devices`` is one that the store knows.
        """
        moment = self.moment()
        wanted = None if macs is None else set(macs)
        found: Dict[str, Result] = {row.mac: verbs.describe(row, moment) for row in self.rows(macs)}
        seen: Dict[str, Result] = {}
        for mac, at, ip, ua, token_id in self.execute("SELECT mac, at, ip, ua, token_id FROM contact").fetchall():
            contact = {"last_contact": at, "last_contact_ip": ip, "last_contact_ua": ua, "contact_token": token_id}
            if mac in found:
                found[mac].update(contact)
            elif wanted is None or mac in wanted:
                seen[mac] = contact
        for mac, stub in lan.facts(self, moment).items():
            if mac in found:
                found[mac].update(stub)
        sql = "SELECT mac, account, state, url_sha256, generation, at, msg FROM registration"
        for mac, account, state, url, generation, at, msg in self.execute(sql).fetchall():
            if wanted is None or mac in wanted:
                entry = found.setdefault(mac, {"state": "", "claim_generation": 0, "registrations": {}})
                entry["registrations"][account] = {"state": state, "url_sha256": url, "generation": generation, "at": at, "msg": msg}
        return {"epoch": self.epoch(), "new": False, "closed": self.is_closed(), "devices": found, "seen": seen}

    def events(self, macs: Optional[Sequence[str]] = None, limit: int = 100) -> List[Result]:
        """Return the latest events, oldest first."""
        where, values = "", list(macs or ())
        if values:
            where = f" WHERE mac IN ({', '.join('?' * len(values))})"
        sql = f'SELECT id, at, mac, event, "by", ip, detail FROM event{where} ORDER BY id DESC LIMIT ?'  # noqa: S608 - only placeholders are put in
        found = self.execute(sql, (*values, limit)).fetchall()
        return [dict(zip(("id", "at", "mac", "event", "by", "ip", "detail"), item)) for item in reversed(found)]

    # Writing: the gate.
    def add_event(self, mac: str, event: str, by: str = "", ip: str = "", detail: str = "", at: Optional[float] = None) -> None:
        when = self.moment().wall if at is None else at
        self.execute(
            'INSERT INTO event (at, mac, event, "by", ip, detail) VALUES (?, ?, ?, ?, ?, ?)', (when, mac, event, by, ip, detail[:400])
        )

    def claim(self, requests: Sequence[ClaimRequest]) -> List[Decision]:
        """Decide a batch of requests and write the claims that win, in one transaction: all durable, or none allowed."""
        decisions: List[Optional[Decision]] = [None] * len(requests)
        with self.transaction():
            moment = self.moment()
            closed = self.is_closed()
            # In one order everywhere, so that several servers never wait for each other in a circle.
            for index in sorted(range(len(requests)), key=lambda n: requests[n].token_sha256):
                decisions[index] = Decision(False, "closed") if closed else self._claim(requests[index], moment)
        return [decision for decision in decisions if decision is not None]

    def _claim(self, request: ClaimRequest, moment: Moment) -> Decision:
        row = self.by_token(request.token_sha256)
        decision = model.decide(row, request, moment)
        if row is None or not decision.claim:
            return decision
        if row.pin_sha256 is not None and not hmac.compare_digest(row.pin_sha256, request.pin_sha256):
            return self._wrong_pin(request, moment)
        won = self.execute(
            "UPDATE claim SET state = 'claimed', claimed_at = ?, claimed_boot = ?, claimed_uptime = ?, claim_net = ?, claim_ip = ?, claim_ua = ?,"
            " claim_cert = ? WHERE token_sha256 = ? AND state = 'armed' AND (pin_sha256 IS NULL OR pin_sha256 = ?)",
            (
                *(moment.wall, moment.boot, moment.uptime, request.net, request.ip, request.ua[:200], request.cert[:200]),
                *(request.token_sha256, request.pin_sha256),
            ),
        ).rowcount
        if won == 1:
            self.add_event(decision.mac, "claimed", ip=request.ip, detail=request.ua, at=moment.wall)
            return Decision(True, "claimed", decision.mac)
        return model.decide(self.by_token(request.token_sha256), request._replace(first_file=False), moment)

    def contacts(self, seen: Sequence[Tuple[str, ...]]) -> List[str]:
        """Record completed fetches at home (mac, ip, user agent, token id, file and its ETag); return the MACs whose claim this ended."""
        ended = []
        with self.transaction():
            moment = self.moment()
            for mac, ip, ua, token_id, *content in sorted(seen):
                self.execute(
                    "INSERT INTO contact (mac, at, ip, ua, token_id, content) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (mac) DO UPDATE SET"
                    " at = excluded.at, ip = excluded.ip, ua = excluded.ua, token_id = excluded.token_id, content = excluded.content",
                    (mac, moment.wall, ip, ua[:200], token_id, "".join(content)[:200]),
                )
                if verbs.end(self, mac, "contact at home", moment, ip=ip):
                    ended.append(mac)
        return ended

    def expire(self) -> List[str]:
        """Write down which claims their window's end has spent, so that no later change of the clock can matter; return their MACs."""
        moment = self.moment()
        found = self.execute(_SELECT + " WHERE state = 'claimed'").fetchall()
        over = [row.mac for row in (Row(*item) for item in found) if model.window_left(row, moment) <= 0]
        if over:
            with self.transaction():
                over = [mac for mac in over if verbs.end(self, mac, "end of the window", moment, only_over=True)]
        return over

    def _wrong_pin(self, request: ClaimRequest, moment: Moment) -> Decision:
        """Count a wrong PIN, and lock the claim at the limit; each guess is counted before the next is looked at, however many come at once."""
        counted = self.execute(
            "UPDATE claim SET pin_failures = pin_failures + 1 WHERE token_sha256 = ? AND state = 'armed'", (request.token_sha256,)
        ).rowcount
        row = self.by_token(request.token_sha256)
        if row is None or not counted:
            return model.decide(row, request._replace(first_file=False), moment)
        self.add_event(row.mac, "wrong-pin", ip=request.ip, detail=f"{row.pin_failures} of {model.MAX_PIN_FAILURES}", at=moment.wall)
        if row.pin_failures < model.MAX_PIN_FAILURES:
            return Decision(False, "wrong-pin", row.mac)
        verbs.lock(self, row.mac, "too many wrong PINs")
        return Decision(False, model.LOCKED, row.mac)

    # Writing: the operator. Each takes rows or MACs and reports per MAC; check mode undoes at the end.
    def arm(self, devices: Sequence[Mapping[str, Any]], check: bool = False) -> List[Result]:
        """Arm phones that were never armed, or that an operator unlocked; anything else stays as it is and says why."""
        with self.transaction(not check):
            return [verbs.arm(self, device) for device in devices]

    def unlock(self, devices: Sequence[Mapping[str, Any]], force: bool = False, check: bool = False) -> List[Result]:
        """Give phones a new generation. With a token hash they are armed at once, without one they wait for :meth:`arm`."""
        with self.transaction(not check):
            return [verbs.unlock(self, device, force) for device in devices]

    def lock(self, macs: Sequence[str], by: str = "", check: bool = False) -> List[Result]:
        with self.transaction(not check):
            return [verbs.lock(self, mac, by) for mac in macs]

    def spend(self, macs: Sequence[str], by: str = "", check: bool = False) -> List[Result]:
        with self.transaction(not check):
            return [verbs.spend(self, mac, by) for mac in macs]

    def retire(self, macs: Sequence[str], by: str = "", check: bool = False) -> List[Result]:
        with self.transaction(not check):
            return [verbs.retire(self, mac, by) for mac in macs]

    def adopt(self, macs: Sequence[str], scope: str, by: str = "", check: bool = False) -> List[Result]:
        """Note that phones belong to another part of the fleet from now on; nothing opens or closes by it."""
        with self.transaction(not check):
            return [verbs.adopt(self, mac, scope, by) for mac in macs]

    def reopen(self, mac: str, net: str, seconds: int, by: str) -> Result:
        with self.transaction():
            return verbs.reopen(self, mac, net, seconds, by)

    def open_window(self, macs: Sequence[str], seconds: int, by: str = "", check: bool = False) -> List[Result]:
        with self.transaction(not check):
            return lan.open_window(self, macs, seconds, by)

    def close_window(self, macs: Sequence[str], by: str = "", check: bool = False) -> List[Result]:
        with self.transaction(not check):
            return lan.close_window(self, macs, by)

    def registrations(self, account: str, rows: Sequence[Mapping[str, Any]], check: bool = False, final: bool = True) -> List[Result]:
        """Record what is about to be done at a redirect service (``final`` false: state ``intent``) or what came of it."""
        with self.transaction(not check):
            return [verbs.registration(self, account, row, final) for row in rows]

    def confirm(self, by: str, check: bool = False) -> bool:
        """Open the claims of a restored store; return False when nothing was closed."""
        with self.transaction(not check):
            if not self.is_closed():
                return False
            self.set_meta("closed", "")
            self.add_event("", "confirmed", by=by)
            return True

    def close_claims(self, why: str, by: str = "", beyond: int = 0) -> None:
        """Close all claims until an operator confirms the store.

        :param beyond: the number of an event of a later store that somebody has seen: this one's next events get higher numbers, so that nobody who saw
            that one takes this one for a copy again after it was confirmed.
        """
        with self.transaction():
            self.set_meta("closed", why)
            if beyond:
                self.skip_events(beyond)
            self.add_event("", "closed", by=by, detail=why)
