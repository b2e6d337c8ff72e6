# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The X-Ca signature of Yealink's first JSON service: HMAC-SHA256 over method, signed headers, path and query."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Dict, Mapping
from urllib.parse import parse_qsl, urlsplit


def content_md5(body: bytes) -> str:
    """The Content-MD5 of a body: base64 of the 16 raw bytes. MD5 is what the protocol asks for; the secret is in the HMAC."""
    return base64.b64encode(hashlib.new("md5", body, usedforsecurity=False).digest()).decode()


def string_to_sign(method: str, url: str, headers: Mapping[str, str]) -> str:
    """The text that is signed; no line feed at its end.

    :param url: its path is signed without the leading slash, its query with unencoded values, sorted by name.
    :param headers: the signed ones.
    """
    parts = urlsplit(url)
    lines = [method.upper()] + [f"{name}:{headers[name]}" for name in sorted(headers)] + [parts.path.lstrip("/")]
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    if query:
        lines.append("&".join(f"{name}={value}" if value else name for name, value in query))
    return "\n".join(lines)


def headers(method: str, url: str, key_id: str, secret: str, *, nonce: str, timestamp: int, body: bytes = b"") -> Dict[str, str]:
    """All headers of a signed request.

    :param timestamp: milliseconds since the epoch.
    """
    signed = {"X-Ca-Key": key_id, "X-Ca-Nonce": nonce, "X-Ca-Timestamp": str(timestamp)}
    if body:
        signed["Content-MD5"] = content_md5(body)
    digest = hmac.new(secret.encode(), string_to_sign(method, url, signed).encode(), hashlib.sha256).digest()
    return {**signed, "X-Ca-Signature": base64.b64encode(digest).decode(), "Content-Type": "application/json"}
