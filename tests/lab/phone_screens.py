# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated web pages of phones that show their display, and of phones that mean harm."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "admin", "Web-pass-7!§"


def bmp(width: int = 8, height: int = 4, depth: int = 24, colour: tuple = (200, 30, 60), header: int = 40) -> bytes:
    """Return a picture of one colour with a black first row (at the bottom in the file)."""
    stride = (width * depth + 31) // 32 * 4
    palette = b""
    if depth == 24:
        row, first = bytes(reversed(colour)) * width, b"\0\0\0" * width
    elif depth == 32:
        row, first = (bytes(reversed(colour)) + b"\xff") * width, b"\0\0\0\xff" * width
    elif depth == 16:
        value = (colour[0] >> 3) << 10 | (colour[1] >> 3) << 5 | colour[2] >> 3
        row, first = struct.pack("<H", value) * width, b"\0\0" * width
    else:
        palette = b"\0\0\0\0" + bytes(reversed(colour)) + b"\0"
        ones = {1: 0xFF, 4: 0x11, 8: 0x01}[depth]
        row, first = bytes([ones]) * stride, b"\0" * stride
    pixels = first.ljust(stride, b"\0") if height else b""
    pixels = row.ljust(stride, b"\0") * (height - 1) + pixels
    start = 14 + header + len(palette)
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, depth, 0, len(pixels), 2835, 2835, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def pixels_of(png: bytes) -> tuple[int, int, list[tuple]]:
    """Return width, height and the pixels of a PNG as this collection writes it."""
    width, height = struct.unpack(">II", png[16:24])
    data = b"".join(
        png[match.end() : match.end() + struct.unpack(">I", png[match.start() - 4 : match.start()])[0]]
        for match in [re.search(b"IDAT", png)]
        if match
    )
    raw = zlib.decompress(data)
    flat = [raw[row * (width * 3 + 1) + 1 :][: width * 3] for row in range(height)]
    return width, height, [tuple(line[at : at + 3]) for line in flat for at in range(0, width * 3, 3)]


class PhoneServer:
    """Answers as ``way`` says: each a vendor as the facts have it, or a fault.

    ``seen``: path and Authorization of every request.
    """

    def __init__(self, way: str, elsewhere: str = "") -> None:
        self.seen: list[tuple[str, str]] = []
        self.way, self.elsewhere = way, elsewhere
        self.picture: bytes | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args):
                pass

            def send(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def is_in(self, scheme: str) -> bool:
                sent = self.headers.get("Authorization", "")
                if scheme == "basic":
                    return sent == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if not sent.startswith("Digest "):
                    return False
                parts = dict(re.findall(r'(\w+)="?([^",]+)"?', sent))

                def md5(text: str) -> str:
                    return hashlib.md5(text.encode()).hexdigest()

                middle = f"{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:{parts['qop']}"
                first = md5(parts["username"] + ":phone:" + PASSWORD)
                wanted = md5(":".join((first, middle, md5("GET:" + self.path))))
                return parts["response"] == wanted

            def do_GET(self):
                outer.seen.append((self.path, self.headers.get("Authorization", "")))
                getattr(self, "way_" + outer.way)()

            def login(self, scheme: str) -> bool:
                if self.is_in(scheme):
                    return True
                challenge = 'Basic realm="phone"' if scheme == "basic" else 'Digest realm="phone", nonce="abc", qop="auth", algorithm=MD5'
                self.send(401, b"", WWW_Authenticate=challenge)
                return False

            def way_basic(self):
                if self.login("basic"):
                    self.send(200, outer.picture or bmp(), Content_Type="image/bmp")

            def way_digest(self):
                if self.login("digest"):
                    self.send(200, outer.picture or bmp(16, 9), Content_Type="image/bmp")

            def way_second(self):
                self.send(404) if self.path == "/screencapture" else self.way_digest()

            def way_forbidden(self):
                self.send(403)

            def way_missing(self):
                self.send(404)

            def way_broken(self):
                self.send(500)

            def way_page(self):
                self.send(200, b"<html>Login</html>", Content_Type="text/html")

            def way_announced(self):
                self.send(200, b"", Content_Type="image/bmp", Content_Length=str(1 << 40))

            def way_endless(self):
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(b"BM" + b"x" * 65536)
                except OSError:
                    self.close_connection = True

            def endless(self, status: int, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.close_connection = True
                try:
                    while True:
                        self.wfile.write(b"x" * 65536)
                except OSError:
                    return

            def way_endless_login(self):
                self.endless(401, WWW_Authenticate='Digest realm="phone", nonce="abc", qop="auth"')

            def way_endless_redirect(self):
                self.endless(302, Location=self.path + "x")

            def way_odd_digest(self):
                self.send(401, b"", WWW_Authenticate='Digest realm="phone", nonce="abc", algorithm=ROT13')

            def way_cut(self):
                self.send(200, bmp()[:-20], Content_Type="image/bmp")

            def way_short(self):
                self.send(200, bmp()[:-20], Content_Type="image/bmp", Content_Length=str(len(bmp())))
                self.close_connection = True

            def way_silent(self):
                time.sleep(3)
                self.close_connection = True

            def way_dripping(self):
                self.send_response(200)
                self.end_headers()
                for _byte in range(200):
                    try:
                        self.wfile.write(b"B")
                    except OSError:
                        break
                    time.sleep(0.1)
                self.close_connection = True

            def way_elsewhere(self):
                self.send(302, b"", Location=outer.elsewhere)

            def way_login_elsewhere(self):
                self.send(302, b"", Location=outer.elsewhere) if self.is_in("basic") else self.login("basic")

            def way_round(self):
                self.send(302, b"", Location=self.path + "x")

            def way_near(self):
                self.send(302, b"", Location="/screen.bmp") if self.path != "/screen.bmp" else self.way_basic()

            def way_odd_login(self):
                self.send(401, b"", WWW_Authenticate="Negotiate")

            def way_wrong(self):
                self.send(401, b"", WWW_Authenticate='Basic realm="phone"')

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
