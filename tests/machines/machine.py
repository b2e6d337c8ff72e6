# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines in namespaces: each with its own network, processes and writable /etc, /var, /run, /root and /usr/local, on top of this machine's files.

Whatever happens in one is gone when it stops. The caller is root in a network namespace of its own, as `make gate` starts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

BRIDGE = "machines0"
# The first process of a machine: makes its file systems, then collects what dies, as an init does.
_INIT = """
import os, shutil, subprocess, sys
layers = sys.argv[1]
def run(*command):
    subprocess.run(command, check=True)
run("mount", "--make-rprivate", "/")
run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", layers)
for folder in ("etc", "var", "root", "usr/local"):
    upper, work = f"{layers}/{folder}.upper", f"{layers}/{folder}.work"
    os.makedirs(upper), os.makedirs(work)
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/{folder},upperdir={upper},workdir={work}", f"/{folder}")
run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
# A provisioning server that this machine may be is none in here.
for path in ("/etc/dialtone", "/var/lib/dialtone", "/var/lib/dialtone-gate", "/var/log/dialtone", "/usr/local/lib/dialtone-gate"):
    shutil.rmtree(path, ignore_errors=True)
for folder in ("/etc/nginx/sites-enabled", "/etc/nginx/conf.d"):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        os.unlink(os.path.join(folder, name))
os.makedirs("/run/lock")
run("ip", "link", "set", "lo", "up")
# The package lists are as new as they get: there is no way to a mirror from here.
for name in ("/var/lib/apt/lists", "/var/lib/apt/periodic/update-success-stamp"):
    if os.path.exists(name):
        os.utime(name)
print("ready", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        import time
        time.sleep(0.2)
"""


class Machine:
    """One machine on the bridge; commands run in it with :meth:`run`."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name, self.address = name, address
        self.folder = folder / name
        (self.folder / "layers").mkdir(parents=True)
        self._log = (self.folder / "init.log").open("w")
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "/usr/bin/python3", "-c", _INIT]
        self._process = subprocess.Popen(
            [*command, str(self.folder / "layers")], stdout=subprocess.PIPE, stderr=self._log, text=True, start_new_session=True
        )
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{name}: " + (self.folder / "init.log").read_text())
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._init = children[0]
        outside = f"m{address.rsplit('.', 1)[1]}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self._init)
        _ip("link", "set", outside, "master", BRIDGE, "up")
        self.run(["ip", "addr", "add", f"{address}/16", "dev", "eth0"])
        self.run(["ip", "link", "set", "eth0", "up"])

    def command(self, command: list[str]) -> list[str]:
        """Return the command that runs a command in here."""
        return ["nsenter", "-t", self._init, "-n", "-m", "-p", "--", *command]

    def run(self, command: list[str], check: bool = True, **more) -> subprocess.CompletedProcess:
        """Run a command to its end and return what it said."""
        done = subprocess.run(self.command(command), capture_output=True, text=True, check=False, **more)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def sh(self, script: str, check: bool = True, **more) -> str:
        return self.run(["sh", "-c", script], check, **more).stdout

    def write(self, path: str, text: str, mode: str = "0644") -> None:
        self.run(["sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path} && chmod {mode} {path}"], input=text)

    def pids(self, pattern: str) -> list[int]:
        """Return the processes in here whose command line holds a text, as this machine numbers them; the first process is none of them."""
        return [int(pid) for pid in self.run(["pgrep", "-f", "--", pattern], check=False).stdout.split() if pid != "1"]

    def kill(self, pattern: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the processes in here whose command line holds a text; return how many."""
        found = self.pids(pattern)
        if found:
            self.run(["kill", f"-{int(number)}", *map(str, found)], check=False)
        return len(found)

    def interpreter(self) -> str:
        """Return a program that runs Python in here: with it as interpreter a local connection of Ansible manages this machine."""
        path = self.folder / "python"
        if not path.exists():
            path.write_text(f'#!/bin/sh\nexec nsenter -t {self._init} -n -m -p -- /usr/bin/python3 "$@"\n', encoding="utf-8")
            path.chmod(0o755)
        return str(path)

    def stop(self) -> None:
        if self._process.poll() is None:
            os.kill(int(self._init), signal.SIGKILL)
            self._process.wait(timeout=20)
        self._log.close()


def make_bridge() -> None:
    """Make the wire between machines; it is gone with this network namespace."""
    if subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode != 0:
        _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("link", "set", BRIDGE, "up")
    _ip("link", "set", "lo", "up")


def wait_for(condition, seconds: float = 30, what: str = ""):
    """Return the condition's first true value; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not seen within {seconds} s: {what or condition}")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
