# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A socket plays proxy and phone at once; a real Kamailio is in tests/integration/sip."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.module_utils.sip_client import trusted
from ansible_collections.dialtone.phones.plugins.module_utils.sip_proxy import ProxyClient
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.sip_phone import SipPhone


def notify(port, transport="udp", login=("", ""), **more):
    target = Target("reception", "127.0.0.1", port, transport, "101", "pbx.example.com", "101", "s3cret", "check-sync", routed=True)

    async def run():
        client = ProxyClient(target, 2, login=login)
        try:
            return await client.notify(target._replace(**more))
        except PbxError as exc:
            return str(exc)
        finally:
            client.close()

    return asyncio.run(run())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_request_names_the_line_and_both_who_ask_get_their_answer(transport):
    with SipPhone("proxy", transport=transport) as proxy:
        outcome = notify(proxy.port, transport)
    assert outcome == ("accepted", 200, "")
    assert {request[""] for request in proxy.requests} == {"NOTIFY sip:101@pbx.example.com SIP/2.0"}
    assert [sorted(set(request) & {"authorization", "proxy-authorization"}) for request in proxy.requests] == [
        [],
        ["proxy-authorization"],
        ["authorization", "proxy-authorization"],
    ]
    # The proxy's nonce is used twice, and says so.
    assert "nc=00000002" in proxy.requests[2]["proxy-authorization"]


def test_a_login_is_for_the_proxy_and_the_phone_gets_that_of_its_line():
    with SipPhone("proxy") as proxy:
        outcome = notify(proxy.port, login=("operator", "s3cret"))
    assert outcome.state == "accepted"
    assert 'username="operator"' in proxy.requests[2]["proxy-authorization"]
    assert 'username="101"' in proxy.requests[2]["authorization"]


def test_a_wrong_login_ends_it_for_all_and_a_wrong_password_for_one():
    with SipPhone("proxy") as proxy:
        assert notify(proxy.port, login=("operator", "wrong")) == (
            f"SIP proxy at 127.0.0.1:{proxy.port} (udp): does not accept the user operator with this password"
        )
        outcome = notify(proxy.port, password="wrong")
    assert outcome == ("refused", 407, "is not notified by the proxy, which does not accept the password of its line 101 (answered 407)")


@pytest.mark.parametrize(
    ("word", "state", "msg"),
    [
        ("404 Not Found", "unreachable", "is not registered with the proxy as 101@pbx.example.com (answered 404 Not Found)"),
        ("480 Gone Home", "unreachable", "is not registered with the proxy as 101@pbx.example.com (answered 480 Gone Home)"),
        ("408 Timeout", "unreachable", "is registered with the proxy, and did not answer it (answered 408 Timeout)"),
        ("489 Bad Event", "refused", "answered 489 Bad Event: it does not know the event check-sync"),
        ("503", "refused", "answered 503"),
    ],
)
def test_every_answer_is_one_sentence(word, state, msg):
    with SipPhone(word) as proxy:
        outcome = notify(proxy.port)
    assert (outcome.state, outcome.msg) == (state, msg)


def test_no_answer_names_the_proxy():
    with SipPhone("silent") as proxy:
        outcome = notify(proxy.port)
    assert outcome.msg == f"did not answer through the proxy at 127.0.0.1:{proxy.port} (udp) within 2 s"


# What a server says in place of its half of a handshake, and what it is taken for.
@pytest.mark.parametrize(
    ("said", "clause"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "speaks only a version of TLS that is too old to be accepted (TLSV1_ALERT_PROTOCOL_VERSION)"),
        (b"\x15\x03\x01\x00\x02\x02\x50", "ends the TLS handshake (TLSV1_ALERT_INTERNAL_ERROR)"),
        (b"SIP/2.0 400 Bad Request\r\n\r\n", "does not speak TLS (WRONG_VERSION_NUMBER)"),
    ],
)
def test_a_proxy_without_tls_that_can_be_used_is_one_sentence(said, clause):
    async def run():
        async def answer(reader, writer):
            await reader.read(1)
            writer.write(said)
            await writer.drain()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        proxy = Target("x", "127.0.0.1", port, "tls", "101", "pbx.example.com", "101", "s3cret", "check-sync", routed=True)
        client = ProxyClient(proxy, 2)
        try:
            with pytest.raises(PbxError) as caught:
                await client.open()
            return str(caught.value), port
        finally:
            client.close()
            server.close()

    sentence, port = asyncio.run(run())
    assert sentence == f"SIP proxy at 127.0.0.1:{port} (tls): {clause}"


def test_no_version_of_tls_before_1_2_is_spoken_whatever_the_build_of_python_allows(monkeypatch):
    def lenient(cafile=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context

    monkeypatch.setattr(ssl, "create_default_context", lenient)
    assert trusted().minimum_version == ssl.TLSVersion.TLSv1_2
