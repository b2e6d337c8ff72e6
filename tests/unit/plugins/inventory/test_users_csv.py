# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import inventory_loader
from ansible.template import is_trusted_as_template
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import REFUSED

SHEET = "number;name;site;model;mac;groups\n1;{{ x }};Köln;T54W;805ec0123456;vip\n2;B;Bonn;T31P;805ec0654321;\n"


@pytest.fixture
def parse(tmp_path):
    def run(config: str = "path: people.csv", sheet: str | bytes = SHEET, loader: DataLoader | None = None) -> InventoryData:
        (tmp_path / "people.csv").write_bytes(sheet if isinstance(sheet, bytes) else sheet.encode())
        file = tmp_path / "users_csv.yml"
        file.write_text(f"plugin: dialtone.phones.users_csv\n{config}\n")
        plugin = inventory_loader.get("dialtone.phones.users_csv")
        assert plugin.verify_file(str(file))
        run.inventory = InventoryData()
        plugin.parse(run.inventory, loader or DataLoader(), str(file))
        run.inventory.reconcile_inventory()
        return run.inventory

    return run


def hosts(inventory: InventoryData, group: str) -> list[str]:
    return [host.name for host in inventory.groups[group].get_hosts()]


def test_phones_are_hosts_of_the_group_in_the_order_of_the_sheet(parse):
    inventory = parse()
    assert hosts(inventory, "phones") == ["koeln-1", "bonn-2"]
    assert hosts(inventory, "vip") == ["koeln-1"]
    assert "vip" in [group.name for group in inventory.groups["phones"].child_groups]
    assert inventory.hosts["bonn-2"].vars["phone_lines"] == [{"number": "2", "name": "B"}]


def test_text_of_a_cell_is_never_trusted(parse):
    assert not is_trusted_as_template(parse().hosts["koeln-1"].vars["phone_lines"][0]["name"])


def test_groups_are_made_of_values_in_an_order(parse):
    inventory = parse("path: [people.csv]\ngroup_by: [site, vendor, model]")
    assert hosts(inventory, "site_koeln") == ["koeln-1"]
    assert hosts(inventory, "vendor_yealink") == ["koeln-1", "bonn-2"]
    assert [inventory.groups[name].priority for name in ("vip", "site_bonn", "vendor_yealink", "model_t54w")] == [1, 2, 3, 4]


def test_constructed_groups_and_variables_work(parse):
    inventory = parse(
        "path: people.csv\nstrict: true\ncompose: {phone_language: \"'de' if phone_site == 'Bonn' else 'en'\"}\n"
        "groups: {big: \"phone_model == 'T54W'\"}\nkeyed_groups: [{key: phone_model, prefix: m}]"
    )
    assert inventory.hosts["bonn-2"].vars["phone_language"] == "de"
    assert hosts(inventory, "big") == ["koeln-1"]
    assert hosts(inventory, "m_T31P") == ["bonn-2"]


def test_a_bad_sheet_loads_nothing_and_marks_the_inventory(parse):
    with pytest.raises(AnsibleParserError) as caught:
        parse(sheet=SHEET.replace("805ec0654321", "805ec065432"))
    message = str(caught.value)
    assert "users_csv.yml: 1 problem found, nothing was loaded:" in message
    assert "people.csv line 3: mac: '805ec065432' is not a MAC address" in message
    assert not parse.inventory.hosts
    assert parse.inventory.groups["all"].vars[REFUSED].endswith("1 problem found, nothing was loaded")


def test_a_bad_configuration_marks_the_inventory_too(parse):
    with pytest.raises(AnsibleError, match="delimiter"):
        parse("path: people.csv\ndelimiter: slash")
    assert REFUSED in parse.inventory.groups["all"].vars


def test_an_expression_that_fails_in_strict_mode_leaves_no_host_behind(parse):
    with pytest.raises(AnsibleError, match="phone_language"):
        parse("path: people.csv\nstrict: true\ncompose: {phone_language: nowhere.x}")
    assert not parse.inventory.hosts


def test_a_missing_sheet_is_named(parse):
    with pytest.raises(AnsibleParserError, match="nowhere.csv: cannot be read .No such file"):
        parse("path: nowhere.csv")


def test_several_sheets_may_be_matched(parse, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.csv").write_text("ext,mac\n3,805ec0000003\n")
    (tmp_path / "more" / "b.csv").write_text("ext,mac\n4,805ec0000004\n")
    assert hosts(parse("paths: [people.csv, more/*.csv]"), "phones") == ["koeln-1", "bonn-2", "3", "4"]


def test_a_vaulted_sheet_is_read(parse):
    secret = VaultSecret(b"correct horse")
    loader = DataLoader()
    loader.set_vault_secrets([("default", secret)])
    cipher = VaultLib([("default", secret)]).encrypt(SHEET, secret)
    assert hosts(parse(sheet=cipher, loader=loader), "phones") == ["koeln-1", "bonn-2"]


@pytest.mark.parametrize("name", ["users_csv.yml", "berlin.users_csv.yaml"])
def test_files_are_taken_by_their_name(name, tmp_path):
    plugin = inventory_loader.get("dialtone.phones.users_csv")
    (tmp_path / name).write_text("")
    (tmp_path / "other_users_csv.yml").write_text("")
    assert plugin.verify_file(str(tmp_path / name))
    assert not plugin.verify_file(str(tmp_path / "other_users_csv.yml"))
