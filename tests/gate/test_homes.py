# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Homes: each phone its own files, whatever a client sends."""

from __future__ import annotations

import os
import re
import time

import pytest

from . import release
from .client import basic, challenge, digest, fetch, raw
from .release import credentials, home_token, mac_of

MAC = mac_of(release.BASIC)
TOKEN = home_token(MAC)
OTHER = mac_of(release.OTHER)


def path(number: int = release.BASIC, name: str = "", generation: int = 1) -> str:
    return f"/p/{home_token(mac_of(number), generation)}/{name or mac_of(number) + '.cfg'}"


def own(number: int = release.BASIC, generation: int = 1) -> dict[str, str]:
    return basic(*credentials(mac_of(number), generation))


@pytest.fixture(autouse=True)
def _released(gate):
    # Limits count over the whole run; this leaves room for each test.
    time.sleep(0.02)


def test_a_phone_gets_its_own_file_with_its_own_credentials():
    reply = fetch(path(), headers=own())
    assert (reply.status, reply.body) == (200, release.content(MAC, f"{MAC}.cfg"))


def test_a_local_file_is_kept_for_good_and_served_in_ranges():
    reply = fetch(path(name=release.ASSET), headers=own())
    whole = release.content(MAC, release.ASSET)
    assert (reply.status, reply.body) == (200, whole)
    assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert reply.headers["etag"] and reply.headers["last-modified"] and reply.headers["accept-ranges"] == "bytes"
    part = fetch(path(name=release.ASSET), headers={**own(), "Range": "bytes=100-", "If-Range": reply.headers["etag"]})
    assert (part.status, part.body, part.headers["content-range"]) == (206, whole[100:], f"bytes 100-{len(whole) - 1}/{len(whole)}")
    same = fetch(path(name=release.ASSET.upper()), headers={**own(), "If-None-Match": reply.headers["etag"]})
    assert (same.status, same.body) == (304, b"")


def test_another_phones_local_file_is_the_same_404():
    missing = fetch(path(number=release.OTHER, name="missing.png"), headers=own(release.OTHER))
    foreign = fetch(path(number=release.OTHER, name=release.ASSET), headers=own(release.OTHER))
    assert (foreign.status, foreign.body) == (missing.status, missing.body) == (404, b"not found\n")
    assert foreign.headers["cache-control"] == "private, no-cache"
    assert fetch(path(name=release.ASSET)).status == 401


@pytest.mark.parametrize("name", [f"{MAC.upper()}.cfg", f"{MAC}.CFG", f"SEP{MAC.upper()}.cnf.xml", "Y000000000000.Boot"])
def test_names_in_any_case_are_the_file(name):
    assert fetch(path(name=name), headers=own()).status == 200


@pytest.mark.parametrize(
    "name",
    [
        f"{OTHER}.cfg",
        "missing.cfg",
        ".hidden",
        "%2ehidden",
        "link.cfg",
        "",
        ".",
        "..",
        f"..%2f{OTHER}%2f{OTHER}.cfg",
        f"../{OTHER}/{OTHER}.cfg",
        f"..%5c{OTHER}.cfg",
        f"%2e%2e/{OTHER}/{OTHER}.cfg",
        f"..;/{OTHER}.cfg",
        f"{MAC}.cfg%0a",
        f"{MAC}.cfg%0d%0a",
        f"{MAC}.cfg%00",
        f"{MAC}.cfg%00.xml",
        f"{MAC}.cfg/",
        f"{MAC}.cfg/x",
        f"{MAC}.cfg%20",
        f"{MAC}.cfg::$DATA",
        f"{MAC}.cfg~",
        f"{MAC[:6]}-{MAC[6:]}.cfg",
        ":".join(re.findall("..", MAC)) + ".cfg",
        "-".join(re.findall("..", MAC)) + ".cfg",
        "%c0%ae%c0%ae/x",
        "a" * 101,
        "*",
        "@.cfg",
        "${dialtone_mac}.cfg",
        "$dialtone_mac.cfg",
    ],
)
def test_no_spelling_reaches_anything_else(name):
    reply = fetch(path(name="x")[:-1] + name, headers=own())
    assert reply.status == 404
    assert b"sip-password" not in reply.body


@pytest.mark.parametrize(
    "target",
    [
        f"/p/{TOKEN.upper()}/{MAC}.cfg" if TOKEN.upper() != TOKEN else "/",
        f"/p/{TOKEN[:-1]}/{MAC}.cfg",
        f"/p/{TOKEN}0/{MAC}.cfg",
        f"/P/{TOKEN}/{MAC}.cfg",
        f"/p/{TOKEN}%0a/{MAC}.cfg",
        f"/c/{TOKEN}/{MAC}.cfg",
        f"/p/{TOKEN}",
        f"/p/{TOKEN}/",
        "/p/",
        "/_dialtone/basic",
        "/_dialtone/open",
        "/_dialtone/ask_home",
        "/_dialtone/404",
        "/_dialtone/refused",
        "/current/gate/tokens.map",
        "/gate/tokens.map",
        f"/phones/{MAC}/{MAC}.cfg",
        f"/p/{'0' * 40}/../{TOKEN}x/{MAC}.cfg",
        "/nothing",
        "/server-status",
        "/.git/config",
    ],
)
def test_other_urls_do_not_exist(target):
    assert fetch(target, headers=own()).status == 404


@pytest.mark.parametrize(
    "method",
    ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "MOVE", "COPY", "CONNECT", "GETX", "get", "G\x01T"],
)
def test_other_verbs_are_refused(method):
    reply = fetch(path(), method=method, headers=own())
    assert reply.status in (404, 0)
    assert b"sip-password" not in reply.body


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + "A" * 3000,
        "Basic Og==",
        "Basic AAAA",
        "Bearer x",
        "Digest",
        "Digest ,,,",
        'Digest username="x',
        "Negotiate YII=",
        "Basic " + "\xff" * 20,
        basic(credentials(MAC)[0], "wrong")["Authorization"],
        basic("wrong", credentials(MAC)[1])["Authorization"],
        basic(credentials(OTHER)[0], credentials(OTHER)[1])["Authorization"],
        basic(credentials(MAC)[0], credentials(MAC)[1] + " ")["Authorization"],
        basic(credentials(MAC)[0], credentials(MAC)[1][:-1])["Authorization"],
    ],
)
def test_wrong_and_malformed_logins_are_answered_with_a_challenge(value):
    reply = fetch(path(), headers={"Authorization": value})
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Basic realm="dialtone"'


def test_two_authorization_headers_are_refused():
    good = own()["Authorization"]
    for pair in ((good, good), (good, "Basic AAAA"), ("Basic AAAA", good)):
        request = f"GET {path()} HTTP/1.1\r\nHost: x\r\nAuthorization: {pair[0]}\r\nAuthorization: {pair[1]}\r\nConnection: close\r\n\r\n"
        assert raw(request.encode()).status in (400, 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.1"},
        {"X-Real-IP": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"X-Gate-Address": "192.0.2.1"},
        {"X-Gate-Device": MAC},
        {"X-Gate-Mac": MAC, "X-Gate-Token": TOKEN},
        {"X-Gate-Verify": "SUCCESS"},
        {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": f"CN={mac_of(release.REQUIRE)}"},
        {"X-Accel-Redirect": f"/p/{TOKEN}/{MAC}.cfg"},
        {"X-Original-URL": f"/p/{TOKEN}/{MAC}.cfg"},
        {"X-HTTP-Method-Override": "GET"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_cannot_claim_another_address_device_or_certificate(headers):
    for number in (release.FOREIGN, release.REQUIRE):
        assert fetch(path(number), headers={**own(number), **headers}).status == 404
    assert fetch(path(release.DIGEST), headers=headers).status == 401


def test_phones_of_another_network_see_nothing_even_with_their_password():
    assert fetch(path(release.FOREIGN), headers=own(release.FOREIGN)).status == 404
    assert fetch(path(release.LOCAL), headers=own(release.LOCAL)).status == 200


def test_a_phone_without_authentication_is_served_by_its_networks():
    assert fetch(path(release.OPEN)).status == 200


def test_a_disabled_phone_has_no_home():
    assert fetch(path(release.DISABLED), headers=own(release.DISABLED)).status == 404


def test_credentials_of_one_phone_do_not_open_another():
    assert fetch(path(release.OTHER), headers=own()).status == 401


@pytest.mark.parametrize("name", ["phonebook-a.xml", "pages-a.xml", "p1-pages-a.xml"])
def test_a_phonebook_is_for_the_phones_that_have_it(name):
    assert fetch(path(name=name), headers=own()).status == 200
    # Without a password, with another phone's, by another phone's URL with its own password, by another tenant's.
    assert fetch(path(name=name)).status == 401
    assert fetch(path(name=name), headers=own(release.OTHER)).status == 401
    assert fetch(path(release.OTHER, name), headers=own(release.OTHER)).status == 404
    assert fetch(path(release.OTHER, name), headers=own()).status == 401
    assert fetch(f"/p/{'0' * 40}/{name}", headers=own()).status == 404
    assert fetch(f"/c/{release.claim_token(OTHER)}/{name}").status == 404


def test_pages_of_a_phonebook_name_each_other_by_the_phones_own_url_and_other_files_are_as_published():
    for name in ("pages-a.xml", "p1-pages-a.xml"):
        reply = fetch(path(name=name), headers=own())
        assert (reply.status, reply.headers["content-type"]) == (200, "text/xml")
        assert f"/p/{TOKEN}/p1-{name}<".encode() in reply.body
        assert b"own.dialtone.invalid" not in reply.body
    reply = fetch(path(name="phonebook-a.xml"), headers=own())
    assert (reply.body, reply.headers["content-type"]) == (release.content(MAC, "phonebook-a.xml"), "text/xml")
    assert int(reply.headers["content-length"]) == len(reply.body)


def test_an_old_generation_works_until_the_phone_is_seen_on_the_new_one():
    number, mac = release.ROTATED, mac_of(release.ROTATED)
    if fetch(path(number, generation=1), headers=own(number, 1)).status == 404:
        pytest.skip("this phone was seen on its new home in an earlier run")
    assert fetch(path(number, generation=1), headers=own(number, 2)).status == 401
    assert fetch(path(number, f"{mac}.boot", 2), headers=own(number, 2)).status == 200
    time.sleep(0.6)
    assert fetch(path(number, generation=1), headers=own(number, 1)).status == 200
    assert fetch(path(number, generation=2), headers=own(number, 2)).status == 200
    deadline = time.monotonic() + 5
    while fetch(path(number, generation=1), headers=own(number, 1)).status == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fetch(path(number, generation=1), headers=own(number, 1)).status == 404


@pytest.mark.parametrize("number", [release.DIGEST, release.DIGEST256])
def test_digest_serves_the_right_answer_once(number):
    given = challenge(fetch(path(number)))
    assert given["algorithm"] == ("MD5" if number == release.DIGEST else "SHA-256")
    answer = digest(*credentials(mac_of(number)), given, path(number))
    assert fetch(path(number), headers=answer).status == 200
    again = fetch(path(number), headers=answer)
    assert again.status == 401 and challenge(again)["stale"] == "true"
    assert fetch(path(number), headers=digest(*credentials(mac_of(number)), given, path(number), count=2)).status == 200
    assert fetch(path(number), headers=digest(*credentials(mac_of(number)), given, path(number), count=2)).status == 401


def test_digest_without_strict_counting_accepts_a_repeated_count():
    given = challenge(fetch(path(release.LOOSE)))
    answer = digest(*credentials(mac_of(release.LOOSE)), given, path(release.LOOSE))
    assert [fetch(path(release.LOOSE), headers=answer).status for _try in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "/p/other"},
        {"username": "other"},
        {"realm": "other"},
        {"response": "0" * 32},
        {"response": ""},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"nc": ""},
        {"qop": "auth-int"},
        {"qop": ""},
        {"cnonce": ""},
        {"nonce": ""},
        {"nonce": "0" * 56},
        {"nonce": "é"},
        {"algorithm": "SHA-256"},
        {"algorithm": "MD5-sess"},
        {"userhash": "true"},
        {"username*": "UTF-8''x"},
        {"response": "\x01" * 32},
        {"opaque": '"'},
    ],
    ids=lambda change: "-".join(f"{k}={v!r}" for k, v in change.items()),
)
def test_digest_answers_that_were_tampered_with_are_refused_without_stale(change):
    number = release.DIGEST
    given = challenge(fetch(path(number)))
    reply = fetch(path(number), headers=digest(*credentials(mac_of(number)), given, path(number), **change))
    assert reply.status == 401
    assert "stale" not in reply.headers["www-authenticate"]


def test_a_digest_nonce_belongs_to_one_phone():
    given = challenge(fetch(path(release.DIGEST)))
    reply = fetch(path(release.LOOSE), headers=digest(*credentials(mac_of(release.LOOSE)), given, path(release.LOOSE)))
    assert reply.status == 401


def test_a_digest_answer_for_another_file_or_method_is_refused():
    number = release.DIGEST
    given = challenge(fetch(path(number)))
    answer = digest(*credentials(mac_of(number)), given, path(number))
    assert fetch(path(number, f"{mac_of(number)}.boot"), headers=answer).status == 401
    assert fetch(path(number), method="HEAD", headers=answer).status == 401


def test_a_digest_with_doubled_parameters_is_refused():
    number = release.DIGEST
    answer = digest(*credentials(mac_of(number)), challenge(fetch(path(number))), path(number))
    assert fetch(path(number), headers={"Authorization": answer["Authorization"] + ', username="x"'}).status == 401


def test_basic_credentials_do_not_open_a_digest_home():
    assert fetch(path(release.DIGEST), headers=own(release.DIGEST)).status == 401


@pytest.mark.parametrize(
    "value", ["bytes=0-10", "bytes=5-", "bytes=-5", "bytes=0-0,2-3", "bytes=999999-", "bytes=0-,0-,0-,0-", "items=1", "bytes=a-b"]
)
def test_ranges_show_no_more_than_the_file(value):
    reply = fetch(path(), headers={**own(), "Range": value})
    assert reply.status in (200, 206, 404)


def test_an_unchanged_file_answers_304_and_only_with_the_password():
    first = fetch(path(), headers=own())
    for condition in ({"If-None-Match": first.headers["etag"]}, {"If-Modified-Since": first.headers["last-modified"]}):
        assert fetch(path(), headers={**own(), **condition}).status == 304
        assert fetch(path(), headers=condition).status == 401


def test_a_phone_stores_its_own_uploads_and_nothing_else():
    number, mac = release.UPLOADER, mac_of(release.UPLOADER)

    def put(name: str, n: int = number, **more) -> int:
        return fetch(path(n, name), method="PUT", headers=own(n), body=b"log", **more).status

    stored = os.path.join(release.ROOT, "uploads", mac, f"{mac}-app.log")
    if os.path.exists(stored):
        os.unlink(stored)
    assert put(f"{mac}-app.log") in (201, 204)
    assert os.stat(stored).st_mode & 0o777 == 0o600
    assert put(f"{mac.upper()}-APP.log") == 204
    assert put(f"{OTHER}-app.log") == 404
    assert put(f"{mac}.cfg") == 404
    assert put("app.log") == 404
    assert put(f"{MAC}-app.log", release.BASIC) == 404
    assert fetch(path(number, f"{mac}-app.log"), method="PUT", body=b"log").status == 401
    assert fetch(path(number, f"{mac}-app.log"), method="PUT", headers=own(number), body=b"x" * (2 << 20)).status in (404, 0)
    assert os.path.getsize(stored) == 3
    assert fetch(path(number, f"{mac}-app.log"), headers=own(number)).status == 404


def test_an_upload_has_a_body_however_it_is_sent():
    number = release.UPLOADER
    stored = os.path.join(release.ROOT, "uploads", mac_of(number), f"{mac_of(number)}-app.log")

    def put(more: str) -> int:
        login = own(number)["Authorization"]
        head = f"PUT {path(number, os.path.basename(stored))} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {login}\r\n"
        return raw((head + more).encode()).status

    assert put("Transfer-Encoding: chunked\r\n\r\n5\r\nlines\r\n0\r\n\r\n") in (201, 204)
    assert os.path.getsize(stored) == 5
    assert put("\r\n") == 404
    assert os.path.getsize(stored) == 5
    assert put("Content-Length: 0\r\n\r\n") == 204
    assert os.path.getsize(stored) == 0


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/9.9",
        "GET /",
        "G",
        "GET http://other/ HTTP/1.1",
        "GET //p// HTTP/1.1",
        "GET /%zz HTTP/1.1",
        "GET /\x00 HTTP/1.1",
        "GET " + "/a" * 20000 + " HTTP/1.1",
    ],
)
def test_rude_requests_never_cause_a_server_error(request_line):
    reply = raw(f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
    assert reply.status < 500
    assert b"nginx" not in reply.body


@pytest.mark.parametrize("agent", ["\xff\xfe", "a" * 7000, "\x01\x02", "é", '"}{"', "\\"])
def test_strange_user_agents_are_harmless(agent, gate):
    number = 0x50
    token = gate.arm([number])[number]
    assert fetch(f"/c/{token}/{mac_of(number)}.boot", headers={"User-Agent": agent}).status == 200
    assert fetch(path(), headers={**own(), "User-Agent": agent}).status == 200


def test_a_folder_of_a_phone_cannot_be_listed():
    assert fetch(path(name="x")[:-1], headers=own()).status == 404


def test_logs_hold_no_secret():
    fetch(f"/p/{TOKEN}/../{TOKEN}/{TOKEN}", headers=own())
    fetch(f"/p/{'0' * 40}/{TOKEN}", headers={"Referer": path(), "User-Agent": "x"})
    fetch(path() + "?password=hunter2", headers=own())
    fetch(path(name="missing"), headers=own())
    fetch(path(), headers=basic("x", "wrong"))
    secrets = (
        [home_token(made["mac"]) for made in release.records()] + [credentials(made["mac"])[1] for made in release.records()] + ["hunter2"]
    )
    secrets += [release.claim_token(mac_of(number), generation) for number in (0x40, 0x43) for generation in range(1, 50)]
    for folder in ("/var/log/dialtone", "/var/log/nginx"):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            full = os.path.join(folder, name)
            if name.endswith(".gz") or name == "error.log":
                continue
            with open(full, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            assert not [secret for secret in secrets if secret in text], full


def test_the_error_log_is_for_root_alone():
    status = os.stat("/var/log/dialtone/error.log")
    assert (status.st_uid, status.st_mode & 0o077) == (0, 0)


def test_files_of_phones_and_of_the_gate_are_closed_to_other_users():
    current = os.path.realpath(os.path.join(release.ROOT, "current"))
    for folder, _folders, names in os.walk(current):
        for name in names:
            full = os.path.join(folder, name)
            if not os.path.islink(full):
                assert os.stat(full).st_mode & 0o007 == 0, full
    if release.STORE.startswith("/"):
        assert os.stat(os.path.dirname(release.STORE)).st_mode & 0o077 == 0


def test_guessing_tokens_is_slowed_down_and_phones_go_on():
    replies = [fetch(f"/p/{n:040x}/x.cfg", source="127.9.9.9").status for n in range(160)]
    assert replies.count(429) > 20
    assert fetch(path(), headers=own(), source="127.9.9.9").status == 200
    number = 0x51
    claims = [fetch(f"/c/{n:040x}/x.cfg", source="127.9.9.8").status for n in range(160)]
    assert claims.count(429) > 20
    token = release.arm([number])[number]
    assert fetch(f"/c/{token}/{mac_of(number)}.boot", source="127.9.9.8").status == 200
