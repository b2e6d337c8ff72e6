# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameter lists as nested XML, for vendors whose settings are a tree.

A name is a path of elements: ``sip/line[2]/PhoneNumber`` stands in ``<sip><line index="2"><PhoneNumber>``. Wherever a name stands in the list,
each element is opened once, so raw parameters at the end of the list land among their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

_STEP = re.compile(r"(?P<tag>[A-Za-z_][A-Za-z0-9_.-]*)(?:\[(?P<index>[A-Za-z0-9_-]+)\])?")


class TreeError(ValueError):
    """A parameter has no place in the tree; the message is a clause without its value."""


def write_tree(parameters: Iterable[tuple[str, str]], layout: Mapping[str, Any]) -> str:
    """Write a parameter list as nested XML.

    :param layout: ``root`` (name of the outermost element), ``index`` (attribute that holds the number in brackets, ``index`` by default; or a
        dictionary of attributes by element, where an empty one means that the number only tells elements apart).
    :raises TreeError: a name is no path of elements, or stands for a value and for a branch at once.
    """
    tree: dict[str, Any] = {}
    for name, value in parameters:
        *branch, leaf = name.split("/")
        place = tree
        for step in branch:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise TreeError(f"parameter {name} goes through {step}, which has a value of its own")
        values = place.setdefault(leaf, [])
        if not isinstance(values, list):
            raise TreeError(f"parameter {name} has a value, but other parameters go through it")
        values.append(value)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write(lines, layout["root"], tree, layout.get("index", "index"), "")
    return "\n".join(lines) + "\n"


def _write(lines: list[str], step: str, content: dict[str, Any] | list[str], index: str | Mapping[str, str], indent: str) -> None:
    found = _STEP.fullmatch(step)
    if not found:
        raise TreeError(f"{step!r} is no name of an element with an optional [number]")
    tag = found["tag"]
    attribute = index if isinstance(index, str) else index.get(tag, "index")
    start = f'{tag} {attribute}="{found["index"]}"' if found["index"] and attribute else tag
    if isinstance(content, list):
        lines += [f"{indent}<{start}>{escape(value)}</{tag}>" for value in content]
        return
    lines.append(f"{indent}<{start}>")
    for name, inner in content.items():
        _write(lines, name, inner, index, indent + " ")
    lines.append(f"{indent}</{tag}>")
