# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL of one's own: in a temporary folder, as a user without rights, on a unix socket and, with TLS, on a free port of the loopback."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Types as FusionPBX creates them; all others are text.
TYPES = dict.fromkeys(
    (
        "device_key_id",
        "device_key_line",
        "profile_key_id",
        "profile_key_line",
        "sip_port",
        "register_expires",
        "default_setting_order",
        "domain_setting_order",
        "user_setting_order",
        "phone_type_voice",
        "phone_type_fax",
    ),
    "numeric",
) | {"domain_enabled": "boolean"}


class Missing(Exception):
    """The programs are not there; the message says what to install."""


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


class Server:
    """One cluster, a context manager. Its superuser is ``owner``, trusted on the socket; everybody else has a password."""

    def __init__(self) -> None:
        """Find what is needed.

        :raises Missing: it is not there.
        """
        found = programs()
        if found is None:
            raise Missing("PostgreSQL's programs are not installed (apt-get install postgresql)")
        if not shutil.which("openssl"):
            raise Missing("openssl is not installed")
        self._programs = found
        self._user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            users = {entry.pw_name for entry in pwd.getpwall()}
            self._user = next((name for name in ("postgres", "nobody") if name in users), None)
            if self._user is None:
                raise Missing("there is no user without rights to run PostgreSQL as")
        # Short, as paths of sockets are, and where other users get to.
        self.folder = Path(tempfile.mkdtemp(prefix="fpbx-", dir="/tmp"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Server:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._process is not None:
            # The fast way: SIGTERM waits for connections that somebody left open.
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, user=self._user, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def _start(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user)
        data = self.folder / "data"
        initdb = [str(self._programs / "initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
        self._run(*initdb, "--locale=C.UTF-8")
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        self._run(
            *request, "-addext", "subjectAltName=DNS:localhost", "-keyout", str(data / "server.key"), "-out", str(data / "server.crt")
        )
        (data / "pg_hba.conf").write_text(
            "local all owner trust\nlocal all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        with (data / "postgresql.conf").open("a") as config:
            config.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\nssl = on\nfsync = off\n"
            )
        with (self.folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(data)],
                cwd=self.folder,
                user=self._user,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        until = time.monotonic() + 30
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the database server does not come up: {(self.folder / 'log').read_text()}")
            time.sleep(0.1)

    @property
    def certificate(self) -> Path:
        """The server's certificate, its own authority, for ``localhost``."""
        return self.folder / "data" / "server.crt"

    def connect(self, database: str = "fusionpbx") -> Any:
        """Return a connection of the superuser."""
        import psycopg2

        return psycopg2.connect(host=str(self.folder), port=self.port, user="owner", dbname=database)

    def create(self, database: str) -> None:
        """Make an empty database."""
        owner = self.connect("postgres")
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database}")
        owner.close()

    def fill(
        self, tables: Mapping[str, list[dict[str, Any]]], columns: Mapping[str, Iterable[str]], more: Mapping[str, str] = TYPES
    ) -> None:
        """Make tables as FusionPBX has them, in a new database ``fusionpbx``, and fill them.

        :param columns: of each table.
        :param more: types of columns that are no text and no UUID.
        """
        from psycopg2.extras import execute_values

        self.create("fusionpbx")
        owner = self.connect()
        with owner, owner.cursor() as cursor:
            for table, named in columns.items():
                names = list(named)
                types = [more.get(name, "uuid" if name.endswith("_uuid") or name == "device_uuid_alternate" else "text") for name in names]
                cursor.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in zip(names, types, strict=True))})")
                rows = [[row.get(name) for name in names] for row in tables.get(table, ())]
                casts = ", ".join(f"%s::{kind}" for kind in types)
                execute_values(cursor, f"INSERT INTO {table} ({', '.join(names)}) VALUES %s", rows, f"({casts})", 1000)  # noqa: S608
        owner.close()

    def execute(self, statements: str, values: Iterable[Any] | None = None) -> None:
        """Run statements in the database ``fusionpbx`` as its owner."""
        owner = self.connect()
        with owner, owner.cursor() as cursor:
            cursor.execute(statements, values)
        owner.close()
