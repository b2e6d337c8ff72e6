# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP Digest (RFC 7616), strict: a nonce belongs to a device and a time, and each count of it is used once.

What was counted for a nonce is known to the process that issued it. A nonce of another process (before a restart, or of another server that shares the
key) is stale where counting is strict, and good where it is not; clients ask again by themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

_PARAMETER = re.compile(r'\s*([A-Za-z][A-Za-z0-9*_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9!#$%&\'*+.^_`|~/:-]+))\s*(?:,|\Z)')
_ESCAPED = re.compile(r"\\(.)")
_NONCE = re.compile(r"[0-9a-f]{64}")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")
_ALGORITHMS = {"MD5": ("ha1_md5", hashlib.md5), "SHA-256": ("ha1_sha256", hashlib.sha256)}
_NEEDED = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce")
# A boot takes a dozen requests and polling is slower than a nonce's life; the bitmap of a nonce stays this small.
_MAX_COUNT = 1024
_MAX_NONCES = 100_000
# How far the clocks of servers that share a key may differ, in seconds.
_SKEW = 30


class Verdict(NamedTuple):
    """The outcome of a login: ``stale`` only ever goes with a correct response."""

    allowed: bool
    reason: str
    stale: bool = False


class Nonces:
    """Issues nonces and remembers which counts of each were used."""

    def __init__(self, lifetime: int, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._own = secrets.token_hex(4)
        self._lifetime = lifetime
        self._clock = clock
        self._used: OrderedDict[str, int] = OrderedDict()

    def issue(self, mac: str) -> str:
        head = f"{int(self._clock()):08x}{self._own}{secrets.token_hex(8)}"
        return head + self._mark(head, mac)

    def share(self, key: bytes) -> None:
        """Issue nonces that every server with this key accepts; those issued so far become stale."""
        self._key = key

    def is_valid(self, nonce: str, mac: str, own: bool) -> bool:
        """Tell whether a nonce was issued for this phone and is not too old.

        :param own: by this very process, which knows what was counted for it.
        """
        head, mark = nonce[:32], nonce[32:]
        if not _NONCE.fullmatch(nonce) or not hmac.compare_digest(mark, self._mark(head, mac)):
            return False
        age = self._clock() - int(head[:8], 16)
        if own or head[8:16] == self._own:
            return head[8:16] == self._own and 0 <= age <= self._lifetime
        return -_SKEW <= age <= self._lifetime

    def use(self, nonce: str, count: int) -> bool:
        """Mark a count of a valid nonce as used; return False when it was used before or nothing more can be remembered."""
        self._forget()
        seen = self._used.get(nonce)
        if not 0 < count <= _MAX_COUNT or (seen is None and len(self._used) >= _MAX_NONCES):
            return False
        if seen is not None and seen >> count & 1:
            return False
        self._used[nonce] = (seen or 0) | 1 << count
        return True

    def _forget(self) -> None:
        # Entries are in the order of first use, which is nearly that of issue: good enough to stop at the first that lives.
        now = self._clock()
        while self._used:
            oldest = next(iter(self._used))
            # A nonce from the future, after the clock was set back, is of no use to anybody either.
            if -_SKEW <= now - int(oldest[:8], 16) <= self._lifetime + 1:
                return
            del self._used[oldest]

    def _mark(self, head: str, mac: str) -> str:
        return hmac.digest(self._key, f"{head}:{mac}".encode(), "sha256").hex()[:32]


def offered(entry: Mapping[str, Any]) -> str:
    """Return the one algorithm a phone is offered: several challenges at once confuse clients. MD5 wherever its HA1 is known."""
    return "MD5" if entry.get("ha1_md5") else "SHA-256"


def challenge(entry: Mapping[str, Any], nonce: str, stale: bool) -> str:
    """Return the value of WWW-Authenticate."""
    tail = ", stale=true" if stale else ""
    return f'Digest realm="{entry["realm"]}", qop="auth", algorithm={offered(entry)}, nonce="{nonce}"{tail}'


def parse(header: str) -> Optional[Dict[str, str]]:
    """Return the parameters of an Authorization header, or nothing when it is not Digest, malformed, or names something twice."""
    scheme, _blank, rest = header.partition(" ")
    if scheme.lower() != "digest" or len(header) > 2048:
        return None
    found: Dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if not match:
            return None
        name, quoted, bare = match.groups()
        name = name.lower()
        if name in found:
            return None
        found[name] = bare if quoted is None else _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted
        position = match.end()
    return found


def verify(header: str, entry: Mapping[str, Any], mac: str, method: str, uri: str, nonces: Nonces, strict_nc: bool) -> Verdict:
    """Check a login against a home entry of the release (user, realm, ha1_md5, ha1_sha256)."""
    if not header:
        return Verdict(False, "no-credentials")
    given = parse(header)
    if (
        given is None
        or any(not given.get(name) for name in _NEEDED)
        or "username*" in given
        or given.get("userhash", "false").lower() != "false"
    ):
        return Verdict(False, "malformed")
    if given["username"] != entry["user"] or given["realm"] != entry["realm"]:
        return Verdict(False, "wrong-user")
    if given["uri"] != uri:
        return Verdict(False, "other-uri")
    if given["qop"].lower() != "auth" or not _COUNT.fullmatch(given["nc"]):
        return Verdict(False, "malformed")
    algorithm = offered(entry)
    if given.get("algorithm", "MD5").upper() != algorithm:
        return Verdict(False, "other-algorithm")
    key, digest = _ALGORITHMS[algorithm]
    ha2 = digest(f"{method}:{uri}".encode()).hexdigest()
    text = f"{entry[key]}:{given['nonce']}:{given['nc']}:{given['cnonce']}:{given['qop']}:{ha2}"
    if not hmac.compare_digest(digest(text.encode()).hexdigest().encode(), given["response"].lower().encode()):
        return Verdict(False, "wrong-password")
    if not nonces.is_valid(given["nonce"], mac, strict_nc):
        return Verdict(False, "stale", stale=True)
    # Without strict counting a nonce may be replayed for as long as it lives, and only for this very request.
    if not nonces.use(given["nonce"], int(given["nc"], 16)) and strict_nc:
        return Verdict(False, "replay", stale=True)
    return Verdict(True, "digest")
