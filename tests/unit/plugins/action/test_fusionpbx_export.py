# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, inventory_loader
from ansible.template import Templar, is_trusted_as_template
from ansible.vars.manager import VariableManager

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "lab"))

from fusionpbx_site import BERLIN, SECRETS, site  # noqa: E402

DESK = "berlin-1001-000001"
VAULT = [("default", VaultSecret(b"vault-Pa55word"))]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The configuration file of a FusionPBX whose rows a test may change."""
    tables = site()
    monkeypatch.setattr(inventory_loader.get("dialtone.phones.fusionpbx", class_only=True), "reader", staticmethod(lambda _access: tables))
    file = tmp_path / "from" / "fusionpbx.yml"
    file.parent.mkdir()
    file.write_text(
        "plugin: dialtone.phones.fusionpbx\nkeyed_groups: [{key: phone_site, prefix: site}]\ncompose: {ansible_host: phone_mac}\n"
    )
    return file, tables


@pytest.fixture
def export(source, tmp_path):
    def run(check: bool = False, diff: bool = False, vault=tuple(VAULT), dest: str = "to", **args) -> dict:
        loader = DataLoader()
        loader.set_vault_secrets(list(vault))
        task = Task.load({"dialtone.phones.fusionpbx_export": {"source": str(source[0]), "dest": str(tmp_path / dest), **args}})
        task.check_mode, task.diff = check, diff
        action = action_loader.get(
            "dialtone.phones.fusionpbx_export",
            task=task,
            connection=MagicMock(),
            play_context=MagicMock(check_mode=check, diff=diff),
            loader=loader,
            templar=Templar(loader=loader, variables={}),
            shared_loader_obj=None,
        )
        return action.run(task_vars={})

    return run


def load(*sources: Path) -> tuple[dict, dict]:
    """Return the variables and the groups of all phones, as Ansible merges them."""
    loader = DataLoader()
    loader.set_vault_secrets(VAULT)
    manager = InventoryManager(loader=loader, sources=[str(path) for path in sources])
    variables = VariableManager(loader=loader, inventory=manager)
    skipped = ("inventory_file", "inventory_dir", "_phone_left_behind", "_phone_site_left_behind")
    merged = {}
    for host in manager.get_hosts("phones"):
        found = variables.get_vars(host=host, include_hostvars=False)
        merged[host.name] = {name: value for name, value in found.items() if name.startswith(("phone_", "_phone_")) and name not in skipped}
        merged[host.name]["ansible_host"] = found["ansible_host"]
    groups = {name: sorted(hosts) for name, hosts in manager.get_groups_dict().items()}
    return merged, groups


def plain(folder: Path, name: str) -> str:
    data = (folder / name).read_bytes()
    return VaultLib(VAULT).decrypt(data).decode() if data.startswith(b"$ANSIBLE_VAULT") else data.decode()


def test_the_exported_inventory_gives_the_same_phones_in_the_same_groups(source, export, tmp_path):
    result = export()
    assert (result["changed"], result["phones"]) == (True, 5)
    wanted, found = load(source[0].parent), load(tmp_path / "to" / "inventory")
    assert found[0] == wanted[0]
    assert found[1] == wanted[1]
    assert list(found[0]) == list(wanted[0])


def test_what_a_user_sets_for_a_group_still_wins_in_the_same_order(source, export, tmp_path):
    export()
    for folder in (source[0].parent, tmp_path / "to" / "inventory"):
        for group in ("profile_buero_office", "vendor_yealink", "tenant_berlin_example_com", "model_t54w"):
            (folder / "group_vars" / group).mkdir(parents=True, exist_ok=True)
            (folder / "group_vars" / group / "own.yml").write_text(f"phone_language: {group[:2]}\n")
    wanted, found = load(source[0].parent)[0], load(tmp_path / "to" / "inventory")[0]
    assert found == wanted
    assert found[DESK]["phone_language"] == "pr"


def test_secrets_are_vaulted_and_files_are_their_owners(export, tmp_path):
    export()
    to = tmp_path / "to"
    files = [path for path in to.rglob("*") if path.is_file()]
    assert not [(path, secret) for path in files for secret in SECRETS if secret in path.read_text()]
    assert {path for path in files if path.stat().st_mode & 0o777 != 0o600} == set()
    assert {path.stat().st_mode & 0o777 for path in [to, *to.rglob("*")] if path.is_dir()} == {0o700}
    assert SECRETS[0] in plain(to, "people.csv")
    assert (to / "inventory/group_vars/phones/exported.yml").read_text().count("Müller & Söhne") == 1


def test_text_of_the_database_is_data_in_the_files(source, export, tmp_path):
    source[1]["v_contacts"][0]["contact_name_given"] = "{{ lookup('pipe', 'id') }}"
    source[1]["v_devices"][0]["device_label"] = "{% raw %}"
    source[1]["v_domain_settings"].append({**source[1]["v_domain_settings"][0], "domain_setting_value": "{{ 7 * 7 }}.example.com"})
    export()
    (name,) = load(tmp_path / "to" / "inventory")[0][DESK]["phone_phonebooks"]
    loader = DataLoader()
    loader.set_vault_secrets(VAULT)
    manager = InventoryManager(loader=loader, sources=[str(tmp_path / "to" / "inventory")])
    host = manager.get_host(DESK)
    values = VariableManager(loader=loader, inventory=manager).get_vars(host=host, include_hostvars=False)
    names = [entry["name"] for entry in values["phone_configs_phonebooks"][name]["contacts"]]
    assert "{{ lookup('pipe', 'id') }}" in names
    assert not [text for text in names if "{" in text and is_trusted_as_template(text)]
    assert values["_phone_label"] == "{% raw %}"


def test_a_second_export_changes_no_byte(export, tmp_path):
    export()
    before = {path: path.read_bytes() for path in (tmp_path / "to").rglob("*") if path.is_file()}
    again = export()
    assert (again["changed"], again["changes"]) == (False, [])
    assert {path: path.read_bytes() for path in (tmp_path / "to").rglob("*") if path.is_file()} == before


def test_only_what_changed_is_written_anew(source, export, tmp_path):
    export()
    source[1]["v_domain_settings"][0]["domain_setting_value"] = "ntp2.example.com"
    groups = (tmp_path / "to/inventory/phone_groups.yml").stat().st_mtime_ns
    assert export()["changes"] == [{"path": "inventory/group_vars/tenant_berlin_example_com/exported.yml", "change": "replace"}]
    assert (tmp_path / "to/inventory/phone_groups.yml").stat().st_mtime_ns == groups


def test_check_mode_tells_and_writes_nothing(export, tmp_path):
    planned = export(check=True)
    assert planned["changed"] and not (tmp_path / "to").exists()
    assert planned["changes"] == export()["changes"]


def test_a_diff_shows_no_secret(export):
    shown = str(export(diff=True)["diff"])
    assert "phone_timezone" in shown and "people.csv: create" in shown
    assert not [secret for secret in SECRETS if secret in shown]


def test_files_of_others_and_edited_ones_are_not_replaced(source, export, tmp_path):
    to = tmp_path / "to"
    to.mkdir()
    (to / "people.csv").write_text("mine\n")
    with pytest.raises(AnsibleActionFail, match="people.csv: is there already, and is not of an export"):
        export()
    assert sorted(path.name for path in to.iterdir()) == ["people.csv"]
    (to / "people.csv").unlink()
    export()
    edited = to / "inventory/group_vars/tenant_berlin_example_com/exported.yml"
    edited.write_text(edited.read_text() + "phone_language: de\n")
    with pytest.raises(AnsibleActionFail, match=r"exported.yml: was edited since the last export"):
        export()
    assert export(force=True)["changed"]
    assert "phone_language" not in edited.read_text()


def test_what_is_exported_no_more_is_removed_unless_it_was_edited(source, export, tmp_path):
    export()
    for row in source[1]["v_devices"]:
        if row["domain_uuid"] != BERLIN:
            row["device_enabled"] = row["device_address"] = None
    bonn = tmp_path / "to/inventory/group_vars/tenant_bonn_example_com"
    text = (bonn / "exported.yml").read_text()
    (bonn / "exported.yml").write_text(text + "# mine\n")
    with pytest.raises(AnsibleActionFail, match="exported no more, but was edited"):
        export()
    (bonn / "exported.yml").write_text(text)
    assert {"path": f"inventory/group_vars/{bonn.name}/exported.yml", "change": "remove"} in export()["changes"]
    assert not bonn.exists()


def test_a_file_that_would_be_shadowed_is_told(export, tmp_path):
    folder = tmp_path / "to/inventory/group_vars"
    folder.mkdir(parents=True)
    (folder / "tenant_berlin_example_com.yml").write_text("phone_language: de\n")
    with pytest.raises(AnsibleActionFail, match=r"tenant_berlin_example_com.yml: would not be read any more beside the folder"):
        export()


def test_a_symbolic_link_is_not_followed(export, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to/inventory").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AnsibleActionFail, match="is a symbolic link, or lies behind one"):
        export(force=True)


def test_the_vault_id_is_the_runs_and_named_where_there_are_several(export, tmp_path):
    with pytest.raises(AnsibleActionFail, match="there is no vault password"):
        export(vault=())
    two = [("one", VaultSecret(b"first")), ("two", VaultSecret(b"second"))]
    with pytest.raises(AnsibleActionFail, match="several vault passwords; name the one to encrypt with: one, two"):
        export(vault=two)
    with pytest.raises(AnsibleActionFail, match="vault_id: 'three' is none of this run's vault IDs; known: one, two"):
        export(vault=two, vault_id="three")
    export(vault=two, vault_id="two")
    assert (tmp_path / "to/people.csv").read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;two\n")
    assert not export(vault=two, vault_id="two")["changed"]
    assert export(vault=two, vault_id="one")["changed"]
    with pytest.raises(AnsibleActionFail, match="cannot be decrypted, so it is not known whether it would change"):
        export()


def test_a_phone_that_no_sheet_can_hold_is_written_as_yaml(source, export, tmp_path):
    for row in source[1]["v_device_lines"]:
        if row["user_id"] == "1004":
            row["user_id"] = "odd?/user"
    source[1]["v_devices"][0]["device_label"] = "[x"
    before = load(source[0].parent)
    result = export()
    assert "inventory/phones_beside_the_sheet.yml" in result["files"]
    beside = DataLoader().load(plain(tmp_path / "to", "inventory/phones_beside_the_sheet.yml"))
    assert list(beside["all"]["children"]["phones"]["hosts"]) == ["berlin-odd-user", DESK]
    assert load(tmp_path / "to" / "inventory") == before


def test_the_sheet_is_one_that_people_can_read(export, tmp_path):
    export()
    rows = list(csv.DictReader(io.StringIO(plain(tmp_path / "to", "people.csv"))))
    desk = next(row for row in rows if row["host"] == DESK)
    assert [desk[name] for name in ("host", "number", "name", "vendor", "model")] == [DESK, "1001", "Jörg O'Neil", "yealink", "t54w"]
    assert "_phone_left_behind" not in rows[0]
    assert "escene" in (tmp_path / "to/left-behind.txt").read_text()


@pytest.mark.parametrize(
    ("source_name", "sentence"),
    [("absent/fusionpbx.yml", "is no file"), ("hosts.yml", "is not called fusionpbx.yml")],
)
def test_a_source_that_is_none_is_refused(export, tmp_path, source_name, sentence):
    (tmp_path / "hosts.yml").touch()
    with pytest.raises(AnsibleActionFail, match=sentence):
        export(source=str(tmp_path / source_name))
