# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver, SecretError, secret_bytes

SECRET = "5f0c8d1e2a7b4c3d9e6f8a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506"
MAC = "001565aabbcc"
WEAK = {
    "missing": None,
    "empty": "",
    "31 bytes in hex": "ab12" * 15 + "cd",
    "32 characters of base64": "abcdefghijklmnopqrstuvwxyz012345",
    "one character": "x" * 64,
    "a number": 12345,
}


@pytest.mark.parametrize("secret", WEAK.values(), ids=WEAK.keys())
def test_a_missing_or_weak_secret_is_refused_without_being_shown(secret):
    with pytest.raises(SecretError) as refusal:
        secret_bytes(secret)
    assert "random bytes" in str(refusal.value)
    assert not secret or str(secret) not in str(refusal.value)


@pytest.mark.parametrize(
    "secret", [SECRET, base64.b64encode(bytes(range(32))).decode(), base64.urlsafe_b64encode(bytes(range(64))).decode()]
)
def test_32_random_bytes_are_enough_in_hex_and_base64(secret):
    assert secret_bytes(secret)


def test_values_are_stable_and_differ_by_purpose_mac_and_generation():
    one, again = Deriver(SECRET), Deriver(SECRET)
    assert one.home_token(MAC, 1) == again.home_token(MAC, 1)
    values = {
        one.home_token(MAC, 1),
        one.home_token(MAC, 2),
        one.home_token("001565aabbcd", 1),
        one.claim_token(MAC, "epoch", 1),
        one.claim_token(MAC, "other", 1),
    }
    assert len(values) == 5
    assert all(re.fullmatch("[0-9a-f]{40}", value) for value in values)


def test_ssha_is_what_nginx_checks():
    deriver = Deriver(SECRET)
    raw = base64.b64decode(deriver.ssha(MAC, 1)[len("{SSHA}") :])
    assert hashlib.sha1(deriver.http_password(MAC, 1).encode() + raw[20:]).digest() == raw[:20]


def test_ha1_follows_the_digest_rule():
    deriver = Deriver(SECRET)
    expected = hashlib.md5(f"{deriver.http_user(MAC, 1)}:dialtone:{deriver.http_password(MAC, 1)}".encode()).hexdigest()
    assert deriver.ha1(MAC, 1) == expected


def test_admin_password_of_digits_is_a_number_of_nine_digits():
    found = {Deriver(SECRET).admin_password(f"{number:012x}", 1, digits=True) for number in range(50)}
    assert len(found) == 50
    assert all(len(text) == 9 and text.isdigit() and text[0] != "0" for text in found)


def test_admin_password_has_every_common_class():
    password = Deriver(SECRET).admin_password(MAC, 1)
    assert len(password) == 16
    assert re.search("[a-z]", password) and re.search("[A-Z]", password) and re.search("[0-9]", password)


def test_a_shorter_password_is_the_start_of_the_usual_one_for_every_use():
    deriver = Deriver(SECRET)
    password = deriver.http_password(MAC, 1, 20)
    assert len(password) == 20 and deriver.http_password(MAC, 1).startswith(password)
    raw = base64.b64decode(deriver.ssha(MAC, 1, 20)[len("{SSHA}") :])
    assert hashlib.sha1(password.encode() + raw[20:]).digest() == raw[:20]
    assert deriver.ha1(MAC, 1, length=20) == hashlib.md5(f"{deriver.http_user(MAC, 1)}:dialtone:{password}".encode()).hexdigest()


def test_a_pin_has_eight_digits_and_belongs_to_mac_epoch_and_generation():
    deriver = Deriver(SECRET)
    pins = {deriver.claim_pin(MAC, "epoch", 1), deriver.claim_pin(MAC, "epoch", 2), deriver.claim_pin(MAC, "other", 1)}
    assert len(pins) == 3 and all(re.fullmatch("[0-9]{8}", pin) for pin in pins)
