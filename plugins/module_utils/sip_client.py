# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifies phones directly, over UDP, TCP or TLS: the client side of a non-INVITE transaction (RFC 3261, section 17.1.2)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.sip import (
    Dialogue,
    Outcome,
    Response,
    SipError,
    Target,
    bracketed,
    parse_response,
    reason_of,
)

T1, T2 = 0.5, 4.0  # seconds: RFC 3261, section 17.1.2.1
_LONGEST = 65536  # bytes of an answer

# Sends a request, named by its branch, and returns the final answer.
Exchange = t.Callable[[str, bytes], t.Awaitable[Response]]


def trusted(ca_path: t.Optional[str] = None) -> ssl.SSLContext:
    """Return how certificates are checked over TLS 1.2 and newer.

    :param ca_path: a file of CAs to trust in place of the system's.
    :raises OSError: it can't be read.
    :raises ssl.SSLError: it holds no certificates.
    """
    context = ssl.create_default_context(cafile=ca_path)
    # Some builds of Python leave this to OpenSSL's configuration; Debian's lets a handshake begin with TLS 1.0.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Unreachable(Exception):
    """No answer came; the text is a clause that fits behind the phone's name."""


class _Answers(asyncio.DatagramProtocol):
    """One UDP socket for all phones; an answer finds its request by branch and sender."""

    def __init__(self) -> None:
        self.waiting: t.Dict[t.Tuple[str, str], asyncio.Future] = {}

    def datagram_received(self, data: bytes, addr: t.Any) -> None:
        try:
            response = parse_response(data)
        except SipError:
            return  # Anyone may send us anything.
        future = self.waiting.get((response.branch, addr[0].split("%")[0]))
        if future and not future.done() and response.status >= 200:
            future.set_result(response)

    def error_received(self, exc: Exception) -> None:
        """An unconnected socket can't tell whom an error is about: the timeout tells."""


class SipClient:
    """Sends notifications; to be made and used inside one event loop, and closed."""

    def __init__(self, timeout: float, source: t.Tuple[str, int] = ("", 0), tls: t.Optional[ssl.SSLContext] = None) -> None:
        """
        :param timeout: seconds to wait for the answer to one request.
        :param source: local address and port to send from; the port for UDP only. Empty and 0 leave it to the system.
        :param tls: how phones are trusted; the system's way by default.
        """
        self._timeout = timeout
        self._source = source
        self._tls = tls
        self._udp: t.Dict[int, t.Tuple[asyncio.DatagramTransport, _Answers]] = {}
        self._opening = asyncio.Lock()
        self._login = ("", "")

    def close(self) -> None:
        for transport, _answers in self._udp.values():
            transport.close()

    async def notify(self, target: Target) -> Outcome:
        """Notify one phone, and answer its challenge."""
        try:
            async with self._way(target) as (local, exchange):
                refused, response = await self._converse(Dialogue(target, local, self._login), exchange)
            return self._told(target, response, refused)
        except Unreachable as exc:
            return Outcome("unreachable", 0, str(exc))
        except SipError as exc:
            return Outcome("refused", 0, str(exc))
        except OSError as exc:
            return Outcome("unreachable", 0, f"can't be reached at {place_of(target)} ({reason_of(exc)})")

    @contextlib.asynccontextmanager
    async def _way(self, target: Target) -> t.AsyncIterator[t.Tuple[t.Tuple[str, int], Exchange]]:
        """Give the local address, and what sends a request and waits for its answer."""
        family, where = await self._resolve(target)
        if target.transport == "udp":
            yield await self._over_udp(target, family, where)
            return
        reader, writer = await self._connect(target, where)
        try:
            yield writer.get_extra_info("sockname")[:2], self._over_stream(target, reader, writer)
        finally:
            writer.close()

    async def _resolve(self, target: Target) -> t.Tuple[int, t.Tuple]:
        kind = socket.SOCK_DGRAM if target.transport == "udp" else socket.SOCK_STREAM
        try:
            found = await asyncio.get_event_loop().getaddrinfo(target.address, target.port, type=kind)
        except (OSError, UnicodeError):
            raise Unreachable(f"has the address {target.address}, which is no address and no name that resolves") from None
        return found[0][0], found[0][4]

    async def _over_udp(self, target: Target, family: int, where: t.Tuple) -> t.Tuple[t.Tuple[str, int], Exchange]:
        transport, answers = await self._socket(family)

        async def exchange(branch: str, data: bytes) -> Response:
            loop = asyncio.get_event_loop()
            # The sender is known by its address alone: a phone behind NAT may answer from another port.
            slot = (branch, where[0].split("%")[0])
            future = answers.waiting[slot] = loop.create_future()
            deadline, wait = loop.time() + self._timeout, T1
            try:
                while True:
                    left = deadline - loop.time()
                    if left <= 0:
                        raise Unreachable(f"did not answer {self._at(target)} within {self._timeout:g} s")
                    transport.sendto(data, where)
                    await asyncio.wait([future], timeout=min(wait, left))
                    if future.done():
                        return future.result()
                    wait = min(wait * 2, T2)
            finally:
                del answers.waiting[slot]

        return (_local_address(family, where, self._source[0]), transport.get_extra_info("sockname")[1]), exchange

    def _over_stream(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
        async def exchange(branch: str, data: bytes) -> Response:
            writer.write(data)
            try:
                return await asyncio.wait_for(_read(reader, branch), self._timeout)
            except asyncio.TimeoutError:
                raise Unreachable(f"did not answer {self._at(target)} within {self._timeout:g} s") from None
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                raise Unreachable(f"closed the connection {self._at(target)} without an answer") from None

        return exchange

    async def _connect(self, target: Target, where: t.Tuple) -> t.Tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        more: t.Dict[str, t.Any] = {}
        if target.transport == "tls":
            more = {"ssl": self._tls or trusted(), "server_hostname": target.address}
        if self._source[0]:
            more["local_addr"] = (self._source[0], 0)
        try:
            return await asyncio.wait_for(asyncio.open_connection(where[0], where[1], limit=_LONGEST, **more), self._timeout)
        except asyncio.TimeoutError:
            raise Unreachable(f"did not answer at {place_of(target)} within {self._timeout:g} s") from None
        except ConnectionRefusedError:
            raise Unreachable(f"refuses connections at {place_of(target)}") from None
        except ssl.SSLCertVerificationError as exc:
            why = exc.verify_message or exc.reason
            raise Unreachable(f"has a certificate at {place_of(target)} that is not trusted: {why}") from None
        except ssl.SSLError as exc:
            reason = exc.reason or "no reason"
            if "PROTOCOL_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
                raise Unreachable(f"speaks only a version of TLS that is too old to be accepted at {place_of(target)} ({reason})") from None
            # Who sends an alert speaks TLS; which one a server sends for what it doesn't like differs by its version of OpenSSL.
            what = "ends the TLS handshake" if "ALERT" in reason else "does not speak TLS"
            raise Unreachable(f"{what} at {place_of(target)} ({reason})") from None

    async def _socket(self, family: int) -> t.Tuple[asyncio.DatagramTransport, _Answers]:
        async with self._opening:
            if family not in self._udp:
                local = (self._source[0] or ("::" if family == socket.AF_INET6 else "0.0.0.0"), self._source[1])
                loop = asyncio.get_event_loop()
                try:
                    self._udp[family] = await loop.create_datagram_endpoint(_Answers, local_addr=local, family=family)
                except OSError as exc:
                    what = "can't be asked: nothing can be sent from {}:{} ({})"
                    raise Unreachable(what.format(bracketed(local[0]), local[1], reason_of(exc))) from None
        return self._udp[family]

    async def _converse(self, dialogue: Dialogue, exchange: Exchange) -> t.Tuple[str, Response]:
        """Send the request and, when somebody asks who we are, again with the answer; return why that was of no use, and the last answer."""
        response = await exchange(*dialogue.request())
        asked: t.Dict[int, Response] = {}
        for _attempt in range(4):  # proxy and phone may both ask, and either may call a nonce stale
            if response.status not in (401, 407):
                break
            if response.status in asked and not _stale(response):
                return "password", response
            asked[response.status] = response
            headers = [dialogue.answer(each) for each in asked.values()]
            if None in headers:
                return "scheme", response
            response = await exchange(*dialogue.request([header for header in headers if header]))
        return ("password" if response.status in (401, 407) else ""), response

    def _told(self, target: Target, response: Response, refused: str) -> Outcome:
        """Put the last answer into words."""
        if response.status < 300:
            return Outcome("accepted", response.status, "")
        if refused == "scheme":
            return Outcome("refused", response.status, "asks for an authentication that is neither Digest MD5 nor Digest SHA-256")
        if refused:
            what = "does not accept the password of its line {} (answered {})"
            return Outcome("refused", response.status, what.format(target.auth_user, response.status))
        reason = " " + response.reason if response.reason else ""
        why = {
            404: f": it has no account {target.user}",
            481: ": it accepts only what belongs to a subscription, such as one of its PBX",
            489: f": it does not know the event {target.event}",
            403: ": it accepts notifications from its PBX only",
        }.get(response.status, "")
        return Outcome("refused", response.status, f"answered {response.status}{reason}{why}")

    def _at(self, target: Target) -> str:
        return "at " + place_of(target)


def _stale(response: Response) -> bool:
    values = response.headers.get("www-authenticate", []) + response.headers.get("proxy-authenticate", [])
    return any("stale=true" in value.lower().replace(" ", "").replace('"', "") for value in values)


async def _read(reader: asyncio.StreamReader, branch: str) -> Response:
    """Return the final answer to a request; what else comes over the connection is skipped."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
        if not head:
            continue  # a keep-alive (RFC 5626)
        is_answer = head.startswith(b"SIP/2.0 ")
        message = parse_response(head if is_answer else b"SIP/2.0 100 Trying\r\n" + head.split(b"\r\n", 1)[-1])
        length = (message.headers.get("content-length") or ["0"])[0]
        if not length.isdigit() or int(length) > _LONGEST:
            raise SipError("answered with a Content-Length that makes no sense")
        await reader.readexactly(int(length))
        if is_answer and message.status >= 200 and message.branch == branch:
            return message


def _local_address(family: int, where: t.Tuple, given: str) -> str:
    """Return the address that the system sends from towards a phone."""
    if given:
        return given
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(where)
        return probe.getsockname()[0]


def place_of(target: Target) -> str:
    """Return where a phone is, as sentences name it."""
    return f"{bracketed(target.address)}:{target.port} ({target.transport})"
