# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gatectl as an operator types it, with a real store: what it tells, and what it says when it can't."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from claims import create_store, open_store

TOP = Path(__file__).resolve().parents[4]
ARMED, HOME = "001565000001", "001565000002"


class Operator:
    """An operator on a server whose store knows one phone that is armed, and one that was at home and never had a one-time URL."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, folder / "gate.json"
        self.path = str(folder / "claims.db")
        self.settings.write_text(json.dumps({"store": self.path}))
        create_store(self.path)
        with_store = open_store(self.path)
        with_store.arm([{"mac": ARMED, "claim_generation": 1, "token_sha256": "a" * 64}])
        with_store.contacts([(HOME, "192.0.2.7", "Phone", "12345678", f"{HOME}.cfg")])
        with_store.close()

    def type(self, *words: str, wanted: int = 0) -> str:
        """Run gatectl; return what it wrote, to wherever."""
        done = subprocess.run(
            [sys.executable, str(TOP / "roles/provisioning_server/files/gatectl.py"), "--config", str(self.settings), *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "DIALTONE_GATE_CODE": str(TOP / "plugins/module_utils")},
        )
        assert done.returncode == wanted, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def operator(tmp_path) -> Operator:
    return Operator(tmp_path)


def test_status_tells_the_last_contact_of_phones_that_never_had_a_one_time_url(operator):
    for words in ((), (HOME,), ("00:15:65:00:00:02",)):
        line = next(line for line in operator.type("status", *words).splitlines() if line.startswith(HOME))
        assert "never armed" in line and not line.endswith("last contact -")
    assert "1 armed, 1 never armed" in operator.type("status")
    assert HOME not in operator.type("status", ARMED)
    row = json.loads(operator.type("status", "--json"))["devices"][HOME]
    assert (row["state"], row["last_contact_ip"]) == ("", "192.0.2.7")
    assert "001565000003  not known" in operator.type("status", "001565000003")


@pytest.mark.parametrize("verb", ["lock", "spend"])
def test_there_is_nothing_to_close_for_a_phone_that_never_had_one(operator, verb):
    assert "the store does not know this phone" in operator.type(verb, HOME, wanted=1)


def test_a_copy_is_never_written_over_a_file(operator):
    copy = operator.folder / "copy"
    copy.write_text("mine")
    assert operator.type("backup", str(copy), wanted=1) == f"gatectl: {copy}: File exists\n"
    assert copy.read_text() == "mine"
    assert sorted(name for name in os.listdir(operator.folder) if ".backup" in name) == []


@pytest.mark.parametrize(("name", "why"), [("nowhere", "No such file or directory"), (".", "Is a directory")])
def test_a_file_to_restore_that_is_none_is_named(operator, name, why):
    path = os.path.join(operator.folder, name)
    assert operator.type("restore", path, wanted=1) == f"gatectl: {path}: {why}\n"
    assert "1 armed" in operator.type("status")


def test_a_place_for_a_copy_that_is_not_there_is_named(operator):
    assert "No such file or directory" in operator.type("backup", str(operator.folder / "nowhere/copy"), wanted=1)


@pytest.mark.parametrize("text", ["[]", "{}", '{"store": 5}', '"x"'])
def test_settings_of_something_else_are_refused(operator, text):
    operator.settings.write_text(text)
    assert operator.type("status", wanted=1) == f"gatectl: {operator.settings}: names no store, so these are not the gate's settings\n"


def test_what_comes_back_is_closed_until_confirmed(operator):
    copy = str(operator.folder / "copy")
    operator.type("backup", copy)
    operator.type("lock", ARMED)
    operator.type("restore", copy)
    assert "CLOSED until confirmed" in operator.type("status")
    operator.type("confirm")
    assert "1 armed" in operator.type("status")
