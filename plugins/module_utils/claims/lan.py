# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stubs: how a phone that only its LAN has told about us comes by a one-time URL.

A stub names a claim URL with a token of its own, made at random when it is handed out and known to nobody else: the server cannot derive the
real one, and a copy of the store tells neither. That token opens the phone's claim for the one address it was handed to, while the claim is
armed in the same generation. Each hand-out makes the one before void.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Sequence

from . import model
from .clock import Moment, elapsed
from .model import ARMED, Row

if TYPE_CHECKING:
    from .store import Store

MAX_OPEN = 4 * 3600
_SELECT = "SELECT mac, claim_generation, opened_at, opened_boot, opened_uptime, open_for, handed_net, handed_ip, handed_at FROM stub"


class Stub(NamedTuple):
    """One phone's stub, as stored."""

    mac: str
    claim_generation: int
    opened_at: Optional[float]
    opened_boot: str
    opened_uptime: float
    open_for: int
    handed_net: str
    handed_ip: str
    handed_at: Optional[float]

    def left(self, moment: Moment) -> float:
        """Return the seconds for which the operator's window stays open; zero or less when it is not."""
        if self.opened_at is None:
            return 0.0
        age = elapsed(Moment(self.opened_at, self.opened_boot, self.opened_uptime), moment)
        return min(self.open_for, MAX_OPEN) - age if age >= 0 else 0.0


class Handed(NamedTuple):
    """The answer to a phone that asks for a stub: a token, or why there is none (for the log, never for the client)."""

    token: str
    reason: str


def find(store: Store, mac: str) -> Optional[Stub]:
    found = store.execute(_SELECT + " WHERE mac = ?", (mac,)).fetchone()
    return Stub(*found) if found else None


def facts(store: Store, moment: Moment) -> Dict[str, Dict[str, Any]]:
    """Return per MAC how long its window stays open, and who was handed a stub when."""
    return {
        stub.mac: {
            "stub_window_left": max(0, int(stub.left(moment))),
            "stub_ip": stub.handed_ip,
            "stub_at": stub.handed_at,
        }
        for stub in (Stub(*row) for row in store.execute(_SELECT).fetchall())
    }


def may_hand(store: Store, mac: str, net: str, certified: bool) -> str:
    """Return why a phone cannot have a stub now, or nothing.

    :param certified: it has shown a verified certificate that names this MAC; then no window is needed, and the address may be another one.
    """
    row = store.row(mac)
    if store.is_closed() or row is None or not net:
        return "closed" if row is not None else "never-armed"
    moment = store.moment()
    state = model.state_of(row, moment)
    if state != ARMED:
        return state
    if certified:
        return ""
    stub = find(store, mac)
    if stub is None or stub.claim_generation != row.claim_generation or stub.left(moment) <= 0:
        return "no-window"
    return "other-address" if stub.handed_net not in ("", net) else ""


def hand(store: Store, mac: str, net: str, ip: str, certified: bool) -> Handed:
    """Make a stub's token for an address; who asked first keeps the phone's stub to itself."""
    token = secrets.token_hex(20)
    with store.transaction():
        reason = may_hand(store, mac, net, certified)
        if reason:
            return Handed("", reason)
        moment, row = store.moment(), store.row(mac)
        generation = row.claim_generation if row else 0
        values = (hashlib.sha256(token.encode()).hexdigest(), net, ip, moment.wall)
        if find(store, mac) is None or certified:
            store.execute(
                "INSERT INTO stub (mac, claim_generation, token_sha256, handed_net, handed_ip, handed_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (mac) DO UPDATE SET claim_generation = excluded.claim_generation, token_sha256 = excluded.token_sha256,"
                " handed_net = excluded.handed_net, handed_ip = excluded.handed_ip, handed_at = excluded.handed_at",
                (mac, generation, *values),
            )
        else:
            # Conditional, since another server may be handing out the same stub.
            won = store.execute(
                "UPDATE stub SET token_sha256 = ?, handed_net = ?, handed_ip = ?, handed_at = ?"
                " WHERE mac = ? AND claim_generation = ? AND handed_net IN ('', ?)",
                (*values, mac, generation, net),
            ).rowcount
            if won != 1:
                return Handed("", "other-address")
        store.add_event(mac, "stub", ip=ip, detail="certificate" if certified else "operator's window", at=moment.wall)
    return Handed(token, "")


def row_of(store: Store, token_sha256: str, net: str) -> Optional[Row]:
    """Return the claim that a stub's token opens for an address, or nothing."""
    found = store.execute(
        "SELECT mac, claim_generation FROM stub WHERE token_sha256 = ? AND handed_net = ?", (token_sha256, net)
    ).fetchone()
    row = store.row(str(found[0])) if found else None
    return row if row is not None and row.claim_generation == found[1] and row.token_sha256 else None


def open_window(store: Store, macs: Sequence[str], seconds: int, by: str) -> list:
    """Let phones that are armed ask for a stub without a certificate, for a while; a stub that was handed out before is void."""
    return [_open(store, mac, seconds, by) for mac in macs]


def _open(store: Store, mac: str, seconds: int, by: str) -> Dict[str, Any]:
    moment, row = store.moment(), store.row(mac)
    if row is None:
        return {"mac": mac, "state": "", "changed": False, "failed": True, "msg": "the store does not know this phone; arm it"}
    state = model.state_of(row, moment)
    if state != ARMED:
        msg = f"only an armed phone can be given its one-time URL on its LAN; this one is {state}"
        return {"mac": mac, "state": state, "changed": False, "failed": True, "msg": msg}
    if not 0 < seconds <= MAX_OPEN:
        msg = f"{seconds} s is not between 1 and {MAX_OPEN}"
        return {"mac": mac, "state": state, "changed": False, "failed": True, "msg": msg}
    store.execute(
        "INSERT INTO stub (mac, claim_generation, opened_at, opened_boot, opened_uptime, open_for) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (mac) DO UPDATE SET claim_generation = excluded.claim_generation, opened_at = excluded.opened_at,"
        " opened_boot = excluded.opened_boot, opened_uptime = excluded.opened_uptime, open_for = excluded.open_for,"
        " token_sha256 = NULL, handed_net = '', handed_ip = '', handed_at = NULL",
        (mac, row.claim_generation, moment.wall, moment.boot, moment.uptime, seconds),
    )
    store.add_event(mac, "window opened", by=by, detail=f"{seconds} s", at=moment.wall)
    return {"mac": mac, "state": state, "changed": True}


def close_window(store: Store, macs: Sequence[str], by: str) -> list:
    """End windows, and make void what was handed out and not claimed."""
    made = []
    for mac in macs:
        row, moment = store.row(mac), store.moment()
        changed = store.execute(
            "UPDATE stub SET opened_at = NULL, open_for = 0, token_sha256 = NULL, handed_net = '', handed_ip = '', handed_at = NULL"
            " WHERE mac = ? AND (opened_at IS NOT NULL OR token_sha256 IS NOT NULL)",
            (mac,),
        ).rowcount
        if changed:
            store.add_event(mac, "window closed", by=by, at=moment.wall)
        made.append({"mac": mac, "state": model.state_of(row, moment) if row else "", "changed": bool(changed)})
    return made
