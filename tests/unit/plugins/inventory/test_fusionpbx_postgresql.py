# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin against a real PostgreSQL of its own, on a unix socket and with TLS."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.phones import Options, build
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Access, SourceError, read_tables

TOP = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(TOP / "tests" / "lab"))

import postgresql  # noqa: E402
from fusionpbx_site import columns, site  # noqa: E402

MIGRATING = TOP / "docs" / "migrating.md"
PASSWORD = "reader pa'ss"


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg2", reason="the driver psycopg2 is not installed (pip install psycopg2-binary)")
    try:
        running = postgresql.Server()
    except postgresql.Missing as exc:
        pytest.skip(str(exc))
    with running:
        running.fill(site(), columns())
        # The role as it is documented.
        statements = "".join(re.findall(r"```sql\n(.*?)```", MIGRATING.read_text(encoding="utf-8"), re.DOTALL))
        running.execute(statements.replace("'choose one'", "%s"), [PASSWORD])
        yield running


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

    shutil.copy(server.certificate, tmp_path / "ca.pem")
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
