# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator's verb does to one phone's row. Each returns mac, state, changed and, where something has to be said, msg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from . import model
from .clock import Moment
from .model import ARMED, CLAIMED, LOCKED, RETIRED, SPENT, UNLOCKED, Row

if TYPE_CHECKING:
    from .store import Store

DEFAULT_WINDOW = 900
_CLEAN = (
    "pin_failures = 0, claimed_at = NULL, claimed_boot = '', claimed_uptime = 0, claim_net = '', claim_ip = '', claim_ua = '', claim_cert = '',"
    " ended_at = NULL, ended_by = '', reopen_at = NULL, reopen_boot = '', reopen_uptime = 0, reopen_window = 0, reopen_net = ''"
)


def describe(row: Row, moment: Moment) -> Dict[str, Any]:
    """Return a row as facts; times are seconds since 1970, or null."""
    state = model.state_of(row, moment)
    return {
        "state": state,
        "claim_generation": row.claim_generation,
        "token_sha256": row.token_sha256 or "",
        "window": row.window,
        "window_left": max(0, int(model.window_left(row, moment))),
        "armed_at": row.armed_at,
        "armed_by": row.armed_by,
        "reason": row.reason,
        "pin": row.pin_sha256 is not None,
        "claimed_at": row.claimed_at,
        "claim_ip": row.claim_ip,
        "claim_ua": row.claim_ua,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by or ("end of the window" if state == SPENT and row.state == CLAIMED else ""),
        "locked": state == LOCKED,
        "scope": row.scope,
        "last_contact": None,
        "registrations": {},
    }


def _result(mac: str, state: str, changed: bool, msg: str = "", failed: bool = False) -> Dict[str, Any]:
    made: Dict[str, Any] = {"mac": mac, "state": state, "changed": changed}
    if msg:
        made["msg"] = msg
    if failed:
        made["failed"] = True
    return made


def arm(store: Store, device: Mapping[str, Any]) -> Dict[str, Any]:
    mac, generation, token = device["mac"], int(device["claim_generation"]), device["token_sha256"]
    moment = store.moment()
    row = store.row(mac)
    if row is None:
        store.execute(
            'INSERT INTO claim (mac, claim_generation, token_sha256, state, "window", armed_at, armed_by, reason, pin_sha256, scope)'
            " VALUES (?, ?, ?, 'armed', ?, ?, ?, ?, ?, ?)",
            (mac, generation, token, *_terms(device, moment), device.get("scope") or "all"),
        )
        return _armed(store, device, moment)
    state = model.state_of(row, moment)
    if row.state == UNLOCKED:
        if generation != row.claim_generation:
            return _result(mac, state, False, f"generation {generation} is not the unlocked one, {row.claim_generation}", failed=True)
        store.execute(
            "UPDATE claim SET state = 'armed', token_sha256 = ?, \"window\" = ?, armed_at = ?, armed_by = ?, reason = ?, pin_sha256 = ? WHERE mac = ?",
            (token, *_terms(device, moment), mac),
        )
        return _armed(store, device, moment)
    if generation == row.claim_generation and token != row.token_sha256:
        return _result(
            mac,
            state,
            False,
            "the store holds another token for this generation: provisioning_secret has changed; unlock the phone",
            failed=True,
        )
    if generation != row.claim_generation:
        return _result(
            mac, state, False, f"the store is at generation {row.claim_generation}, not {generation}; only unlock raises it", failed=True
        )
    if state == ARMED and (int(device.get("window") or DEFAULT_WINDOW), device.get("pin_sha256") or None) != (row.window, row.pin_sha256):
        window, pin = int(device.get("window") or DEFAULT_WINDOW), device.get("pin_sha256") or None
        store.execute('UPDATE claim SET "window" = ?, pin_sha256 = ? WHERE mac = ?', (window, pin, mac))
        store.add_event(mac, "terms", by=device.get("by") or "", detail=f"window {window} s, PIN {'on' if pin else 'off'}", at=moment.wall)
        return _result(mac, state, True)
    return _result(mac, state, False)


def _terms(device: Mapping[str, Any], moment: Moment) -> tuple:
    window = int(device.get("window") or DEFAULT_WINDOW)
    return (window, moment.wall, device.get("by") or "", device.get("reason") or "", device.get("pin_sha256") or None)


def _armed(store: Store, device: Mapping[str, Any], moment: Moment) -> Dict[str, Any]:
    detail = f"generation {int(device['claim_generation'])} {device.get('reason') or ''}".strip()
    store.add_event(device["mac"], "armed", by=device.get("by") or "", detail=detail, at=moment.wall)
    return _result(device["mac"], ARMED, True)


def unlock(store: Store, device: Mapping[str, Any], force: bool) -> Dict[str, Any]:
    mac, by = device["mac"], device.get("by") or ""
    moment = store.moment()
    row = store.row(mac)
    token = device.get("token_sha256")
    if row is None:
        if token:
            return arm(store, device)
        return _result(mac, "", False, "the store does not know this phone; arm it", failed=True)
    state = model.state_of(row, moment)
    generation = int(device.get("claim_generation") or row.claim_generation + 1)
    if token and state == ARMED and generation == row.claim_generation and token == row.token_sha256:
        return arm(store, {**device, "claim_generation": generation})
    if row.state == UNLOCKED and not token:
        return _result(mac, UNLOCKED, False)
    if generation <= row.claim_generation and row.state != UNLOCKED:
        return _result(mac, state, False, f"generation {generation} was used; the next one is {row.claim_generation + 1}", failed=True)
    if state == CLAIMED and not force:
        left = int(model.window_left(row, moment))
        return _result(mac, state, False, f"{row.claim_ip} has claimed it and may fetch for {left} s more; force ends that", failed=True)
    if row.state != UNLOCKED:
        store.execute(
            f"UPDATE claim SET claim_generation = ?, token_sha256 = NULL, state = 'unlocked', {_CLEAN} WHERE mac = ?",  # noqa: S608 - a constant
            (generation, mac),
        )
        store.add_event(mac, "unlocked", by=by, detail=f"was {state}; {device.get('reason') or ''}".strip("; "), at=moment.wall)
    if token:
        return arm(store, {**device, "claim_generation": generation})
    return _result(mac, UNLOCKED, True)


def end(store: Store, mac: str, why: str, moment: Moment, ip: str = "", only_over: bool = False) -> bool:
    """End a claim that is open (and what was reopened); return whether there was one."""
    row = store.row(mac)
    if row is None or (row.state != CLAIMED and row.reopen_at is None):
        return False
    if only_over and model.window_left(row, moment) > 0:
        return False
    changed = store.execute(
        "UPDATE claim SET state = CASE WHEN state = 'claimed' THEN 'spent' ELSE state END, ended_at = ?, ended_by = ?, reopen_at = NULL"
        " WHERE mac = ? AND (state = 'claimed' OR reopen_at IS NOT NULL)",
        (moment.wall, why, mac),
    ).rowcount
    if changed:
        store.add_event(mac, "spent", ip=ip, detail=why, at=moment.wall)
    return bool(changed)


def _close(store: Store, mac: str, state: str, event: str, by: str) -> Dict[str, Any]:
    moment = store.moment()
    row = store.row(mac)
    if row is None:
        return _result(mac, "", False, "the store does not know this phone", failed=True)
    if row.state == state and row.reopen_at is None:
        return _result(mac, state, False)
    store.execute(
        "UPDATE claim SET state = ?, ended_at = ?, ended_by = ?, reopen_at = NULL WHERE mac = ?", (state, moment.wall, by or event, mac)
    )
    store.add_event(mac, event, by=by, detail=f"was {model.state_of(row, moment)}", at=moment.wall)
    return _result(mac, state, True)


def lock(store: Store, mac: str, by: str) -> Dict[str, Any]:
    return _close(store, mac, LOCKED, "locked", by)


def retire(store: Store, mac: str, by: str) -> Dict[str, Any]:
    if store.row(mac) is None:
        return _result(mac, "", False)
    return _close(store, mac, RETIRED, "retired", by)


def spend(store: Store, mac: str, by: str) -> Dict[str, Any]:
    row = store.row(mac)
    if row is not None and row.state in (LOCKED, RETIRED):
        return _result(mac, row.state, False)
    return _close(store, mac, SPENT, "spent", by)


def adopt(store: Store, mac: str, scope: str, by: str) -> Dict[str, Any]:
    row = store.row(mac)
    if row is None:
        return _result(mac, "", False, "the store does not know this phone", failed=True)
    state = model.state_of(row, store.moment())
    if row.scope == scope:
        return _result(mac, state, False)
    store.execute("UPDATE claim SET scope = ? WHERE mac = ?", (scope, mac))
    store.add_event(mac, "adopted", by=by, detail=f"by scope {scope}, was {row.scope}")
    return _result(mac, state, True)


def reopen(store: Store, mac: str, net: str, seconds: int, by: str) -> Dict[str, Any]:
    """Let one address fetch from a spent URL once more, for a while; the URL and the generation stay."""
    moment = store.moment()
    row = store.row(mac)
    if row is None:
        return _result(mac, "", False, "the store does not know this phone", failed=True)
    state = model.state_of(row, moment)
    if state != SPENT:
        return _result(mac, state, False, f"only a spent claim can be reopened; this one is {state}", failed=True)
    if not 0 < seconds <= model.MAX_REOPEN:
        return _result(mac, state, False, f"{seconds} s is not between 1 and {model.MAX_REOPEN}", failed=True)
    store.execute(
        "UPDATE claim SET state = 'spent', reopen_at = ?, reopen_boot = ?, reopen_uptime = ?, reopen_window = ?, reopen_net = ? WHERE mac = ?",
        (moment.wall, moment.boot, moment.uptime, seconds, net, mac),
    )
    store.add_event(mac, "reopened", by=by, detail=f"for {net}, {seconds} s", at=moment.wall)
    return _result(mac, state, True)


def registration(store: Store, account: str, row: Mapping[str, Any], final: bool) -> Dict[str, Any]:
    mac = row["mac"]
    state = row.get("state") or ("done" if final else "intent")
    url, generation, msg = row.get("url_sha256") or "", int(row.get("generation") or 0), row.get("msg") or ""
    before = store.execute(
        "SELECT state, url_sha256, generation, msg FROM registration WHERE mac = ? AND account = ?", (mac, account)
    ).fetchone()
    if before is not None and tuple(before) == (state, url, generation, msg):
        return _result(mac, state, False)
    moment = store.moment()
    store.execute(
        "INSERT INTO registration (mac, account, state, url_sha256, generation, at, msg) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mac, account)"
        " DO UPDATE SET state = excluded.state, url_sha256 = excluded.url_sha256, generation = excluded.generation, at = excluded.at, msg = excluded.msg",
        (mac, account, state, url, generation, moment.wall, msg[:400]),
    )
    store.add_event(mac, "registration", detail=f"{account}: {state} {msg}".strip(), at=moment.wall)
    return _result(mac, state, True)
