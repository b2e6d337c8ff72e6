# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hawk against the vectors that its specification publishes."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import hawk

URL = "http://example.com:8000/resource/1?b=1&a=2"
KEY = {"key_id": "dh37fgj492je", "key": "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn", "timestamp": 1353832234, "nonce": "j4h3g2"}


def test_the_payload_hash_is_the_published_one():
    assert hawk.payload_hash("text/plain", b"Thank you for flying Hawk") == "Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY="


@pytest.mark.parametrize(
    ("method", "content_type", "body", "mac"),
    [
        ("GET", "", None, "6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="),
        ("POST", "text/plain; charset=utf-8", b"Thank you for flying Hawk", "aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw="),
    ],
)
def test_the_mac_is_the_published_one(method, content_type, body, mac):
    header = hawk.header(method, URL, content_type=content_type, body=body, ext="some-app-ext-data", **KEY)
    assert f'mac="{mac}"' in header
    assert header.startswith('Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2"')


def test_the_default_port_is_signed_when_the_url_has_none():
    assert "\nexample.com\n443\n" in hawk.normalized("GET", "https://EXAMPLE.com/", 1, "n", "")
