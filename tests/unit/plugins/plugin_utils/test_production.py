# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import difflib

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils import pack, problems, timezone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError

from ...one_run import PHONE, produce


def refusal(tmp_path, hosts=None, batch=None, **run):
    with pytest.raises(ProblemsError) as caught:
        production = produce(tmp_path, hosts, batch, **run)
        list(production.rows())
        production.finish()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("phone_template_path", 5, "phone_template_path: got 5, wanted a list"),
        ("phone_template_path", [None], "phone_template_path[0]: got None, wanted a string"),
        ("phone_template_path", "nowhere", "nowhere is not a folder"),
        ("phone_configs_strict", "maybe", "phone_configs_strict: got 'maybe', wanted true or false"),
        ("phone_configs_scope", ["a"], "phone_configs_scope: got a list of 1, wanted a string"),
        (
            "phone_configs_password_policy",
            "strnog",
            "phone_configs_password_policy: got 'strnog', wanted one of off, basic, strong, did you mean strong?",
        ),
        ("phone_configs_phonebooks", ["a"], "phone_configs_phonebooks: got a list of 1, wanted a dictionary of books by name"),
        ("phone_configs_phonebooks", {"a": {}, 5: {}}, "phone_configs_phonebooks: 5 is no name of a book"),
        ("phone_configs_phonebooks", {"a/../b": {}}, "phone_configs_phonebooks: 'a/../b' is no name of a book"),
        ("phone_configs_phonebooks", {"a": {"merge": 5}}, "phone_configs_phonebooks.a.merge: got 5, wanted a list"),
        ("phone_configs_phonebooks", {"a": {"merge": ["b"]}}, "phone_configs_phonebooks.a.merge: names 'b', which is no phonebook"),
        ("provisioning_url", ["https://a"], "provisioning_url: got a list of 1; wanted https://host"),
        ("provisioning_url", 10**5000, "provisioning_url: got a huge number; wanted https://host"),
        ("provisioning_url", "https://me:hidden@prov.example.com", "provisioning_url: got a URL with credentials; wanted https://host"),
        ("provisioning_url", "https://:hidden@prov.example.com", "provisioning_url: got a URL with credentials; wanted https://host"),
        (
            "provisioning_url",
            "https://prov.example.com/phones",
            "provisioning_url: got 'https://prov.example.com/phones'; wanted https://host",
        ),
        (
            "provisioning_url",
            "https://prov.example.com:99999",
            "provisioning_url: got 'https://prov.example.com:99999'; wanted https://host",
        ),
        ("provisioning_url", "https://prov.example.com\n", "provisioning_url: got 'https://prov.example.com\\n'; wanted https://host"),
        ("provisioning_url", "https://prov.\nexample.com\n", "provisioning_url: got 'https://prov.\\nexample.com\\n'; wanted https://host"),
    ],
    ids=lambda value: str(value)[:30] if not isinstance(value, int) else "number",
)
def test_a_setting_of_the_run_that_is_none_is_told_in_one_sentence(tmp_path, name, value, message):
    text = refusal(tmp_path, **{name: value})
    assert text.count("\n") == 1
    assert message in text
    assert "hidden" not in text


def test_no_as_a_word_is_not_yes(tmp_path):
    assert produce(tmp_path, phone_configs_strict="no").settings.strict is False
    assert produce(tmp_path, phone_configs_password_policy=False).settings.password_policy == "off"


def test_all_settings_that_are_wrong_are_told_at_once(tmp_path):
    assert refusal(tmp_path, provisioning_url=None, provisioning_secret="short", phone_configs_strict="x").startswith("3 problems")


def keys(tmp_path, **run):
    hosts = {"reception": {**PHONE, "phone_phonebooks": ["company"]}}
    return [row.key for row in produce(tmp_path, hosts, **run).rows()]


def test_a_phone_is_rendered_anew_when_a_book_it_names_gets_another_title(tmp_path):
    before = keys(tmp_path, phone_configs_phonebooks={"company": {"title": "Company"}})
    assert before == keys(tmp_path, phone_configs_phonebooks={"company": {"title": "Company", "contacts": [{"name": "a", "number": "1"}]}})
    assert before != keys(tmp_path, phone_configs_phonebooks={"company": {"title": "Firma"}})


def test_entries_that_phones_have_no_place_for_are_counted_once(tmp_path):
    hosts = {
        name: {
            **PHONE,
            "phone_mac": mac,
            "phone_vendor": "cisco",
            "phone_model": "SPA504G",
            "phone_phonebooks": ["company"],
            "phone_lines": [{**PHONE["phone_lines"][0], "number": name[1:]}],
        }
        for name, mac in (("p101", "00:0e:08:00:00:01"), ("p102", "00:0e:08:00:00:02"))
    }
    contacts = [{"name": f"n{number}", "number": str(number)} for number in range(1032)]
    production = produce(tmp_path, hosts, phone_configs_phonebooks={"company": {"contacts": contacts}})
    for row in production.rows():
        assert len(production.render_book(row.vendor, row.listed[0])) == 33
    assert [text for text in production.warnings if "phonebook" in text] == [
        "phonebook company: phones of cisco take 1024 entries on 32 pages, 8 of 1032 left out"
    ]


def test_a_mac_outside_of_the_limit_counts(tmp_path):
    other = {**PHONE, "phone_lines": [{"number": "102", "password": "vX7-quiet-Lamp-93"}]}
    text = refusal(tmp_path, {"a": PHONE, "b": other}, ["b"])
    assert "b: phone_mac: 001565000001 is that of a too, wanted one phone per MAC in the whole group" in text


# Presets are defaults: whatever a phone or the run sets itself wins.
NETWORKS = {"phone_networks": ["192.0.2.0/24"]}


def gate_of(tmp_path, phone=None, **run):
    production = produce(tmp_path, {"reception": phone or PHONE}, **run)
    found = [row.gate for row in production.rows()]
    production.finish()
    return production.settings, found[0]


@pytest.mark.parametrize(
    ("run", "phone", "auth", "policy"),
    [
        ({}, {}, "basic", "strong"),
        ({"provisioning_preset": "cloud"}, {}, "basic", "strong"),
        ({"provisioning_preset": "lan"}, NETWORKS, "none", "basic"),
        ({"provisioning_preset": "lan", "provisioning_server_networks": ["192.0.2.0/24"]}, {}, "none", "basic"),
        ({"provisioning_preset": "lan"}, {**NETWORKS, "phone_http_auth": "digest"}, "digest", "basic"),
        ({"provisioning_preset": "lan", "phone_configs_password_policy": "strong"}, NETWORKS, "none", "strong"),
        ({"provisioning_preset": "cloud"}, {**NETWORKS, "phone_http_auth": "none"}, "none", "strong"),
    ],
)
def test_a_preset_sets_defaults_and_own_variables_win(tmp_path, run, phone, auth, policy):
    settings, gate = gate_of(tmp_path, {**PHONE, **phone}, **run)
    assert (gate["home"][0]["auth"], settings.password_policy) == (auth, policy)
    assert gate["onboarding"] == "once"


def test_the_preset_lan_refuses_phones_without_networks_whatever_else_protects_them(tmp_path):
    for more in ({}, {"phone_http_auth": "basic"}):
        text = refusal(tmp_path, {"reception": {**PHONE, **more}}, provisioning_preset="lan")
        assert "reception" in text and "networks" in text


def test_a_preset_that_is_none_is_refused(tmp_path):
    assert "provisioning_preset: got 'wan', wanted one of cloud, lan" in refusal(tmp_path, provisioning_preset="wan")


def test_another_preset_is_another_input(tmp_path):
    phone = {**PHONE, **NETWORKS, "phone_http_auth": "basic"}
    keys = set()
    for preset in ("cloud", "lan"):
        production = produce(tmp_path, {"reception": phone}, provisioning_preset=preset, phone_configs_password_policy="strong")
        keys |= {row.key for row in production.rows()}
    assert len(keys) == 2


def test_a_pin_is_refused_for_phones_that_do_not_ask(tmp_path):
    assert gate_of(tmp_path, {**PHONE, "phone_claim_pin": True})[1]["claim_pin"] is True
    gigaset = {**PHONE, "phone_vendor": "gigaset", "phone_model": "Maxwell 3", "phone_claim_pin": True}
    assert "phone_claim_pin: is on, but phones of gigaset are not known to ask" in refusal(tmp_path, {"reception": gigaset})
    made_up = {**gigaset, "phone_mac": "02:00:00:00:00:01", "phone_redirect_account": "rps"}
    assert "phone_mac: is locally administered, so it can't be registered" in refusal(tmp_path, {"reception": made_up})


@pytest.mark.parametrize(("auth", "entry"), [("basic", "ssha"), ("digest", "ha1_md5")])
def test_a_vendor_whose_phones_take_short_passwords_gets_one_everywhere(tmp_path, auth, entry):
    phone = {**PHONE, "phone_vendor": "mitel", "phone_model": "6867i", "phone_http_auth": auth}
    production = produce(tmp_path, {"reception": phone})
    row = next(iter(production.rows()))
    production.finish()
    password = production.settings.deriver.http_password(row.mac, 1)[:20]
    assert row._server.password == password
    text = "".join(file.content.decode() for file in row.render())
    assert f"http digest password: {password}\n" in text
    home = row.gate["home"][0]
    made = production.settings.deriver
    assert home[entry] == (made.ssha(row.mac, 1, 20) if auth == "basic" else made.ha1(row.mac, 1, "md5", length=20))


def test_a_book_is_refused_to_phones_it_is_not_for_and_where_its_title_breaks_the_file(tmp_path):
    phone = {**PHONE, "phone_phonebooks": ["ours", "theirs", "odd"], "phone_tenant": "a"}
    people = [{"name": "n", "number": "1"}]
    books = {
        "ours": {"contacts": people, "readers": {"tenants": ["a"]}},
        "theirs": {"contacts": people, "readers": {"tenants": ["b", "c"]}},
        "odd": {"contacts": people, "title": "%NULL%"},
    }
    text = refusal(tmp_path, {"a": phone}, phone_configs_phonebooks=books)
    assert (
        "a: phone_phonebooks: 'theirs' is for tenants b, c only (phone_configs_phonebooks.theirs.readers), and the phone is none of" in text
    )
    assert "a: title of phonebook odd: '%NULL%' is a word of Yealink's file format" in text
    assert "ours" not in text


def test_books_beyond_a_phones_places_are_merged_into_its_last(tmp_path):
    books = {name: {"title": name.upper(), "contacts": [{"name": f"of {name}", "number": "1"}]} for name in "abcdefg"}
    production = produce(tmp_path, {"x": {**PHONE, "phone_phonebooks": list("abcdefg")}}, phone_configs_phonebooks=books)
    (row,) = production.rows()
    assert [listing["title"] for listing in row.listed] == ["A", "B", "C", "D", "E + F + G"]
    text = production.render_book(row.vendor, row.listed[-1])[0].content.decode()
    assert [name in text for name in ("of d", "of e", "of f", "of g")] == [False, True, True, True]
    assert list(production.warnings) == []


def test_a_run_for_some_phones_hands_out_those_and_checks_all(tmp_path):
    hosts = {name: {**PHONE, "phone_mac": f"00156500000{number}"} for number, name in enumerate("abc", 1)}
    for number, name in enumerate("abc", 1):
        hosts[name]["phone_lines"] = [{"number": f"10{number}", "password": f"vX7-quiet-Lamp-{number}"}]
    production = produce(tmp_path, hosts)
    production.narrow(["b", "nobody"])
    assert ([row.host for row in production.rows()], production.complete) == (["b"], False)
    production.finish()
    hosts["c"]["phone_langauge"] = "de"
    production = produce(tmp_path, hosts)
    production.narrow(["b"])
    list(production.rows())
    with pytest.raises(ProblemsError, match="did you mean phone_language"):
        production.finish()


@pytest.mark.parametrize("shared", [False, True])
def test_a_user_registers_once_on_a_phone(tmp_path, shared):
    line = {"number": "101", "password": "k7VtpQ2xRm9dLw4z", "shared": shared}
    text = refusal(tmp_path, {"reception": {**PHONE, "phone_lines": [line, {**line, "number": "102"}, {**line, "label": "again"}]}})
    assert text.count("\n") == 1
    assert "reception: phone_lines[2]: user 101 at " in text and text.endswith("is on line 1 of this phone already")


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"phone_firmware_version": "what"}, "phone_firmware_version"),
        ({"phone_firmware": {"version": "what", "url": "https://x.example.com/a.rom"}}, "phone_firmware.version (or phone_firmwares)"),
    ],
)
def test_a_firmware_that_is_none_of_the_vendors_is_told_with_all_that_is_wrong(tmp_path, variables, where):
    hosts = {"a": {**PHONE, **variables}, "b": {**PHONE, "phone_mac": "x"}}
    text = refusal(tmp_path, hosts)
    assert f"a: {where}: got 'what', which does not look like a version of yealink" in text
    assert "b: phone_mac: 'x' is not a MAC address" in text


def test_a_name_that_cannot_be_shown_is_refused(tmp_path):
    text = refusal(tmp_path, {"a\u202eb\n": PHONE})
    assert "a\\u202eb\\n: inventory_hostname: got 'a\\u202eb\\n', wanted printable characters" in text


def test_what_is_missing_only_because_it_is_wrong_is_told_once(tmp_path):
    lines = [
        {"number": "1 2", "password": "vX7-quiet-Lamp-92", "sip_server": "a b"},
        {"number": "3", "password": "vX7-quiet-Lamp-92", "shared": "maybe"},
    ]
    text = refusal(tmp_path, {"a": {**PHONE, "phone_sip_server": "x y", "phone_lines": lines}})
    assert text.startswith("4 problems found")
    assert "is not set" not in text


def test_a_fault_of_a_group_costs_what_it_costs_for_one_phone(tmp_path, monkeypatch):
    hosts = {
        f"p{number}": {
            **PHONE,
            "phone_mac": f"001565{number:06x}",
            "phone_lines": [{**PHONE["phone_lines"][0], "number": f"{1000 + number}"}],
            "phone_timezone": "Europe/Berln",
            "phone_langauge": "de",
        }
        for number in range(30)
    }
    asked = []
    near = difflib.get_close_matches
    monkeypatch.setattr(problems.difflib, "get_close_matches", lambda *args, **more: (asked.append(args[0]), near(*args, **more))[1])
    problems._near.cache_clear()
    timezone._load.cache_clear()
    assert refusal(tmp_path, hosts).startswith("60 problems found")
    for phone in hosts.values():
        del phone["phone_langauge"]
        phone.update(phone_timezone="Europe/Berlin", phone_parameters={f"acount.{line}.bogus": "x" for line in range(20)})
    production = produce(tmp_path, hosts)
    assert len(list(production.rows())) == 30
    assert len(production.warnings) == 30 * 20
    for phone in hosts.values():
        phone["phone_vendor"] = "yaelink"
    refusal(tmp_path, hosts)
    assert sorted(asked) == ["Europe/Berln", "acount.#.bogus", "phone_langauge", "yaelink"]


def test_a_pack_that_cannot_be_used_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "packs" / "broken").mkdir(parents=True)
    (tmp_path / "packs" / "broken" / "pack.yml").write_text("x: 1", encoding="utf-8")
    read = []
    monkeypatch.setattr(pack, "_read", lambda file, real=pack._read: (read.append(file), real(file))[1])
    hosts = {f"p{number}": {**PHONE, "phone_vendor": "broken", "phone_mac": f"001565{number:06x}"} for number in range(5)}
    assert "phone_vendor: pack broken: " in refusal(tmp_path, hosts, phone_template_path=["packs"])
    assert len(read) == 1
