# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One line in somebody else's ``kea-dhcp4.conf``: the directive that includes our client classes.

The file belongs to whoever runs the DHCP server: JSON with comments, order and layout that mean something to a person. So it is not parsed and
written anew; the place is found in the text, and everything around it stays byte for byte. Taking the line out again gives the same bytes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARK = " /* dialtone.phones */"
# Strings and comments are skipped whole; an include directive is a value like any other.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|#[^\n]*|/\*.*?\*/|<\?include\s+"[^"]*"\s*\?>|[{}\[\]:,]|[^\s"{}\[\]:,/#<]+|\S', re.DOTALL)


class KeaError(ValueError):
    """The text is no configuration of Kea that a line can be put into; one clause."""


class _Token(NamedTuple):
    text: str
    start: int
    end: int


def with_include(text: str, path: str) -> str:
    """Return the configuration with our classes included: at the end of ``client-classes``, or as that list where there is none.

    The classes of the file's owner come first, so that theirs win where both say something. An include of the same path is left as it is.

    :raises KeaError: there is no ``Dhcp4``, or ``client-classes`` is not a list.
    """
    tokens = list(_tokens(text))
    # One that was commented out, or stands in a string, includes nothing.
    if any(token.text == _directive(path) for token in tokens):
        return text
    opening = _value(tokens, 0, "Dhcp4")
    if opening is None or tokens[opening].text != "{":
        raise KeaError("has no Dhcp4 section")
    classes = _value(tokens, opening, "client-classes")
    if classes is None:
        at = tokens[opening].end
        empty = tokens[opening + 1].text == "}" if opening + 1 < len(tokens) else True
        line = f'\n    "client-classes": [ {_directive(path)} ]{"" if empty else ","}{_MARK}'
        return text[:at] + line + text[at:]
    if tokens[classes].text != "[":
        raise KeaError(
            "has client-classes that are not a list in this file (an include, say); put the directive there by hand: " + _directive(path)
        )
    closing = _closing(tokens, classes)
    last = tokens[closing - 1]
    comma = "" if last.text in ("[", ",") else ", "
    return text[: last.end] + _entry(comma, path) + text[last.end :]


def without_include(text: str, path: str) -> str:
    """Return the configuration as it was before :func:`with_include`."""
    directive = re.escape(_directive(path))
    text = re.sub(rf'\n    "client-classes": \[ {directive} \],?{re.escape(_MARK)}', "", text)
    return re.sub(rf"(?:, )?/\* dialtone\.phones \*/ {directive}", "", text)


def _directive(path: str) -> str:
    return f'<?include "{path}"?>'


def _entry(comma: str, path: str) -> str:
    return f"{comma}/* dialtone.phones */ {_directive(path)}"


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        if not found.group().startswith(("//", "#", "/*")):
            yield _Token(found.group(), found.start(), found.end())


def _value(tokens: list[_Token], opening: int, key: str) -> int | None:
    """Return where the value of a key of the object that opens at a token begins."""
    depth = 0
    for number in range(opening, len(tokens)):
        text = tokens[number].text
        if text in "{[":
            depth += 1
        elif text in "}]":
            depth -= 1
            if depth == 0:
                return None
        elif depth == 1 and text == f'"{key}"' and number + 2 < len(tokens) and tokens[number + 1].text == ":":
            return number + 2
    return None


def _closing(tokens: list[_Token], opening: int) -> int:
    depth = 0
    for number in range(opening, len(tokens)):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(tokens[number].text, 0)
        if depth == 0:
            return number
    raise KeaError("ends before its client-classes do")
