# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories that people start from, and the playbooks against them."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted(path.name for path in (TOP / "playbooks").glob("*.yml"))
PLAY = [
    {
        "hosts": "phones",
        "gather_facts": False,
        "tasks": [
            {"dialtone.phones.fleet_info": {}, "run_once": True, "register": "fleet"},
            {
                "ansible.builtin.copy": {"content": "{{ fleet | to_json }}", "dest": "{{ out }}"},
                "run_once": True,
                "delegate_to": "localhost",
            },
        ],
    }
]
FILLED = {
    "vault_provisioning_secret": hashlib.sha256(b"test").hexdigest(),
    "vault_sip_passwords": {"1090": "mV4x-9qTz-Kw7b", "3090": "pR8s-2nLd-Xh5g"},
}


def run(program: str, *args: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    command = [program, *args]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def fleet(inventory: Path, tmp_path: Path, *args: str) -> tuple[dict, str]:
    """Return what fleet_info says of an inventory, or nothing, and the whole output."""
    out = tmp_path / "fleet.json"
    (tmp_path / "play.yml").write_text(json.dumps(PLAY))
    connection = "-e", json.dumps({"out": str(out), "ansible_connection": "local", "ansible_python_interpreter": sys.executable})
    done = run("ansible-playbook", "-i", str(inventory), "play.yml", *connection, *args, folder=tmp_path)
    return (json.loads(out.read_text()) if out.exists() else {}), done.stdout + done.stderr


@pytest.fixture
def example(tmp_path):
    for name in ("production_example", "production_example_sheets"):
        shutil.copytree(TOP / "inventories" / name, tmp_path / name)
    return tmp_path / "production_example"


def fill_in(example: Path) -> list[str]:
    """Do what the README asks for."""
    sheet = example.parent / "production_example_sheets" / "people.csv"
    numbers = itertools.count(1)
    text = re.sub("CHANGE-ME", lambda _match: f"vK7-{next(numbers)}-qTz-Wm4x", sheet.read_text(encoding="utf-8"))
    sheet.write_text(text, encoding="utf-8")
    return ["-e", json.dumps(FILLED)]


def test_the_production_example_is_a_fleet_of_four_vendors(example, tmp_path):
    found, output = fleet(example, tmp_path, *fill_in(example))
    assert found, output
    phones = found["phones"]
    assert set(found["counts"]["vendors"]) == {"yealink", "snom", "fanvil", "zoiper"}
    assert {name: phone["redirect_account"] for name, phone in phones.items()} == {
        "berlin-boardroom": "yealink",
        "berlin-1001": "yealink",
        "berlin-1002": "snom",
        "dublin-2001": "yealink",
        "dublin-2002": "fanvil",
        "paris-3001": "snom",
        "paris-reception-app": "",
    }
    assert [line["number"] for line in phones["berlin-1001"]["lines"]] == ["1001", "1000"]
    assert (phones["berlin-1001"]["language"], phones["dublin-2001"]["timezone"]) == ("de", "Europe/Dublin")
    assert phones["paris-3001"]["sip_servers"][0]["host"] == "sip3.example.com"
    assert phones["paris-3001"]["networks"] == ["192.0.2.0/24"]
    assert [warning for warning in found["fleet_warnings"] if not warning.startswith("paris-reception-app: zoiper")] == []
    assert "qTz-Wm4x" not in json.dumps(found) and FILLED["vault_provisioning_secret"] not in output


def test_placeholders_are_refused_with_the_list_of_what_is_missing(example, tmp_path):
    found, output = fleet(example, tmp_path)
    assert not found
    assert "provisioning_secret: is not set" in output
    secret = ["-e", json.dumps({"vault_provisioning_secret": FILLED["vault_provisioning_secret"]})]
    found, output = fleet(example, tmp_path, *secret)
    assert not found
    assert "berlin-1001: phone_lines[0].password" in output and "berlin-boardroom: phone_lines[0].password" in output
    assert "Traceback" not in output


def test_the_demo_inventory_is_in_order(tmp_path):
    found, output = fleet(TOP / "inventories" / "demo", tmp_path)
    assert len(found.get("phones", ())) == 6, output


def test_the_servers_of_the_example_have_what_their_role_wants(example, tmp_path):
    done = run("ansible-inventory", "-i", str(example), "--host", "prov1.example.com", folder=tmp_path)
    variables = json.loads(done.stdout)
    assert variables["provisioning_server_claim_store"] == "{{ vault_claim_store }}"
    assert variables["provisioning_url"] == "https://prov.example.com"


@pytest.mark.parametrize("inventory", ["demo", "production_example"])
def test_the_playbooks_are_in_order(inventory, tmp_path):
    books = [str(TOP / "playbooks" / name) for name in PLAYBOOKS]
    done = run("ansible-playbook", "--syntax-check", "-i", str(TOP / "inventories" / inventory), *books, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("book", "args"),
    [
        ("unlock.yml", ["--limit", "p1"]),
        ("replace.yml", ["--limit", "p1", "-e", "old_mac=805ec0000a78"]),
        ("decommission.yml", ["-e", "mac=805ec0000a78"]),
        ("site.yml", []),
    ],
)
def test_an_inventory_without_servers_is_told_so_by_every_playbook(book, args, tmp_path):
    phones = {"hosts": {"p1": {"phone_mac": "805ec0000a77"}}}
    inventory = {"all": {"vars": {"provisioning_url": "https://prov.example.com"}, "children": {"phones": phones}}}
    (tmp_path / "hosts.yml").write_text(json.dumps(inventory))
    done = run("ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(TOP / "playbooks" / book), *args, folder=tmp_path)
    assert done.returncode == 2
    said = " ".join((done.stdout + done.stderr).split())
    assert "no such group, or it is empty" in said or "no host in the group provisioning_servers" in said


@pytest.mark.parametrize(
    ("book", "args", "sentence"),
    [
        ("unlock.yml", [], "name the phones to unlock with --limit"),
        ("replace.yml", [], "name the phones whose handsets are swapped"),
        ("replace.yml", ["--limit", "reception"], "got 0 for 1 phones"),
        ("replace.yml", ["--limit", "reception,juergen", "-e", "old_mac=805ec0000a77"], "got 1 for 2 phones"),
        ("decommission.yml", [], "name the phones with -e mac="),
    ],
)
def test_a_playbook_that_lacks_its_words_says_which(book, args, sentence, tmp_path):
    done = run("ansible-playbook", "-i", str(TOP / "inventories" / "demo"), str(TOP / "playbooks" / book), *args, folder=tmp_path)
    assert done.returncode == 2
    assert sentence in " ".join((done.stdout + done.stderr).split())
