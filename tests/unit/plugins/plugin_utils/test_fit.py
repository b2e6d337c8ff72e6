# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.fit import fit
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder

PHONE = {
    "phone_mac": "00:15:65:00:00:01",
    "phone_vendor": "acme",
    "phone_model": "One",
    "phone_sip_server": "pbx.example.com",
    "phone_lines": [{"number": "101", "password": "secret"}],
}
PACK = """
vendor: acme
models: [{match: one, lines: 1}]
files: [{name: "{mac}.cfg", template: null}]
key_types: {line: 1}
unsupported: [reprovision, action_urls, ldap, ntp_servers, dnd]
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, []),
        ({"phone_reprovision": {}, "phone_action_urls": {"registered": None}, "phone_ntp_servers": []}, []),
        ({"phone_reprovision": {"interval": 720}}, ["reprovision"]),
        ({"phone_action_urls": {"registered": "https://log.example.com/"}}, ["action_urls"]),
        ({"phone_dnd": False, "phone_ntp_servers": ["ntp.example.com"]}, ["ntp_servers", "dnd"]),
    ],
)
def test_what_a_vendor_lacks_is_told_only_where_the_inventory_asks_for_it(tmp_path: Path, given, told):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK)
    pack = Packs([str(tmp_path)]).get("acme")
    phone, problems = PhoneBuilder().build("desk", {**PHONE, **given})
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    assert [note for note in notes if "keys" not in note] == [f"acme One: phone_{name} has no counterpart, left out" for name in told]
    assert all(fitted[name] is None for name in pack.data["unsupported"])


@pytest.mark.parametrize(
    ("given", "left", "told"),
    [
        (
            {"phone_ringtones": ["http://a.example/1", "http://a.example/2"]},
            1,
            ["phone_ringtones: 1 on the phone, 2 asked for, the last 1 left out"],
        ),
        ({"phone_ringtones": ["http://a.example/1"]}, 1, []),
        ({"phone_phonebooks": ["x", "y"]}, 0, ["phone_phonebooks: none on the phone, 2 asked for, the last 2 left out"]),
    ],
)
@pytest.mark.parametrize("most", ["1", "lines"])
def test_lists_are_cut_to_what_the_phone_has_places_for_and_it_is_told(tmp_path: Path, given, left, told, most):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK.replace("lines: 1}", f"lines: 1, limits: {{ringtones: {most}}}}}"))
    pack = Packs([str(tmp_path)]).get("acme")
    phone, problems = PhoneBuilder().build("desk", {**PHONE, **given})
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    assert [note for note in notes if "keys" not in note] == [f"acme One: {note}" for note in told]
    assert all(len(fitted[name.removeprefix("phone_")]) == left for name in given)


@pytest.mark.parametrize(
    ("common", "own", "told"),
    [
        (None, None, []),
        ("x.", None, ["phone_dialplan"]),
        (None, "[2-9]x", ["dialplan of line 1"]),
        ("x.", "[2-9]x", ["phone_dialplan", "dialplan of line 1"]),
    ],
)
def test_a_dial_plan_that_a_vendor_lacks_is_taken_off_the_lines_too(tmp_path: Path, common, own, told):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK.replace("[reprovision,", "[dialplan, reprovision,"))
    pack = Packs([str(tmp_path)]).get("acme")
    given = {**PHONE, "phone_dialplan": common, "phone_lines": [{**PHONE["phone_lines"][0], "dialplan": own}]}
    phone, problems = PhoneBuilder().build("desk", given)
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    assert [line["dialplan"] for line in fitted["lines"]] == [None]
    assert [note for note in notes if "dialplan" in note] == [f"acme One: {name} has no counterpart, left out" for name in told]


LINES = [
    {"number": "101", "password": "secret", "sip_servers": ["a.example.com"]},
    {"number": "102", "password": "secret", "sip_servers": ["a.example.com"]},
]


def fitted_notes(tmp_path: Path, pack_text: str, given: dict) -> tuple[dict, list[str]]:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(pack_text)
    pack = Packs([str(tmp_path)]).get("acme")
    phone, problems = PhoneBuilder().build("desk", {**PHONE, **given})
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    return fitted, [note.removeprefix("acme One: ") for note in notes if "no line keys" not in note]


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("auto_answer", [{}, {}], []),
        ("auto_answer", [{"auto_answer": False}, {"auto_answer": True}], ["auto_answer of line 2 has no counterpart, left out"]),
        ("mwi", [{"mwi": False}, {"mwi": False}], ["mwi of line 1, 2 has no counterpart, left out"]),
        ("label", [{}, {"label": "Desk", "name": "Desk"}], []),
        ("label", [{}, {"label": "Desk"}], ["label of line 2 has no counterpart, left out"]),
        ("expires", [{}, {"expires": 600}], ["expires of line 2 has no counterpart, left out"]),
        ("redundancy", [{"redundancy": "concurrent"}, {}], []),
        (
            "redundancy",
            [{"redundancy": "concurrent", "sip_servers": ["a.example.com", "b.example.com"]}, {}],
            ["redundancy of line 1 has no counterpart, left out"],
        ),
    ],
)
def test_what_a_vendor_lacks_of_a_line_is_told_of_the_lines_that_ask_for_it(tmp_path, option, given, told):
    text = PACK.replace("lines: 1}", "lines: 2}").replace("[reprovision,", f"[lines.{option}, reprovision,")
    lines = [{**line, **own} for line, own in zip(LINES, given, strict=True)]
    fitted, notes = fitted_notes(tmp_path, text, {"phone_lines": lines})
    assert notes == told
    assert len({line[option] for line in fitted["lines"]}) == 1


def test_a_pickup_code_that_is_the_phones_own_is_told_of_the_phone_only(tmp_path):
    text = PACK.replace("lines: 1}", "lines: 2}").replace("[reprovision,", "[lines.pickup_code, reprovision,")
    given = {"phone_pickup_code": "*8", "phone_lines": [LINES[0], {**LINES[1], "pickup_code": "*9"}]}
    assert fitted_notes(tmp_path, text, given)[1] == ["pickup_code of line 2 has no counterpart, left out"]


def test_a_keys_pickup_code_is_told_where_it_is_not_its_lines(tmp_path):
    text = PACK.replace("lines: 1}", "lines: 1, keys: {line: 3}}").replace("key_types: {line: 1}", "key_types: {line: 1, blf: 2}")
    text = text.replace("[reprovision,", "[keys.pickup, lines.pickup_code, reprovision,")
    keys = [{"type": "line"}, {"type": "blf", "value": "105", "pickup": "*9"}, {"type": "blf", "value": "106"}]
    given = {"phone_lines": [{**LINES[0], "pickup_code": "*8"}], "phone_keys": keys}
    assert fitted_notes(tmp_path, text, given)[1] == [
        "pickup of key 2 has no counterpart, left out",
        "pickup_code of line 1 has no counterpart, left out",
    ]


@pytest.mark.parametrize(
    ("label", "shown", "told"),
    [
        ("Reception 1", "Reception ", ["label of line 1: 10 characters on the phone, the rest left out"]),
        ("Reception1", "Reception1", []),
        (None, "1234567890", []),
    ],
)
def test_a_text_is_cut_to_what_the_phone_shows_and_it_is_told(tmp_path, label, shown, told):
    text = PACK.replace("lines: 1}", "lines: 1, lengths: {lines.label: 10}}")
    fitted, notes = fitted_notes(tmp_path, text, {"phone_lines": [{**LINES[0], "number": "12345678901", "label": label}]})
    assert (fitted["lines"][0]["label"], notes) == (shown, told)


@pytest.mark.parametrize(("vlan", "told"), [(None, ["phone_pc_vlan_id works with phone_vlan_id only, left out"]), (5, [])])
def test_what_means_nothing_alone_is_told(tmp_path, vlan, told):
    fitted, notes = fitted_notes(tmp_path, PACK + "depends: {pc_vlan_id: vlan_id}\n", {"phone_vlan_id": vlan, "phone_pc_vlan_id": 7})
    assert (fitted["pc_vlan_id"], notes) == (None if told else 7, told)


@pytest.mark.parametrize(
    ("seconds", "left", "told"), [(0, None, ["backlight 0 has no counterpart, the phone's default stays"]), (60, 60, [])]
)
def test_a_single_value_that_a_model_lacks_is_told(tmp_path, seconds, left, told):
    text = PACK.replace("lines: 1}", "lines: 1, lacks: {backlight: [0]}}")
    fitted, notes = fitted_notes(tmp_path, text, {"phone_backlight": seconds})
    assert (fitted["backlight"], notes) == (left, told)


LINE = PHONE["phone_lines"][0]
PROXIES = {"outbound_proxy": "a.example.com", "outbound_proxy_backup": "b.example.com"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, []),
        ({"phone_lines": [LINE, {**LINE, "number": "102"}]}, []),
        ({"phone_lines": [LINE, {**LINE, "number": "102", "auto_answer": True}]}, ["auto_answer of line 2"]),
        ({"phone_lines": [{**LINE, "mwi": False}, {**LINE, "number": "102", "mwi": False}]}, ["mwi of line 1, 2"]),
        ({"phone_lines": [{**LINE, **PROXIES}]}, ["outbound_proxy_backup of line 1"]),
        ({"phone_outbound_proxy": "a.example.com", "phone_outbound_proxy_backup": "b.example.com"}, ["outbound_proxy_backup of line 1"]),
        # What lines inherit is told with the variable that they have it from.
        ({"phone_pickup_code": "*8"}, ["phone_pickup_code"]),
        ({"phone_pickup_code": "*8", "phone_lines": [{**LINE, "pickup_code": "*9"}]}, ["pickup_code of line 1", "phone_pickup_code"]),
        ({"phone_paging": [{"address": "224.0.1.1:5001"}]}, []),
        ({"phone_paging": [{"address": "224.0.1.1:5001"}, {"address": "224.0.1.2:5002", "priority": 3}]}, ["priority of paging group 2"]),
        (
            {"phone_lines": [{**LINE, "dtmf": "info"}, {**LINE, "number": "102"}]},
            ["dtmf differs between lines, and the phone has it once"],
        ),
        ({"phone_lines": [{**LINE, "dtmf": "info"}, {**LINE, "number": "102", "enabled": False}]}, []),
        ({"phone_sip_servers": [{"host": "a.example.com", "transport": "tcp"}, {"host": "b.example.com", "transport": "tcp"}]}, []),
        (
            {"phone_sip_servers": ["a.example.com", {"host": "b.example.com", "transport": "tcp"}]},
            ["line 1: one transport for all SIP servers of a line, udp taken"],
        ),
    ],
)
def test_options_of_lines_and_groups_that_a_vendor_lacks_are_told(tmp_path: Path, given, told):
    (tmp_path / "acme").mkdir()
    lacking = "[lines.auto_answer, lines.mwi, lines.outbound_proxy_backup, lines.pickup_code, pickup_code, paging.priority]"
    text = PACK.replace("lines: 1}", "lines: 2}").replace("[reprovision, action_urls, ldap, ntp_servers, dnd]", lacking)
    (tmp_path / "acme" / "pack.yml").write_text(text + "one_for_lines: [dtmf]\none_transport: true\n")
    pack = Packs([str(tmp_path)]).get("acme")
    phone, problems = PhoneBuilder().build("desk", {**PHONE, **given})
    assert not problems
    before = repr(phone)
    fitted, notes = fit(phone, pack, pack.model("One"))
    found = [note for note in notes if "keys" not in note]
    wanted = [name if "differs" in name or "one transport" in name else f"{name} has no counterpart, left out" for name in told]
    assert found == [f"acme One: {note}" for note in wanted]
    assert {(line["auto_answer"], line["mwi"], line["pickup_code"]) for line in fitted["lines"]} == {(False, True, None)}
    assert repr(phone) == before


def test_a_transport_that_the_vendor_lacks_is_not_said_to_be_taken(tmp_path: Path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK + "one_transport: true\nvalues: {transport: {udp: 0, tcp: 1}}\n")
    pack = Packs([str(tmp_path)]).get("acme")
    servers = [{"host": "a.example.com", "transport": "tls"}, {"host": "b.example.com", "transport": "tcp"}]
    phone, problems = PhoneBuilder().build("desk", {**PHONE, "phone_sip_servers": servers})
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    assert [note for note in notes if "transport" in note] == [
        "acme One: line 1: transport tls of server a.example.com has no counterpart, line's own taken"
    ]
    assert fitted["lines"][0]["transport"] == "udp"


@pytest.mark.parametrize(
    ("codecs", "told"),
    [({}, []), ({"phone_codecs": ["g722", "pcma"]}, ["acme One: codecs g722 has no counterpart, left out"])],
)
def test_what_a_list_has_by_default_was_not_asked_for(tmp_path: Path, codecs, told):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK + "values: {codecs: {pcma: 8, pcmu: 0}}\n")
    pack = Packs([str(tmp_path)]).get("acme")
    phone, problems = PhoneBuilder().build("desk", {**PHONE, **codecs})
    assert not problems
    fitted, notes = fit(phone, pack, pack.model("One"))
    assert [note for note in notes if "codecs" in note] == told
    assert fitted["codecs"] == [codec for codec in phone["codecs"] if codec != "g722"]


def test_an_option_of_lines_that_is_none_is_refused_by_name(tmp_path: Path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "pack.yml").write_text(PACK.replace("[reprovision,", "[lines.auto_anser, reprovision,"))
    with pytest.raises(PackError, match="'lines.auto_anser' is no variable of phones, did you mean lines.auto_answer"):
        Packs([str(tmp_path)]).get("acme")
