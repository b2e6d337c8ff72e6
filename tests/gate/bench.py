# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests a second through a deployed gate, next to the same file from plain nginx; run as root on the server: python -m tests.gate.bench.

Needs wrk. Everything shares this machine's cores, so the ratios mean more than the numbers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from base64 import b64encode

from . import release
from .release import credentials, home_token, mac_of

BASE = os.environ.get("DIALTONE_GATE_URL", "https://localhost:8443")
TLS = "/etc/dialtone/tls/server"
PLAIN = "/etc/nginx/conf.d/dialtone-bench.conf"
PHONES = 4000
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))


def wrk(url: str, script: str = "", seconds: int = SECONDS, connections: int = 32) -> tuple[float, int]:
    """Return requests a second, and how many were not answered with 2xx or 3xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *(["-s", lua.name] if script else []), url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), int(failed[1]) if failed else 0


def claims(tokens: dict[int, str]) -> float:
    """Return first claims a second: each connection claims phones of its own, until all are claimed."""
    paths = ",".join(f'"/c/{token}/{many_mac(number)}.boot"' for number, token in tokens.items())
    script = f"local paths = {{{paths}}}\nlocal n = 0\nfunction request() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n"
    script += "function response(status) if status == 200 then ok = (ok or 0) + 1 end end\n"
    before = claimed()
    wrk(BASE, script, 2)
    return (claimed() - before) / 2


def claimed() -> int:
    return sum(row["state"] == "claimed" for row in release.verb("status")["devices"].values())


def many_mac(number: int) -> str:
    return f"001566{number:06x}"


def many_records() -> list[dict]:
    made = []
    for number in range(PHONES):
        mac = many_mac(number)
        made.append(
            {
                **release.record(0),
                "mac": mac,
                "host": mac,
                "home": [release.home(mac)],
                "claim_files": [f"{mac}.boot"],
                "contact_files": [],
                "files": [f"{mac}.boot"],
            }
        )
    return made


def main() -> int:
    before = os.readlink(os.path.join(release.ROOT, "current"))
    usual = release.records
    release.records = lambda: usual() + many_records()
    folder = os.path.join(release.ROOT, "releases", "attack")
    mac, digest = mac_of(release.BASIC), release.DIGEST
    with open(PLAIN, "w", encoding="utf-8") as stream:
        stream.write(
            f"server {{ listen 8499 ssl; access_log off; ssl_certificate {TLS}.crt; ssl_certificate_key {TLS}.key;"
            f" location / {{ alias {folder}/phones/{mac}/; }} }}\n"
        )
    try:
        release.write()
        basic = b64encode(":".join(credentials(mac)).encode()).decode()
        rows = [("plain nginx", *wrk(f"https://localhost:8499/{mac}.cfg"))]
        rows.append(("token and networks", *wrk(f"{BASE}/p/{home_token(mac_of(release.OPEN))}/{mac_of(release.OPEN)}.boot")))
        rows.append(("token and Basic", *wrk(f"{BASE}/p/{home_token(mac)}/{mac}.boot", f'wrk.headers["Authorization"] = "Basic {basic}"')))
        rows.append(("Digest, challenge only", *wrk(f"{BASE}/p/{home_token(mac_of(digest))}/{mac_of(digest)}.boot")))
        token = release.arm([0x52])[0x52]
        rows.append(("claim, fetched again", *wrk(f"{BASE}/c/{token}/{mac_of(0x52)}.boot")))
        release.mac_of = many_mac
        rows.append(("first claims", claims(release.arm(list(range(PHONES)))), 0))
    finally:
        os.unlink(PLAIN)
        link = os.path.join(release.ROOT, "current")
        os.symlink(before, link + ".new")
        os.replace(link + ".new", link)
        subprocess.run(["nginx", "-s", "reload"], check=False)
    for name, rate, failed in rows:
        print(f"{name:24} {rate:9.0f}/s  {rate / rows[0][1]:5.2f}" + (f"  ({failed} refused)" if failed else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
