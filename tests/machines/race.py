# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that ask for the same URL at the same moment, each from an address of its own: python3 race.py <host> <port> <addresses> <path>...

Prints one JSON list a round, in the order of the addresses: the status of each answer, 0 where there was none. Connections are open before the
start, so that requests and not handshakes race. Standard library only: it runs with a machine's own Python.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading


def connect(host: str, port: int, source: str) -> ssl.SSLSocket | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(socket.create_connection((host, port), 20, (source, 0)), server_hostname=host)
    except OSError:
        return None


def status(sock: ssl.SSLSocket | None, request: bytes) -> int:
    if sock is None:
        return 0
    try:
        with sock:
            sock.settimeout(30)
            sock.sendall(request)
            return int(sock.recv(300).split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        return 0


def run(host: str, port: int, addresses: list[str], path: str) -> list[int]:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: racer\r\nConnection: close\r\n\r\n".encode()
    found = [0] * len(addresses)
    ready, start = threading.Barrier(len(addresses) + 1), threading.Event()

    def one(number: int) -> None:
        sock = connect(host, port, addresses[number])
        ready.wait()
        start.wait()
        found[number] = status(sock, request)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(addresses))]
    for thread in threads:
        thread.start()
    ready.wait()
    print("go", flush=True)
    start.set()
    for thread in threads:
        thread.join()
    return found


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    for wanted in sys.argv[4:]:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), wanted)), flush=True)
