# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate costs, next to the same file from plain nginx on the same listener's terms; run as root on the server: python -m tests.gate.bench.

Needs wrk. Everything shares this machine's cores, so the ratios mean more than the numbers: ways are measured in turns, and the best turn of each
counts. GATE_BENCH_PHONES (50000), GATE_BENCH_SECONDS (3) and GATE_BENCH_ROUNDS (3) say how much; --json FILE leaves the numbers there.
The server's limits must allow it (provisioning_server_phone_rate, provisioning_server_stranger_rate): `make bench` sets it up so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from base64 import b64encode

from . import release
from .client import challenge, fetch
from .release import credentials, home_token, mac_of

BASE = os.environ.get("DIALTONE_GATE_URL", "https://localhost:8443")
TLS = "/etc/dialtone/tls/server"
PLAIN = "/etc/nginx/conf.d/dialtone-bench.conf"
PLAIN_PORT = 8499
PHONES = int(os.environ.get("GATE_BENCH_PHONES", "50000"))
SECONDS = int(os.environ.get("GATE_BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("GATE_BENCH_ROUNDS", "3"))
# Phones that log in by Digest, each with one nonce, whose counts go up to a thousand.
LOGINS, COUNTS = 40, 1000
FIRST_CLAIMS = 4000


def wrk(url: str, script: str = "", seconds: int = SECONDS, connections: int = 32) -> tuple[float, int]:
    """Return requests a second, and how many were not answered with 2xx or 3xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *(["-s", lua.name] if script else []), url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), int(failed[1]) if failed else 0


def many_mac(number: int) -> str:
    return f"001566{number:06x}"


def many_records() -> list[dict]:
    """Return a fleet: the first phones by Digest, all others by Basic."""
    made = []
    for number in range(PHONES):
        mac = many_mac(number)
        made.append(
            {
                **release.record(0),
                "mac": mac,
                "host": mac,
                "home": [release.home(mac, "digest" if number < LOGINS else "basic")],
                "claim_files": [f"{mac}.boot"],
                "contact_files": [],
                "files": [f"{mac}.boot"],
                "strict_nc": True,
            }
        )
    return made


def claims(tokens: dict[int, str]) -> tuple[float, int]:
    """Return first claims a second: phones claim one after the other, each once, until the time is over."""
    paths = ",".join(f'"/c/{token}/{many_mac(number)}.boot"' for number, token in tokens.items())
    script = f"local paths = {{{paths}}}\nlocal n = 0\nfunction request() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n"
    before = claimed()
    begin = time.perf_counter()
    wrk(BASE, script, 2)
    return (claimed() - before) / (time.perf_counter() - begin), 0


def claimed() -> int:
    return sum(row["state"] == "claimed" for row in release.verb("status")["devices"].values())


def logins() -> str:
    """Return a script of full logins: each request answers a challenge, a nonce is used again with the next count, as phones do."""
    requests = []
    for number in range(LOGINS):
        mac = many_mac(number)
        path = f"/p/{home_token(mac)}/{mac}.boot"
        given = challenge(fetch(path))
        user, password = credentials(mac)
        ha1 = hashlib.md5(f"{user}:{given['realm']}:{password}".encode()).hexdigest()
        ha2 = hashlib.md5(f"GET:{path}".encode()).hexdigest()
        start = f'Digest username=\\"{user}\\", realm=\\"{given["realm"]}\\", nonce=\\"{given["nonce"]}\\", uri=\\"{path}\\", qop=auth, cnonce=\\"c\\"'
        for count in range(1, COUNTS + 1):
            response = hashlib.md5(f"{ha1}:{given['nonce']}:{count:08x}:c:auth:{ha2}".encode()).hexdigest()
            requests.append(f'{{"{path}","{start}, nc={count:08x}, response=\\"{response}\\""}}')
    # A phone's counts follow each other, and phones take turns.
    order = [requests[phone * COUNTS + count] for count in range(COUNTS) for phone in range(LOGINS)]
    # LuaJIT takes so many constants only in pieces.
    pieces = [order[start : start + 5000] for start in range(0, len(order), 5000)]
    text = "local all = {}\n" + "".join(
        f"do local f = loadstring([==[return {{{','.join(piece)}}}]==]); for _, r in ipairs(f()) do all[#all + 1] = r end end\n"
        for piece in pieces
    )
    return text + (
        "local n = 0\nfunction request() n = n + 1; local r = all[n] or all[#all];"
        " return wrk.format('GET', r[1], {Authorization = r[2]}) end\n"
    )


def memory() -> dict[str, float]:
    """Return the resident megabytes of the daemon, and of the largest nginx worker."""
    found = {}
    for name, pattern in (("daemon", "serve.py"), ("nginx worker", "nginx: worker")):
        pids = subprocess.run(["pgrep", "-f", "--", pattern], capture_output=True, text=True, check=False).stdout.split()
        sizes = []
        for pid in pids:
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
                    sizes += [int(line.split()[1]) / 1024 for line in stream if line.startswith("VmRSS")]
            except OSError:
                continue
        found[name] = round(max(sizes, default=0.0), 1)
    return found


def workers() -> set[str]:
    return set(subprocess.run(["pgrep", "-f", "--", "nginx: worker process$"], capture_output=True, text=True, check=False).stdout.split())


def reload() -> dict[str, float]:
    """Return the seconds that nginx needs to check its configuration, and from the signal until new workers serve; the best of three."""
    checks, switches = [], []
    for _try in range(3):
        begin = time.perf_counter()
        subprocess.run(["nginx", "-t", "-q"], check=True)
        checks.append(time.perf_counter() - begin)
        before = workers()
        begin = time.perf_counter()
        subprocess.run(["nginx", "-s", "reload"], check=True)
        while not workers() - before and time.perf_counter() - begin < 60:
            time.sleep(0.02)
        switches.append(time.perf_counter() - begin)
        time.sleep(1)
    return {"nginx -t": round(min(checks), 2), "reload": round(min(switches), 2)}


def measure() -> dict:
    """Return everything that was measured, as JSON takes it."""
    usual = release.records
    release.records = lambda: usual() + many_records()
    begin = time.perf_counter()
    release.write()
    found: dict = {"phones": PHONES, "release_written_s": round(time.perf_counter() - begin, 1)}
    # A phone asks, so that the daemon has opened what it needs.
    script = logins()
    found.update(memory=memory(), seconds=reload())
    mac, bare = mac_of(release.BASIC), mac_of(release.OPEN)
    basic = b64encode(":".join(credentials(mac)).encode()).decode()
    token = release.arm([0x52])[0x52]
    ways = {
        "plain nginx": (f"https://localhost:{PLAIN_PORT}/{mac}.boot", ""),
        "plain nginx, logged": (f"https://localhost:{PLAIN_PORT}/logged/{mac}.boot", ""),
        "token and networks": (f"{BASE}/p/{home_token(bare)}/{bare}.boot", ""),
        "token and Basic": (f"{BASE}/p/{home_token(mac)}/{mac}.boot", f'wrk.headers["Authorization"] = "Basic {basic}"'),
        "claim, fetched again": (f"{BASE}/c/{token}/{mac_of(0x52)}.boot", ""),
    }
    rates: dict[str, list[tuple[float, int]]] = {name: [] for name in ways}
    rates["Digest, whole login"] = []
    for number in range(ROUNDS):
        for name, (url, text) in ways.items():
            rates[name].append(wrk(url, text))
        # Its counts last for one turn each: another turn needs other nonces.
        rates["Digest, whole login"].append(wrk(BASE, script if number == 0 else logins(), min(SECONDS, 3)))
    mac_of_release, release.mac_of = release.mac_of, many_mac
    try:
        rates["first claims"] = [claims(release.arm(list(range(LOGINS, LOGINS + FIRST_CLAIMS))))]
    finally:
        release.mac_of = mac_of_release
    best = {name: max(turns) for name, turns in rates.items()}
    plain = best["plain nginx"][0]
    found["ways"] = {name: {"rate": round(rate), "ratio": round(rate / plain, 2), "refused": bad} for name, (rate, bad) in best.items()}
    found["memory_after"] = memory()
    return found


def text(found: dict) -> str:
    lines = [f"{name:24} {way['rate']:9}/s  {way['ratio']:5.2f}" for name, way in found["ways"].items()]
    lines = [
        line + (f"  ({way['refused']} refused)" if way["refused"] else "") for line, way in zip(lines, found["ways"].values(), strict=True)
    ]
    lines.append(f"{found['phones']} phones: " + ", ".join(f"{name} {value} s" for name, value in found["seconds"].items()))
    lines.append("memory: " + ", ".join(f"{name} {value} MB" for name, value in found["memory_after"].items()))
    return "\n".join(lines)


def main() -> int:
    before = os.readlink(os.path.join(release.ROOT, "current"))
    mac = mac_of(release.BASIC)
    files = f"{release.ROOT}/releases/attack/phones/{mac}/"
    with open(PLAIN, "w", encoding="utf-8") as stream:
        stream.write(
            f"server {{ listen {PLAIN_PORT} ssl; access_log off; ssl_certificate {TLS}.crt; ssl_certificate_key {TLS}.key;"
            " keepalive_timeout 30s;"
            f" location / {{ alias {files}; }}"
            f" location /logged/ {{ access_log /var/log/dialtone/bench.log combined buffer=32k flush=1s; alias {files}; }} }}\n"
        )
    try:
        found = measure()
    finally:
        os.unlink(PLAIN)
        link = os.path.join(release.ROOT, "current")
        os.symlink(before, link + ".new")
        os.replace(link + ".new", link)
        subprocess.run(["nginx", "-s", "reload"], check=False)
    print(text(found))
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as stream:
            json.dump(found, stream, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
