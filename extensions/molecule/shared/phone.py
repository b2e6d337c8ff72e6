# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A handset that only listens: accepts every NOTIFY on UDP and TCP port 5060 and writes down its event and for whom it was, one line each."""

from __future__ import annotations

import re
import socketserver
import sys
from pathlib import Path

COPIED = re.compile(rb"^(?:via|v|from|f|to|t|call-id|i|cseq):.*$", re.IGNORECASE | re.MULTILINE)


def answer(request: bytes) -> bytes:
    """Return a 200 OK to a SIP request, after writing it down."""
    line = request.split(b"\r\n", 1)[0].decode()
    event = re.search(rb"^event:\s*(\S+)", request, re.IGNORECASE | re.MULTILINE)
    with Path(sys.argv[1]).open("a", encoding="utf-8") as log:
        log.write(f"{line} {event.group(1).decode() if event else '-'}\n")
    return b"SIP/2.0 200 OK\r\n" + b"".join(found.rstrip() + b"\r\n" for found in COPIED.findall(request)) + b"Content-Length: 0\r\n\r\n"


class Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(answer(data), self.client_address)


class Stream(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            got = self.request.recv(4096)
            if not got:
                return
            data += got
        self.request.sendall(answer(data))


if __name__ == "__main__":
    import threading

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    threading.Thread(target=socketserver.ThreadingTCPServer(("", 5060), Stream).serve_forever, daemon=True).start()
    socketserver.ThreadingUDPServer(("", 5060), Datagram).serve_forever()
