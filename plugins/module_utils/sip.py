# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIP messages as far as one NOTIFY needs them: written, read, and signed for a challenge (RFC 3261, RFC 6665, RFC 8760).

Nothing here opens a socket.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import typing as t
from urllib.parse import quote

_BRANCH = "z9hG4bK"  # RFC 3261, section 8.1.1.7: what marks a branch as unique
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9-]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)')
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?")
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length", "o": "event"}
# RFC 3261, section 25.1: what a user part may hold without being escaped.
_USER_SAFE = "-_.!~*'()&=+$,;?/"


class SipError(Exception):
    """A message can't be written or read; the text is a clause that fits behind a colon."""


class Target(t.NamedTuple):
    """One phone to be notified.

    ``address`` is empty where a PBX knows it; ``password`` is that of the line, for a phone that asks for one, and may be empty.
    ``routed``: ``address`` is that of a proxy, which finds the phone by its line.
    """

    host: str
    address: str
    port: int
    transport: str  # udp, tcp or tls
    user: str
    domain: str
    auth_user: str
    password: str
    event: str
    content_type: str = ""
    body: str = ""
    routed: bool = False


class Outcome(t.NamedTuple):
    """What became of one notification.

    ``state``: ``accepted`` by the phone, ``sent`` by a PBX that doesn't tell more, ``refused``, or ``unreachable``. ``status``: the phone's last
    answer, 0 without one.
    """

    state: str
    status: int
    msg: str


class Response(t.NamedTuple):
    """An answer: status, reason, and headers by lower-case name, each with all its values."""

    status: int
    reason: str
    headers: t.Dict[str, t.List[str]]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via, which names the request; empty when there is none."""
        found = re.search(r";\s*branch\s*=\s*([^\s;,]+)", (self.headers.get("via") or [""])[0], re.IGNORECASE)
        return found.group(1) if found else ""


def bracketed(address: str) -> str:
    """Return an address as a URI holds it."""
    return f"[{address}]" if ":" in address else address


def reason_of(exc: OSError) -> str:
    """Return why a socket failed, in the system's words; asyncio puts its own, with the address once more, in their place."""
    return os.strerror(exc.errno) if exc.errno and exc.errno > 0 else type(exc).__name__


class Dialogue:
    """The requests of one notification: they share Call-ID and tag, and each has a number and a branch of its own."""

    def __init__(self, target: Target, local: t.Tuple[str, int], proxy: t.Tuple[str, str] = ("", "")) -> None:
        """
        :param proxy: user and password for a proxy that asks who we are; the line's own where there is no user.
        :raises SipError: a value holds a control character.
        """
        self._target = target
        self._proxy = proxy if proxy[0] else (target.auth_user, target.password)
        self._local = f"{bracketed(local[0])}:{local[1]}"
        self._tag = secrets.token_hex(8)
        self._call_id = secrets.token_hex(16)
        self._number = 0
        self._nonce_count: t.Dict[str, int] = {}
        transport = "" if target.transport == "udp" else ";transport=" + target.transport
        user = quote(target.user, safe=_USER_SAFE)
        aor = f"sip:{user}@{bracketed(target.domain or target.address)}"
        self.uri = aor if target.routed else f"sip:{user}@{bracketed(target.address)}:{target.port}{transport}"
        self._aor = f"<{aor}>"
        for value in (target.address, target.user, target.domain, target.event, target.content_type, *self._proxy, target.auth_user):
            if re.search(r"[\x00-\x1f\x7f]", value):
                raise SipError("a value of the notification holds a control character")

    def request(self, authorization: t.Sequence[t.Tuple[str, str]] = ()) -> t.Tuple[str, bytes]:
        """Return the branch and the bytes of the next request."""
        self._number += 1
        branch = _BRANCH + secrets.token_hex(12)
        target = self._target
        body = target.body.encode()
        transport = target.transport.upper()
        lines = [
            f"NOTIFY {self.uri} SIP/2.0",
            f"Via: SIP/2.0/{transport} {self._local};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {self._aor};tag={self._tag}",
            f"To: {self._aor}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {self._number} NOTIFY",
            "Contact: <sip:dialtone@{}{}>".format(self._local, "" if target.transport == "udp" else ";transport=" + target.transport),
            "User-Agent: dialtone.phones",
            f"Event: {target.event}",
            "Subscription-State: terminated",
        ]
        lines += ["{}: {}".format(*header) for header in authorization]
        if body:
            lines.append("Content-Type: {}".format(target.content_type or "text/plain"))
        lines.append(f"Content-Length: {len(body)}")
        return branch, "\r\n".join([*lines, "", ""]).encode() + body

    def answer(self, response: Response) -> t.Optional[t.Tuple[str, str]]:
        """Return the header that answers a challenge, or nothing when it asks for something we don't speak.

        :raises SipError: the phone has no password to answer with.
        """
        proxy = response.status == 407
        offers = [parse_challenge(text) for text in response.headers.get("proxy-authenticate" if proxy else "www-authenticate", ())]
        known = [offer for offer in offers if offer and _algorithm(offer)[0] in _HASHES and offer.get("nonce")]
        # Servers put what they like best first (RFC 8760); a stronger hash is taken wherever it stands.
        known.sort(key=lambda offer: _algorithm(offer)[0] != "SHA-256")
        known = [offer for offer in known if "qop" not in offer or "auth" in re.split(r"[\s,]+", offer["qop"].lower())]
        if not known:
            return None
        user, password = self._proxy if proxy else (self._target.auth_user, self._target.password)
        if not password:
            raise SipError("asks for a password (realm {!r}), and its first line has none".format(known[0].get("realm", "")))
        count = self._nonce_count[known[0]["nonce"]] = self._nonce_count.get(known[0]["nonce"], 0) + 1
        value = authorization(known[0], user, password, "NOTIFY", self.uri, count)
        return ("Proxy-Authorization" if proxy else "Authorization"), value


def options(address: str, port: int, transport: str, local: t.Tuple[str, int]) -> t.Tuple[str, bytes]:
    """Return the branch and the bytes of a request that every SIP server answers, if only with a refusal."""
    branch = _BRANCH + secrets.token_hex(12)
    here, there = f"{bracketed(local[0])}:{local[1]}", f"sip:{bracketed(address)}:{port}"
    lines = [
        "OPTIONS {}{} SIP/2.0".format(there, "" if transport == "udp" else ";transport=" + transport),
        f"Via: SIP/2.0/{transport.upper()} {here};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: <sip:dialtone@{here}>;tag={secrets.token_hex(8)}",
        f"To: <{there}>",
        f"Call-ID: {secrets.token_hex(16)}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:dialtone@{here}>",
        "User-Agent: dialtone.phones",
        "Content-Length: 0",
    ]
    return branch, "\r\n".join([*lines, "", ""]).encode()


def parse_response(data: bytes) -> Response:
    """Return the head of an answer.

    :raises SipError: it is no SIP answer.
    """
    text = data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")
    lines = re.sub(r"\r\n[ \t]+", " ", text).split("\r\n")
    first = _STATUS.fullmatch(lines[0])
    if not first:
        raise SipError("answered something that is not SIP")
    headers: t.Dict[str, t.List[str]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers.setdefault(_COMPACT.get(name, name), []).append(value.strip())
    return Response(int(first.group(1)), (first.group(2) or "").strip()[:80], headers)


def parse_challenge(text: str) -> t.Dict[str, str]:
    """Return the parameters of a Digest challenge by lower-case name; nothing for another scheme."""
    scheme, _space, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    found = {}
    for name, value in _PARAMETER.findall(rest):
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found[name.lower()] = value
    return found


def _algorithm(challenge: t.Mapping[str, str]) -> t.Tuple[str, bool]:
    """Return the hash of a challenge, and whether it is the session variant."""
    name = challenge.get("algorithm", "MD5").upper()
    session = name.endswith("-SESS")
    return (name[:-5] if session else name), session


def authorization(
    challenge: t.Mapping[str, str], user: str, password: str, method: str, uri: str, count: int, cnonce: t.Optional[str] = None
) -> str:
    """Return the value of the header that answers a Digest challenge (RFC 7616).

    :param count: how many times this nonce was used, this time included.
    :param cnonce: the client's nonce; random by default.
    """
    name, session = _algorithm(challenge)
    cnonce = cnonce or secrets.token_hex(8)
    realm, nonce = challenge.get("realm", ""), challenge["nonce"]

    def digest(text: str) -> str:
        return _HASHES[name](text.encode()).hexdigest()

    ha1 = digest(f"{user}:{realm}:{password}")
    if session:
        ha1 = digest(f"{ha1}:{nonce}:{cnonce}")
    ha2 = digest(f"{method}:{uri}")
    parts = [("username", user), ("realm", realm), ("nonce", nonce), ("uri", uri)]
    plain = [("algorithm", challenge["algorithm"])] if "algorithm" in challenge else []
    if "qop" in challenge:
        response = digest(f"{ha1}:{nonce}:{count:08x}:{cnonce}:auth:{ha2}")
        parts.append(("cnonce", cnonce))
        plain += [("qop", "auth"), ("nc", f"{count:08x}")]
    else:
        response = digest(f"{ha1}:{nonce}:{ha2}")
        if session:
            parts.append(("cnonce", cnonce))
    parts.append(("response", response))
    if "opaque" in challenge:
        parts.append(("opaque", challenge["opaque"]))
    quoted = ['{}="{}"'.format(key, re.sub(r'(["\\])', r"\\\1", value)) for key, value in parts]
    text = "Digest " + ", ".join(quoted + [f"{key}={value}" for key, value in plain])
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise SipError("asks with a challenge that holds a control character")
    return text
