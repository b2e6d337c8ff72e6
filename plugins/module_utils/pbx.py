# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifies phones through their PBX, which knows where they are: FreeSWITCH's event socket and Asterisk's manager interface.

Both take the request and send it on their own; what the phone answers they don't tell. Whether a phone is registered is asked first.
"""

from __future__ import annotations

import asyncio
import re
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.sip import Outcome, Target, reason_of

PORTS = {"freeswitch": 8021, "asterisk": 5038}
_LONGEST = 1 << 20  # bytes of one answer
# FreeSWITCH wants a type even where there is no body; phones look at the event only.
_NO_BODY = "application/simple-message-summary"


class PbxError(Exception):
    """The PBX can't be used; the message is one sentence."""


class _Connection:
    """Header blocks over TCP, as both protocols have them."""

    def __init__(self, name: str, host: str, port: int, timeout: float) -> None:
        self._name, self._host, self._port, self._timeout = name, host, port, timeout
        self._reader: t.Any = None
        self._writer: t.Any = None

    @property
    def place(self) -> str:
        return f"{self._name} at {self._host}:{self._port}"

    async def open(self) -> None:
        """
        :raises PbxError: nobody answers there.
        """
        opening = asyncio.open_connection(self._host, self._port, limit=_LONGEST)
        try:
            self._reader, self._writer = await asyncio.wait_for(opening, self._timeout)
        except asyncio.TimeoutError:
            raise PbxError(f"{self.place}: did not answer within {self._timeout:g} s") from None
        except OSError as exc:
            raise PbxError(f"{self.place}: can't be reached ({reason_of(exc)})") from None

    def close(self) -> None:
        if self._writer:
            self._writer.close()

    def send(self, lines: t.Sequence[str], end: str, body: str = "") -> None:
        """
        :raises PbxError: a value would end its line.
        """
        if any(re.search(r"[\x00-\x1f\x7f]", line) for line in lines):
            raise PbxError(f"{self.place}: a value holds a control character, so nothing was sent")
        self._writer.write((end.join(lines) + end * 2 + body).encode())

    async def _wait(self, reading: t.Awaitable[bytes]) -> bytes:
        try:
            return await asyncio.wait_for(reading, self._timeout)
        except asyncio.TimeoutError:
            raise PbxError(f"{self.place}: did not answer within {self._timeout:g} s") from None
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
            raise PbxError(f"{self.place}: closed the connection") from None

    async def line(self) -> str:
        return (await self._wait(self._reader.readline())).decode("utf-8", "replace").strip()

    async def block(self, end: bytes) -> t.Tuple[t.Dict[str, str], str]:
        """Return the next headers by lower-case name, and the body that they announce."""
        text = (await self._wait(self._reader.readuntil(end * 2))).decode("utf-8", "replace")
        headers = {}
        for row in text.splitlines():
            name, colon, value = row.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        size = int(length) if length.isdigit() and int(length) <= _LONGEST else 0
        return headers, (await self._wait(self._reader.readexactly(size))).decode("utf-8", "replace") if size else ""


class FreeSwitch:
    """The event socket of FreeSWITCH (mod_event_socket)."""

    name = "FreeSWITCH"

    def __init__(self, host: str, port: int, user: str, password: str, timeout: float) -> None:
        """
        :param user: not used unless it is a ``user@domain`` of the directory, for ``userauth``.
        """
        self._connection = _Connection("FreeSWITCH's event socket", host, port, timeout)
        self._login = f"userauth {user}:{password}" if user else f"auth {password}"

    async def open(self) -> None:
        """
        :raises PbxError: it can't be reached, refuses our address, or our password.
        """
        await self._connection.open()
        headers, _body = await self._connection.block(b"\n")
        if headers.get("content-type") == "text/rude-rejection":
            raise PbxError(f"{self._connection.place}: refuses this address; its list apply-inbound-acl has to allow it")
        if headers.get("content-type") != "auth/request":
            raise PbxError(f"{self._connection.place}: what answers there is no event socket")
        headers, _body = await self._ask([self._login])
        if not headers.get("reply-text", "").startswith("+OK"):
            raise PbxError(f"{self._connection.place}: does not accept the password")

    def close(self) -> None:
        self._connection.close()

    async def notify(self, target: Target) -> Outcome:
        """Have a phone notified under every profile that it is registered with."""
        headers, contacts = await self._ask([f"api sofia_contact */{target.user}@{target.domain}"])
        self._check_api(headers.get("reply-text") or contacts)
        profiles = list(dict.fromkeys(re.findall(r"sofia/([^/,\s]+)/", contacts)))
        if not profiles:
            return Outcome("unreachable", 0, f"is not registered with FreeSWITCH as {target.user}@{target.domain}")
        for profile in profiles:
            lines = [
                "sendevent NOTIFY",
                f"profile: {profile}",
                f"event-string: {target.event}",
                f"user: {target.user}",
                f"host: {target.domain}",
                "content-type: {}".format((target.content_type or "text/plain") if target.body else _NO_BODY),
            ]
            if target.body:
                lines.append(f"content-length: {len(target.body.encode())}")
            headers, _body = await self._ask(lines, target.body)
            reply = headers.get("reply-text", "")
            if not reply.startswith("+OK"):
                return Outcome("refused", 0, "FreeSWITCH does not send it: {}".format(reply[:120] or "no reason"))
        return Outcome("sent", 0, "")

    def _check_api(self, answer: str) -> None:
        """
        :raises PbxError: it does not tell anybody's contacts, so that nobody can be notified.
        """
        if not answer.startswith("-ERR"):
            return
        if "not found" in answer.lower():
            raise PbxError(f"{self._connection.place}: knows no sofia_contact; mod_sofia has to be loaded")
        if "permission denied" in answer.lower():
            raise PbxError(f"{self._connection.place}: its user may not ask for sofia_contact; allow it in esl-allowed-api")

    async def _ask(self, lines: t.Sequence[str], body: str = "") -> t.Tuple[t.Dict[str, str], str]:
        self._connection.send(lines, "\n", body)
        while True:
            headers, text = await self._connection.block(b"\n")
            if headers.get("content-type") in ("command/reply", "api/response"):
                return headers, text
            if headers.get("content-type") == "text/disconnect-notice":
                raise PbxError(f"{self._connection.place}: closed the connection")


class Asterisk:
    """The manager interface of Asterisk, for phones of chan_pjsip: the endpoint is named after the line's user."""

    name = "Asterisk"

    def __init__(self, host: str, port: int, user: str, password: str, timeout: float) -> None:
        self._connection = _Connection("Asterisk's manager interface", host, port, timeout)
        self._user, self._password = user, password
        self._number = 0
        self._registered: t.Optional[t.Set[str]] = None

    async def open(self) -> None:
        """
        :raises PbxError: it can't be reached, or refuses user or password.
        """
        await self._connection.open()
        if not (await self._connection.line()).startswith("Asterisk Call Manager"):
            raise PbxError(f"{self._connection.place}: what answers there is no manager interface")
        login = await self._ask(["Action: Login", "Username: " + self._user, "Secret: " + self._password, "Events: off"])
        if login.get("response") != "Success":
            raise PbxError(f"{self._connection.place}: does not accept the user {self._user} with this password")
        await self._read_contacts()

    def close(self) -> None:
        self._connection.close()

    async def notify(self, target: Target) -> Outcome:
        """Have a phone notified at every contact of its endpoint."""
        if self._registered is not None and target.user not in self._registered:
            return Outcome("unreachable", 0, f"is not registered with Asterisk as {target.user}")
        # Asterisk adds the Subscription-State itself.
        lines = ["Action: PJSIPNotify", "Endpoint: " + target.user, "Variable: Event=" + _variable(target.event)]
        if target.body:
            lines.append("Variable: Content-type=" + _variable(target.content_type or "text/plain"))
            lines += ["Variable: Content=" + _variable(row) for row in target.body.splitlines()]
        reply = await self._ask(lines)
        if reply.get("response") == "Success":
            return Outcome("sent", 0, "")
        message = reply.get("message", "no reason")
        if message.startswith("Invalid/unknown command"):
            raise PbxError(
                f"{self._connection.place}: knows no PJSIPNotify; res_pjsip_notify.so has to be loaded, which needs a pjsip_notify.conf"
            )
        if message == "Permission denied":
            raise PbxError(f"{self._connection.place}: the user {self._user} may not notify; its write in manager.conf needs system")
        return Outcome("refused", 0, f"Asterisk does not send it: {message[:120]}")

    async def _read_contacts(self) -> None:
        """Note who is registered; an Asterisk that doesn't tell, or not to this user, is believed to know everybody."""
        number = self._number + 1
        reply = await self._ask(["Action: PJSIPShowContacts"])
        registered: t.Set[str] = set()
        if reply.get("response") != "Success":
            # So it says it when nobody at all is registered.
            self._registered = registered if "no contacts" in reply.get("message", "").lower() else None
            return
        while True:
            headers, _body = await self._connection.block(b"\r\n")
            if headers.get("actionid") != str(number):
                continue
            if headers.get("event") == "ContactListComplete":
                break
            if headers.get("event") == "ContactList":
                registered.add(headers.get("endpoint") or headers.get("endpointname") or "")
        self._registered = None if "" in registered else registered

    async def _ask(self, lines: t.Sequence[str]) -> t.Dict[str, str]:
        self._number += 1
        self._connection.send([*lines, f"ActionID: {self._number}"], "\r\n")
        while True:
            headers, _body = await self._connection.block(b"\r\n")
            if "response" in headers and headers.get("actionid") in (None, str(self._number)):
                return headers


def _variable(value: str) -> str:
    """Return a value as the manager interface reads it: it splits variables at commas, and takes quotes and backslashes out."""
    return re.sub(r'([\\",])', r"\\\1", value)


PBXES = {"freeswitch": FreeSwitch, "asterisk": Asterisk}
