# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts simulated phones and writes their inventory: `world.py FOLDER`; ends with its standard input."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lab"))
from phone_screens import PASSWORD, PhoneServer

PHONES = {
    "reception": ("digest", "yealink", "T54W", "805ec0000001"),
    "kitchen": ("basic", "snom", "D785", "000413000002"),
    "boardroom": ("digest", "polycom", "VVX411", "0004f2000003"),
    "workshop": ("forbidden", "yealink", "T46U", "805ec0000004"),
    "lobby": ("page", "snom", "D717", "000413000005"),
    "hall": ("basic", "grandstream", "GXP2170", "000b82000006"),
}


def drawing(width: int, height: int, shade: int) -> bytes:
    """Return a picture that looks a little like a display: a bar, and lines with keys at both sides."""
    rows = []
    for y in range(height - 1, -1, -1):
        row = bytearray()
        for x in range(width):
            top = y < height // 9
            key = y % (height // 6) > height // 9 and (x < width // 4 or x > width - width // 4) and 6 < x % (width // 4) < width // 4 - 6
            row += bytes((120, 70, shade)) if top else bytes((235, 225, 215)) if key else bytes((60 + y // 4, 45, 30 + shade // 3))
        rows.append(bytes(row).ljust((width * 24 + 31) // 32 * 4, b"\0"))
    pixels = b"".join(rows)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + info + pixels


def main(folder: Path) -> None:
    hosts = {}
    for number, (host, (way, vendor, model, mac)) in enumerate(PHONES.items()):
        server = PhoneServer(way)
        server.picture = drawing(*((480, 272) if number != 2 else (320, 240)), 40 + 60 * number % 200)
        hosts[host] = {
            "ansible_host": server.place,
            "phone_mac": mac,
            "phone_vendor": vendor,
            "phone_model": model,
            "phone_web_ui": "http",
            "phone_admin_password": PASSWORD,
            "phone_lines": [{"number": str(100 + number), "password": f"Vq7-capture-Xk2-{number}"}],
        }
    shared = {"provisioning_url": "https://prov.example.com", "provisioning_secret": "7c1d0f9a3be85527f0d4e6a1908b3c5d" * 2}
    shared["phone_sip_server"] = "pbx.example.com"
    (folder / "hosts.json").write_text(json.dumps({"all": {"vars": shared, "children": {"phones": {"hosts": hosts}}}}))
    print("ready", flush=True)
    sys.stdin.read()


main(Path(sys.argv[1]))
