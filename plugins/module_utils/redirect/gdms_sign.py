# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of Grandstream's management service: SHA-256 over sorted parameters and the digest of the body."""

from __future__ import annotations

import hashlib
from typing import Mapping


def hashed_password(password: str) -> str:
    """What the token call sends in place of the password; the protocol's choice of digests."""
    inner = hashlib.new("md5", password.encode(), usedforsecurity=False).hexdigest()
    return hashlib.sha256(inner.encode()).hexdigest()


def signature(parameters: Mapping[str, str], body: bytes = b"") -> str:
    """Lower-case hex.

    :param parameters: access_token, client_id, client_secret, timestamp, further query parameters, and the fields of a multipart form, where
        a file takes part as its hex MD5.
    :param body: a JSON body; a multipart body takes no part.
    """
    text = "&" + "&".join(f"{name}={parameters[name]}" for name in sorted(parameters)) + "&"
    if body:
        text += hashlib.sha256(body).hexdigest() + "&"
    return hashlib.sha256(text.encode()).hexdigest()
