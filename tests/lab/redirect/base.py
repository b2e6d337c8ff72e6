# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small HTTP server that simulated redirect services are made of: accounts, devices, faults to order, and a count of calls.

Nothing here comes from the client's code: signatures and formats are checked against the facts, so that both sides can be wrong apart.
Beside the service itself the port answers, under paths that no real service has:

* ``GET /phone/<mac>``: what a factory-new phone would be told (302 with the registered URL, or 404). The real protocol is not public.
* ``GET /_lab/calls``, ``POST /_lab/reset``, ``POST /_lab/seed``, ``POST /_lab/faults``, ``GET /_lab/mac/<mac>``, ``GET /_lab/state``.
"""

from __future__ import annotations

import collections
import json
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

ACCOUNT = {"username": "lab-user", "password": "lab-password", "access_key_id": "lab-key", "access_key_secret": "lab-secret"}
FAULTS = (
    "status",
    "429",
    "reset",
    "lost",
    "lost500",
    "lost503",
    "malformed",
    "truncated",
    "slow",
    "expire",
    "offsite",
    "redirect",
    "garbage",
)


def bare(mac: object) -> str:
    """A MAC in any spelling as twelve lower-case digits, or an empty text."""
    digits = re.sub(r"[ .:\-]", "", str(mac)).lower()
    return digits if re.fullmatch(r"[0-9a-f]{12}", digits) else ""


def after(start: str, text: str) -> str:
    """Do what str.removeprefix does: tests of module_utils run with Python 3.8 too."""
    return text[len(start) :] if text.startswith(start) else text


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def below(self, root: str) -> str:
        """Return what follows a root in the path; a path from elsewhere stays whole."""
        return after(root, self.path)

    def json(self) -> object:
        return json.loads(self.body.decode())


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


@dataclass
class Fault:
    """kind; call it applies to (empty: any); times left; first so many calls let through; argument (status, seconds)."""

    kind: str
    call: str = ""
    times: int = 1
    arg: str = ""
    after: int = 0


def parse_faults(spec: str) -> list[Fault]:
    """``kind[:call[:times[:arg]]]``, separated by commas."""
    faults = []
    for item in filter(None, spec.split(",")):
        parts = (item.split(":") + ["", "", ""])[:4]
        if parts[0] not in FAULTS:
            raise ValueError(f"fault {parts[0]!r} is not known; known: {', '.join(FAULTS)}")
        faults.append(Fault(parts[0], parts[1], int(parts[2] or 1), parts[3]))
    return faults


@dataclass
class Entry:
    """One MAC in the service. owner: ``us`` is the account of the tests."""

    mac: str
    owner: str = "us"
    url: str = ""
    server: str = ""
    serial: str = ""
    username: str = ""
    password: str = ""
    id: str = ""


class Simulator:
    """The state of one simulated service. Subclasses implement ``handle`` and ``call_name``."""

    name = ""
    default_path = "/"
    writes: tuple[str, ...] = ()
    clock_window = 300  # seconds
    spell = staticmethod(lambda mac: mac)  # how answers write a MAC, and what filters look in

    def __init__(self, account: dict[str, str] | None = None) -> None:
        self.account = {**ACCOUNT, **(account or {})}
        self.devices: dict[str, Entry] = {}
        self.faults: list[Fault] = []
        self.calls: collections.Counter[str] = collections.Counter()
        self.log: list[str] = []
        self.skew = 0.0  # seconds that this service's clock is ahead
        self.lock = threading.RLock()
        self.base = ""
        self._nonces: set[str] = set()
        self._number = 0

    # For subclasses.

    def call_name(self, request: Request) -> str:
        return request.path

    def handle(self, request: Request) -> Answer:
        raise NotImplementedError

    def expire(self) -> None:
        """End every session; what ``expire`` as a fault does."""

    def now(self) -> float:
        return time.time() + self.skew

    def fresh_nonce(self, nonce: str) -> bool:
        with self.lock:
            if nonce in self._nonces:
                return False
            self._nonces.add(nonce)
            return True

    def new_id(self) -> str:
        self._number += 1
        return f"id{self._number:06d}"

    def url_of(self, mac: str) -> str:
        """Where a phone would be sent."""
        entry = self.devices.get(mac)
        return entry.url if entry else ""

    # For tests.

    def seed(self, mac: str, owner: str = "us", url: str = "", **more: str) -> None:
        self.devices[bare(mac)] = Entry(bare(mac), owner, url, id=self.new_id(), **more)

    def write_calls(self) -> int:
        return sum(count for name, count in self.calls.items() if name in self.writes)

    def forget_calls(self) -> None:
        self.calls.clear()
        self.log.clear()

    def take(self, name: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.call in ("", name):
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def control(self, request: Request) -> Answer:
        path = request.below("/_lab/")
        if path == "calls":
            return json_answer({"total": sum(self.calls.values()), "writes": self.write_calls(), "calls": dict(self.calls)})
        if path == "state":
            return json_answer({mac: vars(entry) for mac, entry in self.devices.items()})
        if path.startswith("mac/"):
            entry = self.devices.get(bare(path[4:]))
            return json_answer({**vars(entry), "url": self.url_of(entry.mac)}) if entry else json_answer({}, 404)
        if path == "reset":
            self.forget_calls()
            return json_answer({})
        if path == "seed":
            for item in request.json():
                self.seed(**item)
            return json_answer({})
        if path == "faults":
            self.faults = parse_faults(request.body.decode())
            return json_answer({})
        return json_answer({}, 404)

    def phone(self, request: Request) -> Answer:
        url = self.url_of(bare(request.below("/phone/")))
        return Answer(302, b"", {"Location": url}) if url else Answer(404)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 20
    disable_nagle_algorithm = True  # headers and body are two writes; else each answer waits 40 ms for an acknowledgement

    def log_message(self, *args: object) -> None:
        return

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.simulator.now() if timestamp is None else timestamp, usegmt=True)

    def _any(self) -> None:
        simulator = self.server.simulator
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length))
        if self.path.startswith("/_lab/"):
            self._send(simulator.control(request))
            return
        if self.path.startswith("/phone/"):
            self._send(simulator.phone(request))
            return
        name = simulator.call_name(request)
        fault = simulator.take(name)
        kind = fault.kind if fault else ""
        with simulator.lock:
            simulator.calls[name] += 1
            simulator.log.append(name)
        if kind == "reset":
            self._drop()
        elif kind == "status":
            self._send(Answer(int(fault.arg or 500), b"<html>upstream</html>", {"Content-Type": "text/html"}))
        elif kind == "429":
            self._send(Answer(429, b"", {"Retry-After": fault.arg} if fault.arg else {}))
        elif kind == "redirect":
            self._send(Answer(302, b"", {"Location": fault.arg or "http://192.0.2.1/"}))
        else:
            if kind == "expire":
                simulator.expire()
            with simulator.lock:
                answer = simulator.handle(request)
            self._answer(kind, fault, answer)

    def _answer(self, kind: str, fault: Fault | None, answer: Answer) -> None:
        """Send what the service did, or spoil it on the way."""
        if kind == "lost":
            self._drop()
        elif kind == "lost500":
            self._send(Answer(502, b"<html>bad gateway</html>"))
        elif kind == "lost503":
            self._send(Answer(503, b"<html>busy</html>", {"Retry-After": fault.arg if fault else ""}))
        elif kind == "malformed":
            self._send(Answer(200, b'{"data": [', {"Content-Type": "application/json"}))
        elif kind == "garbage":
            self._send(Answer(200, b"\xff\xfe\x00nonsense"))
        elif kind == "truncated":
            self._send(answer, promise=len(answer.body) + 40)
            self._drop()
        elif kind == "slow":
            time.sleep(float(fault.arg or 1) if fault else 1)
            self._send(answer)
        elif kind == "offsite":
            body = answer.body.replace(self.server.simulator.base.encode(), b"http://192.0.2.1")
            headers = {key: value.replace(self.server.simulator.base, "http://192.0.2.1") for key, value in answer.headers.items()}
            self._send(Answer(answer.status, body, headers))
        else:
            self._send(answer)

    def _send(self, answer: Answer, promise: int | None = None) -> None:
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body) if promise is None else promise))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, simulator: Simulator, port: int = 0, address: str = "127.0.0.1", tls: tuple[str, str] | None = None) -> None:
        super().__init__((address, port), _Handler)
        self.simulator = simulator
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        simulator.base = f"{'https' if tls else 'http'}://{address}:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        return


class Running:
    """A simulator on a loopback port while the context lasts."""

    def __init__(self, simulator: Simulator, **more: object) -> None:
        self.simulator = simulator
        self.server = Server(simulator, **more)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Simulator:
        self.thread.start()
        return self.simulator

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
