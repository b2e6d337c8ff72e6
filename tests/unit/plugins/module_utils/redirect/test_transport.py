# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport: what may be sent where, what is waited for, and what a message may hold."""

from __future__ import annotations

import datetime
import email.utils
import ipaddress
import time

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import transport
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, LostReply, ServiceDown
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Client, check_api_url
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import Fault, Running, Simulator, simulator
from redirect.base import Answer


def plain(method, url, body):
    return url, {"Content-Type": "application/json"}


class Echo(Simulator):
    """Answers with what it was sent."""

    answer = Answer(200, b"{}")

    def handle(self, request):
        self.last = request
        return self.answer


@pytest.fixture
def lab():
    with Running(Echo()) as running:
        yield running


def client(lab, **more):
    return Client(lab.base + "/", **{"retry_wait": 0.0, "timeout": 2.0, **more})


@pytest.mark.parametrize(
    ("url", "allow", "fits"),
    [
        ("https://eu-api.ymcs.yealink.com", False, True),
        ("http://127.0.0.1:8080/x", False, True),
        ("http://[::1]:8080/", False, True),
        ("http://localhost/", False, True),
        ("http://192.0.2.1/", False, False),
        ("http://127.0.0.1.example.com/", False, False),
        ("http://192.0.2.1/", True, True),
        ("https://u:p@x.example.com/", False, False),
        ("https://x.example.com/?a=b", False, False),
        ("https://", False, False),
        ("https://x:99999/", False, False),
        ("nonsense", False, False),
    ],
)
def test_api_addresses(url, allow, fits):
    assert (check_api_url(url, allow) == "") is fits


@pytest.mark.parametrize("link", ["//evil.example.com/x", "https://evil.example.com/", "http://127.0.0.1:1/", "ftp://127.0.0.1/"])
def test_links_never_leave_the_origin(lab, link):
    with pytest.raises(AccountError, match="not followed"):
        client(lab).request("GET", link, prepare=plain, repeatable=True)
    assert not lab.calls


def test_a_relative_link_stays(lab):
    assert client(lab).resolve("a/b") == f"{lab.base}/a/b"


def test_each_attempt_is_prepared_anew(lab):
    seen = []

    def prepare(method, url, body):
        seen.append(len(seen))
        return url, {}

    lab.faults = [Fault("status", "", times=2, arg="500")]
    client(lab).request("GET", "x", prepare=prepare, repeatable=True)
    assert seen == [0, 1, 2]


def test_what_may_not_be_repeated_is_sent_once(lab):
    lab.faults = [Fault("status", "", times=2, arg="500")]
    with pytest.raises(LostReply):
        client(lab).request("POST", "x", prepare=plain, body=b"{}", repeatable=False)
    assert sum(lab.calls.values()) == 1


def test_a_throttled_write_is_sent_again_since_it_was_not_done(lab):
    lab.faults = [Fault("429", "", arg="0")]
    client(lab).request("POST", "x", prepare=plain, body=b"{}", repeatable=False)
    assert sum(lab.calls.values()) == 2


def test_retry_after_goes_before_the_own_wait(lab):
    waits = []
    lab.faults = [Fault("429", "", arg="7"), Fault("429", "", times=1), Fault("status", "", times=2, arg="503")]
    client(lab, sleep=waits.append, retry_wait=None, throttle_wait=30.0).request("GET", "x", prepare=plain, repeatable=True)
    assert waits == [7.0, 30.0, 4.0, 8.0]


def test_waits_are_bounded(lab):
    lab.faults = [Fault("429", "", times=9, arg="200")]
    waits = []
    with pytest.raises(ServiceDown, match="retry_limit"):
        client(lab, sleep=waits.append).request("GET", "x", prepare=plain, repeatable=True)
    assert sum(waits) <= 300


def test_a_date_is_a_retry_after_too():
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    assert 50 < transport._retry_after(email.utils.format_datetime(later, usegmt=True)) <= 60
    assert transport._retry_after("soon") is None


def test_slow_answers_are_cut_and_named(lab):
    lab.faults = [Fault("slow", "", times=9, arg="0.5")]
    with pytest.raises(ServiceDown, match="no answer within"):
        client(lab, timeout=0.1, retries=1).request("GET", "x", prepare=plain, repeatable=True)


def test_a_closed_port_is_named_without_its_address(lab):
    closed = Client("http://127.0.0.1:9/", retry_wait=0.0, retries=0)
    with pytest.raises(ServiceDown, match="cannot connect"):
        closed.request("GET", "x?access_token=c0ffee", prepare=plain, repeatable=True)


def test_cookies_are_not_kept_and_netrc_is_not_read(lab, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    lab.answer = Answer(200, b"{}", {"Set-Cookie": "a=b; Path=/"})
    one = client(lab)
    for _number in range(2):
        one.request("GET", "x", prepare=plain, repeatable=True)
    assert "cookie" not in lab.last.headers
    assert "authorization" not in lab.last.headers


def test_a_proxy_of_the_environment_is_used(lab, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", lab.base)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    far = Client("http://rps.example.invalid/", allow_http=True, retries=0)
    far.request("GET", "v2/token", prepare=plain, repeatable=True)
    assert lab.last.target == "http://rps.example.invalid/v2/token"


def test_loopback_goes_around_the_proxy(lab, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9/")
    client(lab).request("GET", "x", prepare=plain, repeatable=True)
    assert lab.last.target == "/x"


@pytest.mark.parametrize(
    "text",
    [
        "url_invalid:https://p.example.com/c/abcdef/",
        "bad password hunter22",
        "token 0123456789abcdef0123456789abcdef",
        "see //p.example.com/c/abcdef",
        "secret-of-account",
    ],
)
def test_what_a_service_says_is_scrubbed(lab, text):
    said = client(lab, secrets=["secret-of-account"]).scrub(text, "hunter22")
    assert not any(mark in said for mark in ("abcdef", "hunter22", "secret-of-account"))


def test_what_a_service_says_is_one_short_line(lab):
    said = client(lab).scrub("a\nb\x1b[31m " + "word " * 100)
    assert len(said) < 170
    assert said.isprintable()


def test_a_wrong_clock_is_named():
    with Running(simulator("yealink_ymcs")) as lab:
        lab.skew = 3600
        one = Client(lab.base + "/")
        one.request("POST", "v2/token", prepare=plain, body=b"{}", repeatable=True)
        assert "behind" in one.skew_note()
        lab.skew = -3600
        one.request("POST", "v2/token", prepare=plain, body=b"{}", repeatable=True)
        assert "ahead" in one.skew_note()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_certificates_are_checked_against_ca_path(certificate):
    with Running(Echo(), tls=certificate) as lab:
        client(lab, ca_path=certificate[0]).request("GET", "x", prepare=plain, repeatable=True)
        with pytest.raises(AccountError, match="not trusted"):
            client(lab).request("GET", "x", prepare=plain, repeatable=True)
        with pytest.raises(AccountError, match="ca_path"):
            client(lab, ca_path="/nonexistent.pem").request("GET", "x", prepare=plain, repeatable=True)
        client(lab, validate_certs=False).request("GET", "x", prepare=plain, repeatable=True)


def test_calls_are_paced_to_what_the_service_allows(lab):
    waits = []
    one = client(lab, rate=3, sleep=waits.append)
    began = time.monotonic()
    for _number in range(5):
        one.request("GET", "x", prepare=plain, repeatable=True)
    assert len(waits) >= 1 or time.monotonic() - began > 1


def test_without_requests_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(transport, "requests", None)
    with pytest.raises(AccountError, match="pip install requests"):
        Client("https://x.example.com/")


@pytest.mark.parametrize("skew", [-7200, 7200])
def test_a_date_to_wait_for_is_read_by_the_clock_of_the_service(skew):
    there = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew)
    date, later = (email.utils.format_datetime(there + datetime.timedelta(seconds=more), usegmt=True) for more in (0, 60))
    assert transport._retry_after(later, date) == 60


def test_a_write_waits_as_it_is_told_before_it_is_read_back(lab):
    waits = []
    lab.faults = [Fault("lost503", "", arg="7")]
    with pytest.raises(LostReply, match="503"):
        client(lab, sleep=waits.append).request("POST", "x", prepare=plain, body=b"{}", repeatable=False)
    assert (waits, sum(lab.calls.values())) == ([7.0], 1)


@pytest.mark.parametrize(("kind", "sent"), [("reset", True), ("429", False)])
def test_a_service_that_never_answers_may_have_done_it(lab, kind, sent):
    lab.faults = [Fault(kind, "", times=9)]
    with pytest.raises(ServiceDown) as caught:
        client(lab, throttle_wait=0.0).request("PUT", "x", prepare=plain, body=b"{}", repeatable=True)
    assert caught.value.sent is sent


def test_what_is_signed_is_what_is_sent(lab):
    signed = []

    def sign(method, url, body):
        signed.append(url)
        return plain(method, url, body)

    client(lab).request("GET", "a%2Db/c d?e=%7Ef&g=|", prepare=sign, repeatable=True)
    assert signed == [lab.base + lab.last.target]


def test_json_without_end_is_malformed(lab):
    lab.answer = Answer(200, b"[" * 100000)
    with pytest.raises(ServiceDown, match="not JSON"):
        client(lab, retries=0).request("GET", "x", prepare=plain, repeatable=True)


@pytest.mark.parametrize(("value", "wanted"), [(3, 3), ("3", 3), (None, None), ("x", None), (True, None), ([], None)])
def test_counts_come_as_numbers_and_as_text(value, wanted):
    assert transport.number(value) == wanted
