# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Asterisk: this machine's, or that of Ubuntu 24.04 in a folder of its own, since Debian 12 and 13 have no package."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .agents import HERE, PASSWORD, free_port, udp_open, until

ROOT = Path(os.environ.get("LAB_CACHE", Path.home() / ".cache/dialtone-lab")) / "asterisk"
SOURCES = "".join(f"deb [trusted=yes] http://archive.ubuntu.com/ubuntu {suite} main universe\n" for suite in ("noble", "noble-updates"))

USERS = """[general]
enabled = yes
bindaddr = {here}
port = {port}

[phones]
secret = right
write = system

[reader]
secret = right
read = system

[elsewhere]
secret = right
deny = 0.0.0.0/0.0.0.0
write = system
"""
ENDPOINT = """
[{user}]
type = endpoint
context = nowhere
disallow = all
allow = ulaw
auth = {user}
aors = {user}

[{user}]
type = auth
auth_type = userpass
username = {user}
password = {password}

[{user}]
type = aor
max_contacts = 5
"""


def make_root() -> Path:
    """Return a file system that has Asterisk, made on the first call (about 80 seconds)."""
    if not (ROOT / ".ready").exists():
        shutil.rmtree(ROOT, ignore_errors=True)
        ROOT.parent.mkdir(parents=True, exist_ok=True)
        # What this machine tells apt about proxies holds there too.
        told = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout.splitlines()
        options = [f"--aptopt={row}" for row in told if re.match(r"Acquire::(Check-|Retries|https?::)", row)]
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--include=apt,ca-certificates,asterisk",
            *options,
            "noble",
            str(ROOT),
            "-",
        ]
        subprocess.run(command, input=SOURCES, text=True, check=True)
        (ROOT / ".ready").touch()
    return ROOT


class Asterisk:
    """An Asterisk with phones of chan_pjsip and a manager interface."""

    def __init__(self, users: tuple[str, ...], notifies: bool = True) -> None:
        self.port, self.sip_port = free_port(socket.SOCK_STREAM), free_port()
        self._root = Path("/") if shutil.which("asterisk") else make_root()
        self._folder = self._root / f"tmp/dialtone-asterisk-{self.port}"
        self._users, self._notifies = users, notifies

    @contextlib.contextmanager
    def running(self) -> Iterator[Asterisk]:
        modules = [*(self._root / "usr/lib").glob("**/asterisk/modules")][0].relative_to(self._root)
        inside = Path("/") / self._folder.relative_to(self._root)
        self._folder.mkdir(parents=True)
        directories = dict.fromkeys(("etc", "varlib", "db", "key", "agi", "spool", "run", "log"), inside)
        directories.update(mod=Path("/") / modules, data=Path("/usr/share/asterisk"))
        rows = "\n".join(f"ast{name}{'' if name.endswith('dir') else 'dir'} => {path}" for name, path in directories.items())
        endpoints = "".join(ENDPOINT.format(user=user, password=PASSWORD) for user in self._users)
        files = {
            "asterisk.conf": f"[directories]\n{rows}\n",
            "modules.conf": "[modules]\nautoload = yes\nnoload = chan_iax2.so\n",
            "manager.conf": USERS.format(here=HERE, port=self.port),
            "pjsip.conf": f"[udp]\ntype = transport\nprotocol = udp\nbind = {HERE}:{self.sip_port}\n{endpoints}",
            "logger.conf": "[logfiles]\n",
            "rtp.conf": "[general]\n",
            "extensions.conf": "",
            **({"pjsip_notify.conf": ""} if self._notifies else {}),
        }
        for name, text in files.items():
            (self._folder / name).write_text(text)
        enter = [] if self._root == Path("/") else ["chroot", str(self._root)]
        command = [*enter, "asterisk", "-C", str(inside / "asterisk.conf")]
        process = subprocess.Popen([*command, "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: udp_open(self.sip_port), 60)
            subprocess.run([*command, "-rx", "core waitfullybooted"], check=True, timeout=60, stdout=subprocess.DEVNULL)
            yield self
        finally:
            process.terminate()
            process.wait(timeout=20)
            shutil.rmtree(self._folder)
