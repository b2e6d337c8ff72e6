# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a simulated phone starts, against a small server on loopback."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.boot import Boot, Client, Plan, masked

MAC = "805ec0000001"
CLAIM, HOME = "c1" * 20, "a0" * 20
INCLUDE = r"^include:config <([^>]+)>"
HANDED = {"url": [r"^url = (\S+)"], "user": [r"^user = (\S+)"], "password": [r"^password = (\S+)"]}


class Server:
    """``files`` by path; a path below a name of ``auth`` wants that user and password by that scheme. ``seen`` tells what came."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.auth: dict[str, tuple[str, str, str]] = {}
        self.redirects: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}
        self.seen: list[tuple[str, str]] = []
        self.agents: set[str] = set()
        self.marks: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args):
                pass

            def answer(self, body: bool) -> None:
                outer.seen.append((self.command, self.path))
                outer.agents.add(self.headers.get("User-Agent", ""))
                outer.marks.add(self.headers.get("X-Dialtone-Probe", ""))
                if self.path in outer.redirects:
                    self.send_response(302)
                    self.send_header("Location", outer.redirects[self.path])
                    self.end_headers()
                    return
                for prefix, (scheme, user, password) in outer.auth.items():
                    if self.path.startswith(prefix) and not self.allowed(scheme, user, password):
                        algorithm = ", algorithm=SHA-256" if scheme == "digest-sha256" else ""
                        challenge = 'Basic realm="x"' if scheme == "basic" else f'Digest realm="x", nonce="n", qop="auth"{algorithm}'
                        self.send_response(401)
                        self.send_header("WWW-Authenticate", challenge)
                        self.end_headers()
                        return
                text = outer.files.get(self.path)
                self.send_response(404 if text is None else 200)
                self.end_headers()
                if text is not None and body:
                    self.wfile.write(text.encode())

            def allowed(self, scheme: str, user: str, password: str) -> bool:
                sent = self.headers.get("Authorization", "")
                if scheme == "basic":
                    return sent == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
                parts = dict(re.findall(r'(\w+)="?([^",]+)"?', sent))
                digest = hashlib.sha256 if scheme.endswith("sha256") else hashlib.md5

                def hashed(text: str) -> str:
                    return digest(text.encode()).hexdigest()

                if not sent.startswith("Digest "):
                    return False
                inner = f"{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:{parts['qop']}"
                return parts["response"] == hashed(f"{hashed(f'{user}:x:{password}')}:{inner}:{hashed(f'{self.command}:{self.path}')}")

            def do_GET(self):
                self.answer(True)

            def do_HEAD(self):
                self.answer(False)

            def do_PUT(self):
                outer.uploads[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(201)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()


def plan(**change) -> Plan:
    usual = {
        "mac": MAC,
        "user_agent": "Vendor Phone 1.0",
        "files": [(f"{MAC}.boot", None), ("common.cfg", True), (f"{MAC}.cfg", True)],
        "stop_after": [f"{MAC}.boot"],
        "includes": [INCLUDE],
        "home": HANDED,
        "contact": [f"{MAC}.cfg"],
        "uploads": [],
    }
    return Plan(**{**usual, **change})


def boot(**change) -> Boot:
    made = plan(**change)
    return Boot(made, Client(made.user_agent, 5.0, ssl.create_default_context()))


def serve_phone(server, home=f"/p/{HOME}/", more=""):
    """A phone's files below its one-time URL, which hand over its own URL."""
    config = f"url = {server.base}{home}\nuser = d1\npassword = pw1\n{more}"
    for folder in (f"/c/{CLAIM}/", f"/p/{HOME}/"):
        server.files[f"{folder}{MAC}.boot"] = f"include:config <common.cfg>\ninclude:config <{MAC}.cfg>\n"
        server.files[f"{folder}common.cfg"] = "x = 1\n"
        server.files[f"{folder}{MAC}.cfg"] = config
    return f"{server.base}/c/{CLAIM}/"


@pytest.mark.parametrize("scheme", ["basic", "digest", "digest-sha256"])
def test_a_phone_follows_its_files_home_and_authenticates_there(server, scheme):
    start = serve_phone(server)
    server.auth[f"/p/{HOME}/"] = (scheme, "d1", "pw1")
    phone = boot()
    assert phone.run(start) == "provisioned"
    asked = [(row["phase"], row["url"].rsplit("/", 1)[1], row["status"]) for row in phone.requests]
    order = [f"{MAC}.boot", "common.cfg", f"{MAC}.cfg"]
    assert asked == [(phase, name, 200) for phase in ("start", "home") for name in order]
    assert {row.get("auth") for row in phone.requests if row["phase"] == "home"} == {scheme.split("-")[0]}
    assert server.agents == {"Vendor Phone 1.0"}


def test_nothing_that_is_told_holds_a_token_or_a_password(server):
    start = serve_phone(server)
    server.auth[f"/p/{HOME}/"] = ("basic", "d1", "pw1")
    phone = boot()
    phone.run(start)
    said = repr((phone.requests, phone.problems))
    assert not [secret for secret in (CLAIM, HOME, "pw1") if secret in said]
    assert masked(f"https://u:p@host/c/{CLAIM}/x.cfg") == "https://host/c/***/x.cfg"


def test_without_a_boot_file_the_rest_is_fetched_in_order(server):
    start = serve_phone(server)
    for folder in (f"/c/{CLAIM}/", f"/p/{HOME}/"):
        del server.files[f"{folder}{MAC}.boot"]
    phone = boot()
    assert phone.run(start) == "provisioned"
    assert [row["status"] for row in phone.requests] == [404, 200, 200] * 2


@pytest.mark.parametrize(
    ("break_it", "verdict"),
    [
        (lambda server: server.files.clear(), "refused"),
        (lambda server: server.auth.update({"/c/": ("basic", "a", "b")}), "refused"),
        (
            lambda server: server.redirects.update({f"/c/{CLAIM}/{name}": "/p/" for name in (f"{MAC}.boot", "common.cfg", f"{MAC}.cfg")}),
            "refused",
        ),
        (lambda server: server.auth.update({f"/p/{HOME}/": ("basic", "d1", "other")}), "home refused"),
        (lambda server: server.auth.update({f"/p/{HOME}/": ("digest", "d1", "other")}), "home refused"),
        (lambda server: server.files.pop(f"/p/{HOME}/{MAC}.cfg"), "home refused"),
        (lambda server: server.files.update({f"/c/{CLAIM}/{MAC}.cfg": "x = 1\n"}), "not handed over"),
        (lambda server: server.files.update({f"/c/{CLAIM}/{MAC}.cfg": "url = http://[/\n"}), "home refused"),
    ],
)
def test_how_a_start_can_fail(server, break_it, verdict):
    start = serve_phone(server)
    break_it(server)
    assert boot().run(start) == verdict


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/c/x/", "https://127.0.0.1:9/", "http://[/", "http://a b/", "no address", "file:///etc/", "ftp://h/"]
)
def test_what_does_not_answer_is_unreachable_and_no_traceback(url):
    phone = boot()
    assert phone.run(url) == "unreachable"
    assert all(row["error"] for row in phone.requests)


def test_a_plain_server_behind_https_is_told(server):
    phone = boot()
    assert phone.run(server.base.replace("http:", "https:") + "/c/x/") == "unreachable"
    assert "SSL" in phone.requests[0]["error"]


def test_a_file_that_must_not_be_there_is_a_problem(server):
    start = serve_phone(server)
    phone = boot(files=[("cfg.bin", False), (f"{MAC}.cfg", True)], stop_after=[])
    server.files[f"/c/{CLAIM}/cfg.bin"] = "x"
    assert phone.run(start) == "provisioned"
    assert phone.problems == ["cfg.bin must be answered 404, but was served"]


def test_head_only_reads_nothing_and_goes_nowhere(server):
    start = serve_phone(server)
    assert boot(head_only=True).run(start) == "reachable"
    assert {method for method, _path in server.seen} == {"HEAD"}
    assert not [path for _method, path in server.seen if path.startswith("/p/")]


def test_a_pinned_name_is_contact_as_the_plain_one_is(server):
    serve_phone(server)
    for folder in (f"/c/{CLAIM}/", f"/p/{HOME}/"):
        server.files[f"{folder}{MAC}.boot"] = f"include:config <common.cfg>\ninclude:config <{MAC}-v0123456789abcdef.cfg>\n"
        server.files[f"{folder}{MAC}-v0123456789abcdef.cfg"] = server.files.pop(f"{folder}{MAC}.cfg")
    assert boot().run(f"{server.base}/c/{CLAIM}/") == "provisioned"


def test_an_observer_says_so_and_stores_nothing(server):
    serve_phone(server)
    made = Boot(plan(uploads=[f"{MAC}-app.log"], observer=True), Client("probe", 5, ssl.create_default_context(), observer=True))
    assert made.run(f"{server.base}/p/{HOME}/", ("d1", "pw1")) == "provisioned"
    assert server.uploads == {}
    assert server.marks == {"1"}


def test_uploads_follow_a_provisioning(server):
    start = serve_phone(server)
    phone = boot(uploads=[f"{MAC}-app.log"])
    assert phone.run(start) == "provisioned"
    assert list(server.uploads) == [f"/p/{HOME}/{MAC}-app.log"]
    assert phone.problems == []


def test_a_url_of_parts_is_put_together(server):
    host = server.base[len("http://") :]
    start = serve_phone(server)
    server.files[f"/c/{CLAIM}/{MAC}.cfg"] = f"scheme = http\nhost = {host}\npath = p/{HOME}\n"
    rules = {"scheme": [r"^scheme = (\S+)"], "host": [r"^host = (\S+)"], "path": [r"^path = (\S+)"]}
    assert boot(home=rules).run(start) == "provisioned"


def test_credentials_in_the_url_are_used_and_not_told(server):
    start = serve_phone(server)
    server.files[f"/c/{CLAIM}/{MAC}.cfg"] = f"url = {server.base.replace('//', '//d1:p%40w@')}/p/{HOME}/\n"
    server.auth[f"/p/{HOME}/"] = ("basic", "d1", "p@w")
    phone = boot()
    assert phone.run(start) == "provisioned"
    assert "p%40w" not in repr(phone.requests)


def test_a_phone_that_has_no_home_is_content_with_its_files(server):
    start = serve_phone(server)
    assert boot(home={}).run(start) == "provisioned"


def test_a_first_file_url_is_fetched_as_such(server):
    start = serve_phone(server)
    assert boot(stop_after=[]).run(f"{start}{MAC}.cfg") == "provisioned"


def test_the_later_value_wins_and_escapes_are_undone(server):
    start = serve_phone(server)
    server.files[f"/c/{CLAIM}/common.cfg"] = "url = http://127.0.0.1:9/\n"
    server.auth[f"/p/{HOME}/"] = ("basic", "d1", "a&b")
    server.files[f"/c/{CLAIM}/{MAC}.cfg"] += "password = a&amp;b\n"
    assert boot().run(start) == "provisioned"


def test_files_of_this_machine_are_never_read(server, tmp_path):
    bait = tmp_path / "bait"
    bait.write_text("url = http://127.0.0.1:9/\n")
    start = serve_phone(server)
    server.files[f"/c/{CLAIM}/{MAC}.boot"] += f"include:config <file://{bait}>\n"
    phone = boot()
    assert phone.run(start) == "provisioned"
    assert [row["status"] for row in phone.requests if row["url"].startswith("file:")] == [0]


def test_includes_without_end_end(server):
    start = serve_phone(server)
    for number in range(200):
        server.files[f"/c/{CLAIM}/{number}.cfg"] = f"include:config <{number + 1}.cfg>\n"
    server.files[f"/c/{CLAIM}/{MAC}.boot"] = "include:config <0.cfg>\n"
    phone = boot()
    phone.run(start)
    assert len(phone.requests) <= 61


def test_a_redirect_service_is_asked_and_not_followed(server):
    server.redirects[f"/phone/{MAC}"] = f"{server.base}/c/{CLAIM}/"
    phone = boot()
    assert phone.ask_redirect(f"{server.base}/phone/{MAC}") == f"{server.base}/c/{CLAIM}/"
    assert phone.ask_redirect(f"{server.base}/phone/none") is None
    assert [row["status"] for row in phone.requests] == [302, 404]
    assert CLAIM not in repr(phone.requests)


BOOKS = {"pattern": r"""https?://[^\s<>"']+/(?:p[0-9]+-)?book-[a-z]+\.xml""", "names": ["known.xml"], "entry": "who"}


def test_phonebooks_are_fetched_with_their_own_user_and_their_pages_counted(server):
    base = server.base.split("://", 1)[1]
    home = f"{server.base}/p/{HOME}/"
    server.files[f"/c/{CLAIM}/{MAC}.cfg"] = f"url = {home}\nuser = u\npassword = p\n"
    server.files[f"/p/{HOME}/{MAC}.cfg"] = f"book = http://b:s@{base}/p/{HOME}/book-a.xml\nother = {home}book-b.xml\n"
    server.files[f"/p/{HOME}/book-a.xml"] = f"<menu><url>{home}p1-book-a.xml</url></menu>"
    server.files[f"/p/{HOME}/p1-book-a.xml"] = "<book><who/><who/></book>"
    server.files[f"/p/{HOME}/known.xml"] = "<book><who></book>"
    server.auth[f"/p/{HOME}/{MAC}"] = ("basic", "u", "p")
    server.auth[f"/p/{HOME}/book-a"] = ("basic", "b", "s")
    server.auth[f"/p/{HOME}/p1-"] = ("basic", "b", "s")
    plan = Plan(MAC, "agent", [(f"{MAC}.cfg", True)], [], [], HANDED, [f"{MAC}.cfg"], [], books=BOOKS)
    boot = Boot(plan, Client("agent", 5, ssl.create_default_context()))
    assert boot.run(f"{server.base}/c/{CLAIM}/") == "provisioned"
    assert boot.books == [
        {"file": "book-a.xml", "entries": 0},
        {"file": "known.xml", "entries": 0},
        {"file": "p1-book-a.xml", "entries": 2},
    ]
    assert boot.problems == ["phonebook book-b.xml answered 404", "phonebook known.xml is not well-formed"]
    assert not [row for row in boot.requests if "b:s" in row["url"]]


def test_files_that_the_configuration_names_are_fetched_and_held_against_their_names(server):
    start = serve_phone(server)
    good, bad = f"t54w-{hashlib.sha256(b'rom').hexdigest()[:16]}.rom", "logo-0123456789abcdef.png"
    server.files[f"/p/{HOME}/{MAC}.cfg"] += (
        f"firmware.url = {server.base}/p/{HOME}/{good}\nwall = Config:{bad}\nring = gone-{'0' * 16}.wav\n"
    )
    server.files[f"/p/{HOME}/{good}"] = "rom"
    server.files[f"/p/{HOME}/{bad}"] = "another picture"
    phone = boot()
    assert phone.run(start) == "provisioned"
    assert [(row["url"].rsplit("/")[-1], row["status"], row["bytes"]) for row in phone.requests if row["phase"] == "asset"] == [
        (f"gone-{'0' * 16}.wav", 404, 0),
        (bad, 200, 15),
        (good, 200, 3),
    ]
    assert phone.problems == [
        f"gone-{'0' * 16}.wav answered 404, but the configuration names it",
        f"{bad} is not what its name says: its SHA-256 is {hashlib.sha256(b'another picture').hexdigest()}",
    ]
