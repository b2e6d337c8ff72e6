# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs the distribution's programs that the machines need and this machine lacks; nothing of them is started here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PACKAGES = {
    "nginx": "/usr/sbin/nginx",
    "openssl": "/usr/bin/openssl",
    "python3-uvicorn": "/usr/lib/python3/dist-packages/uvicorn",
    "python3-uvloop": "/usr/lib/python3/dist-packages/uvloop",
    "python3-httptools": "/usr/lib/python3/dist-packages/httptools",
    "python3-psycopg2": "/usr/lib/python3/dist-packages/psycopg2",
    "python3-apt": "/usr/lib/python3/dist-packages/apt",
    "postgresql": "/usr/lib/postgresql",
    "haproxy": "/usr/sbin/haproxy",
    "libfaketime": "/usr/share/doc/libfaketime",
    "procps": "/usr/bin/pgrep",
    "wrk": "/usr/bin/wrk",
    "iproute2": "/sbin/ip",
}


def install() -> None:
    """Install what is missing; nothing of it is started on this machine."""
    missing = [name for name, path in PACKAGES.items() if not os.path.exists(path)]
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=True, env=environment, stdout=subprocess.DEVNULL
        )
    finally:
        if ours:
            policy.unlink()


if __name__ == "__main__":
    install()
