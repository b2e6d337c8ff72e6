# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.template import is_trusted_as_template
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import REFUSED
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import SourceError
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "lab"))

from fusionpbx_site import SECRETS, site  # noqa: E402

DESK, POLY, LOBBY, OFF, SNOM = "berlin-1001-000001", "berlin-1001", "berlin-1003", "berlin-1004", "bonn-1001"


class Reader:
    """Hands out canned rows, and remembers what it was asked."""

    def __init__(self, tables=None) -> None:
        self.tables = site() if tables is None else tables
        self.asked = []

    def __call__(self, access):
        self.asked.append(access)
        if isinstance(self.tables, Exception):
            raise self.tables
        return self.tables


@pytest.fixture
def parse(tmp_path):
    def run(config: str = "", reader: Reader | None = None, cache: bool = True) -> InventoryData:
        file = tmp_path / "fusionpbx.yml"
        file.write_text(f"plugin: dialtone.phones.fusionpbx\n{config}\n")
        plugin = inventory_loader.get("dialtone.phones.fusionpbx")
        assert plugin.verify_file(str(file))
        plugin.reader = run.reader = reader or Reader()
        run.inventory = InventoryData()
        plugin.parse(run.inventory, DataLoader(), str(file), cache)
        if plugin.get_option("cache"):
            # As Ansible's inventory manager does after parsing.
            plugin.update_cache_if_changed()
        run.inventory.reconcile_inventory()
        return run.inventory

    return run


def variables(inventory: InventoryData, host: str) -> dict:
    return inventory.hosts[host].vars


def members(inventory: InventoryData, group: str) -> list[str]:
    return sorted(host.name for host in inventory.groups[group].get_hosts())


def test_a_device_becomes_a_phone(parse):
    phone = variables(parse(), DESK)
    assert {
        name: phone[name] for name in phone if name not in ("phone_lines", "phone_keys", "phone_keys_profile", "_phone_left_behind")
    } == {
        "phone_mac": "805ec0000001",
        "phone_vendor": "yealink",
        "phone_model": "t54w",
        "phone_tenant": "berlin.example.com",
        "phone_firmware_version": "96.86.0.70",
        "phone_serial": "SN-1",
        "phone_email": "ann@example.com",
        "phone_site": "Haus 7, Größe <3",
        "phone_admin_password": SECRETS[4],
        "phone_parameters": {"features.power_saving.enable": "0"},
        "_phone_label": 'Büro "Süd" & <Nord>',
        "_phone_description": "{{ lookup('pipe', 'id') }}",
        "inventory_file": None,
        "inventory_dir": None,
    }
    assert not is_trusted_as_template(phone["_phone_description"])


def test_lines_keep_their_order_servers_and_passwords(parse):
    assert variables(parse(), DESK)["phone_lines"] == [
        {
            "number": "1001",
            "name": "Jörg O'Neil",
            "label": "1001 Jörg",
            "password": SECRETS[0],
            "sip_server": "berlin.example.com",
            "transport": "tcp",
            "port": 5060,
            "expires": 30,
        },
        {
            "number": "1002",
            "auth_user": "auth-1002",
            "password": SECRETS[1],
            "sip_servers": ["sip1.example.com", "sip2.example.com"],
            "outbound_proxy": "proxy.example.com:5080",
            "transport": "tls",
            "port": 5061,
            "expires": 120,
            "shared": True,
        },
    ]


def test_dns_lines_have_no_port_and_lines_that_are_off_stay_off(parse):
    first, second = variables(parse(), POLY)["phone_lines"]
    assert first["transport"] == "dns"
    assert "port" not in first
    assert second["enabled"] is False


def test_keys_of_device_and_profile_are_lists_of_their_own(parse):
    phone = variables(parse(), DESK)
    assert phone["phone_keys"] == [
        {"type": "speed_dial", "position": 2, "module": 2, "value": "0049"},
        {"type": "line", "position": 1, "label": "Jörg O'Neil"},
        {"type": "blf", "position": 3, "line": 2, "value": "1002", "label": "Kollege", "pickup": "*8"},
        {"type": "dnd", "position": 1, "area": "soft"},
    ]
    assert phone["phone_keys_profile"] == [
        {"type": "blf", "position": 3, "value": "1099", "label": "from the profile"},
        {"type": "speed_dial", "position": 6, "value": "1098"},
    ]


def test_a_profile_shared_by_vendors_gives_each_its_own_keys(parse):
    assert variables(parse(), POLY)["phone_keys_profile"] == [{"type": "blf", "position": 2, "value": "1097"}]


def test_placeholders_of_keys_are_filled_in(parse):
    assert variables(parse(), SNOM)["phone_keys"] == [
        {"type": "blf", "position": 1, "value": "1001@bonn.example.com", "label": "bonn.example.com"}
    ]


def test_a_device_takes_the_lines_of_its_alternate_and_keeps_its_model(parse):
    phone = variables(parse(), LOBBY)
    assert phone["phone_model"] == "t31p"
    # The line has no password of its own: the extension's.
    assert [(line["number"], line["password"]) for line in phone["phone_lines"]] == [("1003", SECRETS[2])]


def test_a_device_that_is_off_is_a_phone_that_is_off(parse):
    assert variables(parse(), OFF)["phone_enabled"] is False


def test_a_user_on_two_phones_is_marked_as_shared_on_each_only_at_the_same_server(parse):
    inventory = parse(reader=_with_port())
    assert variables(inventory, DESK)["phone_lines"][0]["shared"] is True
    assert variables(inventory, POLY)["phone_lines"][0]["shared"] is True
    assert "shared" not in variables(inventory, SNOM)["phone_lines"][0]


def _with_port() -> Reader:
    tables = site()
    for row in tables["v_device_lines"]:
        if row["sip_transport"] == "dns srv":
            row.update(sip_transport="udp", sip_port="5060")
    return Reader(tables)


def test_phones_are_grouped_by_tenant_vendor_model_and_profile_in_an_order(parse):
    inventory = parse()
    assert members(inventory, "phones") == [POLY, DESK, LOBBY, OFF, SNOM]
    assert members(inventory, "tenant_berlin_example_com") == [POLY, DESK, LOBBY, OFF]
    assert members(inventory, "vendor_yealink") == [DESK, LOBBY, OFF]
    assert members(inventory, "model_vvx_411") == [POLY]
    assert members(inventory, "profile_buero_office") == [POLY, DESK]
    names = ("tenant_bonn_example_com", "vendor_snom", "model_d785", "profile_buero_office")
    assert [inventory.groups[name].priority for name in names] == [2, 3, 4, 5]


def test_settings_of_all_and_of_a_tenant_are_variables_of_its_group(parse):
    inventory = parse()
    berlin, bonn = (inventory.groups[f"tenant_{name}_example_com"].vars for name in ("berlin", "bonn"))
    assert berlin["phone_ntp_servers"] == ["ntp.example.com", "2.us.pool.ntp.org"]
    assert berlin["phone_networks"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert (berlin["phone_timezone"], bonn["phone_timezone"]) == ("Europe/Berlin", "America/Chicago")
    assert bonn["phone_voicemail"] == "*97"
    assert "phone_stun_server" not in bonn


def test_a_tenant_has_a_phonebook_of_extensions_and_contacts(parse):
    inventory = parse()
    assert inventory.groups["tenant_berlin_example_com"].vars["phone_phonebooks"] == ["berlin-example-com"]
    assert "phone_phonebooks" not in inventory.groups["tenant_bonn_example_com"].vars
    assert inventory.groups["phones"].vars["phone_configs_phonebooks"] == {
        "berlin-example-com": {
            "title": "berlin.example.com",
            "contacts": [
                {"name": "Łukasz", "numbers": [{"number": "1003", "type": "work"}], "group": "sales"},
                {
                    "name": "Eva",
                    "numbers": [{"number": "+49 170 1", "type": "mobile"}],
                    "organization": "Müller & Söhne",
                    "group": "customer",
                    "email": "eva@example.com",
                },
            ],
        }
    }


def test_phonebooks_can_be_left_out(parse):
    assert "phone_configs_phonebooks" not in parse("phonebooks: false").groups["phones"].vars


def test_what_was_left_behind_is_told_without_any_secret(parse, tmp_path):
    inventory = parse("report: left.txt")
    report = (tmp_path / "left.txt").read_text()
    for text in (
        "device berlin.example.com hotdesk-1003: its address is no MAC address",
        "device berlin.example.com 001122000005: has vendor 'escene', for which there is no pack",
        "device berlin.example.com 000b82000006: has model 'gxp21xx', which is no grandstream model; set it in FusionPBX or map",
        "device berlin.example.com 805ec0000008: has no line that is on",
        f"{DESK}: line 1 registers for 20 seconds, which became 30",
        f"{DESK}: line 3 is line 2 now",
        f"{DESK}: key line 5: type '8' has no counterpart",
        f"{DESK}: key expansion-2 2: icon has no counterpart",
        f"{DESK}: 1 setting has no counterpart: yealink_time_zone",
        f"{DESK}: profile setting voicemail_number: its value is not fit for phone_voicemail",
        f"{LOBBY}: has the lines of its alternate device hotdesk-1003, as of now",
        "default settings: 1 setting has no counterpart: yealink_dsskey_length",
        "berlin.example.com contacts: 1 without a name, or with a number that can't be dialled",
    ):
        assert text in report
    assert not [secret for secret in SECRETS if secret in report]
    assert stat.S_IMODE((tmp_path / "left.txt").stat().st_mode) == 0o600
    assert "line 3 is line 2 now, as numbers before it are not in use" in variables(inventory, DESK)["_phone_left_behind"]
    assert any("escene" in line for line in inventory.groups["phones"].vars["_phone_site_left_behind"])


def test_the_report_is_its_owners_whatever_was_there_before(parse, tmp_path):
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "left.txt").symlink_to(tmp_path / "elsewhere")
    parse("report: left.txt")
    assert (tmp_path / "elsewhere").read_text() == "mine"
    (tmp_path / "left.txt").chmod(0o644)
    parse("report: left.txt")
    assert stat.S_IMODE((tmp_path / "left.txt").stat().st_mode) == 0o600
    with pytest.raises(AnsibleParserError, match=r"report: .*nowhere/left.txt cannot be written \(No such file or directory\)"):
        parse("report: nowhere/left.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(AnsibleParserError, match=r"report: .*/folder is no file"):
        parse("report: folder")


def test_a_template_of_a_family_is_mapped_to_a_model(parse):
    assert variables(parse("models: {grandstream/gxp21xx: GXP2160}"), "berlin-1006")["phone_model"] == "GXP2160"


def test_only_the_wanted_domains_are_taken(parse):
    assert members(parse("domains: [Bonn.example.com, nowhere.example.com]"), "phones") == [SNOM]
    assert (
        "domains: 'nowhere.example.com' is no domain of this database" in parse.inventory.groups["phones"].vars["_phone_site_left_behind"]
    )


def test_hosts_are_named_as_wanted(parse):
    assert members(parse("host_format: '{vendor}-{mac}'\ndomains: [bonn.example.com]"), "phones") == ["snom-000413000007"]
    with pytest.raises(AnsibleParserError, match="host_format: 'phone' has none of {domain}, {number}"):
        parse("host_format: phone")
    with pytest.raises(AnsibleParserError, match=r"host_format: \{numbr\} is none of \{domain\}, \{number\}"):
        parse("host_format: '{domain}-{numbr}'")


def test_constructed_groups_and_variables_work(parse):
    inventory = parse("strict: true\ncompose: {phone_language: \"'de'\"}\nkeyed_groups: [{key: phone_vendor, prefix: v}]")
    assert variables(inventory, SNOM)["phone_language"] == "de"
    assert members(inventory, "v_snom") == [SNOM]
    with pytest.raises(AnsibleError, match="phone_language"):
        parse("strict: true\ncompose: {phone_language: nowhere.x}")
    assert not parse.inventory.hosts


def test_rows_of_the_wanted_domains_are_cached_when_asked(parse, tmp_path):
    config = f"domains: [bonn.example.com]\ncache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path}/cache"
    first = variables(parse(config), SNOM)
    assert len(parse.reader.asked) == 1
    assert variables(parse(config), SNOM) == first
    assert not parse.reader.asked
    stored = [path.read_text() for path in (tmp_path / "cache").iterdir()]
    assert any("000413000007" in text for text in stored)
    assert not any(SECRETS[0] in text for text in stored)
    parse(config, cache=False)
    assert len(parse.reader.asked) == 1


def test_options_reach_the_reader(parse, monkeypatch):
    monkeypatch.setenv("DIALTONE_FUSIONPBX_PASSWORD", "from the environment")
    parse("host: pbx.example.com\nport: 5433\nuser: dialtone\nssl_root_cert: /ca.pem")
    (access,) = parse.reader.asked
    assert access.password == "from the environment"
    assert (access.host, access.port, access.user, access.ssl_mode, access.ssl_root_cert) == (
        "pbx.example.com",
        5433,
        "dialtone",
        "verify-full",
        "/ca.pem",
    )


def test_a_database_that_cannot_be_read_marks_the_inventory(parse):
    with pytest.raises(AnsibleParserError, match="fusionpbx.yml: cannot connect: no route") as caught:
        parse(reader=Reader(SourceError("cannot connect: no route")))
    assert caught.value.__cause__ is None
    assert REFUSED in parse.inventory.groups["all"].vars


def test_every_variable_fits_the_model(parse):
    inventory = parse()
    problems: list[Problem] = []
    specs = model_specs()
    for thing in (*inventory.hosts.values(), *inventory.groups.values()):
        for name, value in thing.vars.items():
            if name.startswith("phone_") and name != "phone_configs_phonebooks":
                compile_spec(specs["phone_keys" if name.startswith("phone_keys_") else name])(f"{thing.name}: {name}", value, problems)
    assert not problems
    books = Phonebooks(inventory.groups["phones"].vars["phone_configs_phonebooks"], Path())
    assert books.names() == ["berlin-example-com"]
