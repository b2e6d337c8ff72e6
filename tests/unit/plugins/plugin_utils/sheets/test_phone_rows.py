# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.phone_rows import PhoneRows, Settings

MAC, OTHER = "805ec0123456", "805ec0654321"


def read(*lines: str, **settings):
    rows = PhoneRows(Settings(**settings))
    rows.add_sheet("u.csv", "\n".join(lines).encode())
    entries = rows.finish()
    return entries, [str(problem) for problem in rows.problems]


def only(*lines: str, **settings) -> dict:
    entries, problems = read(*lines, **settings)
    assert problems == []
    return entries[0].variables


def test_a_row_is_a_phone_with_a_line():
    entries, problems = read(
        "Number,Name,E-Mail,Site,Tenant,Vendor,Model,MAC,Serial,Groups,Password,Label",
        "1001,Ann Bee,a@b.example,Bonn,acme,Yealink,T54W,80:5E:C0:12:34:56,S1,vip;floor_2,pw,Ann,",
    )
    assert problems == []
    assert entries[0].groups == ["vip", "floor_2"]
    assert entries[0].variables == {
        "phone_mac": MAC,
        "phone_vendor": "yealink",
        "phone_model": "T54W",
        "phone_serial": "S1",
        "phone_site": "Bonn",
        "phone_tenant": "acme",
        "phone_email": "a@b.example",
        "phone_lines": [{"number": "1001", "name": "Ann Bee", "password": "pw", "label": "Ann"}],
    }


@pytest.mark.parametrize(
    "header",
    ["Extension,MAC Address,Display Name", "Durchwahl;MAC-Adresse;Anzeigename", "EXT\tmacaddress\tfull_name", "ext|phone_mac|line_name"],
)
def test_headers_are_understood_in_the_spellings_of_exports(header):
    delimiter = next(mark for mark in ",;\t|" if mark in header)
    assert only(header, delimiter.join(["1", MAC, "A B"]))["phone_lines"] == [{"number": "1", "name": "A B"}]


def test_several_rows_of_one_mac_are_its_lines_in_order():
    variables = only("number,mac,model", f"1002,{MAC},T54W", "1001,80-5e-c0-12-34-56,", f"1003,{MAC},T54W")
    assert [line["number"] for line in variables["phone_lines"]] == ["1002", "1001", "1003"]


def test_an_empty_cell_sets_nothing_and_brackets_say_none():
    variables = only("number,mac,site,phone_codecs,phone_networks,label,phone_parameters", f'1,{MAC},,,[],[],"{{""a"": 1}}"')
    assert variables == {
        "phone_mac": MAC,
        "phone_vendor": "yealink",
        "phone_networks": [],
        "phone_parameters": {"a": 1},
        "phone_lines": [{"number": "1", "label": ""}],
    }


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("phone_vlan_id", "20", 20),
        ("phone_enabled", "Nein", False),
        ("phone_language", "de", "de"),
        ("phone_admin_password", "0123", "0123"),
        ("phone_codecs", '"PCMA; PCMU"', ["PCMA", "PCMU"]),
        ("phone_codecs", "[PCMA, 722]", ["PCMA", "722"]),
        ("phone_keys", "[{type: blf, value: '1001'}]", [{"type": "blf", "value": "1001"}]),
        ("phone_parameters_site", "{a.b: c}", {"a.b": "c"}),
        ("phone_keys_desk", "[{type: dnd}]", [{"type": "dnd"}]),
        ("_phone_room", "12 {{ x }}", "12 {{ x }}"),
        ("departments", "Sales, Support", ["Sales", "Support"]),
    ],
)
def test_a_cell_becomes_a_value_of_its_variables_type(column, cell, value):
    target = {"departments": "phone_groups"}.get(column, column)
    assert only(f"number;mac;{column}", f"1;{MAC};{cell}")[target] == value


def test_a_mapping_names_and_ignores_columns():
    variables = only(
        "Tel,Hardware,Raum,Notiz,Port,Trunk",
        f"1,{MAC},12,ignored,5061,x",
        columns={"tel": "number", "HARDWARE": "mac", "Raum": "_phone_room", "Notiz": "", "Port": "line_port", "Trunk": "my_trunk"},
    )
    assert variables["_phone_room"] == "12"
    assert variables["my_trunk"] == "x"
    assert variables["phone_lines"] == [{"number": "1", "port": 5061}]


def test_first_and_last_name_make_a_name_where_none_is_given():
    assert only("number,mac,first_name,surname", f"1,{MAC},Ann,Bee")["phone_lines"][0]["name"] == "Ann Bee"


def test_a_password_is_taken_as_it_is():
    assert only("number,mac,password", f'1,{MAC}," a b "')["phone_lines"][0]["password"] == " a b "


def test_a_sheet_of_devices_without_lines_sets_none():
    assert only("mac,model", f"{MAC},T54W") == {"phone_mac": MAC, "phone_model": "T54W", "phone_vendor": "yealink"}


def test_rows_without_a_mac_may_be_skipped():
    assert len(read("number,mac", "1,", f"2,{MAC}", skip_without_mac=True)[0]) == 1


@pytest.mark.parametrize(
    ("lines", "settings", "problems"),
    [
        (
            ["number,mac", "1,00:15:65:zz", ",805ec0123456", "3,"],
            {},
            [
                "u.csv line 2: mac: '00:15:65:zz' is not a MAC address (twelve hexadecimal digits, separators optional)",
                "u.csv line 3: number: is missing",
                "u.csv line 4: mac: is missing",
            ],
        ),
        (["number,mac", f"1,{MAC}", f"1,{MAC}"], {}, [f"u.csv line 3: number '1' is on {MAC} already, in u.csv line 2"]),
        (
            ["number,mac,model", f"1,{MAC},T54W", f"2,{MAC},T31P"],
            {},
            [f"u.csv line 3: phone_model of {MAC} differs from that in u.csv line 2; one phone has one value, or leave the cell empty"],
        ),
        (
            ["number,mac,host", f"1,{MAC},a", f"2,{OTHER},a", f"3,{MAC},b", "4,805ec0000001,a b"],
            {},
            [
                "u.csv line 3: host: 'a' is that of u.csv line 2 too, which is another phone",
                f"u.csv line 4: host of {MAC} is 'b', but 'a' in u.csv line 2; one phone is one host",
                "u.csv line 5: host: 'a b' is no name of a host (letters, digits, dots, dashes and underscores)",
            ],
        ),
        (["numbr,mac", f"1,{MAC}"], {}, ["u.csv line 1: column 'numbr' is no known column, did you mean number?"]),
        (
            ["number,mac,frob", f"1,{MAC},"],
            {},
            ["u.csv line 1: column 'frob' is no known column; map it or ignore it with the option columns"],
        ),
        (
            ["number,mac,phone_langauge,line_prot", f"1,{MAC},,"],
            {},
            [
                "u.csv line 1: column 'phone_langauge' is no known column: no variable is called phone_langauge, "
                "did you mean phone_language or phone_web_language or phone_language_packs?",
                "u.csv line 1: column 'line_prot' is no known column: a line has no prot, did you mean port?",
            ],
        ),
        (["number,name", "1,a"], {}, ["u.csv line 1: no column holds the MAC address (mac); name it with the option columns"]),
        (["name,mac", f"a,{MAC}"], {}, ["u.csv line 1: no column holds the extension number (number), though others describe lines"]),
        (
            ["number,ext,mac", f"1,1,{MAC}"],
            {},
            ["u.csv line 1: columns 'number' and 'ext' both mean number; map or ignore one with the option columns"],
        ),
        (["number,number,mac", f"1,1,{MAC}"], {}, ["u.csv line 1: column 'number' stands there twice"]),
        (["number,mac", f"1,{MAC},x"], {}, ["u.csv line 2: has 3 cells, the header has 2; is a delimiter in a cell without quotes?"]),
        (
            ["number,mac,phone_vlan_id,phone_enabled,phone_keys", f"1,{MAC},x,y?,1001"],
            {},
            [
                "u.csv line 2: phone_vlan_id: 'x' is not an integer",
                "u.csv line 2: phone_enabled: 'y?' is neither yes nor no",
                "u.csv line 2: phone_keys: a list is wanted, as in [{type: blf, value: 1001}]",
            ],
        ),
        (
            ["number,mac,groups", f"1,{MAC},a-b"],
            {},
            ["u.csv line 2: groups: 'a-b' is no name of a group (letters, digits and underscores, a letter first)"],
        ),
        (["number,mac", "1,02:00:00:00:00:01"], {}, ["u.csv line 2: vendor: is empty, and nobody is known to own 020000000001"]),
        (["number,mac"], {}, ["sheets: hold no phone"]),
        (
            ["number,mac", f"1,{MAC}"],
            {"host_format": "{colour}-{number}"},
            ["host_format: {colour} is none of site, number, mac, vendor, model, tenant, serial, name, email"],
        ),
        (
            ["number,mac", f"1,{MAC}"],
            {"host_format": "phone"},
            ["host_format: 'phone' gives every phone the same name; a placeholder such as {number} is wanted"],
        ),
    ],
)
def test_everything_wrong_is_told_with_its_line_and_nothing_is_loaded(lines, settings, problems):
    assert read(*lines, **settings) == ([], problems)


def test_secrets_do_not_appear_in_messages():
    _entries, problems = read(
        "number,mac,password,phone_admin_password", f"1,{MAC},hunter2,topsecret", f"1,{MAC},hunter2,othersecret", "x,y,hunter2,z"
    )
    assert len(problems) == 3
    assert not any(secret in " ".join(problems) for secret in ("hunter2", "topsecret", "othersecret"))


def test_an_unknown_owner_is_named():
    _entries, problems = read("number,mac", "1,00:1b:63:00:00:01")
    assert problems[0].startswith("u.csv line 2: vendor: is empty, and 001b63000001 belongs to Apple")
    assert only("number,mac", "1,02:00:00:00:00:01", infer_vendor=False)["phone_mac"] == "020000000001"


@pytest.mark.parametrize(
    ("lines", "settings", "names"),
    [
        (["number,mac,site", f"1001,{MAC},Köln Süd", f"1002,{OTHER},"], {}, ["koeln-sued-1001", "1002"]),
        (["number,mac,site", f"1,{OTHER},a", f"1,{MAC},a"], {}, ["a-1", "a-1-123456"]),
        (["number,mac,host", f"1,{MAC},", f"2,{OTHER},1"], {}, ["1-123456", "1"]),
        (["number,mac,name", f"1,{MAC},Ørsted / É."], {"host_format": "{name}"}, ["oersted-e"]),
        (["number,mac", f"1,{MAC}"], {"host_format": "{site}"}, [MAC[6:]]),
        (["number,mac", f"all,{MAC}"], {}, ["all-123456"]),
    ],
)
def test_hosts_are_named_by_column_or_format_and_never_twice(lines, settings, names):
    entries, problems = read(*lines, **settings)
    assert problems == []
    assert [entry.name for entry in entries] == names


def test_phones_of_several_sheets_are_one_inventory():
    rows = PhoneRows(Settings())
    rows.add_sheet("a.csv", f"number,mac\n1,{MAC}\n".encode())
    rows.add_sheet("b.csv", f"ext;mac\n1;{MAC}\n2;{OTHER}\n".encode())
    assert rows.finish() == []
    assert [str(problem) for problem in rows.problems] == [f"b.csv line 2: number '1' is on {MAC} already, in a.csv line 2"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("phone_keys", "[" * 5000), ("phone_keys", "[{a: " + "1" * 5000 + "}]"), ("phone_vlan_id", "9" * 5000), ("phone_dnd", "x" * 5000)],
    ids=["deep", "huge", "long", "wordy"],
)
def test_a_monstrous_cell_is_told_in_a_short_sentence(column, cell):
    rows = PhoneRows(Settings())
    rows.add_sheet("people.csv", f"number;mac;vendor;{column}\n1;805ec0123456;yealink;{cell}\n".encode())
    assert rows.finish() == []
    (problem,) = map(str, rows.problems)
    assert problem.startswith(f"people.csv line 2: {column}: ")
    assert len(problem) < 200


@pytest.mark.parametrize(
    ("cell", "told"),
    [("8sJw-2kQp-Xv4T", False), ("ff00aa11bb22cc33dd44", False), ("00:15:65:zz", True), ("805ec065432", True), ("0015.6500.00", True)],
)
def test_a_mac_is_shown_only_where_it_nearly_is_one(cell, told):
    """A password that a shifted column put there is not."""
    rows = PhoneRows(Settings())
    rows.add_sheet("u.csv", f"number,mac,vendor,model\n1001,{cell},yealink,T54W\n".encode())
    (problem,) = rows.problems
    assert ("is not a MAC address" in problem.what) and (cell in problem.what) is told


def test_a_sheet_without_a_header_shows_nothing_of_its_first_row():
    rows = PhoneRows(Settings())
    rows.add_sheet("people.csv", b"101;Ann;80:5e:c0:12:34:56;h1dden-password\n102;Bob;80:5e:c0:12:34:57;h1dden-too\n")
    assert rows.finish() == []
    assert list(map(str, rows.problems)) == [
        "people.csv line 1: is a row of a phone, not the header; the first row has to name the columns"
    ]


def test_numbers_in_a_cell_keep_their_digits():
    rows = PhoneRows(Settings())
    keys = "[{type: blf, value: 0101, label: 1.10, code: 2026-01-02, line: 1, pickup: 1:30}]"
    rows.add_sheet(
        "people.csv", f"number;mac;vendor;phone_keys\n1;805ec0123456;yealink;{keys}\n2;805ec0123457;yealink;[1.10, 5]\n".encode()
    )
    one, other = rows.finish()
    assert one.variables["phone_keys"] == [
        {"type": "blf", "value": "0101", "label": "1.10", "code": "2026-01-02", "line": 1, "pickup": "1:30"}
    ]
    assert other.variables["phone_keys"] == ["1.10", 5]


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("groups", "[{a: 1}]", "groups: a list of names is wanted, as in [sales, support]"),
        ("groups", "[1]", "groups: '1' is no name of a group"),
        ("groups", "[[]]", "groups: a list of names is wanted"),
        ("phone_keys", "[&a [*a]]", "phone_keys: holds an alias (*name), which a cell has no place for"),
        ("phone_ldap", "{a: &a [1], b: *a}", "phone_ldap: holds an alias (*name), which a cell has no place for"),
    ],
)
def test_what_a_cell_has_no_place_for_is_refused(column, cell, told):
    rows = PhoneRows(Settings())
    rows.add_sheet("people.csv", f"number;mac;vendor;{column}\n1;805ec0123456;yealink;{cell}\n".encode())
    assert rows.finish() == []
    [problem] = map(str, rows.problems)
    assert problem.startswith(f"people.csv line 2: {told}")
