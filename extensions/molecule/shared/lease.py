# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a DHCP server offers a phone: asks as the relay agent of another network does, and prints the offer's options as JSON.

    python3 lease.py SERVER MAC [VENDOR_CLASS]

So several servers on one wire can be asked one by one, and no address is ever taken: an offer is not accepted. The values are what was sent, as
text where it is (Latin-1), keys are the options' numbers. Needs root, since answers to a relay agent go to port 67.
"""

from __future__ import annotations

import json
import os
import socket
import sys

MAGIC = b"\x63\x82\x53\x63"
DISCOVER, OFFER = 1, 2
WANTED = bytes([1, 3, 43, 66, 67, 150, 160, 161])
SECONDS, TRIES = 2, 5


def option(code: int, value: bytes) -> bytes:
    return bytes([code, len(value)]) + value


def discover(transaction: bytes, mac: bytes, relay: str, vendor_class: str) -> bytes:
    head = (
        bytes([1, 1, 6, 1]) + transaction + bytes(4) + bytes(12) + socket.inet_aton(relay) + mac.ljust(16, b"\0") + bytes(64 + 128) + MAGIC
    )
    options = option(53, bytes([DISCOVER])) + option(55, WANTED)
    if vendor_class:
        options += option(60, vendor_class.encode())
    return head + options + b"\xff"


def options_of(message: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at]:  # 0 is padding, without a length
            found[message[at]] = found.get(message[at], b"") + message[at + 2 : at + 2 + message[at + 1]]
            at += 1 + message[at + 1]
        at += 1
    return found


def offer(server: str, mac: bytes, vendor_class: str) -> dict[int, bytes]:
    """Return the options of the server's offer; asked again a few times, since a server that was just started is deaf for a moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server, 67))
        here = sock.getsockname()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((here, 67))
        sock.settimeout(SECONDS)
        for _attempt in range(TRIES):
            transaction = os.urandom(4)
            sock.sendto(discover(transaction, mac, here, vendor_class), (server, 67))
            try:
                while True:
                    message, sender = sock.recvfrom(4096)
                    if sender[0] == server and message[4:8] == transaction and options_of(message).get(53) == bytes([OFFER]):
                        return options_of(message)
            except socket.timeout:
                continue
    sys.exit(f"{server} offers nothing")


if __name__ == "__main__":
    answer = offer(sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), sys.argv[3] if len(sys.argv) > 3 else "")
    print(json.dumps({str(code): value.rstrip(b"\0").decode("latin-1") for code, value in answer.items()}))
