# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate compiles from records, and what it refuses to compile."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate import devices
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import GateError, compile_gate

RULE = {"subject": r"(?P<mac>[0-9A-Fa-f]{12})", "issuer": "O=Vendor"}


def record(number: int = 1, **changes) -> dict:
    mac = f"001565{number:06x}"
    made = {
        "mac": mac,
        "host": f"phone{number}",
        "tenant": "",
        "scope": "all",
        "generation": 1,
        "enabled": True,
        "home": [
            {
                "token": f"{number:040x}",
                "auth": "basic",
                "user": f"d{number}",
                "ssha": "{SSHA}" + "A" * 36 + "==",
                "realm": "dialtone",
                "current": True,
            }
        ],
        "networks": [],
        "client_certificate": "off",
        "certificate_rule": {},
        "onboarding": "once",
        "claim_window": 900,
        "claim_files": [f"{mac}.boot"],
        "contact_files": [f"{mac}.cfg"],
        "uploads": [],
        "strict_nc": True,
    }
    made.update(changes)
    return made


def compiled(*records: dict, networks: tuple[str, ...] = ()) -> dict[str, bytes]:
    return {item.path: item.content for item in compile_gate(records, list(networks))}


def database_rows(content: bytes, tmp_path) -> dict[str, dict]:
    path = tmp_path / "devices.db"
    path.write_bytes(content)
    connection = sqlite3.connect(path)
    try:
        return {mac: json.loads(text) for mac, text in connection.execute("SELECT mac, record FROM device")}
    finally:
        connection.close()


def policy_of(files: dict[str, bytes], token: str) -> dict[str, str]:
    """Look a token's policy up as nginx does."""
    found = re.search(rf'"{token}" (y\d+);', files["gate/policies.map"].decode())
    blocks = re.findall(r"map \$dialtone_policy \$dialtone_(\w+) \{(.*?)\n\}", files["gate/policies.conf"].decode(), re.DOTALL)
    parts = {name: re.search(rf'{found[1]} "(.*)";', body) for name, body in blocks}
    return {name: match[1] for name, match in parts.items() if match}


def test_a_basic_phone_gets_a_token_and_a_password_file_of_its_own():
    files = compiled(record(1))
    assert files["gate/tokens.map"].decode() == f'"{1:040x}" "001565000001";\n'
    assert policy_of(files, f"{1:040x}") == {"login": "bc", "mode": "o"}
    assert files[f"gate/htpasswd/{1:040x}"].decode().startswith("d1:{SSHA}")


def test_an_old_generation_is_marked_as_old():
    old = {"token": "b" * 40, "auth": "basic", "user": "dold", "ssha": "{SSHA}" + "B" * 40, "current": False}
    files = compiled(record(1, home=[*record(1)["home"], old]))
    assert b'"' + b"b" * 40 + b'" "001565000001";' in files["gate/tokens.map"]
    assert policy_of(files, "b" * 40)["login"] == "bo"


def test_a_disabled_phone_has_no_token_but_stays_known_to_the_daemon(tmp_path):
    files = compiled(record(1, enabled=False))
    assert files["gate/tokens.map"] == b""
    assert database_rows(files["gate/devices.db"], tmp_path)["001565000001"]["enabled"] is False


def test_the_daemon_database_holds_no_token_and_no_stored_basic_password(tmp_path):
    content = compiled(record(1))["gate/devices.db"]
    assert f"{1:040x}".encode() not in content
    assert b"SSHA" not in content
    row = database_rows(content, tmp_path)["001565000001"]
    assert row["home"] == [{"token_sha256": devices.token_digest(f"{1:040x}"), "token_id": "0" * 8, "auth": "basic", "current": True}]


def test_the_same_records_give_the_same_files_in_any_order(tmp_path):
    one, other = compiled(record(1), record(2)), compiled(record(2), record(1))
    rows = [database_rows(files.pop("gate/devices.db"), tmp_path) for files in (one, other)]
    assert list(rows[0].items()) == list(rows[1].items())
    assert one == other


def test_files_are_marked_with_who_reads_them():
    readers = {item.path: item.reader for item in compile_gate([record(1)], [])}
    assert {path for path, reader in readers.items() if reader == "gate"} == {"gate/devices.db"}


def test_names_are_listed_once_per_shape_however_many_phones():
    text = compiled(*(record(n) for n in range(50)))["gate/names.map"].decode()
    assert text == '"@.boot" "${dialtone_mac}.boot";\n"@.cfg" "${dialtone_mac}.cfg";\n'


def test_a_claim_file_that_is_not_on_disk_cannot_claim(tmp_path):
    content = compiled(record(1, files=["001565000001.cfg"], claim_files=["001565000001.boot", "001565000001.cfg"]))["gate/devices.db"]
    assert database_rows(content, tmp_path)["001565000001"]["claim_files"] == ["001565000001.cfg"]


def test_upload_names_of_equal_shape_share_a_set():
    files = compiled(*(record(n, uploads=[f"001565{n:06x}-app.log"]) for n in (1, 2)))
    assert files["gate/uploads.map"].decode() == '"u1/@-app.log" "${dialtone_mac}-app.log";\n'
    assert [policy_of(files, f"{n:040x}")["upload_set"] for n in (1, 2)] == ["u1", "u1"]


@pytest.mark.parametrize(
    ("changes", "networks"),
    [({"networks": ["10.0.0.0/8"]}, ()), ({}, ("10.0.0.0/8",)), ({"client_certificate": "require", "certificate_rule": RULE}, ())],
    ids=["own networks", "global networks", "required certificate"],
)
def test_no_authentication_is_allowed_where_something_else_guards(changes, networks):
    home = [{"token": "a" * 40, "auth": "none", "current": True}]
    assert policy_of(compiled(record(1, home=home, **changes), networks=networks), "a" * 40)["login"] == "nc"


def _home(**changes) -> dict:
    return {"home": [{**record(1)["home"][0], **changes}]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (_home(auth="none"), "anybody could fetch"),
        ({**_home(auth="none"), "client_certificate": "prefer", "certificate_rule": RULE}, "anybody could fetch"),
        (_home(token="a" * 39 + ";"), "home token"),
        (_home(token="A" * 40), "home token"),
        (_home(auth="ntlm"), "known: basic, digest, none"),
        (_home(user="x:y"), "HTTP user"),
        (_home(ssha="$2y$10$abc"), "SSHA"),
        (_home(auth="digest"), "ha1_md5"),
        (_home(auth="digest", realm='a"b', ha1_md5="ab"), "realm"),
        ({"mac": "00:15:65:00:00:01"}, "twelve lower-case"),
        ({"networks": ["10.0.0.1/8"]}, "10.0.0.1/8"),
        ({"networks": ['0.0.0.0/0; } server { "']}, "not a network"),
        ({"client_certificate": "maybe"}, "known: off, prefer, require"),
        ({"client_certificate": "require"}, "does not name the group mac"),
        ({"client_certificate": "require", "certificate_rule": {"subject": "(?P<mac>", "issuer": "x"}}, "no regular expression"),
        ({"claim_files": ["../x"]}, "served name"),
        ({"uploads": ["a b"]}, "served name"),
        ({"files": ["UPPER.cfg"]}, "served name"),
    ],
)
def test_what_cannot_be_compiled_is_refused_naming_the_phone(changes, words):
    with pytest.raises(GateError) as caught:
        compiled(record(1, **changes))
    assert words in str(caught.value)
    assert "phone1" in str(caught.value)


def test_a_refusal_never_shows_a_secret():
    with pytest.raises(GateError) as caught:
        compiled(record(1, home=[{"token": "secrettoken", "auth": "basic", "user": "u", "ssha": "hunter2hunter2"}]))
    assert "secrettoken" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_all_problems_are_told_at_once_up_to_twenty():
    with pytest.raises(GateError) as caught:
        compiled(*(record(n, networks=["x"]) for n in range(30)))
    assert str(caught.value).count("\n") == 20
    assert str(caught.value).endswith("and 10 more")


def test_two_records_of_one_mac_are_refused():
    with pytest.raises(GateError, match="used by two records"):
        compiled(record(1), record(1))


def test_every_pinned_name_of_a_contact_file_is_contact_by_one_pattern_for_the_fleet():
    fleet = [
        record(number, contact_files=[f"001565{number:06x}.cfg"], pinned=[f"001565{number:06x}.cfg", "y000.cfg"]) for number in (1, 2, 3)
    ]
    files = {file.path: file.content.decode() for file in compile_gate(fleet, []) if file.path.endswith(".map")}
    assert files["gate/contacts.map"] == '"@.cfg" "1";\n"~*^@-v[0-9a-f]{16}\\.cfg$" "1";\n'
    assert "-v" not in files["gate/names.map"]


def test_a_pinned_name_that_is_none_is_refused():
    with pytest.raises(GateError, match=r"pinned: '\.\./x' cannot be a served name"):
        list(compile_gate([record(1, pinned=["../x"])], []))
