# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PBXes stand at the edge: listeners that speak as much of their protocols as is asked of them."""

from __future__ import annotations

import asyncio

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.pbx import Asterisk, FreeSwitch, PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target

TARGET = Target("reception", "", 0, "udp", "101", "pbx.example.com", "101", "", "check-sync;reboot=false")


class Switch:
    """An event socket: one user is registered with two profiles."""

    def __init__(self, greeting="Content-Type: auth/request\n\n", sends="+OK sent", api=None):
        """
        :param api: what is answered to an api command, raw, before hanging up; nothing to behave.
        """
        self.greeting, self.sends, self.api = greeting, sends, api
        self.events: list[str] = []

    async def talk(self, reader, writer):
        writer.write(self.greeting.encode())
        while True:
            command = (await reader.readuntil(b"\n\n")).decode().strip()
            if command.startswith("auth "):
                right = command == "auth ClueCon"
                writer.write(f"Content-Type: command/reply\nReply-Text: {'+OK accepted' if right else '-ERR invalid'}\n\n".encode())
            elif command.startswith("api sofia_contact"):
                found = "sofia/internal/sip:101@10.0.0.5:5060,sofia/external/sip:101@10.0.0.6:5060"
                answer = found if command.endswith("*/101@pbx.example.com") else "error/user_not_registered"
                if self.api is not None:
                    writer.write(self.api.encode())
                    if not self.api.endswith("..."):
                        return
                    continue
                writer.write(f"Content-Type: api/response\nContent-Length: {len(answer)}\n\n{answer}".encode())
            elif command.startswith("sendevent"):
                length = next((int(line.split(":")[1]) for line in command.splitlines() if line.startswith("content-length")), 0)
                body = (await reader.readexactly(length)).decode()
                self.events.append(f"{command}\n\n{body}" if body else command)
                writer.write(f"Content-Type: command/reply\nReply-Text: {self.sends}\n\n".encode())


class Manager:
    """A manager interface: one endpoint has a contact."""

    def __init__(self, greeting="Asterisk Call Manager/9.0.0\r\n", lists=True, sends="Success\r\nMessage: NOTIFY sent", ends=None):
        """
        :param ends: the action at which it hangs up in the middle of the answer.
        """
        self.greeting, self.lists, self.sends, self.ends = greeting, lists, sends, ends
        self.actions: list[list[str]] = []

    async def talk(self, reader, writer):
        writer.write(self.greeting.encode())
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            number = lines[-1]
            self.actions.append(lines[:-1])
            if lines[0] == self.ends:
                writer.write(b"Response: Success\r\nEventList: st")
                return
            if lines[0] == "Action: Login":
                answer = "Response: Success" if "Secret: right" in lines else "Response: Error\r\nMessage: Authentication failed"
                writer.write(f"{answer}\r\n{number}\r\n\r\nEvent: FullyBooted\r\n\r\n".encode())
            elif lines[0] == "Action: PJSIPShowContacts" and self.lists:
                writer.write(f"Response: Success\r\n{number}\r\nEventList: start\r\n\r\n".encode())
                writer.write(f"Event: ContactList\r\n{number}\r\nEndpoint: 101\r\n\r\n".encode())
                writer.write(f"Event: ContactListComplete\r\n{number}\r\n\r\n".encode())
            elif lines[0] == "Action: PJSIPShowContacts":
                writer.write(f"Response: Error\r\n{number}\r\nMessage: Invalid/unknown command\r\n\r\n".encode())
            else:
                writer.write(f"Response: {self.sends}\r\n{number}\r\n\r\n".encode())


def use(pbx, kind, *targets, user="", password="ClueCon"):
    """Return the outcomes, or the sentence of the refusal without the place."""

    async def run():
        async def talk(reader, writer):
            try:
                await pbx.talk(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = kind("127.0.0.1", port, user, password, 0.5)
        try:
            await client.open()
            return [await client.notify(target) for target in targets]
        except PbxError as exc:
            return str(exc).replace(f" at 127.0.0.1:{port}", "")
        finally:
            client.close()
            server.close()

    return asyncio.run(run())


def test_freeswitch_sends_under_every_profile_of_the_user():
    switch = Switch()
    assert use(switch, FreeSwitch, TARGET) == [("sent", 0, "")]
    assert [event.splitlines()[1:5] for event in switch.events] == [
        [f"profile: {profile}", "event-string: check-sync;reboot=false", "user: 101", "host: pbx.example.com"]
        for profile in ("internal", "external")
    ]


def test_freeswitch_gets_the_body_of_events_that_have_one():
    switch = Switch()
    use(switch, FreeSwitch, TARGET._replace(event="service-control", body="action=restart\n", content_type="text/plain"))
    assert switch.events[0].endswith("content-type: text/plain\ncontent-length: 15\n\naction=restart\n")


def test_freeswitch_tells_who_is_not_registered():
    outcomes = use(Switch(), FreeSwitch, TARGET._replace(user="102"), TARGET)
    assert outcomes[0] == ("unreachable", 0, "is not registered with FreeSWITCH as 102@pbx.example.com")
    assert outcomes[1].state == "sent"


FREESWITCH = [
    (Switch(), "wrong", "FreeSWITCH's event socket: does not accept the password"),
    (Switch(), "x\ny", "FreeSWITCH's event socket: a value holds a control character, so nothing was sent"),
    (Switch("Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"), "ClueCon",
     "FreeSWITCH's event socket: refuses this address; its list apply-inbound-acl has to allow it"),
    (Switch("HTTP/1.1 400 Bad Request\n\n"), "ClueCon", "FreeSWITCH's event socket: what answers there is no event socket"),
    (Switch(""), "ClueCon", "FreeSWITCH's event socket: did not answer within 0.5 s"),
    (Switch(api=""), "ClueCon", "FreeSWITCH's event socket: closed the connection"),
    (Switch(api="Content-Type: api/response\nContent-Length: 40\n\nsofia/internal/"), "ClueCon", "FreeSWITCH's event socket: closed the connection"),
    (Switch(api="Content-Type: api/response\nContent-Length: 40\n\nsofia/..."), "ClueCon", "FreeSWITCH's event socket: did not answer within 0.5 s"),
    (Switch(api="Content-Type: text/disconnect-notice\nContent-Length: 0\n\n"), "ClueCon", "FreeSWITCH's event socket: closed the connection"),
    (Switch(api="Content-Type: api/response\nContent-Length: 38\n\n-ERR sofia_contact Command not found!\n"), "ClueCon",
     "FreeSWITCH's event socket: knows no sofia_contact; mod_sofia has to be loaded"),
    (Switch(api="Content-Type: command/reply\nReply-Text: -ERR permission denied\n\n"), "ClueCon",
     "FreeSWITCH's event socket: its user may not ask for sofia_contact; allow it in esl-allowed-api"),
]  # fmt: skip


@pytest.mark.parametrize(("switch", "password", "sentence"), FREESWITCH)
def test_every_refusal_of_freeswitch_is_one_sentence(switch, password, sentence):
    assert use(switch, FreeSwitch, TARGET, password=password) == sentence


def test_what_freeswitch_does_not_send_is_told():
    assert use(Switch(sends="-ERR no"), FreeSwitch, TARGET) == [("refused", 0, "FreeSWITCH does not send it: -ERR no")]


def test_asterisk_sends_to_the_endpoint():
    manager = Manager()
    assert use(manager, Asterisk, TARGET, user="phones", password="right") == [("sent", 0, "")]
    assert manager.actions[-1] == [
        "Action: PJSIPNotify",
        "Endpoint: 101",
        "Variable: Event=check-sync;reboot=false",
    ]


def test_asterisk_is_told_what_would_split_a_value():
    manager = Manager()
    use(manager, Asterisk, TARGET._replace(event='x;a="1,2"', body="a\\b\n", content_type="text/plain"), user="phones", password="right")
    assert manager.actions[-1][2:] == [
        'Variable: Event=x;a=\\"1\\,2\\"',
        "Variable: Content-type=text/plain",
        "Variable: Content=a\\\\b",
    ]


def test_asterisk_tells_who_is_not_registered():
    outcomes = use(Manager(), Asterisk, TARGET._replace(user="102"), user="phones", password="right")
    assert outcomes == [("unreachable", 0, "is not registered with Asterisk as 102")]


def test_an_asterisk_that_lists_nobody_is_asked_all_the_same():
    outcomes = use(Manager(lists=False), Asterisk, TARGET._replace(user="102"), user="phones", password="right")
    assert outcomes == [("sent", 0, "")]


def test_what_asterisk_does_not_send_is_told():
    manager = Manager(sends="Error\r\nMessage: Unable to retrieve endpoint 101")
    outcomes = use(manager, Asterisk, TARGET, user="phones", password="right")
    assert outcomes == [("refused", 0, "Asterisk does not send it: Unable to retrieve endpoint 101")]


@pytest.mark.parametrize(
    ("manager", "sentence"),
    [
        (Manager(), "Asterisk's manager interface: does not accept the user phones with this password"),
        (Manager("SSH-2.0-OpenSSH\r\n"), "Asterisk's manager interface: what answers there is no manager interface"),
        (Manager(""), "Asterisk's manager interface: did not answer within 0.5 s"),
        (Manager(ends="Action: Login"), "Asterisk's manager interface: closed the connection"),
    ],
)
def test_every_refusal_of_asterisk_is_one_sentence(manager, sentence):
    assert use(manager, Asterisk, TARGET, user="phones", password="wrong") == sentence


# The messages are those of Asterisk 20 (tests/integration/sip/test_asterisk.py).
@pytest.mark.parametrize(
    ("manager", "sentence"),
    [
        (Manager(sends="Error\r\nMessage: Permission denied"), "the user phones may not notify; its write in manager.conf needs system"),
        (
            Manager(sends="Error\r\nMessage: Invalid/unknown command: PJSIPNotify. Use Action: ListCommands to show available commands."),
            "knows no PJSIPNotify; res_pjsip_notify.so has to be loaded, which needs a pjsip_notify.conf",
        ),
        (Manager(ends="Action: PJSIPShowContacts"), "closed the connection"),
        (Manager(ends="Action: PJSIPNotify"), "closed the connection"),
    ],
)
def test_an_asterisk_that_notifies_nobody_is_one_sentence(manager, sentence):
    answer = use(manager, Asterisk, TARGET, TARGET, user="phones", password="right")
    assert answer == f"Asterisk's manager interface: {sentence}"


@pytest.mark.parametrize("kind", [FreeSwitch, Asterisk])
def test_a_pbx_that_is_not_there_is_one_sentence(kind):
    async def run():
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(PbxError, match=rf"at 127.0.0.1:{port}: can't be reached \(Connection refused\)"):
            await kind("127.0.0.1", port, "", "x", 1).open()

    asyncio.run(run())
