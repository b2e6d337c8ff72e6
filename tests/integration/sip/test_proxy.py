# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook resync against phones that are registered with a real Kamailio, and against phones themselves."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.module_utils.sip_proxy import ProxyClient

from .agents import DOMAIN, HERE, PASSWORD, free_port

BEHAVIOURS = {"101": "accepts", "102": "asks", "103": "refuses", "104": "is mute"}


@pytest.fixture(scope="module")
def phones(desk, kamailio):
    """Four phones that are registered, and phone105 which is off."""
    desk.add("105")
    with contextlib.ExitStack() as stack:
        made = {user: stack.enter_context(desk.phone(user, behaviour).running()) for user, behaviour in BEHAVIOURS.items()}
        for phone in made.values():
            phone.register(kamailio.port)
        yield made


def through(kamailio, **more):
    return {"phone_resync_via": "proxy", "phone_resync_pbx_port": kamailio.port, **more}


def test_a_proxy_finds_the_phones_and_tells_what_they_answer(desk, kamailio, phones):
    before = {user: len(phone.heard()) for user, phone in phones.items()}
    output = desk.resync(**through(kamailio))
    assert '"accepted": 2, "refused": 1, "unreachable": 2' in output
    assert "phone103: answered 489 Bad Event: it does not know the event check-sync;reboot=false" in output
    assert "phone104: is registered with the proxy, and did not answer it (answered 408 Request Timeout)" in output
    assert "phone105: is not registered with the proxy as 105@pbx.example.com (answered 404 Not Found)" in output
    heard = {user: len(phone.heard()) - before[user] for user, phone in phones.items()}
    # Kamailio repeats what a phone does not answer; phone102 asked for the password first.
    assert (heard["101"], heard["102"], heard["103"]) == (1, 2, 1) and heard["104"] >= 1
    assert set(phones["101"].events()) == {"check-sync;reboot=false"}


def test_phones_are_restarted_by_name_and_nobody_else(desk, kamailio, phones):
    before = len(phones["102"].heard())
    desk.resync("--limit", "phone101", **through(kamailio, phone_resync_reboot=True, phone_resync_transport="tcp"))
    assert phones["101"].events()[-1] == "check-sync;reboot=true"
    assert len(phones["102"].heard()) == before


REFUSALS = [
    ({"address": "nowhere.invalid"}, {}, "SIP proxy at nowhere.invalid:{port} (udp): is no address and no name that resolves"),
    ({"port": "free"}, {}, "SIP proxy at 127.0.0.1:{free} (udp): did not answer within 2 s"),
    ({"port": "free", "transport": "tcp"}, {}, "SIP proxy at 127.0.0.1:{free} (tcp): refuses connections"),
    ({"transport": "tls"}, {}, "SIP proxy at 127.0.0.1:{port} (tls): did not answer within 2 s"),
    ({"port": "secure", "transport": "tls"}, {}, "SIP proxy at 127.0.0.1:{secure} (tls): has a certificate that is not trusted: self-signed certificate"),
    ({"port": "old", "transport": "tls"}, {},
     "SIP proxy at 127.0.0.1:{old} (tls): speaks only a version of TLS that is too old to be accepted (TLSV1_ALERT_PROTOCOL_VERSION)"),
    ({"password": "wrong"}, {}, "is not notified by the proxy, which does not accept the password of its line 101 (answered 407)"),
    ({"password": ""}, {}, "asks for a password (realm 'pbx.example.com'), and its first line has none"),
    ({}, {"source": "stranger"}, "answered 403 Forbidden: the proxy or the phone does not let us notify; send from an address that both trust"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "more", "sentence"), REFUSALS)
def test_every_refusal_of_a_proxy_is_one_sentence(kamailio, phones, changes, more, sentence):
    words = {"port": kamailio.port, "free": free_port(), "secure": kamailio.tls_port, "old": kamailio.old_tls_port}
    line = Target("x", HERE, kamailio.port, "udp", "101", DOMAIN, "101", PASSWORD, "check-sync", routed=True)
    proxy = line._replace(**{name: words.get(value, value) for name, value in changes.items()})
    source = (HERE, kamailio.stranger) if "source" in more else ("", 0)

    async def run():
        client = ProxyClient(proxy, 2, source)
        try:
            await client.open()
            return (await client.notify(proxy)).msg
        except PbxError as exc:
            return str(exc)
        finally:
            client.close()

    assert asyncio.run(run()) == sentence.format(**words)


def test_the_login_of_the_proxy_stands_in_for_that_of_the_lines(desk, kamailio, phones):
    login = {"phone_resync_pbx_user": "operator", "phone_resync_pbx_password": PASSWORD}
    assert '"accepted": 1' in desk.resync("--limit", "phone101", **through(kamailio, **login))
    login["phone_resync_pbx_password"] = "wrong"
    output = desk.resync("--limit", "phone101", wanted=2, **through(kamailio, **login))
    assert f"SIP proxy at 127.0.0.1:{kamailio.port} (udp): does not accept the user operator with this password" in output


def test_a_proxy_is_asked_over_tls_and_its_certificate_checked(desk, kamailio, phones):
    over_tls = {
        "phone_resync_transport": "tls",
        "phone_resync_pbx_port": kamailio.tls_port,
        "phone_resync_ca_path": str(kamailio.certificate),
    }
    before = len(phones["101"].heard())
    assert '"accepted": 1' in desk.resync("--limit", "phone101", **through(kamailio, **over_tls))
    assert len(phones["101"].heard()) == before + 1


def test_phones_are_told_directly_too(desk, phones):
    places = {f"phone{user}": f"{HERE}:{phone.port}" for user, phone in phones.items()}
    output = desk.resync(phone_resync_addresses=places, phone_resync_timeout=1)
    assert '"accepted": 2, "refused": 1, "skipped": 1, "unreachable": 1' in output
    assert f"phone104: did not answer at {places['phone104']} (udp) within 1 s" in output
    assert "phone105: has no address: set its ansible_host, name it in addresses, or notify through the PBX" in output
