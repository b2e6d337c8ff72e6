# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin against a real PostgreSQL of its own, in a temporary folder, as a user without rights, on a unix socket and with TLS."""

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
from pathlib import Path

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx_phones import Options, build
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx_source import Access, SourceError, read_tables

from .fusionpbx_site import HIDDEN, TYPES, site

MIGRATING = Path(__file__).resolve().parents[4] / "docs" / "migrating.md"
PASSWORD = "reader pa'ss"


class Server:
    """One cluster; owner is ``owner``, trusted on the socket."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self.folder, self._programs, self._user = folder, programs, user
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, user=self._user, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        data = self.folder / "data"
        self.run(
            str(self._programs / "initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"
        )
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        self.run(*request, "-addext", "subjectAltName=DNS:localhost", "-keyout", str(data / "server.key"), "-out", str(data / "server.crt"))
        (data / "pg_hba.conf").write_text(
            "local all owner trust\nlocal all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        with (data / "postgresql.conf").open("a") as config:
            config.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\nssl = on\nfsync = off\n"
            )
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(data)],
            cwd=self.folder,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("w"),
        )
        until = time.monotonic() + 30
        while subprocess.run(
            [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)], check=False
        ).returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "the database server does not come up"
            time.sleep(0.1)

    def stop(self) -> None:
        # The fast way: SIGTERM waits for connections that a failed test left open.
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg2", reason="the driver psycopg2 is not installed (pip install psycopg2-binary)")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's programs are not installed (apt-get install postgresql)")
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        users = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in users), None)
        if user is None:
            pytest.skip("there is no user without rights to run PostgreSQL as")
    # Not pytest's folder: its parents are closed to other users, and the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="fpbx-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    running = Server(programs, folder, user)
    try:
        running.start()
        try:
            _fill(running)
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(server: Server) -> None:
    import psycopg2

    owner = psycopg2.connect(host=str(server.folder), port=server.port, user="owner", dbname="postgres")
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute("CREATE DATABASE fusionpbx")
    owner.close()
    owner = psycopg2.connect(host=str(server.folder), port=server.port, user="owner", dbname="fusionpbx")
    with owner, owner.cursor() as cursor:
        for table, rows in site().items():
            columns = list(rows[0]) if rows else ["user_uuid", "domain_uuid", "user_setting_category", "user_setting_subcategory"]
            columns += HIDDEN.get(table, [])
            types = [TYPES.get(name, "uuid" if name.endswith("_uuid") or name == "device_uuid_alternate" else "text") for name in columns]
            cursor.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in zip(columns, types, strict=True))})")
            for row in rows:
                names = list(row)
                places = ", ".join(["%s"] * len(names))
                cursor.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", [row[name] for name in names])  # noqa: S608
        # The role as it is documented.
        statements = re.search(r"```sql\n(.*?)```", MIGRATING.read_text(encoding="utf-8"), re.DOTALL)[1]
        cursor.execute(statements.replace("'choose one'", "%s"), [PASSWORD])
    owner.close()


@pytest.fixture
def access(server) -> Access:
    return Access(host=str(server.folder), port=server.port, user="dialtone", password=PASSWORD, ssl_mode="disable")


def test_the_documented_role_reads_what_the_canned_rows_say(access):
    found, wanted = build(read_tables(access), Options()), build(site(), Options())
    assert found.hosts == wanted.hosts
    assert found.groups == wanted.groups
    assert found.common == wanted.common
    assert sorted(found.left) == sorted(wanted.left)
    assert len(found.hosts) == 5


def test_the_documented_role_sees_no_other_secret_and_writes_nothing(access):
    import psycopg2

    connection = psycopg2.connect(host=access.host, port=access.port, user=access.user, password=access.password, dbname="fusionpbx")
    for query, error in (
        ("SELECT password FROM v_users", psycopg2.errors.InsufficientPrivilege),
        ("SELECT device_password FROM v_devices", psycopg2.errors.InsufficientPrivilege),
        ("DELETE FROM v_device_lines", psycopg2.errors.ReadOnlySqlTransaction),
    ):
        with pytest.raises(error), connection, connection.cursor() as cursor:
            cursor.execute(query)
    connection.close()


def test_one_query_a_table_in_one_read_only_transaction(access):
    statements = []

    def load(name):
        import psycopg2

        class Cursor(psycopg2.extensions.cursor):
            def execute(self, query, *more):
                statements.append(query)
                super().execute(query, *more)
                if "v_extensions" in query:
                    super().execute("SHOW transaction_read_only", *more)
                    assert self.fetchone() == ("on",)
                    super().execute(query, *more)

        class Driver:
            Error = psycopg2.Error

            @staticmethod
            def connect(**given):
                return psycopg2.connect(cursor_factory=Cursor, **given)

        return Driver

    tables = read_tables(access, load)
    assert len(statements) == len(tables) + 2
    assert statements[0].endswith("READ ONLY")


def test_the_plugin_reads_over_tls_and_checks_the_certificate(access, server, tmp_path):
    def parse(host: str) -> InventoryData:
        file = tmp_path / "fusionpbx.yml"
        file.write_text(
            f'plugin: dialtone.phones.fusionpbx\nhost: {host}\nport: {server.port}\nuser: dialtone\npassword: "{PASSWORD}"\n'
            f"ssl_root_cert: {tmp_path}/ca.pem\n"
        )
        inventory = InventoryData()
        inventory_loader.get("dialtone.phones.fusionpbx").parse(inventory, DataLoader(), str(file))
        return inventory

    shutil.copy(server.folder / "data" / "server.crt", tmp_path / "ca.pem")
    assert len(parse("localhost").groups["phones"].hosts) == 5
    with pytest.raises(AnsibleParserError, match="cannot connect: .*certificate") as caught:
        parse("127.0.0.1")
    assert PASSWORD not in str(caught.value)


def test_a_refused_password_is_in_no_message(access):
    with pytest.raises(SourceError, match="cannot connect: .*authentication failed") as caught:
        read_tables(access._replace(password="wrong-secret"))
    assert "wrong-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_another_database_is_refused_by_what_it_lacks(access):
    with pytest.raises(SourceError, match=r"v_domains.domain_uuid, .*not readable by this role"):
        read_tables(access._replace(database="postgres"))
