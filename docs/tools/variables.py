# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/variables.md from the phone model and the roles' argument specs: `python docs/tools/variables.py [--check]`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
TARGET = TOP / "docs" / "variables.md"
HEAD = """# Variables

Written from `templates/phone_model.yml` and the roles' `meta/argument_specs.yml` by `make docs`; edit those, not this.

## Phones

A phone is an inventory host in the group `phones`. Every variable may stand at any level of groups; Ansible's precedence decides. Helper variables of your
own start with `_phone_`. A default of *none* leaves the phone's own setting alone. Accounts of redirect services (`phone_redirect_accounts`) are described in
[redirect services](redirect.md#accounts-in-the-inventory).

"""
ROLES = ("provisioning_server", "phone_configs", "phone_redirect", "phone_resync", "dhcp_options", "fleet_report")


def plain(text: object) -> str:
    """Return a description without Ansible's markup, on one line and safe in a table cell."""
    words = " ".join(text) if isinstance(text, list) else str(text or "")
    words = re.sub(r"\b[OCV]\(([^)]*(?:\([^)]*\))?[^)]*)\)", r"`\1`", " ".join(words.split()))
    return re.sub(r"\bM\(([^)]*)\)", r"`\1`", words).replace("|", "\\|")


def shape(spec: dict[str, Any]) -> str:
    """Return the type of a variable as a reader wants it."""
    kind = spec["type"]
    if kind in ("enum", "str") and spec.get("choices"):
        return " / ".join(f"`{choice}`" for choice in spec["choices"])
    if kind == "list":
        elements = spec.get("elements")
        inner = elements.get("type", "") if isinstance(elements, dict) else elements or ""
        return f"list of {inner}" if inner else "list"
    bounds = f" {spec['min']}–{spec['max']}" if "min" in spec and "max" in spec else ""
    return (
        {"text": "text", "str": "string", "bool": "true / false"}.get(kind, kind) + bounds + (f" {spec['unit']}" if "unit" in spec else "")
    )


def default(spec: dict[str, Any]) -> str:
    if spec.get("required"):
        return "**required**"
    value = spec.get("default")
    return "none" if value is None else f"`{value if isinstance(value, str) and value else json.dumps(value)}`".replace("|", "\\|")


def rows(specs: dict[str, dict[str, Any]], prefix: str = "") -> list[str]:
    lines = []
    for name, spec in specs.items():
        lines.append(f"| `{prefix}{name}` | {shape(spec)} | {default(spec)} | {plain(spec.get('description', ''))} |")
        elements = spec.get("elements")
        options = spec.get("options") or (elements.get("options") if isinstance(elements, dict) else None)
        if options:
            lines += rows(options, f"{prefix}{name}{'[]' if spec['type'] == 'list' else ''}.")
    return lines


def table(specs: dict[str, dict[str, Any]]) -> str:
    return "\n".join(["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *rows(specs)]) + "\n"


def page() -> str:
    """Return the whole page."""
    with (TOP / "templates" / "phone_model.yml").open(encoding="utf-8") as file:
        text = HEAD + table(yaml.safe_load(file))
    for role in ROLES:
        with (TOP / "roles" / role / "meta" / "argument_specs.yml").open(encoding="utf-8") as file:
            entries = yaml.safe_load(file)["argument_specs"]
        for entry in entries.values():
            text += f"\n## Role `{role}`\n\n{plain(entry.get('short_description', ''))}\n\n{table(entry['options'])}"
    return text


def main() -> int:
    text = page()
    if "--check" in sys.argv:
        if not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != text:
            print("docs/variables.md is not what the specs say: make docs", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
