# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit that the benchmark measures against: plain Jinja2 over ready data, templates compiled once, files written; nothing else.

    tests/bench/reference.py INVENTORY FOLDER [--release RELEASE]

The data is made ahead, outside of the clock, in portions so that memory does not decide. A template that gives a list of parameters gives a file
by way of its pack's layout; that step is part of the limit, and told apart. With ``--release`` every file is compared with what was published.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import jinja2
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

_PORTION = 500


class Plain:
    """Renders the files of a pack without sandbox, cache or checks."""

    def __init__(self, pack: Any) -> None:
        from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import pin_name
        from ansible_collections.dialtone.phones.plugins.plugin_utils import render, sandbox

        self._pin_name = pin_name
        self._render = render
        self._pack = pack
        self._env = jinja2.Environment(  # noqa: S701 - escapes by file name, as the packs are written for
            loader=jinja2.FileSystemLoader([str(folder) for folder in pack.folders]),
            undefined=jinja2.StrictUndefined,
            autoescape=lambda name: bool(name) and name.endswith((".xml.j2", ".html.j2")),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            cache_size=-1,
            extensions=["jinja2.ext.loopcontrols"],
        )
        for name in pack.data.get("filters") or ():
            self._env.filters[name] = filter_loader.get(name).j2_function
        self._env.globals["refuse"] = sandbox.refuse
        self.layout_s = 0.0

    def files(self, phone: dict[str, Any], model: Any, context: dict[str, Any]) -> list[tuple[str, str]]:
        """Return name and text of every file."""
        pack, done = self._pack, []
        variables = {**context, "phone": phone, "model": model, "values": pack.values, "key_types": pack.key_types, "pack": pack.data}
        variables["mac"] = phone["mac"]
        wanted = [spec for spec in pack.files if spec.template is not None and spec.kind != "phonebook" and spec.for_model(model)]
        for spec in sorted(wanted, key=lambda spec: not spec.pinned):
            text = self._env.get_template(pack.file_name(spec.template, phone["mac"], model)).render(variables)
            if spec.layout is not None:
                begin = time.perf_counter()
                text = self._lay_out(spec, phone, variables, text)
                self.layout_s += time.perf_counter() - begin
            name = pack.file_name(spec.name, phone["mac"], model)
            if spec.pinned:
                pin = self._pin_name(name.lower(), hashlib.sha256(text.encode()).hexdigest())
                variables["names"] = {stem: pin if other == name else other for stem, other in variables["names"].items()}
            done.append((name.lower(), text))
        return done

    def _lay_out(self, spec: Any, phone: dict[str, Any], variables: dict[str, Any], text: str) -> str:
        render, layout = self._render, self._pack.data["layouts"][spec.layout]
        parameters = render.parse_parameters(text)
        if spec.raw and phone["parameters"]:
            parameters = render.with_raw(parameters, render.raw_parameters(phone["parameters"], self._pack.data["booleans"]))
        if "template" in layout:
            return self._env.get_template(layout["template"]).render(variables, parameters=parameters)
        return render.write_tree(parameters, layout) if "root" in layout else render.write_lines(parameters, layout)


def production_of(inventory: str) -> Any:
    """Return the production of an inventory, outside of any play."""
    init_plugin_loader()
    from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import read_fleet
    from ansible_collections.dialtone.phones.plugins.plugin_utils.production import Production
    from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import read_settings

    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[inventory])
    hostvars = HostVars(manager, VariableManager(loader=loader, inventory=manager), loader)
    groups = manager.get_groups_dict()
    task_vars = {"groups": groups, "hostvars": hostvars, **hostvars.raw_get(groups["phones"][0])}
    fleet = read_fleet(task_vars, Templar(loader=loader, variables={}))
    return Production(fleet, read_settings(fleet, Path(inventory).resolve()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("inventory")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--release", type=Path, help="the published folder phones/ to compare with")
    arguments = parser.parse_args()
    production = production_of(arguments.inventory)
    from ansible_collections.dialtone.phones.plugins.plugin_utils.context import context_of

    plain: dict[int, Plain] = {}
    spent, used, files, size, differing = 0.0, 0.0, 0, 0, []
    rows = production.rows()
    phones = 0
    while portion := list(itertools.islice(rows, _PORTION)):
        ready = []
        for row in portion:
            if id(row._pack) not in plain:
                plain[id(row._pack)] = Plain(row._pack)
            context = context_of(row.phone, row._pack, row._model, row._server, row._listed)
            ready.append((plain[id(row._pack)], row.mac, row.phone, row._model, context))
        if not phones:
            for packed, _mac, *given in ready:
                packed.files(*given)  # compiles the templates
            for packed in plain.values():
                packed.layout_s = 0.0
        gc.collect()
        gc.disable()
        begin, cpu = time.perf_counter(), time.process_time()
        for packed, mac, *given in ready:
            folder = arguments.folder / mac
            folder.mkdir()
            for name, text in packed.files(*given):
                (folder / name).write_bytes(text.encode())
        spent += time.perf_counter() - begin
        used += time.process_time() - cpu
        gc.enable()
        phones += len(portion)
    production.finish()
    for file in sorted(arguments.folder.glob("*/*")):
        files += 1
        content = file.read_bytes()
        size += len(content)
        if arguments.release and not _is_equal(arguments.release / file.parent.name / file.name, content):
            differing.append(f"{file.parent.name}/{file.name}")
    strange = sum(1 for _file in arguments.release.glob("*/*")) - files if arguments.release else 0
    layout = sum(packed.layout_s for packed in plain.values())
    result = {"phones": phones, "files": files, "bytes": size, "limit_s": spent, "limit_cpu_s": used, "layout_s": layout}
    print(json.dumps({**result, "differing": differing[:20], "differing_count": len(differing) + abs(strange)}))
    sys.exit(1 if differing else 0)


def _is_equal(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


if __name__ == "__main__":
    main()
