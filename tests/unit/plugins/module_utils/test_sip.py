# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.sip import (
    Dialogue,
    SipError,
    Target,
    authorization,
    parse_challenge,
    parse_response,
)

TARGET = Target("reception", "10.0.0.5", 5060, "udp", "101", "pbx.example.com", "101", "s3cret", "check-sync;reboot=false")


def test_a_request_says_who_what_and_where():
    branch, data = Dialogue(TARGET, ("10.0.0.1", 5070)).request()
    head, body = data.split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "NOTIFY sip:101@10.0.0.5:5060 SIP/2.0"
    assert lines[1] == f"Via: SIP/2.0/UDP 10.0.0.1:5070;branch={branch};rport"
    assert "Event: check-sync;reboot=false" in lines
    assert "To: <sip:101@pbx.example.com>" in lines
    assert "Content-Length: 0" in lines
    assert body == b""


def test_a_body_is_counted_in_bytes():
    _branch, data = Dialogue(TARGET._replace(body="ä=1\n", content_type="text/plain"), ("::1", 1)).request()
    assert b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n" in data
    assert b"Via: SIP/2.0/UDP [::1]:1;" in data


def test_every_request_has_its_own_number_and_branch():
    dialogue = Dialogue(TARGET, ("10.0.0.1", 5070))
    (first, one), (second, two) = dialogue.request(), dialogue.request()
    assert first != second
    assert b"CSeq: 1 NOTIFY" in one
    assert b"CSeq: 2 NOTIFY" in two


def test_users_are_escaped_in_uris():
    assert Dialogue(TARGET._replace(user="a b@c"), ("10.0.0.1", 1)).uri == "sip:a%20b%40c@10.0.0.5:5060"


@pytest.mark.parametrize("field", ["user", "domain", "event", "content_type", "auth_user"])
def test_no_value_may_add_a_header(field):
    with pytest.raises(SipError, match="control character"):
        Dialogue(TARGET._replace(**{field: "x\r\nEvent: reboot"}), ("10.0.0.1", 1))


# Made with another implementation: the examples of RFC 7616, section 3.9.1.
RFC_7616 = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


@pytest.mark.parametrize("algorithm", RFC_7616)
def test_challenges_are_answered_as_the_standard_says(algorithm):
    challenge = parse_challenge(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=' + algorithm + ", "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = authorization(challenge, "Mufasa", "Circle of Life", "GET", "/dir/index.html", 1, cnonce)
    fields = parse_challenge(answer)
    assert fields["response"] == RFC_7616[algorithm]
    assert (fields["nc"], fields["qop"], fields["opaque"]) == ("00000001", "auth", challenge["opaque"])
    assert "qop=auth" in answer
    assert 'qop="' not in answer


def test_a_challenge_without_qop_is_answered_the_old_way():
    # RFC 2069's form: MD5(MD5(a:r:p):n:MD5(NOTIFY:sip:x)).
    fields = parse_challenge(authorization(parse_challenge('Digest realm="r", nonce="n"'), "a", "p", "NOTIFY", "sip:x", 1))
    assert fields["response"] == "19bb8ae042f328984ea589912f0cc86b"
    assert "nc" not in fields


def test_the_stronger_hash_is_taken():
    head = (
        "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n"
        'WWW-Authenticate: Digest realm="r", nonce="1", algorithm=MD5\r\nWWW-Authenticate: Digest realm="r", nonce="2", algorithm=SHA-256\r\n\r\n'
    )
    name, value = Dialogue(TARGET, ("10.0.0.1", 1)).answer(parse_response(head.encode()))
    assert name == "Authorization"
    assert 'nonce="2"' in value


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=x",
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r"',
    ],
)
def test_a_challenge_that_is_not_spoken_has_no_answer(challenge):
    head = f"SIP/2.0 407 Proxy Authentication Required\r\nProxy-Authenticate: {challenge}\r\n\r\n"
    assert Dialogue(TARGET, ("10.0.0.1", 1)).answer(parse_response(head.encode())) is None


def test_a_challenge_without_a_password_is_told():
    head = b'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="desk", nonce="n"\r\n\r\n'
    with pytest.raises(SipError, match=r"asks for a password \(realm 'desk'\), and its first line has none"):
        Dialogue(TARGET._replace(password=""), ("10.0.0.1", 1)).answer(parse_response(head))


def test_answers_may_be_compact_and_folded():
    response = parse_response(b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 1.2.3.4\r\n ;branch=z9hG4bKx;rport=5\r\nl: 0\r\n\r\n")
    assert (response.status, response.reason, response.branch) == (200, "OK", "z9hG4bKx")
    assert response.headers["content-length"] == ["0"]


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"SIP/2.0 9000 no\r\n\r\n", b"\xff\xfe"])
def test_what_is_not_sip_is_refused(data):
    with pytest.raises(SipError):
        parse_response(data)
