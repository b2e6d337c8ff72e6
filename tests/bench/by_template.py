# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The everyday alternative: what a file costs with ``ansible.builtin.template`` and phones as hosts.

    tests/bench/by_template.py INVENTORY FOLDER --count 200

Takes phones of one vendor whose own file needs no Python beside the data, hands their data over as variables, lets one ``template`` task write the
file of every phone (20 forks), takes off what an empty play over the same inventory takes, and compares each file with plain Jinja2. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from reference import Plain, production_of

_VENDOR, _TEMPLATE = "yealink", "device.j2"
_PLAY = """---
- name: Write a file for every phone
  hosts: phones
  gather_facts: false
  tasks:
    - name: Render
      ansible.builtin.template:
        src: {source}
        dest: "{folder}/{{{{ mac }}}}"
        lstrip_blocks: true
        mode: "0600"
"""


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; named tuples become dictionaries."""
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def gather(inventory: str, count: int) -> tuple[dict[str, dict[str, Any]], dict[str, str], Path]:
    """Return the variables of some phones, the text that plain Jinja2 makes of each, and the pack's folder."""
    production = production_of(inventory)
    from ansible_collections.dialtone.phones.plugins.plugin_utils.context import context_of

    hosts: dict[str, dict[str, Any]] = {}
    wanted: dict[str, str] = {}
    plain, asked, folder = None, set(), Path()
    for row in production.rows():
        pack, model = row._pack, row._model
        if pack.vendor != _VENDOR or model.merged:
            continue
        # The loop ends at some other vendor's phone where the fleet has fewer than wanted.
        plain, folder = plain or Plain(pack), pack.folders[-1]
        asked = asked or set(re.findall(r"model\.(\w+)", "".join(file.read_text("utf-8") for file in pack.folders[-1].glob("*.j2"))))
        context = context_of(row.phone, pack, model, row._server, row._listed)
        # A template file under Ansible has no functions of ours; the chosen one calls none.
        context = {name: value for name, value in context.items() if not callable(value)}
        # An attribute that a model lacks is None for a pack's templates, and must be there for Ansible's.
        names = {**{name: getattr(model, name) for name in asked}, "name": model.name}
        given = {**context, "phone": row.phone, "model": names, "values": pack.values, "mac": row.mac, "key_types": pack.key_types}
        hosts[row.host] = _plain(given)
        wanted[row.mac] = plain._env.get_template(_TEMPLATE).render({**given, "model": model})
        if len(hosts) == count:
            break
    return hosts, wanted, folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("inventory")
    parser.add_argument("folder", type=Path, help="where to work")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    hosts, wanted, folder = gather(arguments.inventory, arguments.count)
    work = arguments.folder.resolve()
    shutil.rmtree(work, ignore_errors=True)
    (work / "out").mkdir(parents=True)
    shutil.copytree(folder, work / "templates")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    tree = {"phones": {"hosts": hosts, "vars": local}}
    (work / "phones.json").write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    play = _PLAY.format(source=work / "templates" / _TEMPLATE, folder=work / "out")
    (work / "play.yml").write_text(play, encoding="utf-8")
    (work / "empty.yml").write_text(play.split("  tasks:")[0], encoding="utf-8")

    def run(name: str) -> tuple[float, float]:
        begin, before = time.perf_counter(), os.times()
        done = subprocess.run(
            ["ansible-playbook", "-i", str(work / "phones.json"), "-f", "20", str(work / name)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_CALLBACK")},
        )
        if done.returncode:
            # What went wrong stands before the recap, which has a line for each phone.
            told = done.stdout.partition("PLAY RECAP")[0].rstrip().splitlines()
            last = "\n".join(line[:1000] for line in told[-15:])
            sys.exit(f"by_template.py: ansible-playbook {name} ended with {done.returncode}:\n{last}")
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - begin, used

    empty = [min(values) for values in zip(*(run("empty.yml") for _round in range(2)), strict=True)]
    spent, used = (whole - start for whole, start in zip(run("play.yml"), empty, strict=True))
    differing = [mac for mac, text in wanted.items() if (work / "out" / mac).read_text(encoding="utf-8") != text]
    per_file = {"per_file_ms": spent * 1000 / len(hosts), "per_file_cpu_ms": used * 1000 / len(hosts)}
    print(json.dumps({"files": len(hosts), "template_s": spent, **per_file, "differing": differing[:20]}))
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
