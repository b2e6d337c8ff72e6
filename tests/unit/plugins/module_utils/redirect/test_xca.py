# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The X-Ca signature against the vendor's check values."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import xca


@pytest.mark.parametrize(
    ("body", "digest"), [(b'{"key":"TestServer","skip":0}', "SsPhq3/DEuS3yHj3kYOV9w=="), (b"abc", "kAFQmDzST7DWlj99KOF/cg==")]
)
def test_content_md5_is_the_published_one(body, digest):
    assert xca.content_md5(body) == digest


def test_the_string_to_sign_has_the_published_lines():
    body = b'{"key":"TestServer","skip":0}'
    url = "https://dm.yealink.com/api/open/v1/server/list"
    made = xca.headers("POST", url, "example-key", "secret", nonce="nonce", timestamp=1544008291631, body=body)
    text = "POST\nContent-MD5:SsPhq3/DEuS3yHj3kYOV9w==\nX-Ca-Key:example-key\nX-Ca-Nonce:nonce\nX-Ca-Timestamp:1544008291631\napi/open/v1/server/list"
    signed = {name: value for name, value in made.items() if name.startswith(("X-Ca-K", "X-Ca-N", "X-Ca-T", "Content-MD5"))}
    assert xca.string_to_sign("post", url, signed) == text
    assert made["X-Ca-Signature"] == base64.b64encode(hmac.new(b"secret", text.encode(), hashlib.sha256).digest()).decode()


def test_a_query_is_signed_sorted_unencoded_and_without_a_sign_for_a_blank():
    text = xca.string_to_sign("GET", "https://x/api/a?mac=00%3A15&b=&a=1", {"X-Ca-Key": "k"})
    assert text == "GET\nX-Ca-Key:k\napi/a\na=1&b&mac=00:15"


def test_no_body_no_digest():
    assert "Content-MD5" not in xca.headers("GET", "https://x/", "k", "s", nonce="n", timestamp=1)
