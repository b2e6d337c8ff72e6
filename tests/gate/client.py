# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that can be as rude as wanted: raw bytes over TLS, from any of this machine's addresses."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import ssl
import time
from typing import NamedTuple
from urllib.parse import urlsplit

URL = urlsplit(os.environ.get("DIALTONE_GATE_URL", ""))


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    head: str

    @property
    def shape(self) -> tuple:
        """Everything a client can see but the time."""
        return self.status, tuple(sorted((k, v) for k, v in self.headers.items() if k != "date")), self.body


def context(certificate: str = "", key: str = "") -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=os.environ.get("DIALTONE_GATE_CA") or None)
    if certificate:
        made.load_cert_chain(certificate, key)
    return made


_CONTEXT = None


def raw(data: bytes, source: str = "", tls: ssl.SSLContext | None = None) -> Reply:
    """Send bytes and return the reply. From no address of its own, a test waits until the limit on strangers lets it ask again."""
    for _turn in range(100):
        reply = _once(data, source, tls)
        if reply.status != 429 or source:
            break
        time.sleep(0.5)
    return reply


def _once(data: bytes, source: str, tls: ssl.SSLContext | None) -> Reply:
    """Send bytes, read until the server closes or the response is complete."""
    global _CONTEXT
    if _CONTEXT is None:
        _CONTEXT = context()
    host, port = URL.hostname or "", URL.port or 443
    with socket.create_connection((host, port), timeout=20, source_address=(source, 0) if source else None) as plain:
        sock = (tls or _CONTEXT).wrap_socket(plain, server_hostname=host)
        with contextlib.suppress(OSError):
            sock.sendall(data)
        received = b""
        while True:
            try:
                chunk = sock.recv(65536)
            except (ssl.SSLError, ConnectionResetError):
                break
            if not chunk:
                break
            received += chunk
            head, mark, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^content-length: (\d+)", head)
            if mark and length and len(body) >= int(length[1]):
                break
            if mark and (data.startswith(b"HEAD") or b" 304 " in head.split(b"\r\n")[0] or b" 204 " in head.split(b"\r\n")[0]):
                break
    head, _mark, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
    headers = {}
    for line in lines[1:]:
        name, _colon, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Reply(status, headers, body, head.decode("latin-1"))


def fetch(
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    source: str = "",
    tls: ssl.SSLContext | None = None,
    body: bytes = b"",
) -> Reply:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {URL.hostname}", "Connection: close", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, source, tls)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def challenge(reply: Reply) -> dict[str, str]:
    return {k.lower(): v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', reply.headers["www-authenticate"])}


def digest(
    user: str, password: str, given: dict[str, str], path: str, method: str = "GET", count: int = 1, uri: str = "", **change
) -> dict[str, str]:
    """Answer a Digest challenge; anything can be changed to see it refused."""
    algorithm = given.get("algorithm", "MD5")
    hashed = hashlib.md5 if algorithm == "MD5" else hashlib.sha256
    uri = uri or path

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    values = {
        "username": user,
        "realm": given["realm"],
        "nonce": given["nonce"],
        "uri": uri,
        "cnonce": "0a4f113b",
        "qop": "auth",
        "nc": f"{count:08x}",
    }
    ha1, ha2 = h(f"{user}:{given['realm']}:{password}"), h(f"{method}:{uri}")
    values["response"] = h(f"{ha1}:{values['nonce']}:{values['nc']}:{values['cnonce']}:auth:{ha2}")
    values.update(change)
    quoted = ", ".join(f"{k}={v}" if k in ("qop", "nc", "algorithm") else f'{k}="{v}"' for k, v in values.items())
    return {"Authorization": f"Digest {quoted}, algorithm={change.get('algorithm', algorithm)}"}
