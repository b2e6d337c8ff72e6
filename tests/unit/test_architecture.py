# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docs/architecture.md says of the tree is so."""

from __future__ import annotations

import re
from pathlib import Path

import graphlib
import pytest

TOP = Path(__file__).resolve().parents[2]
PLUGINS = TOP / "plugins"
PAGE = TOP / "docs" / "architecture.md"
# By the whole name, or, in what is copied to servers, beside the file. What only a type checker reads is indented, and no import.
IMPORT = re.compile(r"^from (?:ansible_collections\.dialtone\.phones\.plugins\.|(\.))([\w.]*) import (\([^)]*\)|[^\n(]+)", re.MULTILINE)
# Each floor may import itself and what stands before it.
FLOORS = ("doc_fragments", "module_utils", "modules", "plugin_utils", "action", "inventory", "lookup", "filter")


def imports(file: Path) -> set[str]:
    """Return what a file takes from other files of the collection, as paths below plugins/."""
    found = set()
    for beside, module, names in IMPORT.findall(file.read_text(encoding="utf-8")):
        path = "/".join([*(file.parent.relative_to(PLUGINS).parts if beside else ()), *filter(None, module.split("."))])
        if (PLUGINS / f"{path}.py").exists():
            found.add(f"{path}.py")
        else:
            found.update(f"{path}/{name}.py" for name in re.findall(r"\w+", names) if (PLUGINS / path / f"{name}.py").exists())
    return found


GRAPH = {str(file.relative_to(PLUGINS)): imports(file) for file in sorted(PLUGINS.rglob("*.py"))}


def test_imports_are_seen_however_they_are_written():
    assert {"module_utils/claims/clock.py", "module_utils/claims/model.py"} <= GRAPH["module_utils/claims/lan.py"]
    assert "module_utils/mac.py" in GRAPH["plugin_utils/pack.py"]


def floor(name: str) -> int:
    return FLOORS.index(name.partition("/")[0])


def test_a_lower_floor_never_imports_a_higher_one():
    assert [(name, other) for name, taken in GRAPH.items() for other in sorted(taken) if floor(other) > floor(name)] == []


def test_what_runs_on_servers_takes_nothing_of_the_controller():
    servers = [name for name in GRAPH if name.startswith(("module_utils/", "modules/"))]
    assert [(name, other) for name in servers for other in sorted(GRAPH[name]) if other.startswith("plugin_utils/")] == []


def test_no_file_imports_itself_by_way_of_others():
    graphlib.TopologicalSorter(GRAPH).prepare()


@pytest.mark.parametrize(
    "path",
    sorted(
        set(re.findall(r"(?:plugins|roles|templates|module_utils|plugin_utils|docs|tests)/[\w./*<>-]*", PAGE.read_text(encoding="utf-8")))
    ),
)
def test_what_the_page_names_is_there(path):
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/.")
    assert list((PLUGINS if pattern.startswith(("module_utils", "plugin_utils")) else TOP).glob(pattern)), f"{path} is not in the tree"


def test_no_file_of_the_collection_has_more_than_five_hundred_lines():
    sources = [*PLUGINS.rglob("*.py"), *(TOP / "roles").rglob("*.py"), *(TOP / "roles").rglob("*.yml"), *(TOP / "templates").rglob("*.j2")]
    assert [str(file.relative_to(TOP)) for file in sources if len(file.read_text(encoding="utf-8").splitlines()) > 500] == []


def test_no_role_reads_what_another_one_sets():
    """docs/roles.md: what a role needs of another lies on servers or in the inventory, but for the one result that phone_resync takes."""
    tasks = {
        role.name: "\n".join(file.read_text(encoding="utf-8") for file in [*role.rglob("*.yml"), *role.glob("templates/*.j2")])
        for role in (TOP / "roles").iterdir()
        if (role / "tasks").is_dir()
    }
    made = {
        (role, name)
        for role, text in tasks.items()
        for name in re.findall(r"register: (\w+)", text) + re.findall(r"set_fact:\n\s+(\w+):", text)
    }
    assert made
    read = {
        (role, name, other) for role, name in made for other, text in tasks.items() if other != role and re.search(rf"\b{name}\b", text)
    }
    assert {(role, name, other) for role, name, other in read if (other, name) not in made} == {
        ("phone_configs", "phone_configs_published", "phone_resync"),
        ("phone_configs", "phone_configs_canaries_published", "phone_resync"),
    }
