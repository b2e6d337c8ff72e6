# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a phone's lines, keys and paging groups that its vendor has no counterpart or no place for: ``lines.auto_answer``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone, model_specs

# What a line takes from the variable of the same name where it has none of its own, and what is told there already, or known to the vendor there.
_INHERITED = ("dialplan", "pickup_code")


def leave_out(phone: Phone, outer: str, option: str, given: Phone) -> Iterator[str]:
    """Take an option off all items of a list, and give a sentence that names those which asked for it.

    :param given: the phone as the inventory has it, with the variables that were left out by now.
    """
    asks, kind = _KINDS[outer]
    default = model_specs()[f"phone_{outer}"]["elements"]["options"][option].get("default")
    items = phone[outer] or []
    asking = [
        _number(item, place) for place, item in enumerate(items, 1) if item[option] not in (None, "", default) and asks(given, item, option)
    ]
    if asking:
        yield f"{option} of {kind} {', '.join(asking)} has no counterpart, left out"
    phone[outer] = [{**item, option: default} for item in items]


def shorten(phone: Phone, outer: str, option: str, most: int) -> Iterator[str]:
    """Cut an option of all items of a list to the characters that the phone has place for, and tell whose was cut."""
    asks, kind = _KINDS[outer]
    items = phone[outer] or []
    cut = [_number(item, place) for place, item in enumerate(items, 1) if len(item[option] or "") > most and asks(phone, item, option)]
    if cut:
        yield f"{option} of {kind} {', '.join(cut)}: {most} characters on the phone, the rest left out"
    phone[outer] = [{**item, option: item[option][:most]} if item[option] else item for item in items]


def _number(item: dict[str, Any], place: int) -> str:
    return str(item.get("index") or item.get("position") or place)


def _line_asks(phone: Phone, line: dict[str, Any], option: str) -> bool:
    """Tell whether the inventory wants this of the line, rather than having it filled in."""
    if option in ("label", "name"):
        return line[option] not in (line["number"], line["name" if option == "label" else "label"])
    if option == "expires":
        return line["expires"] != model_specs()["phone_sip_expires"]["default"]
    if option == "redundancy":
        return len(line["servers"]) > 1
    return option not in _INHERITED or line[option] != phone[option]


def _key_asks(phone: Phone, key: dict[str, Any], option: str) -> bool:
    if key["implied"]:
        return False
    lines = phone["lines"]
    return option != "pickup" or not lines or key["pickup"] != lines[key["line"] - 1]["pickup_code"]


def _group_asks(phone: Phone, group: dict[str, Any], option: str) -> bool:
    return True


_KINDS: dict[str, tuple[Callable[[Phone, dict[str, Any], str], bool], str]] = {
    "lines": (_line_asks, "line"),
    "keys": (_key_asks, "key"),
    "paging": (_group_asks, "paging group"),
}
# What a pack may list: an option as the inventory knows it.
ITEM_OPTIONS = {f"{outer}.{option}" for outer in _KINDS for option in model_specs()[f"phone_{outer}"]["elements"]["options"]}
