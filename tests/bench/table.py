# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's table, from its result."""

from __future__ import annotations

import math
from typing import Any

# What is told of a fleet, how it is computed, and what is wanted of 10,000 phones.
_RATIOS = (
    ("whole run, render only, over the limit", lambda one: one["check_s"] / one["limit_s"], "<= 3"),
    ("render action alone, over the limit", lambda one: one["check_action_s"] / one["limit_s"], "<= 2"),
    ("whole run with first publish, over the limit", lambda one: one["first_s"] / one["limit_s"], "<= 5"),
    ("  in processor time: render only", lambda one: one["check_cpu_s"] / one["limit_cpu_s"], "<= 3"),
    ("  in processor time: action alone", lambda one: one["check_action_cpu_s"] / one["limit_cpu_s"], "<= 2"),
    ("  in processor time: first publish", lambda one: one["first_cpu_s"] / one["limit_cpu_s"], "<= 5"),
    ("nothing changed, share of the full run", lambda one: one["rerun_s"] / one["first_s"], "<= 0.3"),
    ("one phone changed, share of the full run", lambda one: one["one_s"] / one["first_s"], "<= 0.35"),
    ("  in processor time: nothing changed", lambda one: one["rerun_cpu_s"] / one["first_cpu_s"], "<= 0.3"),
    ("  in processor time: one phone changed", lambda one: one["one_cpu_s"] / one["first_cpu_s"], "<= 0.35"),
    ("peak memory over parsing alone", lambda one: one["first_mb"] / one["start_mb"], "<= 1.3 at 50,000"),
    ("  nothing changed", lambda one: one["rerun_mb"] / one["start_mb"], ""),
)
_TIMES = (
    ("the limit: plain Jinja2, files written", "limit_s"),
    ("  of it: layouts of parameter lists", "layout_s"),
    ("start and inventory (an empty play)", "start_s"),
    ("whole run, render only", "check_s"),
    ("  of it: the action", "check_action_s"),
    ("whole run with first publish", "first_s"),
    ("nothing changed", "rerun_s"),
    ("one phone changed", "one_s"),
    ("processor time: the limit", "limit_cpu_s"),
    ("  start and inventory", "start_cpu_s"),
    ("  whole run, render only", "check_cpu_s"),
    ("  whole run with first publish", "first_cpu_s"),
    ("  nothing changed", "rerun_cpu_s"),
    ("  one phone changed", "one_cpu_s"),
)
STEPS = (
    "variables",
    "digest",
    "build",
    "fit and check",
    "gate record",
    "render",
    "compare",
    "transfer",
    "status",
    "apply",
    "other",
)


def exponent(small: dict[str, Any], large: dict[str, Any], name: str) -> float:
    """Return by which power of the number of phones a time grows."""
    return math.log(large[name] / small[name]) / math.log(large["phones"] / small["phones"])


def rows(result: dict[str, Any]) -> list[list[str]]:
    """Return the cells of the table."""
    sizes = result["sizes"]
    lines = [["", *(f"{one['phones']:,} phones" for one in sizes), "wanted"]]
    lines += [[name, *(f"{of(one):.2f}" for one in sizes), wanted] for name, of, wanted in _RATIOS]
    for name, key in (
        ("growth exponent, whole run with publish", "first_s"),
        ("  in processor time", "first_cpu_s"),
        ("growth exponent, the action", "check_action_s"),
        ("  in processor time", "check_action_cpu_s"),
    ):
        grown = [f"{exponent(small, large, key):.2f}" for small, large in zip(sizes, sizes[1:], strict=False)]
        lines.append([name, "", *grown, "<= 1.05"])
    for name, key, suffix in (
        ("a file by ansible.builtin.template", "per_file_ms", "s"),
        ("  in processor time", "per_file_cpu_ms", "cpu_s"),
    ):
        template = result["template"][key]
        for whose, kind, wanted in (("over ours", "check", ">= 1,000"), ("over the limit's", "limit", "")):
            cells = [f"{template / (one[f'{kind}_{suffix}'] * 1000 / one['files']):,.0f}" for one in sizes]
            lines.append([f"{name}, {whose}", *cells, wanted])
    lines.append(["files that differ from plain Jinja2's", *(f"{one['differing_count']} of {one['files']:,}" for one in sizes), "0"])
    if any("database" in one for one in sizes):
        # A skipped one has no ratio.
        found = [one.get("database", {}).get("ratio") for one in sizes]
        lines.append(
            ["loading from FusionPBX's database, over the sheet", *("" if ratio is None else f"{ratio:.2f}" for ratio in found), "<= 1.5"]
        )
    read, by = result["read"], result["template"]
    lines.append(
        [
            f"values that differ from Templar's: {len(read['differing'])} hosts; files from template's: {len(by['differing'])} of {by['files']}"
        ]
    )
    lines.append(["milliseconds a phone:"])
    lines += [[name, *(f"{one[key] * 1000 / one['phones']:.2f}" for one in sizes)] for name, key in _TIMES]
    for title, key in (("the action's steps, first publish:", "steps_first"), ("the action's steps, nothing changed:", "steps_rerun")):
        lines.append([title])
        lines += [
            [f"  {step}", *(f"{one[key].get(step, 0.0) * 1000 / one['phones']:.2f}" for one in sizes if key in one)] for step in STEPS
        ]
    lines.append(["peak memory, MB: parsing alone", *(f"{one['start_mb']:.0f}" for one in sizes)])
    lines.append(["peak memory, MB: nothing changed", *(f"{one['rerun_mb']:.0f}" for one in sizes)])
    lines.append(["peak memory, MB: first publish", *(f"{one['first_mb']:.0f}" for one in sizes)])
    return lines


def text(result: dict[str, Any]) -> str:
    """Return the table as text."""
    lines = rows(result)
    wide = [max(len(line[column]) for line in lines if len(line) > max(column, 1)) for column in range(len(lines[0]))]
    shown = [
        "  ".join(cell.ljust(wide[column]) if column == 0 else cell.rjust(wide[column]) for column, cell in enumerate(line)).rstrip()
        for line in lines
    ]
    return "\n".join([result["machine"], "", *shown])
