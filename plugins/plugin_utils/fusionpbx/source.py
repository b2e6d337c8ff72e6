# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of a FusionPBX database: read in one read-only transaction, one query a table, every value as text.

Names of tables and columns are those of FusionPBX's own schema (``app_config.php`` of its devices, extensions, contacts, settings and users).
Versions differ in a few columns, and a role may have been granted only some: what is there is asked first, and only that is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Row = dict[str, "str | None"]
Tables = dict[str, "list[Row]"]

# Table -> columns. "a|b" is a column that was called b in earlier versions; it is known as a here.
TABLES: dict[str, tuple[str, ...]] = {
    "v_domains": ("domain_uuid", "domain_name", "domain_enabled"),
    "v_devices": (
        "device_uuid",
        "domain_uuid",
        "device_profile_uuid",
        "device_key_template_uuid",
        "device_address|device_mac_address",
        "device_label",
        "device_vendor",
        "device_model",
        "device_firmware_version",
        "device_template",
        "device_enabled",
        "device_user_uuid",
        "device_uuid_alternate",
        "device_location",
        "device_serial_number",
        "device_description",
        "device_provisioned_agent",
    ),
    "v_device_lines": (
        "device_uuid",
        "domain_uuid",
        "line_number",
        "server_address",
        "server_address_primary",
        "server_address_secondary",
        "outbound_proxy_primary|outbound_proxy",
        "outbound_proxy_secondary",
        "label",
        "display_name",
        "user_id",
        "auth_id",
        "password",
        "sip_port",
        "sip_transport",
        "register_expires",
        "shared_line",
        "enabled",
    ),
    "v_device_keys": (
        "device_uuid",
        "domain_uuid",
        "device_key_id",
        "device_key_category",
        "device_key_vendor",
        "device_key_type",
        "device_key_subtype",
        "device_key_line",
        "device_key_value",
        "device_key_extension",
        "device_key_label",
        "device_key_icon",
    ),
    "v_device_settings": ("device_uuid", "domain_uuid", "device_setting_subcategory", "device_setting_value", "device_setting_enabled"),
    "v_device_profiles": ("device_profile_uuid", "domain_uuid", "device_profile_name", "device_profile_enabled"),
    "v_device_profile_keys": (
        "device_profile_uuid",
        "domain_uuid",
        "profile_key_id",
        "profile_key_category",
        "profile_key_vendor",
        "profile_key_type",
        "profile_key_subtype",
        "profile_key_line",
        "profile_key_value",
        "profile_key_extension",
        "profile_key_label",
        "profile_key_icon",
    ),
    "v_device_profile_settings": (
        "device_profile_uuid",
        "domain_uuid",
        "profile_setting_name",
        "profile_setting_value",
        "profile_setting_enabled",
    ),
    "v_device_vendors": ("device_vendor_uuid", "name"),
    "v_device_vendor_functions": ("device_vendor_uuid", "name|type", "value"),
    "v_default_settings": (
        "default_setting_category",
        "default_setting_subcategory",
        "default_setting_name",
        "default_setting_value",
        "default_setting_enabled",
        "default_setting_order",
    ),
    "v_domain_settings": (
        "domain_uuid",
        "domain_setting_category",
        "domain_setting_subcategory",
        "domain_setting_name",
        "domain_setting_value",
        "domain_setting_enabled",
        "domain_setting_order",
    ),
    "v_user_settings": (
        "user_uuid",
        "domain_uuid",
        "user_setting_category",
        "user_setting_subcategory",
        "user_setting_name",
        "user_setting_value",
        "user_setting_enabled",
        "user_setting_order",
    ),
    "v_users": ("user_uuid", "domain_uuid", "user_email"),
    "v_extensions": (
        "extension_uuid",
        "domain_uuid",
        "extension",
        "password",
        "effective_caller_id_name",
        "directory_first_name",
        "directory_last_name",
        "directory_visible",
        "call_group",
        "enabled",
    ),
    "v_contacts": (
        "contact_uuid",
        "domain_uuid",
        "contact_organization",
        "contact_name_given",
        "contact_name_family",
        "contact_nickname",
        "contact_category",
    ),
    "v_contact_phones": (
        "contact_uuid",
        "domain_uuid",
        "phone_label",
        "phone_number",
        "phone_extension",
        "phone_speed_dial",
        "phone_type_voice",
        "phone_type_fax",
    ),
    "v_contact_emails": ("contact_uuid", "domain_uuid", "email_address", "email_primary"),
    "v_contact_users": ("contact_uuid", "domain_uuid", "user_uuid"),
    "v_contact_groups": ("contact_uuid", "domain_uuid", "group_uuid"),
    "v_user_groups": ("user_uuid", "domain_uuid", "group_uuid"),
    # FS PBX's own, from its migrations; FusionPBX has none of them.
    "device_keys": ("device_uuid", "key_area", "key_index", "key_type", "key_value", "key_label"),
    "device_key_templates": ("device_key_template_uuid", "domain_uuid", "name", "enabled"),
    "device_key_template_keys": ("device_key_template_uuid", "key_area", "key_index", "key_type", "key_value", "key_label"),
    "phonebooks": ("phonebook_uuid", "domain_uuid", "name", "enabled", "is_default", "include_extensions"),
    "phonebook_contacts": ("phonebook_uuid", "domain_uuid", "first_name", "last_name", "phone_number"),
    "device_phonebook": ("device_uuid", "phonebook_uuid", "slot"),
}
# Without these there is no phone to make.
NEEDED = {
    "v_domains": ("domain_uuid", "domain_name"),
    "v_devices": ("device_uuid", "domain_uuid", "device_address", "device_vendor", "device_template", "device_enabled"),
    "v_device_lines": ("device_uuid", "line_number", "server_address", "user_id", "password"),
}
# Settings of other applications hold passwords of mail servers and the like: they are not even fetched.
_WHERE = {
    "v_default_settings": "default_setting_category IN ('provision', 'domain') OR default_setting_category = 'contact' AND default_setting_subcategory IN "
    "('permissions', 'contact_users', 'contact_groups', 'contact_extensions')",
    "v_domain_settings": "domain_setting_category IN ('provision', 'domain') OR domain_setting_category = 'contact' AND domain_setting_subcategory IN "
    "('permissions', 'contact_users', 'contact_groups', 'contact_extensions')",
    "v_user_settings": "user_setting_category = 'provision'",
}
_COLUMNS = "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))"


class SourceError(Exception):
    """The database can't be read; the message is one sentence without a password."""


class Access(NamedTuple):
    """How to reach the database; None leaves libpq its own default (environment, ``~/.pgpass``, service file)."""

    host: str | None = None
    port: int | None = None
    database: str = "fusionpbx"
    user: str | None = None
    password: str | None = None
    ssl_mode: str = "verify-full"
    ssl_root_cert: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    connect_timeout: int = 10


def driver(load: Callable[[str], Any] = importlib.import_module) -> Any:
    """Return psycopg2 or psycopg, whichever is installed.

    :raises SourceError: neither is.
    """
    for name in ("psycopg2", "psycopg"):
        try:
            return load(name)
        except ImportError:
            continue
    raise SourceError(
        "a PostgreSQL driver for Python is missing on the controller: install psycopg2-binary (or psycopg) beside ansible-core"
    )


def read_tables(access: Access, load: Callable[[str], Any] = importlib.import_module) -> Tables:
    """Read all tables as of one moment.

    :raises SourceError: no driver, no connection, or a table that is needed can't be read.
    """
    psycopg = driver(load)
    try:
        connection = psycopg.connect(**_parameters(access))
    except psycopg.Error as exc:
        raise SourceError(f"cannot connect: {_clean(exc, access)}") from None
    except ValueError:
        # What the driver says of such a text may quote it.
        raise SourceError(
            "cannot connect: an option holds a character that no text for PostgreSQL may, or the server answers in none"
        ) from None
    try:
        with connection.cursor() as cursor:
            # The first statement of the transaction: it is one snapshot, and whatever follows can write nothing.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(_COLUMNS)
            there: dict[str, set[str]] = {}
            for table, column in cursor.fetchall():
                there.setdefault(table, set()).add(column)
            tables: Tables = {}
            for table, query in _queries(there).items():
                tables[table] = _rows(cursor, table, query)
        connection.rollback()
        return tables
    except psycopg.Error as exc:
        raise SourceError(f"cannot read: {_clean(exc, access)}") from None
    finally:
        connection.close()


def _rows(cursor: Any, table: str, query: str) -> list[Row]:
    """Return the rows of a table.

    :raises SourceError: one holds text that is not UTF-8, as a database with the encoding SQL_ASCII lets in.
    """
    try:
        cursor.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except UnicodeError:
        raise SourceError(f"cannot read: {table} holds text that is not UTF-8; save what is garbled in FusionPBX anew") from None


def _parameters(access: Access) -> dict[str, Any]:
    given = {
        "host": access.host,
        "port": access.port,
        "dbname": access.database,
        "user": access.user,
        "password": access.password,
        "sslmode": access.ssl_mode,
        "sslrootcert": access.ssl_root_cert,
        "sslcert": access.ssl_cert,
        "sslkey": access.ssl_key,
        "connect_timeout": access.connect_timeout,
        "application_name": "dialtone.phones",
        "client_encoding": "UTF8",
    }
    return {name: value for name, value in given.items() if value is not None}


def _queries(there: Mapping[str, set[str]]) -> dict[str, str]:
    """Return one query for each table that can be read, given the columns the role may see.

    :raises SourceError: what is needed can't be read.
    """
    queries = {}
    lacking = []
    for table, columns in TABLES.items():
        seen = there.get(table, set())
        chosen: dict[str, str] = {}
        for column in columns:
            name, _bar, _older = column.partition("|")
            actual = next((candidate for candidate in column.split("|") if candidate in seen), None)
            if actual:
                chosen[name] = actual
        lacking += [f"{table}.{name}" for name in NEEDED.get(table, ()) if name not in chosen]
        where = f" WHERE {_WHERE[table]}" if table in _WHERE else ""
        if chosen and all(name in chosen for name in _filtered(table)):
            # All names are this file's own; nothing from outside is in a query.
            listed = ", ".join(f"{actual}::text AS {name}" for name, actual in chosen.items())
            queries[table] = f"SELECT {listed} FROM {table}{where}"  # noqa: S608
    if lacking:
        raise SourceError(
            f"{', '.join(lacking)}: not in the database, or not readable by this role (docs/migrating.md shows the GRANT; is this FusionPBX's database?)"
        )
    return queries


def _filtered(table: str) -> tuple[str, ...]:
    return (_WHERE[table].split()[0],) if table in _WHERE else ()


def _clean(exc: Exception, access: Access) -> str:
    """Return what the server said, on one line and without the password."""
    text = " ".join(str(exc).split()) or type(exc).__name__
    return text.replace(access.password, "********") if access.password else text
