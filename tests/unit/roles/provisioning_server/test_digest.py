# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digest logins: what is accepted, what is refused, and when a client is told to try again."""

from __future__ import annotations

import hashlib

import pytest
from dialtone_gate.digest import Nonces, challenge, offered, parse, verify

MAC, URI = "001565aabbcc", "/p/token/001565aabbcc.cfg"
ENTRY = {"user": "d1", "realm": "dialtone", "ha1_md5": hashlib.md5(b"d1:dialtone:secret").hexdigest(), "ha1_sha256": ""}
ENTRY_256 = {"user": "d1", "realm": "dialtone", "ha1_md5": "", "ha1_sha256": hashlib.sha256(b"d1:dialtone:secret").hexdigest()}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nonces(clock) -> Nonces:
    return Nonces(300, clock)


def answer(nonce: str, entry=None, nc: str = "00000001", **change) -> str:
    entry = entry or ENTRY
    hashed = hashlib.md5 if entry["ha1_md5"] else hashlib.sha256
    ha2 = hashed(f"GET:{URI}".encode()).hexdigest()
    response = hashed(f"{entry['ha1_md5'] or entry['ha1_sha256']}:{nonce}:{nc}:abc:auth:{ha2}".encode()).hexdigest()
    values = {"username": "d1", "realm": "dialtone", "nonce": nonce, "uri": URI, "response": response, "cnonce": "abc", **change}
    return "Digest " + ", ".join(f'{k}="{v}"' for k, v in values.items()) + f", qop=auth, nc={nc}, algorithm={offered(entry)}"


def check(header: str, nonces: Nonces, entry=None, strict: bool = True, mac: str = MAC):
    return verify(header, entry or ENTRY, mac, "GET", URI, nonces, strict)


@pytest.mark.parametrize("entry", [ENTRY, ENTRY_256], ids=["MD5", "SHA-256"])
def test_a_right_answer_passes_once_per_count(nonces, entry):
    nonce = nonces.issue(MAC)
    assert check(answer(nonce, entry), nonces, entry).allowed
    again = check(answer(nonce, entry), nonces, entry)
    assert (again.allowed, again.stale) == (False, True)
    assert check(answer(nonce, entry, nc="00000002"), nonces, entry).allowed


def test_counts_may_arrive_out_of_order(nonces):
    nonce = nonces.issue(MAC)
    assert [check(answer(nonce, nc=f"{n:08x}"), nonces).allowed for n in (3, 1, 2)] == [True, True, True]


def test_an_old_nonce_is_stale_and_forgotten(nonces, clock):
    nonce = nonces.issue(MAC)
    assert check(answer(nonce), nonces).allowed
    clock.now += 301
    verdict = check(answer(nonce, nc="00000002"), nonces)
    assert (verdict.allowed, verdict.stale) == (False, True)
    fresh = nonces.issue(MAC)
    clock.now += 2
    assert check(answer(fresh), nonces).allowed
    assert nonce not in nonces._used


def test_a_nonce_of_another_phone_or_process_is_stale(nonces):
    assert check(answer(nonces.issue("001565000001")), nonces).stale
    assert check(answer(Nonces(300).issue(MAC)), nonces).stale


def test_servers_that_share_a_key_accept_each_others_nonces_where_counting_is_not_strict(clock):
    one, other = Nonces(300, clock), Nonces(300, clock)
    for nonces in (one, other):
        nonces.share(b"k" * 32)
    nonce = one.issue(MAC)
    assert check(answer(nonce), other, strict=False).allowed
    assert check(answer(nonce), other, strict=True).stale
    assert check(answer(nonce), one, strict=True).allowed
    assert not check(answer(nonce), other, strict=False, mac="001565000001").allowed
    clock.now += 301
    assert check(answer(nonce), other, strict=False).stale


def test_a_clock_that_was_set_back_fills_no_memory(nonces, clock):
    old = nonces.issue(MAC)
    assert check(answer(old), nonces).allowed
    clock.now -= 900
    assert check(answer(old, nc="00000002"), nonces).stale
    assert check(answer(nonces.issue(MAC)), nonces).allowed
    assert old not in nonces._used


def test_a_wrong_password_is_never_stale(nonces):
    verdict = check(answer("0" * 64, response="0" * 32), nonces)
    assert (verdict.allowed, verdict.stale, verdict.reason) == (False, False, "wrong-password")


def test_a_count_beyond_reason_is_refused(nonces):
    assert not check(answer(nonces.issue(MAC), nc="ffffffff"), nonces).allowed


def test_without_strict_counting_a_count_may_come_again(nonces):
    nonce = nonces.issue(MAC)
    assert [check(answer(nonce), nonces, strict=False).allowed for _try in range(2)] == [True, True]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Digest a="1", b=2', {"a": "1", "b": "2"}),
        ('digest a="1"', {"a": "1"}),
        (r'Digest a="x\"y"', {"a": 'x"y'}),
        ('Digest a="1", A="2"', None),
        ('Digest a="1', None),
        ("Digest a", None),
        ("Digest ,", None),
        ('Digest a="1" b="2"', None),
        ("Basic x", None),
        ("Digest " + "a=1," * 1000, None),
        ("", None),
    ],
)
def test_headers_are_read_strictly(header, expected):
    assert parse(header) == expected


def test_one_algorithm_is_offered():
    assert "algorithm=MD5" in challenge(ENTRY, "n", False)
    assert "algorithm=SHA-256" in challenge(ENTRY_256, "n", True)
    assert challenge(ENTRY, "n", True).endswith("stale=true")
