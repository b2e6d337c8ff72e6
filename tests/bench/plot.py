# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's plot: bars of milliseconds a phone, by kind of run and size of fleet, with the limit as a line."""

from __future__ import annotations

from typing import Any

_RUNS = (
    ("render only", "check_cpu_s"),
    ("first publish", "first_cpu_s"),
    ("nothing changed", "rerun_cpu_s"),
    ("one phone changed", "one_cpu_s"),
)
_COLOURS = ("#4e79a7", "#f28e2b", "#76b7b2")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 760, 360, 56, 300, 40


def draw(result: dict[str, Any]) -> str:
    """Return the plot as SVG."""
    sizes = result["sizes"]
    highest = max(one[key] * 1000 / one["phones"] for one in sizes for _name, key in _RUNS if key in one)
    scale = (_BOTTOM - _TOP) / (highest * 1.1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">Milliseconds of processor time a phone, whole ansible-playbook runs; dashes: plain Jinja2 alone</text>',
    ]
    for tick in range(0, int(highest * 1.1) + 1):
        y = _BOTTOM - tick * scale
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
    group = (_WIDTH - _LEFT - 20) / len(_RUNS)
    width = group * 0.8 / len(sizes)
    for place, (name, key) in enumerate(_RUNS):
        left = _LEFT + place * group + group * 0.1
        parts.append(f'<text x="{left + group * 0.4:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{name}</text>')
        for number, one in enumerate(sizes):
            if key not in one:
                continue  # a run that was cut short
            value, limit = one[key] * 1000 / one["phones"], one.get("limit_cpu_s", 0.0) * 1000 / one["phones"]
            x, colour = left + number * width, _COLOURS[number % len(_COLOURS)]
            parts.append(
                f'<rect x="{x:.1f}" y="{_BOTTOM - value * scale:.1f}" width="{width - 3:.1f}" height="{value * scale:.1f}" fill="{colour}"/>'
            )
            parts.append(f'<text x="{x + width / 2 - 1:.1f}" y="{_BOTTOM - value * scale - 4:.1f}" text-anchor="middle">{value:.2f}</text>')
            # A fleet whose limit was not measured has no line.
            if limit:
                y = _BOTTOM - limit * scale
                parts.append(
                    f'<line x1="{x:.1f}" x2="{x + width - 3:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="black" stroke-dasharray="4 3"/>'
                )
    for number, one in enumerate(sizes):
        x = _LEFT + number * 150
        parts.append(f'<rect x="{x}" y="{_BOTTOM + 34}" width="12" height="12" fill="{_COLOURS[number % len(_COLOURS)]}"/>')
        parts.append(f'<text x="{x + 18}" y="{_BOTTOM + 44}">{one["phones"]:,} phones</text>')
    return "\n".join([*parts, "</svg>", ""])
