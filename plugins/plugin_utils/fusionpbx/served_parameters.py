# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of a phone's files, whatever program wrote them: lines of ``name = value``, or XML of any vendor's kind."""

from __future__ import annotations

import re
from xml.etree import ElementTree

# "name = value", 'name: value' and "NAME="value""; a line that begins as a comment is none.
_PAIR = re.compile(r"\s*(?:set\s+)?[\"']?([A-Za-z0-9_%][\w.\-%@$/\[\] ]*?)[\"']?[!&*?#$]{0,2}\s*[=:]\s?(.*)")
_COMMENTS = ("#", ";", "//", "<", "!")
_NAMING = ("idx", "index", "id", "name", "key", "para", "param")
_VALUES = frozenset({"value", "v"})
_FLAGS = frozenset({"perm", "encrypted", "override"})
_MOST = 20000


def parameters_of(data: bytes) -> dict[str, str] | None:
    """Return the parameters of one file, None where it is neither: a firmware, an image, a page that says no."""
    if b"\0" in data[:1024]:
        return None
    text = data.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("<") and not text.startswith("<<"):
        return _of_xml(text)
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for line in text.splitlines():
        if line.lstrip().startswith(_COMMENTS):
            continue
        match = _PAIR.fullmatch(line.rstrip())
        if match and len(found) < _MOST:
            _put(found, seen, match[1], _unquoted(match[2].strip()))
    return found or None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _of_xml(text: str) -> dict[str, str] | None:
    # Entities are no part of any phone's configuration, and a way to make a small file a huge one.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        # As text: what it declares of its encoding may be wrong, or none.
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        return None
    if root.tag.lower() in ("html", "error"):
        return None
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for element in root.iter():
        if len(found) >= _MOST:
            break
        tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "?"
        naming = {name: element.attrib[name] for name in _NAMING if name in element.attrib}
        others = {name: text for name, text in element.attrib.items() if name not in naming}
        value = (element.text or "").strip()
        if naming and set(others) & _VALUES:
            # <param name="…" value="…"/>: the element is a parameter of another name.
            _put(found, seen, ".".join(naming.values()), next(text for name, text in others.items() if name in _VALUES))
            continue
        name = tag + "".join(f"[{text}]" for text in naming.values() if text != tag)
        if value or (not len(element) and not others and element is not root):
            _put(found, seen, name, value)
        for attribute, text_of_it in others.items():
            # Polycom's parameters are attributes with dots in their names; flags such as perm say how a value holds, not what it is.
            if "." in attribute or (not value and attribute not in _FLAGS):
                _put(found, seen, attribute if "." in attribute else f"{name}@{attribute}", text_of_it)
    return found or None


def _put(found: dict[str, str], seen: dict[str, int], name: str, value: str) -> None:
    """Note a parameter; one that stands there again is counted, as members of lists are."""
    seen[name] = count = seen.get(name, 0) + 1
    found[name if count == 1 else f"{name}#{count}"] = value
