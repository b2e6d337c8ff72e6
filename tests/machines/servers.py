# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provisioning servers on machines of their own, set up by the role, with SQLite or with one PostgreSQL for all, behind HAProxy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .machine import Machine, wait_for

TOP = Path(__file__).resolve().parents[2]
PORT = 8443
BALANCER, DATABASE, CLIENTS = "10.99.0.1", "10.99.0.2", "10.99.0.3"
STORE = "/var/lib/dialtone-gate/claims.db"
SERVICE = "service=dialtone"
_SERVICE_FILE = "[dialtone]\nhost=10.99.0.2\ndbname=dialtone\nuser=dialtone\npassword=only-here\n"


class Database:
    """PostgreSQL on a machine of its own."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.folder = "/var/lib/postgresql/dialtone"
        self._psql = f"{self.programs}/psql -qAt -h /run/postgresql"
        machine.sh("install -d -o postgres -g postgres -m 0755 /run/postgresql")
        self.as_postgres(f"{self.programs}/initdb -D {self.folder} -A scram-sha-256 --auth-local=trust >/dev/null")
        settings = "listen_addresses = '*'\nmax_connections = 60\nunix_socket_directories = '/run/postgresql'\nport = 5432\n"
        machine.sh(f"cat >>{self.folder}/postgresql.conf", input=settings)
        machine.sh(f"echo 'host all all 10.99.0.0/16 scram-sha-256' >>{self.folder}/pg_hba.conf")
        self.start()
        self.sql("CREATE ROLE dialtone LOGIN PASSWORD 'only-here'", "postgres")
        self.sql("CREATE DATABASE dialtone OWNER dialtone", "postgres")

    def as_postgres(self, command: str, before: str = "") -> str:
        return self.machine.sh(f"cd / && setpriv --reuid postgres --regid postgres --clear-groups sh -c '{before} {command}'")

    def start(self, before: str = "") -> None:
        """Start it, and return when it answers; it may have to recover first."""
        self.as_postgres(f"{self.programs}/pg_ctl -D {self.folder} -l /var/lib/postgresql/dialtone.log -w -t 60 start >/dev/null", before)

    def stop(self, how: str = "fast") -> None:
        self.as_postgres(f"{self.programs}/pg_ctl -D {self.folder} -m {how} -w stop >/dev/null")

    def kill(self) -> None:
        """Kill it and all its processes, as a power cut would."""
        # Again until there is none: one may have been born between the look and the kill.
        wait_for(lambda: not self.machine.kill("postgres"), what="the end of PostgreSQL")

    def sql(self, text: str, database: str = "dialtone") -> str:
        return self.machine.sh(f"{self._psql} -U postgres -v ON_ERROR_STOP=1 {database}", input=text).strip()


class Servers:
    """One or more provisioning servers."""

    def __init__(self, folder: Path, count: int, shared: bool, host: str = "") -> None:
        """
        :param host: the address that phones use; by default the balancer's, or the only server's.
        """
        self.folder, self.shared = folder, shared
        self.host = host or (BALANCER if count > 1 else "10.99.0.11")
        self.url = f"https://{self.host}:{PORT}"
        self.database = Database(Machine("database", DATABASE, folder)) if shared else None
        self.machines = [Machine(f"server{number}", f"10.99.0.{10 + number}", folder) for number in range(1, count + 1)]
        self.balancer = Machine("balancer", BALANCER, folder) if count > 1 else None
        if shared:
            for machine in self.machines:
                # As documented: a service file that root and the daemon can read.
                machine.write("/etc/postgresql-common/pg_service.conf", _SERVICE_FILE, "0600")
        if self.balancer:
            self.balancer.write("/etc/haproxy/haproxy.cfg", self._haproxy())
            self.balancer.sh("haproxy -D -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid")

    def _haproxy(self) -> str:
        # As in docs/gate.md, but each connection to the next server: no phone sticks to one.
        lines = ["defaults", "    mode tcp", "    timeout connect 2s", "    timeout client 60s", "    timeout server 60s", "    retries 1"]
        lines += ["frontend provisioning", f"    bind :{PORT}", "    default_backend provisioning"]
        lines += ["backend provisioning", "    balance roundrobin", "    option redispatch"]
        lines += [
            f"    server {machine.name} {machine.address}:{PORT} send-proxy check inter 300ms fall 2 rise 1" for machine in self.machines
        ]
        return "\n".join(lines) + "\n"

    def variables(self) -> dict[str, Any]:
        made: dict[str, Any] = {"provisioning_url": self.url}
        if self.shared:
            made["provisioning_server_claim_store"] = SERVICE
        if self.balancer:
            made["provisioning_server_proxy_protocol"] = True
            made["provisioning_server_trusted_proxies"] = [BALANCER]
        return made

    def play(self, playbook: str, *arguments: str, wanted: int = 0, **more: Any) -> str:
        """Run a playbook against the servers and return what it said."""
        hosts = {
            machine.name: {
                "ansible_connection": "local",
                "ansible_python_interpreter": machine.interpreter(),
                "ansible_remote_tmp": str(self.folder / f"ansible-{machine.name}"),
            }
            for machine in self.machines
        }
        data = {"all": {"vars": {**self.variables(), **more}, "children": {"provisioning_servers": {"hosts": hosts}}}}
        inventory = self.folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump(data), encoding="utf-8")
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(TOP / playbook), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "HOME": str(self.folder)},
        )
        output = done.stdout + done.stderr
        assert done.returncode == wanted, output[-8000:]
        return output

    def set_up(self, playbook: str = "tests/machines/server.yml", **more: Any) -> str:
        output = self.play(playbook, **more)
        if self.shared:
            for machine in self.machines:
                machine.sh(
                    "chgrp dialtone-gate /etc/postgresql-common/pg_service.conf && chmod 0640 /etc/postgresql-common/pg_service.conf"
                )
                machine.sh("/etc/init.d/dialtone-gate restart")
        return output

    def python(self, machine: Machine, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        """Run this environment's Python on a server, from the top of the checkout."""
        where = {"DIALTONE_GATE_URL": self.url, "DIALTONE_GATE_STORE": SERVICE if self.shared else STORE}
        where["PGSERVICEFILE"] = "/etc/postgresql-common/pg_service.conf"
        values = [f"{name}={value}" for name, value in {**where, "DIALTONE_GATE_CA": "/etc/dialtone/tls/ca.crt", **environment}.items()]
        return machine.run(["env", "-C", str(TOP), *values, sys.executable, *arguments], check)

    def stop(self) -> None:
        for machine in [*self.machines, self.balancer, self.database.machine if self.database else None]:
            if machine is not None:
                machine.stop()
