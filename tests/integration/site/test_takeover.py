# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a FusionPBX site's database to provisioned phones, in one run of the site's play."""

from __future__ import annotations

import copy
import os
import re
import shutil

import postgresql
import pytest
import yaml
from fusionpbx_site import SECRETS, columns, site

from .world import BASE, TOP, changed

PASSWORD = "reader pa'ss"
PHONES = {
    # Names are the inventory's; the model is what boots.
    "berlin-1001-000001": ("80:5e:c0:00:00:01", "yealink", "T54W"),
    "berlin-1001": ("00:04:f2:00:00:02", "polycom", "VVX411"),
    "berlin-1003": ("80:5e:c0:00:00:03", "yealink", "T31P"),
    "berlin-1004": ("80:5e:c0:00:00:04", "yealink", "T46U"),
    "bonn-1001": ("00:04:13:00:00:07", "snom", "D785"),
}


@pytest.fixture(scope="module")
def database():
    pytest.importorskip("psycopg2", reason="the driver psycopg2 is not installed (pip install psycopg2-binary)")
    try:
        server = postgresql.Server()
    except postgresql.Missing as exc:
        pytest.skip(str(exc))
    tables = site()
    for row in tables["v_domain_settings"]:
        # The networks that FusionPBX lets phones come from: here it is this machine.
        if row["domain_setting_value"] == "10.0.0.0/8":
            row["domain_setting_value"] = "127.0.0.0/8"
    with server:
        server.fill(tables, columns())
        statements = "".join(re.findall(r"```sql\n(.*?)```", (TOP / "docs/migrating.md").read_text(encoding="utf-8"), re.DOTALL))
        server.execute(statements.replace("'choose one'", "%s"), [PASSWORD])
        yield server


@pytest.fixture(scope="module")
def inventory(world, database, tmp_path_factory):
    """One file for FusionPBX and one for the servers; phones of Yealink have a redirect service."""
    folder = tmp_path_factory.mktemp("fusionpbx")
    (folder / "inventory").mkdir()
    shutil.copy(database.certificate, folder / "pbx-ca.pem")
    (folder / "inventory" / "fusionpbx.yml").write_text(
        f"plugin: dialtone.phones.fusionpbx\nhost: localhost\nport: {database.port}\nuser: dialtone\n"
        f"ssl_root_cert: {folder}/pbx-ca.pem\nreport: ../left-behind.txt\n"
    )
    servers = copy.deepcopy(BASE)
    everything = servers["all"]["vars"]
    account = everything.pop("phone_redirect_account")
    for name in ("phone_vendor", "phone_phonebooks", "phone_configs_phonebooks", "phone_sip_server"):
        everything.pop(name)
    # FusionPBX does not mind the passwords that this site has.
    everything["phone_configs_password_policy"] = "off"
    del servers["all"]["children"]["probe_phones"]
    servers["all"]["children"]["phones"] = {"children": {"vendor_yealink": {"vars": {"phone_redirect_account": account}}}}
    (folder / "inventory" / "servers.yml").write_text(yaml.safe_dump(servers), encoding="utf-8")
    os.environ["DIALTONE_FUSIONPBX_PASSWORD"] = PASSWORD
    before = world.phones
    world.phones = {name: {"phone_mac": mac, "phone_vendor": vendor, "phone_model": model} for name, (mac, vendor, model) in PHONES.items()}
    yield folder / "inventory"
    world.phones = before
    del os.environ["DIALTONE_FUSIONPBX_PASSWORD"]


@pytest.fixture(scope="module")
def taken_over(world, inventory):
    return world.site("-e", "phone_configs_max_change_percent=100", "-e", "onboarding_new_store=true", inventory=inventory)


def test_one_run_takes_the_site_over_and_a_second_one_changes_nothing(world, inventory, taken_over):
    assert "failed=0" in taken_over
    assert changed(world.site(inventory=inventory)) == 0


def test_no_password_is_in_what_the_run_says(taken_over):
    assert not [secret for secret in [*SECRETS, PASSWORD] if secret in taken_over]


def test_what_was_left_behind_is_in_a_file_of_its_own(inventory, taken_over):
    report = inventory.parent / "left-behind.txt"
    assert "escene" in report.read_text(encoding="utf-8")
    assert report.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["berlin-1001-000001", "berlin-1003"])
def test_a_phone_boots_itself_from_its_redirect_service(world, taken_over, name):
    result = world.probe(name)
    assert result["verdict"] == "provisioned", result


@pytest.mark.parametrize("name", ["berlin-1001", "bonn-1001"])
def test_a_phone_without_a_service_boots_from_its_one_time_url(world, inventory, taken_over, name):
    known = world.onboarding(inventory)[name]
    result = world.probe(name, url=known["url"])
    assert result["verdict"] == "provisioned", result


def test_a_phone_that_is_off_gets_nothing(world, taken_over):
    assert world.probe("berlin-1004", "any")["verdict"] != "provisioned"


def test_a_phone_has_the_lines_of_the_device_it_borrows_from(world, taken_over):
    config = "".join(world.published("805ec0000003").values())
    assert SECRETS[2] in config


@pytest.fixture(scope="module")
def exported(world, inventory, taken_over):
    """The site as ordinary files, beside the file of the servers."""
    folder = inventory.parent
    (folder / "vault").write_text("vault-Pa55word\n")
    settings = ("-e", f"fusionpbx_source={inventory}/fusionpbx.yml", "-e", f"fusionpbx_export_dest={folder}/ours")
    command = ("playbooks/fusionpbx_export.yml", *settings, "--vault-id", f"site@{folder}/vault")
    planned = world.play(*command, "--check", "--diff", inventory=inventory)
    assert changed(planned) == 1
    assert not [secret for secret in SECRETS if secret in planned]
    assert not (folder / "ours").exists()
    assert changed(world.play(*command, inventory=inventory)) == 1
    assert changed(world.play(*command, inventory=inventory)) == 0
    shutil.copy(inventory / "servers.yml", folder / "ours" / "inventory" / "servers.yml")
    return folder / "ours" / "inventory"


def test_the_exported_inventory_has_the_same_phones(world, inventory, exported):
    vault = ("--vault-id", f"site@{inventory.parent}/vault")
    found = []
    for number, source in enumerate((inventory, exported)):
        file = inventory.parent / f"fleet{number}.json"
        world.play("tests/integration/site/export_info.yml", "-e", f"fleet_file={file}", *vault, inventory=source)
        found.append(file.read_text(encoding="utf-8"))
    assert found[0] == found[1]
    assert SECRETS[0] in found[0]


def test_the_exported_inventory_serves_the_same_bytes(world, inventory, exported):
    """Publishing every file anew from it, and arming and registering, changes nothing."""
    vault = ("--vault-id", f"site@{inventory.parent}/vault")
    assert changed(world.site(*vault, "-e", "phone_configs_force=true", inventory=exported)) == 0
