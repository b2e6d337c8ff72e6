# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory plugin found, as the ordinary files of an inventory: a sheet, ``group_vars``, and YAML for phones that no sheet can hold.

The files are read back before anybody gets to see them: a phone whose row would come back as anything else is written as YAML.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import GROUP
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.columns import LINE_FIELDS, PHONE_FIELDS
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.phone_rows import PhoneRows, Settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.values import plain

SHEET = "people.csv"
CONFIG = "inventory/people.users_csv.yml"
GROUPS = "inventory/phone_groups.yml"
REST = "inventory/phones_beside_the_sheet.yml"
LEFT_BEHIND = "left-behind.txt"
# What is set by Ansible itself, and what says what was left behind: that has a file of its own.
_SKIPPED = frozenset({"inventory_file", "inventory_dir", "inventory_hostname", "inventory_hostname_short", "ansible_group_priority"})
_NOTES = ("_phone_left_behind", "_phone_site_left_behind")
# YAML that is read as it was: text that holds an expression is data, not one.
_UNSAFE = ("{{", "{%", "{#")
# As sheets take them.
_GROUP = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIALS = re.compile("://[^/?#]*@")


class ExportFile(NamedTuple):
    """A file to write: its path under the destination, its text, and whether it holds secrets."""

    path: str
    text: str
    secret: bool


class Content(NamedTuple):
    """What an inventory source gave.

    ``hosts``: name -> variables and names of groups; ``groups``: name -> variables, priority and names of parents; ``beside``: hosts of groups
    with names that a sheet refuses.
    """

    hosts: dict[str, tuple[dict[str, Any], list[str]]]
    groups: dict[str, tuple[dict[str, Any], int, list[str]]]
    beside: dict[str, list[str]]


def content_of(inventory: Any) -> Content:
    """Return what an ``InventoryData`` holds, in plain Python types."""
    groups = {}
    for name, group in inventory.groups.items():
        if name not in ("all", "ungrouped"):
            parents = [parent.name for parent in group.parent_groups if parent.name != "all"]
            groups[str(name)] = (_variables(group.vars), int(group.priority), sorted(map(str, parents)))
    hosts = {}
    beside: dict[str, list[str]] = {}
    for name, host in inventory.hosts.items():
        members = sorted(str(group.name) for group in host.groups if group.name not in ("all", GROUP))
        hosts[str(name)] = (_variables(host.vars), [group for group in members if _GROUP.fullmatch(group)])
        for group in members:
            if not _GROUP.fullmatch(group):
                beside.setdefault(group, []).append(str(name))
    return Content(hosts, groups, beside)


def _variables(given: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): plain(value) for name, value in given.items() if name not in _SKIPPED and name not in _NOTES}


def files_of(content: Content, origin: str, left: list[str]) -> list[ExportFile]:
    """Return all files.

    :param origin: what was read, as a comment may say it.
    :param left: what was left behind, a line each.
    """
    sheet, columns, rest = _sheet(content)
    note = f"# Phones that came from {' '.join(origin.split())}; written by dialtone.phones.fusionpbx_export.\n---\n"
    files = []
    if sheet:
        files.append(ExportFile(SHEET, sheet, True))
        config: dict[str, Any] = {"plugin": "dialtone.phones.users_csv", "path": f"../{SHEET}", "encoding": "utf-8", "delimiter": "comma"}
        config["infer_vendor"] = False
        if columns:
            config["columns"] = columns
        files.append(ExportFile(CONFIG, note + _dump(config), False))
    if rest:
        files.append(ExportFile(REST, note + _dump(_tree(rest)), True))
    files.append(ExportFile(GROUPS, note + _dump(_hierarchy(content)), False))
    for group, (variables, _priority, _parents) in sorted(content.groups.items()):
        for name, secret in (("exported", False), ("exported_vault", True)):
            chosen = {key: value for key, value in variables.items() if is_secret(key, value) is secret}
            if chosen:
                files.append(ExportFile(f"inventory/group_vars/{group}/{name}.yml", note + _dump(chosen), secret))
    if left:
        # Names of people and of customers, no values: not for everybody, but nothing to encrypt.
        files.append(ExportFile(LEFT_BEHIND, "".join(f"{line}\n" for line in left), False))
    return files


def is_secret(name: str, value: Any) -> bool:
    """Tell whether a variable may hold a secret: by the model, by a URL with credentials, and for what has no type, always."""
    if name == "phone_configs_phonebooks":
        return False
    spec = model_specs().get(name)
    return spec is None or spec["type"] == "dict" or _holds_secret(spec) or bool(_CREDENTIALS.search(json.dumps(value)))


def _holds_secret(spec: Mapping[str, Any]) -> bool:
    inner = [*(spec.get("options") or {}).values(), *([spec["elements"]] if spec.get("elements") else [])]
    return spec.get("type") == "secret" or any(_holds_secret(each) for each in inner)


def _hierarchy(content: Content) -> dict[str, Any]:
    """Return the groups, their priorities and their places; hosts only where a sheet cannot put them there."""
    children: dict[str, Any] = {}
    top: dict[str, Any] = {GROUP: {}}
    for name, (_variables_of_it, priority, parents) in sorted(content.groups.items()):
        entry: dict[str, Any] = {"vars": {"ansible_group_priority": priority}} if priority > 1 else {}
        if name in content.beside:
            entry["hosts"] = dict.fromkeys(content.beside[name], {})
        if name == GROUP:
            top[GROUP].update(entry)
        elif parents == [GROUP]:
            children[name] = entry
        else:
            top[name] = entry
            for parent in parents:
                top.setdefault(parent, {}).setdefault("children", {})[name] = {}
    if children:
        top[GROUP]["children"] = {**top[GROUP].get("children", {}), **children}
    return {"all": {"children": top}}


def _tree(rest: Mapping[str, tuple[dict[str, Any], list[str]]]) -> dict[str, Any]:
    groups: dict[str, Any] = {GROUP: {"hosts": {name: variables for name, (variables, _groups) in rest.items()}}}
    for name, (_variables_of_it, members) in rest.items():
        for group in members:
            groups.setdefault(group, {"hosts": {}})["hosts"][name] = {}
    return {"all": {"children": groups}}


class _Dumper(yaml.SafeDumper):
    """Marks text that looks like an expression as what it is: data."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if any(mark in text for mark in _UNSAFE):
        return dumper.represent_scalar("!unsafe", text, style='"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


_Dumper.add_representer(str, _represent)


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=160)


def _sheet(content: Content) -> tuple[str, dict[str, str], dict[str, tuple[dict[str, Any], list[str]]]]:
    """Return the sheet, the columns that need a mapping, and the hosts that it cannot hold."""
    rest = {name: host for name, host in content.hosts.items() if not _fits(host[0])}
    while True:
        chosen = {name: host for name, host in content.hosts.items() if name not in rest}
        if not chosen:
            return "", {}, rest
        text, columns = _write(chosen)
        wrong = _misread(text, columns, chosen)
        if not wrong:
            return text, columns, rest
        rest.update({name: content.hosts[name] for name in wrong})


def _fits(variables: Mapping[str, Any]) -> bool:
    lines = variables.get("phone_lines")
    if not variables.get("phone_mac") or not isinstance(lines, list) or not lines:
        return False
    return all(isinstance(line, dict) and line.get("number") for line in lines)


def _write(hosts: Mapping[str, tuple[dict[str, Any], list[str]]]) -> tuple[str, dict[str, str]]:
    titles = {variable: field for field, variable in PHONE_FIELDS.items()}
    names = dict.fromkeys(name for variables, _groups in hosts.values() for name in variables if name not in ("phone_lines", "phone_mac"))
    keys = dict.fromkeys(key for variables, _groups in hosts.values() for line in variables["phone_lines"] for key in line)
    order = [key for key in LINE_FIELDS if key in keys] + [key for key in keys if key not in LINE_FIELDS]
    # A name that means something to every sheet, or that only a mapping makes one.
    columns = {name: name for name in names if name not in titles and not name.startswith(("phone_", "_phone_"))}
    header = ["host", "mac", "groups", *(titles.get(name, name) for name in names)]
    header += [key if key in LINE_FIELDS else f"line_{key}" for key in order]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for host, (variables, groups) in hosts.items():
        first = [host, variables["phone_mac"], ",".join(groups), *(_cell(variables.get(name)) for name in names)]
        for index, line in enumerate(variables["phone_lines"]):
            cells = first if index == 0 else ["", variables["phone_mac"], "", *("" for _name in names)]
            writer.writerow([*cells, *(_cell(line.get(key)) for key in order)])
    return text.getvalue(), columns


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _misread(text: str, columns: dict[str, str], hosts: Mapping[str, tuple[dict[str, Any], list[str]]]) -> list[str]:
    """Return the hosts that the sheet does not give back as they are."""
    rows = PhoneRows(Settings(columns=columns, encoding="utf-8", delimiter="comma", infer_vendor=False))
    rows.add_sheet(SHEET, text.encode("utf-8", "surrogatepass"))
    if rows.problems:
        # By a line's number the host is found again: a faulty one must not keep the others out of the sheet.
        faulty = _named(rows.problems, text, hosts)
        return faulty or list(hosts)
    back = {entry.name: entry for entry in rows.finish()}
    return [
        name
        for name, (variables, groups) in hosts.items()
        if name not in back or back[name].variables != variables or sorted(back[name].groups) != groups
    ]


def _named(problems: list[Any], text: str, hosts: Mapping[str, Any]) -> list[str]:
    reader = csv.reader(io.StringIO(text, newline=""))
    line, host, owners = 1, "", {}
    for cells in reader:
        host = cells[0] or host
        owners[f"{SHEET} line {line}"] = host
        line = reader.line_num + 1
    return [name for name in dict.fromkeys(owners.get(problem.where, "") for problem in problems) if name in hosts]
