# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the README's table of vendors from the packs: `python docs/tools/vendors.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
TARGET = TOP / "README.md"
BEGIN, END = "<!-- vendors: written by make docs -->\n", "<!-- end of vendors -->\n"


def table() -> str:
    lines = ["| vendor | pack | model families | one-time URL | how well proven |", "| --- | --- | --- | --- | --- |"]
    for file in sorted((TOP / "templates").glob("*/pack.yml")):
        with file.open(encoding="utf-8") as stream:
            pack = yaml.safe_load(stream)
        golden = TOP / "tests" / "unit" / "packs" / "golden" / file.parent.name
        reviewed = len(list(golden.glob("*.txt")))
        once = "yes" if pack.get("handover", "home") == "home" else "no: set up by hand or on the LAN"
        lines.append(
            f"| {pack['title']} | `{file.parent.name}` | {len(pack['models'])} | {once} | {pack['status']}; {reviewed} reviewed renderings |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    text = TARGET.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    fresh = before + BEGIN + table() + END + after
    if "--check" in sys.argv:
        if fresh != text:
            print("README.md: the table of vendors is not what the packs say: make docs", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
