# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reader follows a guide to the letter: writes its files, types its commands, and has an inventory whose phones are known.

Programs that would change this machine or ask another one are played: those that install are only called, ``ansible-playbook`` looks at the syntax.
Vaults, editors and everything else are real, and what is left is read by the collection.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .documentation import BLOCK, SHELL, TOP

FLEET = [
    {
        "hosts": "phones",
        "gather_facts": False,
        "tasks": [
            {"dialtone.phones.fleet_info": {}, "run_once": True, "delegate_to": "localhost", "register": "fleet"},
            {"ansible.builtin.debug": {"msg": "{{ fleet.phones.keys() | sort | join(' ') }}"}, "run_once": True},
        ],
    }
]
FILE = re.compile(r"\A# (\S+\.yml)\n")
STRONG = "mV4x-9qTz-Kw7b"


class Reader:
    """Somebody with a home of his own and a checkout, who types what a page says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        programs = home / "programs"
        programs.mkdir()
        self.play("true", programs / "pip", programs / "ansible-galaxy")
        # With its own PATH: ansible-test puts a program before the real one, which looks that up there.
        real = f"PATH={shlex.quote(os.environ['PATH'])}"
        self.play(f'{real}\nexec ansible-playbook --syntax-check "$@"', programs / "ansible-playbook")
        self.play(f'echo \'vault_sip_101: "{STRONG}"\' >>"$1"', programs / "editor")
        (home / "vault").write_text("a vault's password", encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_") or name == "ANSIBLE_COLLECTIONS_PATH"}
        self.environment = {
            **kept,
            "HOME": str(home),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "EDITOR": str(programs / "editor"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(home / "vault"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(home / ".ansible"),
        }
        # Where the commands of the page have led so far.
        self.folder = TOP

    @staticmethod
    def play(text: str, *programs: Path) -> None:
        for program in programs:
            program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            program.chmod(0o755)

    def type(self, text: str) -> None:
        # The password comes from a file; a virtual environment of the reader's would lead past the programs that are played.
        text = re.sub(r" --ask-vault-pass\b", "", re.sub(r"^python3 -m venv .*$", "", text, flags=re.MULTILINE))
        where = self.home / "where"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{text}\npwd > {shlex.quote(str(where))}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, text + done.stdout + done.stderr
        self.folder = Path(where.read_text(encoding="utf-8").strip())

    def follow(self, page: str) -> None:
        for _indent, kind, text in BLOCK.findall((TOP / page).read_text(encoding="utf-8")):
            if kind in SHELL:
                self.type(text)
            elif name := FILE.match(text):
                assert self.folder != TOP
                (self.folder / name[1]).write_text(text, encoding="utf-8")

    def phones(self, inventory: str) -> str:
        """Return the names of the phones, with all that is checked before anything is published."""
        play = self.home / "fleet.yml"
        play.write_text(json.dumps(FLEET), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", inventory, str(play), "-e", f"ansible_python_interpreter={sys.executable}"],
            cwd=self.folder,
            env={**self.environment, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return re.search(r'"msg": "(.*)"', done.stdout)[1]


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def test_the_first_phone(reader):
    reader.follow("docs/first-phone.md")
    assert reader.folder == reader.home / "phones"
    assert (reader.folder / "group_vars/all/vault.yml").read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;")
    assert reader.phones("hosts.yml") == "reception"


def test_a_new_secret_goes_where_the_first_one_is(reader):
    reader.follow("docs/first-phone.md")
    commands = [text for _indent, kind, text in BLOCK.findall((TOP / "docs/secrets.md").read_text(encoding="utf-8")) if kind in SHELL]
    for text in commands[:2]:
        reader.type(text)
    assert "edit" in commands[1]
    assert reader.phones("hosts.yml") == "reception"


def test_the_inventory_of_a_company(reader):
    reader.follow("inventories/production_example/README.md")
    assert reader.folder == reader.home / "phones"
    for name in ("production_example/group_vars/all/vault.yml", "production_example_sheets/people.csv"):
        assert (reader.folder / name).read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;")


@pytest.mark.parametrize(
    ("kind", "begins", "name", "hosts"),
    [
        ("yaml", "# inventory/hosts.yml", "hosts.yml", {"reception"}),
        ("ini", "[site_berlin]", "hosts.ini", {"reception"}),
        ("", "Durchwahl;", "../people.csv", {"berlin-1001", "berlin-1003"}),
    ],
    ids=["yaml", "ini", "sheet"],
)
def test_the_inventories_of_the_page_are_read(reader, kind, begins, name, hosts):
    pages = BLOCK.findall((TOP / "docs/inventory.md").read_text(encoding="utf-8"))
    reader.folder = reader.home
    (reader.home / "inventory").mkdir()
    (reader.home / "inventory" / name).write_text(
        next(text for _indent, of, text in pages if of == kind and text.startswith(begins)), encoding="utf-8"
    )
    if name.endswith(".csv"):
        settings = next(text for _indent, _kind, text in pages if "plugin: dialtone.phones.users_csv" in text)
        (reader.home / "inventory/users_csv.yml").write_text(settings, encoding="utf-8")
    reader.type("ansible-inventory -i inventory --list >told.json")
    told = json.loads((reader.home / "told.json").read_text(encoding="utf-8"))
    assert {host for host, variables in told["_meta"]["hostvars"].items() if "phone_mac" in variables} == hosts
