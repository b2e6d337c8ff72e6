# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils import sip_client
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.module_utils.sip_client import SipClient
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.sip_phone import SipPhone


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retransmit soon, so that tests take no half seconds."""
    monkeypatch.setattr(sip_client, "T1", 0.05)


def target(port, transport="udp", **more):
    event = "check-sync;reboot=false"
    return Target("reception", "127.0.0.1", port, transport, "101", "pbx.example.com", "101", "s3cret", event)._replace(**more)


def notify(*targets, timeout=0.4, **more):
    async def run():
        client = SipClient(timeout, **more)
        try:
            return await asyncio.gather(*(client.notify(each) for each in targets))
        finally:
            client.close()

    outcomes = asyncio.run(run())
    return outcomes[0] if len(outcomes) == 1 else outcomes


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=phone"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_phone_gets_its_event(transport):
    with SipPhone("ok", transport=transport) as phone:
        outcome = notify(target(phone.port, transport))
    assert outcome == ("accepted", 200, "")
    assert phone.requests[0]["event"] == "check-sync;reboot=false"
    assert phone.requests[0][""].startswith("NOTIFY sip:101@127.0.0.1:")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_challenge_is_answered_with_the_password_of_the_line(transport, algorithm):
    with SipPhone("challenge", transport=transport, algorithm=algorithm) as phone:
        outcome = notify(target(phone.port, transport))
    assert outcome == ("accepted", 200, "")
    assert [request["cseq"] for request in phone.requests] == ["1 NOTIFY", "2 NOTIFY"]
    assert len({request["call-id"] for request in phone.requests}) == 1


def test_a_stale_nonce_is_tried_once_more():
    with SipPhone("stale") as phone:
        outcome = notify(target(phone.port))
    assert outcome.state == "accepted"
    assert len(phone.requests) == 3


def test_a_lost_request_is_sent_again():
    with SipPhone("silent", "garbage", "stranger", "ok") as phone:
        outcome = notify(target(phone.port), timeout=2)
    assert outcome.state == "accepted"
    assert len({request["via"] for request in phone.requests}) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_provisional_answer_is_waited_out(transport):
    with SipPhone("trying", transport=transport) as phone:
        assert notify(target(phone.port, transport)).state == "accepted"


REFUSALS = [
    ("udp", "silent", {}, "did not answer at 127.0.0.1:{port} (udp) within 0.4 s"),
    ("tcp", "silent", {}, "did not answer at 127.0.0.1:{port} (tcp) within 0.4 s"),
    ("tcp", "close", {}, "closed the connection at 127.0.0.1:{port} (tcp) without an answer"),
    ("tcp", "garbage", {}, "did not answer at 127.0.0.1:{port} (tcp) within 0.4 s"),
    ("udp", "challenge", {"password": "wrong"}, "does not accept the password of its line 101 (answered 401)"),
    ("udp", "challenge", {"password": ""}, "asks for a password (realm 'desk'), and its first line has none"),
    ("udp", "489 Bad Event", {}, "answered 489 Bad Event: it does not know the event check-sync;reboot=false"),
    ("udp", "403 Forbidden", {}, "answered 403 Forbidden: it accepts notifications from its PBX only"),
    ("udp", "404 Not Found", {}, "answered 404 Not Found: it has no account 101"),
    ("udp", "481 Gone", {}, "answered 481 Gone: it accepts only what belongs to a subscription, such as one of its PBX"),
    ("udp", "503", {}, "answered 503"),
]


@pytest.mark.parametrize(("transport", "word", "more", "msg"), REFUSALS)
def test_every_refusal_is_one_sentence(transport, word, more, msg):
    with SipPhone(word, transport=transport) as phone:
        outcome = notify(target(phone.port, transport, **more))
    assert outcome.state in ("refused", "unreachable")
    assert outcome.msg == msg.format(port=phone.port)


def test_nobody_listening_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert notify(target(port, "tcp")).msg == f"refuses connections at 127.0.0.1:{port} (tcp)"
    assert notify(target(port, "udp")).msg == f"did not answer at 127.0.0.1:{port} (udp) within 0.4 s"


def test_a_name_that_does_not_resolve_is_told():
    outcome = notify(target(5060, address="no-such-phone.invalid"))
    assert outcome == ("unreachable", 0, "has the address no-such-phone.invalid, which is no address and no name that resolves")


def test_a_source_that_is_not_ours_is_told():
    outcome = notify(target(5060), source=("192.0.2.1", 5060))
    assert outcome.msg.startswith("can't be asked: nothing can be sent from 192.0.2.1:5060 (")


def test_many_phones_share_one_socket():
    with SipPhone("ok") as one, SipPhone("challenge") as two, SipPhone("silent") as three:
        outcomes = notify(target(one.port), target(two.port), target(three.port))
    assert [outcome.state for outcome in outcomes] == ["accepted", "accepted", "unreachable"]
    assert len({request["via"].split(";")[0] for phone in (one, two, three) for request in phone.requests}) == 1


def test_tls_checks_the_certificate(certificate):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    with SipPhone("challenge", transport="tls", context=server) as phone:
        refused = notify(target(phone.port, "tls"), timeout=2)
        accepted = notify(target(phone.port, "tls"), timeout=2, tls=trusting)
    place = f"127.0.0.1:{phone.port} (tls)"
    assert (refused.state, refused.msg) == ("unreachable", f"has a certificate at {place} that is not trusted: self-signed certificate")
    assert accepted.state == "accepted"


def test_a_phone_without_tls_is_told():
    with SipPhone("garbage", transport="tcp") as phone:
        outcome = notify(target(phone.port, "tls"), timeout=2)
    assert outcome.state == "unreachable"
    assert "(tls)" in outcome.msg


SIPP = """<?xml version="1.0"?>
<scenario name="phone">
  <recv request="NOTIFY"/>
  <send><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="sipp", nonce="47ebe028cda119c35d4877b383027d28da013815", qop="auth", algorithm=MD5
Content-Length: 0

  ]]></send>
  <recv request="NOTIFY">
    <action>
      <ereg regexp="check-sync;reboot=true" search_in="hdr" header="Event:" check_it="true" assign_to="1"/>
      <verifyauth assign_to="2" username="101" password="s3cret"/>
    </action>
  </recv>
  <nop hide="true" test="2" next="right"/>
  <send next="end"><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="sipp", nonce="47ebe028cda119c35d4877b383027d28da013815", qop="auth", algorithm=MD5
Content-Length: 0

  ]]></send>
  <label id="right"/>
  <send next="end"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

  ]]></send>
  <label id="end"/>
  <Reference variables="1"/>
</scenario>
"""


@pytest.mark.skipif(not shutil.which("sipp"), reason="sipp is not installed (package sip-tester)")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("password", "state"), [("s3cret", "accepted"), ("wrong", "refused")])
def test_a_real_user_agent_takes_it(tmp_path, transport, password, state):
    (tmp_path / "phone.xml").write_text(SIPP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["sipp", "-sf", "phone.xml", "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-nostdin", "-timeout", "10s", "-t"]
    agent = subprocess.Popen(
        [*command, "u1" if transport == "udp" else "t1"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
    )
    try:
        outcome = None
        for _attempt in range(40):  # until it listens
            outcome = notify(target(port, transport, password=password, event="check-sync;reboot=true"), timeout=2)
            if outcome.state != "unreachable":
                break
            asyncio.run(asyncio.sleep(0.1))
        assert outcome.state == state, outcome
    finally:
        agent.terminate()
        agent.communicate()


@pytest.mark.skipif(not shutil.which("baresip"), reason="baresip is not installed (package baresip-core)")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_real_phone_without_the_event_refuses_it_politely(tmp_path, transport):
    # It reads the request and says what RFC 6665 wants of a NOTIFY outside of any subscription.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    modules = next(Path("/usr/lib").glob("**/baresip/modules"))
    (tmp_path / "config").write_text(f"sip_listen 127.0.0.1:{port}\nmodule_path {modules}\nmodule_app account.so\nmodule_app menu.so\n")
    (tmp_path / "accounts").write_text("<sip:101@127.0.0.1>;regint=0;auth_pass=s3cret\n")
    (tmp_path / "contacts").write_text("")
    phone = subprocess.Popen(
        ["baresip", "-f", str(tmp_path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        outcome = None
        for _attempt in range(40):  # until it listens
            outcome = notify(target(port, transport), timeout=1)
            if outcome.state != "unreachable":
                break
            asyncio.run(asyncio.sleep(0.1))
        assert (outcome.state, outcome.status) == ("refused", 481), outcome
        assert outcome.msg.startswith("answered 481 ")
    finally:
        phone.terminate()
        phone.wait()
