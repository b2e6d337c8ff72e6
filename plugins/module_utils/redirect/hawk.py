# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hawk, the signed HTTP authentication of Snom's and Gigaset's services: HMAC-SHA256 over the request, with a hash of the payload.

The public host and port are signed, so behind a proxy that rewrites them every signature is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Optional
from urllib.parse import urlsplit


def payload_hash(content_type: str, body: bytes) -> str:
    """The hash of a payload: type in lower case without parameters, and the body, each ended by a line feed."""
    kind = content_type.split(";")[0].strip().lower()
    return base64.b64encode(hashlib.sha256(b"hawk.1.payload\n" + kind.encode() + b"\n" + body + b"\n").digest()).decode()


def normalized(method: str, url: str, timestamp: int, nonce: str, hashed: str, ext: str = "") -> str:
    """The text that is signed; every line ends in a line feed, the last too."""
    parts = urlsplit(url)
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    lines = ("hawk.1.header", str(timestamp), nonce, method.upper(), resource, (parts.hostname or "").lower(), str(port), hashed, ext)
    return "".join(line + "\n" for line in lines)


def header(
    method: str,
    url: str,
    key_id: str,
    key: str,
    *,
    timestamp: int,
    nonce: str,
    content_type: str = "",
    body: Optional[bytes] = b"",
    ext: str = "",
) -> str:
    """The value of an Authorization header.

    :param timestamp: seconds since the epoch.
    :param body: None leaves the payload out of the signature.
    """
    hashed = "" if body is None else payload_hash(content_type, body)
    text = normalized(method, url, timestamp, nonce, hashed, ext)
    mac = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
    fields = [("id", key_id), ("ts", str(timestamp)), ("nonce", nonce), ("hash", hashed), ("ext", ext), ("mac", mac)]
    return "Hawk " + ", ".join(f'{name}="{value}"' for name, value in fields if value)
