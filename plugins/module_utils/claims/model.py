# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the store and the one decision that everything else serves: may this request pass?"""

from __future__ import annotations

import functools
import ipaddress
from typing import NamedTuple, Optional

from .clock import Moment, elapsed

ARMED, CLAIMED, SPENT, UNLOCKED, LOCKED, RETIRED = "armed", "claimed", "spent", "unlocked", "locked", "retired"
STATES = (ARMED, CLAIMED, SPENT, UNLOCKED, LOCKED, RETIRED)
MAX_REOPEN = 1800
MAX_PIN_FAILURES = 5


class StoreError(Exception):
    """The store cannot be used; nothing is open while it lasts. The message is one sentence and names the store."""


class StoreMissing(StoreError):
    """There is no store at all, or an empty file: nothing was ever armed here, or everything that is known was lost."""


class Row(NamedTuple):
    """One phone's claim, as stored."""

    mac: str
    claim_generation: int
    token_sha256: Optional[str]
    state: str
    window: int
    armed_at: Optional[float] = None
    armed_by: str = ""
    reason: str = ""
    pin_sha256: Optional[str] = None
    pin_failures: int = 0
    claimed_at: Optional[float] = None
    claimed_boot: str = ""
    claimed_uptime: float = 0.0
    claim_net: str = ""
    claim_ip: str = ""
    claim_ua: str = ""
    claim_cert: str = ""
    ended_at: Optional[float] = None
    ended_by: str = ""
    reopen_at: Optional[float] = None
    reopen_boot: str = ""
    reopen_uptime: float = 0.0
    reopen_window: int = 0
    reopen_net: str = ""
    scope: str = "all"


class ClaimRequest(NamedTuple):
    """A request for a claim URL, after everything that needs no state (networks, certificate, method) has been checked."""

    token_sha256: str
    net: str
    ip: str = ""
    ua: str = ""
    cert: str = ""
    first_file: bool = False
    pin_sha256: str = ""


class Decision(NamedTuple):
    """The answer to a request: ``reason`` is for the log and never for the client. ``claim`` means: allowed if the conditional write wins."""

    allowed: bool
    reason: str
    mac: str = ""
    claim: bool = False


def window_left(row: Row, moment: Moment) -> float:
    """Return the seconds for which a claim stays open; zero or less when it is not open."""
    if row.state != CLAIMED or row.claimed_at is None:
        return 0.0
    age = elapsed(Moment(row.claimed_at, row.claimed_boot, row.claimed_uptime), moment)
    return row.window - age if age >= 0 else 0.0


def state_of(row: Row, moment: Moment) -> str:
    """Return the state in force: a claim past its window is spent, whether or not anybody has written so."""
    return SPENT if row.state == CLAIMED and window_left(row, moment) <= 0 else row.state


def is_reopened(row: Row, net: str, moment: Moment) -> bool:
    """Tell whether an operator has reopened the URL for this address and the time given is not over."""
    if row.state not in (SPENT, CLAIMED) or row.reopen_at is None or row.reopen_net != net:
        return False
    age = elapsed(Moment(row.reopen_at, row.reopen_boot, row.reopen_uptime), moment)
    return 0 <= age < min(row.reopen_window, MAX_REOPEN)


def decide(row: Optional[Row], request: ClaimRequest, moment: Moment) -> Decision:
    """Decide about a request for a claim URL from the row that its token names."""
    if row is None:
        return Decision(False, "unknown")
    if not request.net:
        # Two clients whose addresses cannot be told are not the same client.
        return Decision(False, "address", row.mac)
    if is_reopened(row, request.net, moment):
        return Decision(True, "reopened", row.mac)
    state = state_of(row, moment)
    if state == CLAIMED:
        same = row.claim_net == request.net
        return Decision(same, "window" if same else "other-address", row.mac)
    if state != ARMED:
        return Decision(False, state, row.mac)
    if not request.first_file:
        return Decision(False, "not-a-first-file", row.mac)
    if row.pin_sha256 is not None and not request.pin_sha256:
        return Decision(False, "pin", row.mac)
    return Decision(True, "claim", row.mac, claim=True)


# The same phones ask again and again, and this costs more than the rest of a decision.
@functools.lru_cache(maxsize=4096)
def network_of(address: str, v4: int = 32, v6: int = 64) -> str:
    """Return what counts as the same address: an IPv6 host owns its /64, and a carrier's pool can be given as a shorter prefix.

    :raises ValueError: not an address.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{v4 if ip.version == 4 else v6}", strict=False))
