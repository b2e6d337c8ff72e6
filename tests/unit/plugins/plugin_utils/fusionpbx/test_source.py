# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import NEEDED, Access, SourceError, driver, read_tables


class Refused(Exception):
    pass


class Cursor:
    def __init__(self, connection) -> None:
        self._connection = connection
        self.description = []

    def __enter__(self):
        return self

    def __exit__(self, *_args):
        return None

    def execute(self, query):
        self._connection.statements.append(query)
        if query.startswith("SELECT table_name"):
            self._rows = [(table, column) for table, columns in self._connection.columns.items() for column in columns]
        elif " AS " in query:
            names = [part.split(" AS ")[1] for part in query[len("SELECT ") : query.index(" FROM ")].split(", ")]
            self.description, self._rows = [(name,) for name in names], [tuple(names)]

    def fetchall(self):
        return self._rows


class Driver:
    """The edge: a driver that answers with the names of columns."""

    Error = Refused

    def __init__(self, columns, refuse: str = "") -> None:
        self.columns, self.refuse, self.statements, self.given, self.closed = columns, refuse, [], {}, 0

    def connect(self, **given):
        self.given = given
        if self.refuse:
            raise Refused(self.refuse)
        return self

    def cursor(self):
        return Cursor(self)

    def rollback(self):
        pass

    def close(self):
        self.closed += 1


def needed() -> dict[str, list[str]]:
    return {table: list(columns) for table, columns in NEEDED.items()}


def test_a_missing_driver_is_a_sentence():
    def load(name):
        raise ImportError(name)

    with pytest.raises(SourceError, match="install psycopg2-binary .or psycopg."):
        driver(load)


def test_the_newer_driver_does_as_well():
    def load(name):
        if name == "psycopg2":
            raise ImportError(name)
        return name

    assert driver(load) == "psycopg"


def test_only_columns_that_are_there_are_read_and_older_names_are_known():
    columns = needed()
    columns["v_devices"] = [name.replace("device_address", "device_mac_address") for name in columns["v_devices"]]
    fake = Driver(columns)
    tables = read_tables(Access(), lambda _name: fake)
    assert sorted(tables) == ["v_device_lines", "v_devices", "v_domains"]
    assert "device_mac_address::text AS device_address" in "".join(fake.statements)
    assert tables["v_devices"][0]["device_address"] == "device_address"
    assert fake.closed == 1


def test_settings_are_fetched_of_their_categories_only():
    fake = Driver(
        {**needed(), "v_default_settings": ["default_setting_category", "default_setting_value"], "v_user_settings": ["user_setting_value"]}
    )
    tables = read_tables(Access(), lambda _name: fake)
    assert any(
        "WHERE default_setting_category IN ('provision', 'domain') OR default_setting_category = 'contact' AND" in query
        for query in fake.statements
    )
    # Without its category no setting can be told from another application's.
    assert "v_user_settings" not in tables


def test_everything_that_is_needed_and_lacking_is_told_at_once():
    columns = needed()
    columns["v_device_lines"].remove("password")
    columns["v_devices"].remove("device_vendor")
    fake = Driver(columns)
    with pytest.raises(SourceError, match="v_devices.device_vendor, v_device_lines.password: not in the database, or not readable"):
        read_tables(Access(), lambda _name: fake)
    assert fake.closed == 1


def test_what_is_not_given_is_left_to_libpq_and_a_password_is_in_no_message():
    fake = Driver(needed(), "FATAL: no way in\nwith s3cret")
    with pytest.raises(SourceError) as caught:
        read_tables(Access(host="pbx.example.com", password="s3cret"), lambda _name: fake)
    assert str(caught.value) == "cannot connect: FATAL: no way in with ********"
    assert caught.value.__cause__ is None
    assert "port" not in fake.given
    assert fake.given["sslmode"] == "verify-full"


def test_text_in_no_encoding_is_a_sentence_without_it():
    """As psycopg2 raises it for a row of a database with the encoding SQL_ASCII."""

    class Garbled(Cursor):
        def fetchall(self):
            if "FROM v_devices" in self._connection.statements[-1]:
                b"s3cret\xe4".decode()
            return super().fetchall()

    database = Driver(needed())
    database.cursor = lambda: Garbled(database)
    with pytest.raises(SourceError) as caught:
        read_tables(Access(), lambda _name: database)
    assert str(caught.value).startswith("cannot read: v_devices holds text that is not UTF-8")
    assert "s3cret" not in str(caught.value) and database.closed == 1


@pytest.mark.parametrize(
    "error", [ValueError("embedded null character in s3cret"), UnicodeEncodeError("utf-8", "s3cret\ud800", 6, 7, "no")]
)
def test_an_option_that_no_driver_takes_is_a_sentence_without_it(error):
    database = Driver(needed())

    def connect(**_given):
        raise error

    database.connect = connect
    with pytest.raises(SourceError, match="cannot connect: an option holds a character") as caught:
        read_tables(Access(password="s3cret"), lambda _name: database)
    assert "s3cret" not in str(caught.value)
