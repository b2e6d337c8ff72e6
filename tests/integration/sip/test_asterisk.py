# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook resync through a real Asterisk, at which phones played by sipp are registered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import Asterisk as Client
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target

from .agents import DOMAIN, HERE, until
from .asterisk import Asterisk

if os.geteuid() != 0 or not (shutil.which("asterisk") or shutil.which("mmdebstrap")):
    pytest.skip("needs root, and Asterisk or mmdebstrap: make pbx", allow_module_level=True)


@pytest.fixture(scope="module")
def asterisk():
    with Asterisk(("101", "102", "103")).running() as running:
        yield running


@pytest.fixture(scope="module")
def phones(desk, asterisk):
    """Two phones that are registered, one that is not, and one that Asterisk doesn't know."""
    desk.add("103")
    desk.add("104")
    with contextlib.ExitStack() as stack:
        made = {user: stack.enter_context(desk.phone(user).running()) for user in ("101", "102")}
        for phone in made.values():
            phone.register(asterisk.sip_port, HERE)
        yield made


def through(asterisk, **more):
    login = {"phone_resync_pbx_user": "phones", "phone_resync_pbx_password": "right"}
    return {"phone_resync_via": "asterisk", "phone_resync_pbx_port": asterisk.port, **login, **more}


def ask(asterisk, user="phones", password="right", **changes):
    """Return what became of one notification, or why nobody can be notified."""

    async def run():
        client = Client(HERE, asterisk.port, user, password, 3)
        try:
            await client.open()
            return await client.notify(Target("x", "", 0, "udp", "101", DOMAIN, "101", "", "check-sync")._replace(**changes))
        except PbxError as exc:
            return str(exc).replace(f" at {HERE}:{asterisk.port}", "")
        finally:
            client.close()

    return asyncio.run(run())


def test_who_is_registered_is_notified_and_the_others_are_told(desk, asterisk, phones):
    output = desk.resync(**through(asterisk))
    assert '"sent": 2, "unreachable": 2' in output
    assert "phone103: is not registered with Asterisk as 103" in output
    for phone in phones.values():
        until(phone.events)
        assert phone.events() == ["check-sync;reboot=false"]
        assert phone.heard()[0].count("Subscription-State:") == 1


def test_values_arrive_as_they_were_written(asterisk, phones):
    body = 'a=1,2\nb="x\\y"\nc=(d,[e\n'
    assert ask(asterisk, event='x;y="1,2"', body=body, content_type="text/plain").state == "sent"
    until(lambda: "Content-Type: text/plain" in "".join(phones["101"].heard()))
    message = phones["101"].heard()[-1].replace("\r", "")
    assert phones["101"].events()[-1] == 'x;y="1,2"'
    assert message.split("\n\n", 1)[1].strip() == body.strip()


def test_every_refusal_is_one_sentence(desk, asterisk, phones):
    assert ask(asterisk, password="wrong") == "Asterisk's manager interface: does not accept the user phones with this password"
    assert ask(asterisk, user="elsewhere") == "Asterisk's manager interface: does not accept the user elsewhere with this password"
    sentence = "Asterisk's manager interface: the user reader may not notify; its write in manager.conf needs system"
    assert ask(asterisk, user="reader") == sentence
    output = desk.resync(wanted=2, **through(asterisk, phone_resync_pbx_password="wrong"))
    assert f"Asterisk's manager interface at {HERE}:{asterisk.port}: does not accept the user phones with this password" in output


def test_an_asterisk_without_the_module_for_it_is_told(desk, phones):
    with Asterisk(("101",), notifies=False).running() as running:
        phones["101"].register(running.sip_port, HERE)
        answer = ask(running)
    assert answer == (
        "Asterisk's manager interface: knows no PJSIPNotify; res_pjsip_notify.so has to be loaded, which needs a pjsip_notify.conf"
    )
