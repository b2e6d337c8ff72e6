# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sees which contacts, what FS PBX has besides, and what a hostile database may hold."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx import phones as fusionpbx_phones
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.phones import Fleet, Options, build
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import NEEDED, TABLES, Tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "lab"))

from fusionpbx_site import ANN, BERLIN, DESK, LOBBY, POLY, SECRETS, SNOM, VIRTUAL, _setting, site, uuid  # noqa: E402

DESK_NAME, POLY_NAME, LOBBY_NAME = "berlin-1001-000001", "berlin-1001", "berlin-1003"
SALES, BOB = uuid(90), uuid(51)


def add(tables: Tables, table: str, *rows: dict) -> None:
    names = [column.partition("|")[0] for column in TABLES[table]]
    tables[table] += [{name: row.get(name) for name in names} for row in rows]


def phones(fleet: Fleet) -> dict[str, dict]:
    return {host.name: {**fleet.groups[host.groups["tenant"]], **host.variables} for host in fleet.hosts}


def names_in(fleet: Fleet, host: str) -> list[str]:
    """Return the names that a phone sees in its phonebooks."""
    books = fleet.common["phone_configs_phonebooks"]

    def inside(name: str) -> list[str]:
        return [entry["name"] for entry in books[name].get("contacts", ())] + [
            each for other in books[name].get("merge", ()) for each in inside(other)
        ]

    return sorted(each for name in phones(fleet)[host].get("phone_phonebooks", ()) for each in inside(name))


def contact(tables: Tables, number: int, name: str) -> str:
    key = uuid(number)
    add(tables, "v_contacts", {"contact_uuid": key, "domain_uuid": BERLIN, "contact_name_given": name})
    add(tables, "v_contact_phones", {"contact_uuid": key, "domain_uuid": BERLIN, "phone_number": f"0{number}", "phone_type_voice": "1"})
    return key


@pytest.fixture
def permitted() -> Tables:
    """Ann is in sales, and her desk phone and a phone of Bob's see what is theirs."""
    tables = site()
    for row in tables["v_devices"]:
        if row["device_uuid"] == POLY:
            row["device_user_uuid"] = BOB
    add(tables, "v_default_settings", _setting("default_setting", "permissions", "true", "boolean", "contact"))
    add(tables, "v_default_settings", _setting("default_setting", "contact_users", "true", "boolean"))
    add(tables, "v_default_settings", _setting("default_setting", "contact_groups", "true", "boolean"))
    add(tables, "v_contact_users", {"contact_uuid": contact(tables, 801, "Of Ann"), "domain_uuid": BERLIN, "user_uuid": ANN})
    add(tables, "v_contact_groups", {"contact_uuid": contact(tables, 802, "Of Sales"), "domain_uuid": BERLIN, "group_uuid": SALES})
    add(tables, "v_user_groups", *({"user_uuid": user, "domain_uuid": BERLIN, "group_uuid": SALES} for user in (ANN, BOB)))
    return tables


def test_with_permissions_a_phone_shows_extensions_and_what_its_user_and_groups_may_see(permitted):
    fleet = build(permitted, Options())
    assert names_in(fleet, DESK_NAME) == ["Of Ann", "Of Sales", "Łukasz"]
    assert names_in(fleet, POLY_NAME) == ["Of Sales", "Łukasz"]
    assert names_in(fleet, LOBBY_NAME) == ["Łukasz"]
    assert "1 are for no user and no group" in str(fleet.left)
    # One book each, and all of them are what the roles take.
    assert {len(variables.get("phone_phonebooks", [1])) for variables in phones(fleet).values()} == {1}
    books = Phonebooks(fleet.common["phone_configs_phonebooks"], Path("/"))
    assert all(name in books for variables in phones(fleet).values() for name in variables.get("phone_phonebooks", ()))


def test_phones_that_may_see_the_same_share_a_book(permitted):
    for row in permitted["v_devices"]:
        if row["device_uuid"] == LOBBY or row["device_uuid"] == VIRTUAL:
            row["device_user_uuid"] = BOB
    found = phones(build(permitted, Options()))
    assert found[POLY_NAME]["phone_phonebooks"] == found[LOBBY_NAME]["phone_phonebooks"] != found[DESK_NAME]["phone_phonebooks"]


@pytest.mark.parametrize(
    ("name", "seen"),
    [("contact_users", ["Of Sales", "Łukasz"]), ("contact_groups", ["Of Ann", "Łukasz"]), ("contact_extensions", ["Of Ann", "Of Sales"])],
)
def test_each_switch_counts_by_itself(permitted, name, seen):
    add(permitted, "v_domain_settings", _setting("domain_setting", name, "false", "boolean", domain_uuid=BERLIN))
    assert names_in(build(permitted, Options()), DESK_NAME) == seen


def test_without_permissions_all_see_all(permitted):
    permitted["v_default_settings"] = [
        row for row in permitted["v_default_settings"] if row["default_setting_subcategory"] != "permissions"
    ]
    fleet = build(permitted, Options())
    assert names_in(fleet, LOBBY_NAME) == names_in(fleet, DESK_NAME) == ["Eva", "Of Ann", "Of Sales", "Łukasz"]


@pytest.fixture
def fs_pbx() -> Tables:
    tables = site()
    add(
        tables, "device_key_templates", {"device_key_template_uuid": uuid(200), "domain_uuid": BERLIN, "name": "Empfang", "enabled": "true"}
    )
    template = {"device_key_template_uuid": uuid(200), "key_area": "main"}
    add(tables, "device_key_template_keys", {**template, "key_index": "2", "key_type": "blf", "key_value": "1005", "key_label": "Tür"})
    add(tables, "device_key_template_keys", {**template, "key_index": "3", "key_type": "check_voicemail", "key_value": "*97"})
    add(tables, "device_key_template_keys", {**template, "key_index": "4", "key_type": "teleport", "key_value": SECRETS[0]})
    add(tables, "device_keys", {"device_uuid": DESK, "key_area": "main", "key_index": "9", "key_type": "speed_dial", "key_value": "0800"})
    for row in tables["v_devices"]:
        if row["device_uuid"] == POLY:
            row["device_key_template_uuid"] = uuid(200)
    book = {"domain_uuid": BERLIN, "enabled": "true"}
    add(tables, "phonebooks", {**book, "phonebook_uuid": uuid(210), "name": "Alle", "is_default": "true", "include_extensions": "true"})
    add(
        tables,
        "phonebooks",
        {**book, "phonebook_uuid": uuid(211), "name": "Lieferanten", "is_default": "false", "include_extensions": "false"},
    )
    add(tables, "phonebooks", {**book, "phonebook_uuid": uuid(212), "name": "alt", "enabled": "false", "is_default": "true"})
    entry = {"domain_uuid": BERLIN, "phonebook_uuid": uuid(211)}
    add(tables, "phonebook_contacts", {**entry, "first_name": "Eva", "last_name": "{{ 7 * 7 }}", "phone_number": "0301"})
    add(tables, "phonebook_contacts", {**entry, "first_name": "No", "phone_number": "not\nto dial"})
    add(tables, "device_phonebook", {"device_uuid": DESK, "phonebook_uuid": uuid(210), "slot": "2"})
    add(tables, "device_phonebook", {"device_uuid": DESK, "phonebook_uuid": uuid(211), "slot": "1"})
    return tables


def test_a_key_template_of_fs_pbx_takes_the_place_of_the_profile(fs_pbx):
    fleet = build(fs_pbx, Options())
    poly = next(host for host in fleet.hosts if host.name == POLY_NAME)
    assert poly.groups["profile"] == "profile_empfang"
    assert poly.variables["phone_keys_profile"] == [
        {"type": "blf", "position": 2, "value": "1005", "label": "Tür"},
        {"type": "voicemail", "position": 3, "value": "*97"},
    ]
    assert "key main 4: type 'teleport' has no counterpart" in poly.variables["_phone_left_behind"]
    assert {"type": "speed_dial", "position": 9, "value": "0800"} in phones(fleet)[DESK_NAME]["phone_keys"]


def test_phonebooks_of_fs_pbx_are_those_of_the_device_or_the_default_ones(fs_pbx):
    fleet = build(fs_pbx, Options())
    assert phones(fleet)[DESK_NAME]["phone_phonebooks"] == ["lieferanten", "alle"]
    assert phones(fleet)[LOBBY_NAME]["phone_phonebooks"] == ["alle"]
    assert names_in(fleet, DESK_NAME) == ["Eva {{ 7 * 7 }}", "Łukasz"]
    assert "phone_phonebooks" not in phones(fleet)["bonn-1001"]
    assert "phonebook Lieferanten: 1 with a number that can't be dialled" in "\n".join(map(str, fleet.left))


def test_rows_of_fs_pbx_that_are_other_tenants_are_not_taken(fs_pbx):
    fleet = build(fs_pbx, Options(domains=("bonn.example.com",)))
    assert [host.name for host in fleet.hosts] == ["bonn-1001"]
    assert "Lieferanten" not in str(fleet) and "Empfang" not in str(fleet)


HOSTILE = [
    "{{ lookup('pipe', 'touch /tmp/owned') }}",
    "{% for i in range(9**9) %}x{% endfor %}",
    "\x01\x02\x1b[2J\r\n<b>&\"'",
    "\u202e gpj.exe",
    "x" * 300000,
    "-1",
    "1e9",
    "NaN",
    "../../etc/passwd",
    "ß" * 500,
    "\ud800",
    "\t \t",
    "9" * 400,
    "%NULL%",
    "${${${",
    "{$domain_name}{$x}",
    None,
]
COLUMNS = [(table, name.partition("|")[0]) for table, names in TABLES.items() for name in names]


@pytest.fixture(scope="module", autouse=True)
def packs_once():
    """Read the packs once for all fleets of this file: it is what takes time."""
    packs = Packs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusionpbx_phones, "Packs", lambda _folders: packs)
        yield


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_any_text_in_any_column_gives_phones_or_sentences(at):
    """Every column in turn, each row with another text: what comes out fits the model or is refused in a sentence, and names are plain."""
    builder = PhoneBuilder()
    for table, column in COLUMNS:
        tables = site()
        for number, row in enumerate(tables[table]):
            row[column] = HOSTILE[(at + number) % len(HOSTILE)]
        fleet = build(tables, Options())
        for host in fleet.hosts:
            assert host.name.isascii() and len(host.name) < 270 and not set(host.name) & set("{}%/\\ \n"), host.name
            _phone, problems = builder.build(host.name, {**fleet.groups[host.groups["tenant"]], **host.variables})
            assert [str(problem) for problem in problems if "\n" in str(problem) or len(str(problem)) > 400] == []
        assert [(table, column, str(problem)) for problem in fleet.left if "\n" in str(problem) or len(str(problem)) > 2100] == []
        assert all(len(group) <= 270 and "{" not in group for group in fleet.groups)


def test_an_address_of_two_tenants_is_taken_once_and_told():
    tables = site()
    for row in tables["v_devices"]:
        if row["device_uuid"] == SNOM:
            row["device_address"] = "80-5E-C0-00-00-01"
    fleet = build(tables, Options())
    assert len({host.variables["phone_mac"] for host in fleet.hosts}) == len(fleet.hosts) == 4
    assert any("has the address of" in str(problem) and "left out" in str(problem) for problem in fleet.left)


def test_devices_that_are_each_others_alternates_do_not_go_round_in_circles():
    tables = site()
    for row in tables["v_devices"]:
        row["device_uuid_alternate"] = {DESK: POLY, POLY: DESK, LOBBY: LOBBY}.get(row["device_uuid"])
    fleet = build(tables, Options())
    found = {host.variables["phone_mac"]: host.variables for host in fleet.hosts}
    # One step only, as FusionPBX does: each shows the other's lines.
    assert [line["number"] for line in found["0004f2000002"]["phone_lines"]] == ["1001", "1002"]
    assert [line["number"] for line in found["805ec0000001"]["phone_lines"]] == ["1001", "1009"]


def test_an_alternate_of_another_tenant_stays_where_it_is():
    tables = site()
    for row in tables["v_devices"]:
        if row["device_uuid"] == DESK:
            row["device_uuid_alternate"] = SNOM
    fleet = build(tables, Options(domains=("berlin.example.com",)))
    assert "alternate device is not there" in str([host.variables.get("_phone_left_behind") for host in fleet.hosts])
    assert SECRETS[3] not in str(fleet)


def test_what_does_not_fit_or_has_no_counterpart_is_told():
    tables = site()
    tables["v_devices"][0].update(device_firmware_version="96.86 (beta)", device_serial_number="SN\t1 ")
    tables["v_users"][0]["user_email"] = "ann at example.com"
    tables["v_contact_phones"][0].update(phone_speed_dial="7", phone_extension="12")
    fleet = build(tables, Options())
    told = "\n".join(map(str, fleet.left))
    for what in (
        "device_firmware_version '96.86 (beta)' is not fit for phone_firmware_version",
        "device_serial_number 'SN 1' is not fit for phone_serial",
        "user_email 'ann at example.com' is not fit for phone_email",
        "contacts: 1 with a speed dial, which has no counterpart",
        "contacts: 1 with an extension behind their number",
    ):
        assert what in told


def test_any_column_that_the_role_may_not_read_is_missed_without_a_traceback():
    for table, column in COLUMNS:
        if column not in NEEDED.get(table, ()):
            tables = site()
            for row in tables[table]:
                del row[column]
            assert build(tables, Options()).hosts, (table, column)


def test_a_user_that_is_twice_on_a_device_is_taken_once():
    tables = site()
    again = next(row for row in tables["v_device_lines"] if row["device_uuid"] == DESK)
    tables["v_device_lines"].append({**again, "line_number": "2"})
    desk = phones(build(tables, Options()))[DESK_NAME]
    assert [line["number"] for line in desk["phone_lines"]] == ["1001", "1002"]
    assert "line 2 registers 1001 once more, and was left out; its keys are line 1's" in desk["_phone_left_behind"]


def test_every_column_of_the_tables_is_accounted_for_in_the_docs():
    """Columns that are read are among those that the page lists, so that a new one is explained."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "migrating.md").read_text(encoding="utf-8").partition("## Column by column")[2]
    rows = {row.split("|")[1].strip().strip("`"): row for row in page.splitlines() if row.startswith("| `v_")}
    for table, columns in TABLES.items():
        if table in rows:
            missing = [name for column in columns for name in (column.partition("|")[0],) if f"`{name}`" not in rows[table]]
            assert missing == [], table
    assert {"v_devices", "v_device_lines", "v_device_keys", "v_device_settings", "v_extensions", "v_contacts"} <= set(rows)


def test_settings_name_their_tenant_as_keys_do():
    tables = site()
    parameter = tables["v_device_settings"][0]["device_setting_subcategory"]
    tables["v_device_settings"][0]["device_setting_value"] = "x.${domain_name}/{$domain_name}"
    add(
        tables,
        "v_default_settings",
        _setting("default_setting", "voicemail_number", "vm@{$domain_name}"),
        _setting("default_setting", "stun_server", "stun.${domain_name}"),
    )
    fleet = build(tables, Options())
    found = phones(fleet)
    assert found[DESK_NAME]["phone_parameters"][parameter] == "x.berlin.example.com/berlin.example.com"
    assert [found[name]["phone_voicemail"] for name in (DESK_NAME, "bonn-1001")] == ["vm@berlin.example.com", "vm@bonn.example.com"]
    assert found["bonn-1001"]["phone_stun_server"] == "stun.bonn.example.com"
    assert "default settings: setting" not in "\n".join(map(str, fleet.left))


def test_a_default_that_is_not_fit_in_one_tenant_is_told_there():
    tables = site()
    tables["v_domains"][1]["domain_name"] = "Bonn am Rhein"
    add(tables, "v_default_settings", _setting("default_setting", "stun_server", "stun.${domain_name}"))
    fleet = build(tables, Options())
    told = [str(problem) for problem in fleet.left if "stun_server" in problem.what]
    assert told == ["domain Bonn am Rhein: setting stun_server: its value is not fit for phone_stun_server"]
    assert phones(fleet)[DESK_NAME]["phone_stun_server"] == "stun.berlin.example.com"


def test_settings_of_many_values_keep_the_order_of_their_numbers():
    tables = site()
    for order, network in (("10", "10.10.0.0/16"), ("9", "10.9.0.0/16")):
        more = {"domain_uuid": BERLIN, "domain_setting_order": order}
        add(tables, "v_domain_settings", _setting("domain_setting", "cidr", network, "array", **more))
    assert phones(build(tables, Options()))[DESK_NAME]["phone_networks"][-2:] == ["10.9.0.0/16", "10.10.0.0/16"]


def test_keys_of_a_vendor_are_those_of_a_device_whose_template_names_it():
    tables = site()
    wanted = phones(build(tables, Options()))[DESK_NAME]
    for row in tables["v_devices"]:
        if row["device_uuid"] == DESK:
            row["device_vendor"] = None
    for row in tables["v_device_keys"]:
        if row["device_uuid"] == DESK and not row["device_key_vendor"]:
            row["device_key_vendor"] = "Yealink "
    found = phones(build(tables, Options()))[DESK_NAME]
    assert {name: found[name] for name in ("phone_keys", "phone_keys_profile")} == {
        name: wanted[name] for name in ("phone_keys", "phone_keys_profile")
    }


def test_placeholders_of_a_keys_extension_are_filled_in():
    tables = site()
    row = {"device_uuid": SNOM, "domain_uuid": BERLIN, "device_key_id": "2", "device_key_category": "line", "device_key_type": "blf"}
    add(tables, "v_device_keys", {**row, "device_key_extension": "${user}@${domain_name}", "device_key_label": "${display_name}"})
    profile = {"device_profile_uuid": uuid(30), "domain_uuid": BERLIN, "profile_key_id": "7", "profile_key_category": "line"}
    add(tables, "v_device_profile_keys", {**profile, "profile_key_type": "blf", "profile_key_extension": "${extension}"})
    found = phones(build(tables, Options()))
    assert {"type": "blf", "position": 2, "value": "1001@bonn.example.com"} in found["bonn-1001"]["phone_keys"]
    assert [found[name]["phone_keys_profile"][-1]["pickup"] for name in (DESK_NAME, POLY_NAME)] == ["1001", "1001"]
