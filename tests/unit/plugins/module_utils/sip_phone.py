# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A phone for tests: it listens on a real socket of this machine and answers NOTIFY as it is told to."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading


class SipPhone:
    """Answers on UDP, TCP or TLS.

    ``script``: one word for each request that comes, the last for all that follow: ``ok``, ``silent``, ``challenge`` (asks for the password),
    ``stale`` (accepts the second nonce only), ``proxy`` (a proxy in front asks for the password, then the phone), ``trying``, ``garbage``,
    ``stranger`` (another branch), ``close`` (hangs up), or the status to answer.
    """

    def __init__(self, *script, transport="udp", password="s3cret", algorithm="MD5", context=None):
        self.script, self.password, self.algorithm = list(script) or ["ok"], password, algorithm
        self.requests: list[dict[str, str]] = []
        self.transport = transport
        self._context = context
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._socket.settimeout(0.05)
        if transport != "udp":
            self._socket.listen(8)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._datagrams if transport == "udp" else self._streams, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exc):
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _datagrams(self):
        while not self._stop.is_set():
            try:
                data, sender = self._socket.recvfrom(65536)
            except socket.timeout:  # noqa: UP041 - another error before Python 3.10
                continue
            for answer in self.answers(data) or ():
                self._socket.sendto(answer, sender)

    def _streams(self):
        while not self._stop.is_set():
            try:
                raw, _sender = self._socket.accept()
            except socket.timeout:  # noqa: UP041 - another error before Python 3.10
                continue
            raw.settimeout(2)
            try:
                with self._context.wrap_socket(raw, server_side=True) if self._context else raw as connection:
                    while not self._stop.is_set():
                        data = connection.recv(65536)
                        answers = self.answers(data) if data else None
                        if answers is None:
                            break
                        for answer in answers:
                            connection.sendall(answer)
            except (OSError, ssl.SSLError):
                continue

    def answers(self, data):
        """Return what to send back; nothing at all to hang up."""
        if not data.startswith(b"NOTIFY "):
            return None
        head, _end, body = data.decode().partition("\r\n\r\n")
        first, *rest = head.split("\r\n")
        request = {"": first, "body": body, **{name.lower(): value.strip() for name, value in (line.split(":", 1) for line in rest)}}
        self.requests.append(request)
        word = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if word in ("silent", "close"):
            return [] if word == "silent" else None
        if word == "garbage":
            return [b"\x00\xff no sip\r\n\r\n"]
        if word == "stranger":
            return [self._answer({**request, "via": "SIP/2.0/UDP x;branch=z9hG4bKother"}, "200 OK")]
        if word == "trying":
            return [self._answer(request, "100 Trying"), self._answer(request, "200 OK")]
        if word == "proxy" and not self._right(request.get("proxy-authorization", "")):
            offer = f'Proxy-Authenticate: Digest realm="front", nonce="front", qop="auth", algorithm={self.algorithm}'
            return [self._answer(request, "407 Proxy Authentication Required", offer)]
        if word in ("challenge", "stale", "proxy"):
            return [self._challenged(request, word)]
        return [self._answer(request, "200 OK" if word == "ok" else word)]

    def _challenged(self, request, word):
        nonce = f"nonce{len(self.requests)}"
        fields = self._fields(request.get("authorization", ""))
        offer = f'WWW-Authenticate: Digest realm="desk", nonce="{nonce}", qop="auth", algorithm={self.algorithm}'
        if not fields:
            return self._answer(request, "401 Unauthorized", offer)
        if word == "stale" and fields["nonce"] == "nonce1":
            return self._answer(request, "401 Unauthorized", offer + ", stale=TRUE")
        right = fields["response"] == self._response(fields)
        return self._answer(request, "200 OK") if right else self._answer(request, "401 Unauthorized", offer)

    @staticmethod
    def _fields(given):
        return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', given)}

    def _right(self, given):
        fields = self._fields(given)
        return bool(fields) and fields["response"] == self._response(fields, "front")

    def _response(self, fields, realm="desk"):
        def digest(*parts):
            return hashlib.new(self.algorithm.replace("-", "").lower(), ":".join(parts).encode()).hexdigest()

        ha1 = digest(fields["username"], realm, self.password)
        return digest(ha1, fields["nonce"], fields["nc"], fields["cnonce"], "auth", digest("NOTIFY", fields["uri"]))

    @staticmethod
    def _answer(request, status, *more):
        names = ("via", "from", "to", "call-id", "cseq")
        copied = [f"{name.title()}: {request[name]}" for name in names]
        return "\r\n".join([f"SIP/2.0 {status}", *copied, *more, "Content-Length: 0", "", ""]).encode()
