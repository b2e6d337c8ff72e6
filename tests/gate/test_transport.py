# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client certificates, TLS profiles, plain HTTP and balancers, on a server that the role set up with the variables of alternative.yml.

DIALTONE_GATE_VENDOR is the folder of the vendor's CA (ca.crt, ca.key) that the server trusts; without it these tests are skipped.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess

import pytest

from . import release
from .client import URL, basic, context, fetch, raw
from .release import credentials, home_token, mac_of

VENDOR = os.environ.get("DIALTONE_GATE_VENDOR", "")
PORT = (URL.port or 443) if URL.hostname else 0
pytestmark = pytest.mark.skipif(not VENDOR, reason="DIALTONE_GATE_VENDOR names no vendor's CA")

REQUIRE, PREFER = mac_of(release.REQUIRE), mac_of(release.PREFER)


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Make a client certificate: subject in OpenSSL's own notation, by the vendor's CA or one that nobody knows."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "10",
        "-subj",
        "/CN=Vendor Root",
        "-keyout",
        f"{folder}/x.key",
        "-out",
        f"{folder}/x.crt",
    )
    made: dict[tuple, ssl.SSLContext] = {}

    def make(subject: str, known: bool = True, days: str = "10", multi: bool = False) -> ssl.SSLContext:
        key = (subject, known, days)
        if key not in made:
            name = f"{folder}/{len(made)}"
            request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr"]
            openssl(*request, *(["-multivalue-rdn"] if multi else []))
            signer = f"{VENDOR}/ca" if known else f"{folder}/x"
            openssl(
                "x509",
                "-req",
                "-in",
                f"{name}.csr",
                "-CA",
                f"{signer}.crt",
                "-CAkey",
                f"{signer}.key",
                "-days",
                days,
                "-set_serial",
                str(len(made) + 1),
                "-out",
                f"{name}.crt",
            )
            made[key] = context(f"{name}.crt", f"{name}.key")
        return made[key]

    return make


def get(mac: str, tls: ssl.SSLContext | None = None) -> int:
    return fetch(f"/p/{home_token(mac)}/{mac}.cfg", headers=basic(*credentials(mac)), tls=tls).status


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        (f"/CN={REQUIRE.upper()}", 200),
        (f"/C=CN/O=Vendor Co., Ltd./CN={REQUIRE}", 200),
        (f"/CN={':'.join(REQUIRE[i : i + 2] for i in range(0, 12, 2))}/O=x", 200),
        (f"/CN=CP-8841-SEP{REQUIRE.upper()}", 200),
        (f"/CN={PREFER}", 404),
        ("/CN=generic", 404),
        (f"/CN={PREFER}/O=V,CN={REQUIRE}", 404),
        (f"/O=V,CN={REQUIRE}", 404),
        (f"/CN={PREFER}/CN={REQUIRE}", 404),
        (f"/CN={REQUIRE}/CN={PREFER}", 404),
        (f"/CN={REQUIRE}x", 404),
        (f"/CN=x{REQUIRE}", 404),
        (f"/OU={REQUIRE}", 404),
    ],
)
def test_a_required_certificate_must_name_the_phone(gate, certificate, subject, status):
    assert get(REQUIRE, certificate(subject)) == status


def test_a_mac_in_a_multi_valued_name_does_not_count(gate, certificate):
    assert get(REQUIRE, certificate(f"/CN={REQUIRE}+OU=x", multi=True)) == 404


def test_a_certificate_of_an_unknown_ca_does_not_count_but_locks_nobody_out(gate, certificate):
    stranger = certificate(f"/CN={REQUIRE}", known=False)
    assert get(REQUIRE, stranger) == 404
    assert get(PREFER, certificate(f"/CN={PREFER}", known=False)) == 404
    assert get(mac_of(release.BASIC), stranger) == 200


def test_an_expired_certificate_is_refused_where_one_is_asked_for_and_ignored_where_none_is(gate, certificate):
    expired = certificate(f"/CN={PREFER}", days="-1")
    assert get(PREFER, expired) == 404
    assert get(mac_of(release.BASIC), expired) == 404

    def elsewhere(mac: str) -> int:
        # The listener of old phones: it asks for no certificate, so prefer counts as none shown and require as missing.
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        made.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection((URL.hostname, PORT + 1), timeout=5) as plain, made.wrap_socket(plain) as sock:
            own = "".join(f"{k}: {v}\r\n" for k, v in basic(*credentials(mac)).items())
            sock.sendall(f"GET /p/{home_token(mac)}/{mac}.cfg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{own}\r\n".encode())
            return int(sock.recv(200).split(b" ")[1])

    assert [elsewhere(mac) for mac in (PREFER, mac_of(release.BASIC), REQUIRE)] == [200, 200, 404]


def test_prefer_passes_without_a_certificate_and_with_the_right_one_only(gate, certificate):
    assert get(PREFER) == 200
    assert get(PREFER, certificate(f"/CN={PREFER}")) == 200
    assert get(PREFER, certificate(f"/CN={REQUIRE}")) == 404


def test_a_claim_asks_for_the_certificate_too(gate, certificate):
    token = gate.arm([release.REQUIRE])[release.REQUIRE]
    for tls in (None, certificate(f"/CN={PREFER}"), certificate(f"/CN={REQUIRE}", known=False), certificate(f"/O=V,CN={REQUIRE}")):
        assert fetch(f"/c/{token}/{REQUIRE}.boot", tls=tls).status == 404
    assert gate.state(release.REQUIRE)["state"] == "armed"
    assert fetch(f"/c/{token}/{REQUIRE}.boot", tls=certificate(f"/CN={REQUIRE}")).status == 200


def connect(port: int, version: ssl.TLSVersion, seclevel: bool = False) -> bool:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_ciphers("ALL:@SECLEVEL=0" if seclevel else "DEFAULT")
    made.minimum_version = made.maximum_version = version
    try:
        with socket.create_connection((URL.hostname, port), timeout=5) as plain, made.wrap_socket(plain) as sock:
            return bool(sock.version())
    except (ssl.SSLError, OSError):
        return False


@pytest.mark.parametrize(
    ("offset", "version", "answers"),
    [
        (0, "TLSv1_3", True),
        (0, "TLSv1_2", True),
        (0, "TLSv1_1", False),
        (0, "TLSv1", False),
        (1, "TLSv1", True),
        (1, "TLSv1_1", True),
        (1, "TLSv1_2", True),
        (1, "TLSv1_3", False),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_listener_speaks_its_own_versions(gate, offset, version, answers):
    assert connect(PORT + offset, ssl.TLSVersion[version], seclevel=True) is answers


def plain(path: str, head: str = "", headers: str = "") -> int:
    with socket.create_connection((URL.hostname, PORT + 2), timeout=5) as sock:
        sock.sendall(f"{head}GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
        return int(sock.recv(200).split(b" ")[1])


def test_plain_http_serves_phones_with_networks_only(gate):
    authorization = "".join(f"{k}: {v}\r\n" for k, v in basic(*credentials(mac_of(release.LOCAL))).items())
    assert plain(f"/p/{home_token(mac_of(release.LOCAL))}/{mac_of(release.LOCAL)}.cfg", headers=authorization) == 200
    authorization = "".join(f"{k}: {v}\r\n" for k, v in basic(*credentials(mac_of(release.BASIC))).items())
    assert plain(f"/p/{home_token(mac_of(release.BASIC))}/{mac_of(release.BASIC)}.cfg", headers=authorization) == 404
    number = 0x53
    token = gate.arm([number, release.LOCAL])
    assert plain(f"/c/{token[number]}/{mac_of(number)}.boot") == 404
    assert plain(f"/c/{token[release.LOCAL]}/{mac_of(release.LOCAL)}.boot") == 200


def test_a_trusted_balancer_names_the_client_and_others_do_not(gate):
    path, own = f"/p/{home_token(mac_of(release.FOREIGN))}/{mac_of(release.FOREIGN)}.cfg", basic(*credentials(mac_of(release.FOREIGN)))
    named = {**own, "X-Forwarded-For": "192.0.2.7"}
    assert fetch(path, headers=named, source="127.0.0.77").status == 200
    assert fetch(path, headers=named, source="127.0.0.78").status == 404
    assert fetch(path, headers={**own, "X-Forwarded-For": "192.0.2.7, 198.51.100.1"}, source="127.0.0.77").status == 404
    assert fetch(path, headers={**own, "X-Forwarded-For": "rubbish"}, source="127.0.0.77").status == 404
    assert fetch(path, headers={**own, "X-Forwarded-For": "2001:db8::7"}, source="127.0.0.77").status == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("192.0.2.7", 200), ("::ffff:192.0.2.7", 200), ("[::ffff:192.0.2.7]:4711", 200), ("::ffff:198.51.100.1", 404), ("2001:db8::7", 200)],
)
def test_a_home_and_a_claim_are_for_the_same_addresses(gate, address, status):
    mac, named = mac_of(release.FOREIGN), {"X-Forwarded-For": address}
    token = gate.arm([release.FOREIGN])[release.FOREIGN]
    home = fetch(f"/p/{home_token(mac)}/{mac}.cfg", headers={**basic(*credentials(mac)), **named}, source="127.0.0.77")
    assert home.status == status
    assert fetch(f"/c/{token}/{mac}.boot", headers=named, source="127.0.0.77").status == status


def test_plain_text_on_the_tls_port_is_refused(gate):
    with socket.create_connection((URL.hostname, PORT), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert int(sock.recv(200).split(b" ")[1]) == 404
    assert raw(b"GET / HTTP/1.0\r\n\r\n").status == 404
