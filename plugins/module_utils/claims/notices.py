# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What went wrong at the gate, counted: troubles of phones of the release, and strangers, which are MACs that no release holds.

Anybody may name any MAC, so both are hints and never decide anything, and both are bounded: troubles by the phones of the release and the kinds,
strangers by :data:`MAX_STRANGERS` in all and :data:`MAX_EACH` for one address. Who is turned away by a bound is counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Sequence

if TYPE_CHECKING:
    from .store import Store

MAX_STRANGERS = 2000
MAX_EACH = 50
# A run of hexadecimal digits longer than a MAC may be a token that somebody put where it doesn't belong.
_TOKEN = re.compile(r"[0-9A-Fa-f]{13,}")

# What a phone of the release can be in trouble with.
KINDS = {
    "login": "gives a wrong user or password at its own URL",
    "barred": "asks from an address, or with a certificate, that its rules refuse",
    "old": "still fetches from the URL of its last generation",
    "moved": "asks at the URL of an old generation, although it was seen on the new one",
    "limited": "asks more often than the limits allow",
    "failure": "was answered with a failure of the server",
    "claim": "was refused at a one-time URL",
    "lost": "asks at a URL that is not its own",
}


class Notice(NamedTuple):
    """Requests of one kind that name one MAC, since the last notice of them."""

    mac: str
    kind: str  # one of KINDS; empty for a MAC that the release does not hold
    ip: str
    net: str
    ua: str
    detail: str = ""
    count: int = 1
    source: str = ""  # path or agent: where a stranger's MAC stood
    age: float = 0.0  # seconds since the last of them


def masked(text: str, length: int = 200) -> str:
    """Return a text of a client as it may be kept: what might be a token is taken out."""
    return _TOKEN.sub("*", text)[:length]


def record(store: Store, notices: Sequence[Notice], requests: int = 0) -> None:
    """Write notices down, in one transaction.

    :param requests: how many requests of strangers there were, with a MAC or without.
    """
    with store.transaction():
        at = store.moment().wall
        dropped = 0
        for notice in sorted(notices):
            if notice.kind:
                _trouble(store, notice, at - notice.age)
            elif not _stranger(store, notice, at - notice.age):
                dropped += notice.count
        for key, more in (("stranger_requests", requests), ("stranger_dropped", dropped)):
            if more:
                store.set_meta(key, str(int(store.meta(key) or 0) + more))


def _trouble(store: Store, notice: Notice, at: float) -> None:
    store.execute(
        "INSERT INTO trouble (mac, kind, first_at, last_at, requests, ip, ua, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mac, kind) DO UPDATE"
        " SET last_at = excluded.last_at, requests = trouble.requests + excluded.requests, ip = excluded.ip, ua = excluded.ua, detail = excluded.detail",
        (notice.mac, notice.kind, at, at, notice.count, notice.ip, masked(notice.ua), notice.detail[:40]),
    )


def _stranger(store: Store, notice: Notice, at: float) -> bool:
    """Write a stranger down; return False when the bounds leave no room for it."""
    changed = store.execute(
        "UPDATE stranger SET last_at = ?, requests = requests + ?, ip = ?, net = ?, ua = ?, source = ? WHERE mac = ?",
        (at, notice.count, notice.ip, notice.net, masked(notice.ua), notice.source, notice.mac),
    ).rowcount
    if changed:
        return True
    if int(store.execute("SELECT count(*) FROM stranger WHERE net = ?", (notice.net,)).fetchone()[0]) >= MAX_EACH:
        return False
    if int(store.execute("SELECT count(*) FROM stranger").fetchone()[0]) >= MAX_STRANGERS:
        # A phone that looks for its server comes again and again; whoever came once, longest ago, makes room.
        found = store.execute("SELECT mac FROM stranger ORDER BY CASE WHEN requests > 1 THEN 1 ELSE 0 END, last_at LIMIT 1").fetchone()
        store.execute("DELETE FROM stranger WHERE mac = ?", (found[0],))
    store.execute(
        "INSERT INTO stranger (mac, first_at, last_at, requests, ip, net, ua, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (notice.mac, at, at, notice.count, notice.ip, notice.net, masked(notice.ua), notice.source),
    )
    return True


def read(store: Store) -> Dict[str, Any]:
    """Return ``strangers`` and ``troubles`` (rows, those seen last first), and the totals ``requests`` and ``dropped``."""

    def rows(table: str, names: Sequence[str], order: str) -> List[Dict[str, Any]]:
        found = store.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}").fetchall()  # noqa: S608 - constants
        return [dict(zip(names, row)) for row in found]

    return {
        "strangers": rows("stranger", ("mac", "first_at", "last_at", "requests", "ip", "ua", "source"), "last_at DESC, mac"),
        "troubles": rows("trouble", ("mac", "kind", "first_at", "last_at", "requests", "ip", "ua", "detail"), "last_at DESC, mac, kind"),
        "requests": int(store.meta("stranger_requests") or 0),
        "dropped": int(store.meta("stranger_dropped") or 0),
    }
