# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishes releases of marked files on this machine, as root, one process a release, many of them killed somewhere on their way.

    publish_marks.py COUNT PROGRESS MAC...

The files of the phones named get the number of the release as their first and last line. PROGRESS is a file that holds the number that is being
published. Rows lose their keys, so that the next ordinary run publishes what the inventory says. Prints how many releases were killed.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time

from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import pin_name
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import server_networks
from ansible_collections.dialtone.phones.plugins.module_utils.release import archive
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import FORMAT, encode
from ansible_collections.dialtone.phones.plugins.module_utils.release.nginx import WebServer
from ansible_collections.dialtone.phones.plugins.module_utils.release.publisher import Publisher, Settings
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import parse_row
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Store

ROOT = "/var/lib/dialtone"


def run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def marked(mark: str, text: str) -> bytes:
    return f"{mark}\n{text}\n{mark}\n".encode()


def publish(turn: int, macs: list[str], texts: dict[str, dict[str, str]], path: str) -> None:
    """Publish one release in this process."""
    store = Store(ROOT, Access("root", "www-data", "dialtone-gate"))
    web = WebServer("/etc/nginx/sites-available/dialtone.conf", "", ROOT, run)
    publisher = Publisher(store, web, compile_gate, server_networks(), Settings(keep=3, lock_timeout=60))
    current = store.current()
    contents: dict[str, bytes] = {}
    lines = [encode({"format": FORMAT, "base": current.digest(), "id": f"torn-{turn}", "scope": "all"})]
    for row in map(parse_row, current.rows()[1]):
        if row["mac"] not in macs:
            continue
        pinned = row["gate"].get("pinned", ())
        files = {name: marked(f"turn {turn}", text) for name, text in texts[row["mac"]].items() if name in pinned}
        pins = {name: pin_name(name, hashlib.sha256(content).hexdigest()) for name, content in files.items()}
        for name, text in texts[row["mac"]].items():
            if name in files:
                continue
            for plain, pin in pins.items():
                stem, _dot, suffix = plain.rpartition(".")
                text = re.sub(rf"{re.escape(stem)}-v[0-9a-f]{{16}}\.{suffix}", pin, text)
            files[name] = marked(f"turn {turn}", text)
        row["files"] = {name: [hashlib.sha256(content).hexdigest(), len(content)] for name, content in files.items()}
        contents.update({row["files"][name][0]: content for name, content in files.items()})
        lines.append(encode({"set": {**row, "key": None}}))
    plan = b"\n".join(lines) + b"\n"
    archive.write(
        path, io.BytesIO(plan), len(plan), [(digest, len(content)) for digest, content in contents.items()], contents.values(), False
    )
    publisher.apply(path)


def main() -> None:
    count, progress, macs = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    rng = random.Random(8)
    folder = os.path.realpath(f"{ROOT}/current/phones")
    texts: dict[str, dict[str, str]] = {}
    for mac in macs:
        texts[mac] = {}
        for name in os.listdir(f"{folder}/{mac}"):
            with open(f"{folder}/{mac}/{name}", encoding="utf-8") as stream:
                texts[mac][name] = stream.read()
    killed = 0
    # How long a publisher takes here when nobody kills it; the others die somewhere within.
    usual = 0.0
    for turn in range(1, count + 1):
        with open(progress + ".new", "w", encoding="utf-8") as stream:
            stream.write(str(turn))
        os.rename(progress + ".new", progress)
        path = f"{progress}.{turn}.tar"
        doomed = rng.random() < 0.4 and turn > 1
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            publish(turn, rng.sample(macs, rng.randint(1, len(macs))) if turn > 1 else macs, texts, path)
            os._exit(0)
        if doomed:
            time.sleep(rng.uniform(0, usual))
            os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        if not doomed:
            usual = time.monotonic() - begun
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status) and status:
            sys.exit(f"release {turn} could not be published")
        if os.path.exists(path):
            os.unlink(path)
    print(killed)


if __name__ == "__main__":
    main()
