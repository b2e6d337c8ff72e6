# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever knows one role knows all: the same files, and the same variables in the same order wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())
# A default that depends on other variables is told in words.
COMPUTED = "{{"


def read(file: Path):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.fixture(params=ROLES, ids=[path.name for path in ROLES])
def role(request) -> Path:
    return request.param


def entry(role: Path) -> dict:
    (found,) = read(role / "meta/argument_specs.yml")["argument_specs"].values()
    return found


def test_defaults_and_argument_specs_have_the_same_variables_in_the_same_order(role):
    defaults, options = read(role / "defaults/main.yml"), entry(role)["options"]
    assert list(defaults) == [name for name in options if name in defaults]
    # What has no default is a comment in its place, or another role's.
    commented = (role / "defaults/main.yml").read_text(encoding="utf-8")
    missing = [name for name in options if name not in defaults and f"# {name}:" not in commented]
    assert missing in ([], ["provisioning_url"])
    told = {name: option["default"] for name, option in options.items() if "default" in option and name in defaults}
    assert told == {name: value if COMPUTED not in str(value) else told[name] for name, value in defaults.items() if name in told}


def test_tasks_begin_with_a_table_of_contents(role):
    assert {*(name for task in read(role / "tasks/main.yml") for name in task)} <= {"name", "ansible.builtin.import_tasks", "tags", "when"}


def test_roles_say_the_same_about_themselves(role):
    assert {"README.md", "defaults", "meta", "tasks"} <= {path.name for path in role.iterdir()}
    about, first = read(role / "meta/main.yml"), read(ROLES[0] / "meta/main.yml")
    description = about["galaxy_info"].pop("description")
    assert description.endswith(".")
    first["galaxy_info"].pop("description")
    assert about == first
    assert list(entry(role)) == ["short_description", "description", "version_added", "author", "options"]
