# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FusionPBX site to test with: two tenants, mixed vendors, awkward names, shared profiles, devices that are off, borrowed or no phones at all.

The same rows are handed to the plugin as they are, and written into a real PostgreSQL with FusionPBX's column types.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import TABLES, Tables

SECRETS = ["s3cret-1001-xx", "s3cret-1002-yy", "ext-only-1003-zz", "pa'ss\\word 100%", "admin-Pa55word", "raw-setting-secret"]
# Columns that the role of docs/migrating.md must not see.
HIDDEN = {"v_devices": ["device_username", "device_password"], "v_users": ["username", "password", "salt", "api_key"]}


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


BERLIN, BONN = uuid(1), uuid(2)
DESK, POLY, LOBBY, GUEST, OFF, VIRTUAL, STRANGE, FAMILY, SNOM = (uuid(number) for number in range(10, 19))
PROFILE, UNUSED = uuid(30), uuid(31)
YEALINK, SNOM_VENDOR = uuid(40), uuid(41)
ANN = uuid(50)


def _device(key: str, mac: str, vendor: str, template: str, **more: Any) -> dict[str, Any]:
    base = {"device_uuid": key, "domain_uuid": BERLIN, "device_address": mac, "device_vendor": vendor, "device_template": template}
    return {**base, "device_enabled": "true", **more}


def _line(device: str, number: int, user: str | None, password: str | None, **more: Any) -> dict[str, Any]:
    base = {"device_uuid": device, "domain_uuid": BERLIN, "line_number": str(number), "server_address": "berlin.example.com"}
    return {**base, "user_id": user, "auth_id": user, "password": password, "sip_transport": "tcp", "enabled": "true", **more}


def _key(device: str, at: str, kind: str, value: str = "", label: str = "", **more: Any) -> dict[str, Any]:
    base = {"device_uuid": device, "domain_uuid": BERLIN, "device_key_id": at, "device_key_category": "line", "device_key_type": kind}
    return {**base, "device_key_line": "1", "device_key_value": value, "device_key_label": label, **more}


def _profile_key(at: str, vendor: str | None, kind: str, value: str, label: str = "", **more: Any) -> dict[str, Any]:
    base = {"device_profile_uuid": PROFILE, "domain_uuid": BERLIN, "profile_key_id": at, "profile_key_category": "line"}
    return {
        **base,
        "profile_key_vendor": vendor,
        "profile_key_type": kind,
        "profile_key_line": "1",
        "profile_key_value": value,
        "profile_key_label": label,
        **more,
    }


def _setting(
    prefix: str, name: str, value: str, kind: str = "text", category: str = "provision", enabled: str = "true", **more: Any
) -> dict[str, Any]:
    values = {"category": category, "subcategory": name, "name": kind, "value": value, "enabled": enabled, "order": None}
    return {**{f"{prefix}_{key}": text for key, text in values.items()}, **more}


def site() -> Tables:
    """Return all rows of the site, each with every column the plugin knows."""
    given: dict[str, list[dict[str, Any]]] = {
        "v_domains": [
            {"domain_uuid": BERLIN, "domain_name": "berlin.example.com", "domain_enabled": "true"},
            {"domain_uuid": BONN, "domain_name": "bonn.example.com", "domain_enabled": "true"},
        ],
        "v_devices": [
            _device(
                DESK,
                "80:5e:c0:00:00:01",
                "yealink",
                "yealink/t54w",
                device_label='Büro "Süd" & <Nord>',
                device_profile_uuid=PROFILE,
                device_user_uuid=ANN,
                device_location="Haus 7, Größe <3",
                device_serial_number="SN-1",
                device_firmware_version="96.86.0.70",
                device_description="{{ lookup('pipe', 'id') }}",
            ),
            # The template is of a firmware, not of a model: the User-Agent tells it.
            _device(
                POLY,
                "0004f2000002",
                "polycom",
                "polycom/5.x",
                device_profile_uuid=PROFILE,
                device_provisioned_agent="FileTransport PolycomVVX-VVX_411-UA/5.9.0.9373 Type/Application",
            ),
            # Borrows the lines, keys and profile of another device, and keeps its own template.
            _device(LOBBY, "805ec0000003", "yealink", "yealink/t31p", device_uuid_alternate=VIRTUAL, device_label="Lobby"),
            _device(VIRTUAL, "hotdesk-1003", "yealink", "yealink/t54w", device_label="Hot desk"),
            _device(OFF, "805ec0000004", "yealink", "yealink/t46u", device_enabled="false"),
            _device(STRANGE, "001122000005", "escene", "escene/es290"),
            _device(FAMILY, "000b82000006", "grandstream", "grandstream/gxp21xx"),
            _device(SNOM, "000413000007", "snom", "snom/D785", domain_uuid=BONN),
            _device(GUEST, "805ec0000008", "yealink", "yealink/t54w", device_label="no lines"),
        ],
        "v_device_lines": [
            _line(DESK, 1, "1001", SECRETS[0], display_name="Jörg O'Neil", label="1001\nJörg", register_expires="20", sip_port="5060"),
            _line(
                DESK,
                3,
                "1002",
                SECRETS[1],
                auth_id="auth-1002",
                server_address_primary="sip1.example.com",
                server_address_secondary="sip2.example.com",
                outbound_proxy_primary="proxy.example.com:5080",
                sip_transport="tls",
                sip_port="5061",
                shared_line="true",
            ),
            _line(POLY, 1, "1001", SECRETS[0], sip_transport="dns srv", sip_port=None),
            _line(POLY, 2, "1009", "off", enabled="false"),
            _line(VIRTUAL, 1, "1003", None),
            _line(OFF, 1, "1004", "p4", shared_line=""),
            _line(STRANGE, 1, "1005", "p5"),
            _line(FAMILY, 1, "1006", "p6"),
            _line(SNOM, 1, "1001", SECRETS[3], domain_uuid=BONN, server_address="bonn.example.com"),
        ],
        "v_device_keys": [
            _key(DESK, "1", "15", label="${caller_id_name}"),
            _key(DESK, "3", "16", "1002", "Kollege", device_key_extension="*8", device_key_line="3"),
            _key(DESK, "5", "8", "x"),
            _key(DESK, "2", "13", "0049", device_key_category="expansion-2", device_key_icon="star"),
            _key(DESK, "1", "5", device_key_category="programmable"),
            _key(DESK, "4", "blf", "9", device_key_vendor="snom"),
            _key(SNOM, "1", "blf", "${user}@${domain_name}", "{$domain_name}", domain_uuid=BONN),
        ],
        "v_device_profiles": [
            {
                "device_profile_uuid": PROFILE,
                "domain_uuid": BERLIN,
                "device_profile_name": "Büro / Office",
                "device_profile_enabled": "true",
            },
            {"device_profile_uuid": UNUSED, "domain_uuid": None, "device_profile_name": "global", "device_profile_enabled": "true"},
        ],
        "v_device_profile_keys": [
            _profile_key("3", "yealink", "16", "1099", "from the profile"),
            _profile_key("6", "yealink", "13", "1098"),
            _profile_key("2", "polycom", "normal", "1097"),
        ],
        "v_device_settings": [
            {
                "device_uuid": DESK,
                "domain_uuid": BERLIN,
                "device_setting_subcategory": "features.power_saving.enable",
                "device_setting_value": "0",
                "device_setting_enabled": "true",
            },
            {
                "device_uuid": DESK,
                "domain_uuid": BERLIN,
                "device_setting_subcategory": "yealink_time_zone",
                "device_setting_value": SECRETS[5],
                "device_setting_enabled": "true",
            },
            {
                "device_uuid": DESK,
                "domain_uuid": BERLIN,
                "device_setting_subcategory": "yealink_off",
                "device_setting_value": "1",
                "device_setting_enabled": "false",
            },
        ],
        "v_device_profile_settings": [
            {
                "device_profile_uuid": PROFILE,
                "domain_uuid": BERLIN,
                "profile_setting_name": "admin_password",
                "profile_setting_value": SECRETS[4],
                "profile_setting_enabled": "true",
            },
            {
                "device_profile_uuid": PROFILE,
                "domain_uuid": BERLIN,
                "profile_setting_name": "voicemail_number",
                "profile_setting_value": "bad number!",
                "profile_setting_enabled": "true",
            },
        ],
        "v_device_vendors": [{"device_vendor_uuid": YEALINK, "name": "yealink"}, {"device_vendor_uuid": SNOM_VENDOR, "name": "snom"}],
        "v_device_vendor_functions": [
            {"device_vendor_uuid": YEALINK, "name": name, "value": value}
            for name, value in (("line", "15"), ("blf", "16"), ("speed_dial", "13"), ("sms", "8"), ("dnd", "5"))
        ],
        "v_default_settings": [
            _setting("default_setting", "ntp_server_primary", "pool.ntp.org"),
            _setting("default_setting", "ntp_server_secondary", "2.us.pool.ntp.org"),
            _setting("default_setting", "voicemail_number", "*97"),
            _setting("default_setting", "http_auth_password", SECRETS[4], "array"),
            _setting("default_setting", "yealink_dsskey_length", "1", "numeric"),
            _setting("default_setting", "stun_server", "stun.example.com", enabled="false"),
            _setting("default_setting", "time_zone", "Europe/Berlin", "name", "domain"),
        ],
        "v_domain_settings": [
            _setting("domain_setting", "ntp_server_primary", "ntp.example.com", domain_uuid=BERLIN),
            _setting("domain_setting", "cidr", "10.0.0.0/8", "array", domain_uuid=BERLIN, domain_setting_order="1"),
            _setting("domain_setting", "cidr", "2001:db8::/32", "array", domain_uuid=BERLIN, domain_setting_order="2"),
            _setting("domain_setting", "time_zone", "America/Chicago", "name", "domain", domain_uuid=BONN),
        ],
        "v_user_settings": [],
        "v_users": [{"user_uuid": ANN, "domain_uuid": BERLIN, "user_email": "ann@example.com"}],
        "v_extensions": [
            {
                "extension_uuid": uuid(60),
                "domain_uuid": BERLIN,
                "extension": "1003",
                "password": SECRETS[2],
                "effective_caller_id_name": "Łukasz",
                "directory_visible": "true",
                "call_group": "sales",
                "enabled": "true",
            },
            {
                "extension_uuid": uuid(61),
                "domain_uuid": BERLIN,
                "extension": "1001",
                "password": SECRETS[0],
                "directory_first_name": "Jörg",
                "directory_last_name": "O'Neil",
                "directory_visible": "false",
                "enabled": "true",
            },
        ],
        "v_contacts": [
            {
                "contact_uuid": uuid(70),
                "domain_uuid": BERLIN,
                "contact_organization": "Müller & Söhne",
                "contact_name_given": "Eva",
                "contact_category": "customer",
            },
            {"contact_uuid": uuid(71), "domain_uuid": BERLIN, "contact_organization": "nobody to call"},
        ],
        "v_contact_phones": [
            {
                "contact_uuid": uuid(70),
                "domain_uuid": BERLIN,
                "phone_label": "Mobile",
                "phone_number": "+49 170 1",
                "phone_type_voice": "1",
            },
            {
                "contact_uuid": uuid(70),
                "domain_uuid": BERLIN,
                "phone_label": "work",
                "phone_number": "evil\nnumber",
                "phone_type_voice": "1",
            },
        ],
        "v_contact_emails": [{"contact_uuid": uuid(70), "domain_uuid": BERLIN, "email_address": "eva@example.com", "email_primary": "1"}],
    }
    known = {table: [column.partition("|")[0] for column in names] for table, names in TABLES.items()}
    return {table: [{column: row.get(column) for column in known[table]} for row in given.get(table, [])] for table in TABLES}


def columns() -> dict[str, list[str]]:
    """Return the columns of every table in a database: those that the plugin reads, and those that its role must not see."""
    return {table: [*(name.partition("|")[0] for name in names), *HIDDEN.get(table, [])] for table, names in TABLES.items()}
