# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fit a neutral phone to what its vendor and model can do, and say what had to be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fit_items import ITEM_OPTIONS, leave_out, shorten
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone, model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown

_AREAS = {"line": "line keys", "soft": "soft keys", "memory": "memory keys"}
_LINE_VALUES = ("transport", "dtmf", "srtp")


def fit(phone: Phone, pack: Pack, model: Model) -> tuple[Phone, list[str]]:
    """Return the phone as this model can be, and a sentence for everything left out.

    What is left out is set to None (or taken off its list), so that templates need not ask again.
    """
    result = dict(phone)
    notes: list[str] = []
    _fit_lines(result, pack, model, notes)
    _fit_keys(result, pack, model, notes)
    _fit_values(result, pack, model, notes)
    _fit_lists(result, pack, model, notes)
    _fit_depending(result, pack, notes)
    for name, most in (model.lengths or {}).items():
        notes += shorten(result, *name.split("."), most)
    # Keys know the pickup code of their line, so theirs are looked at before that is taken away.
    for name in sorted([*pack.data["unsupported"], *(model.unsupported or ())], key=lambda name: not name.startswith("keys.")):
        if name in ITEM_OPTIONS:
            notes += leave_out(result, *name.split("."), phone)
            continue
        if _get(result, name) not in (None, [], {}, "", _default(name)):
            notes.append(f"phone_{name} has no counterpart, left out")
        _set(result, name, None)
        if name == "dialplan":
            # Lines have inherited it by now, or have one of their own.
            own = [str(line["index"]) for line in result["lines"] if line["dialplan"] not in (None, phone["dialplan"])]
            notes += [f"dialplan of line {', '.join(own)} has no counterpart, left out"] if own else []
            result["lines"] = [{**line, "dialplan": None} for line in result["lines"]]
    return result, [f"{pack.vendor} {phone['model']}: {note}" for note in notes]


def _fit_lines(phone: Phone, pack: Pack, model: Model, notes: list[str]) -> None:
    lines = phone["lines"]
    if len(lines) > model.lines:
        numbers = ", ".join(str(line["index"]) for line in lines[model.lines :])
        notes.append(f"{model.lines} lines on the phone, line {numbers} left out")
        lines = lines[: model.lines]
    done = []
    for line in lines:
        line = dict(line)
        for name in _LINE_VALUES:
            table = pack.values.get(name)
            if table is not None and line[name] not in table and line[name] is not None:
                notes.append(f"line {line['index']}: {name} {line[name]} has no counterpart, left out")
                line[name] = None
        for server in line["servers"]:
            table = pack.values.get("transport")
            if table is not None and server["transport"] not in table:
                notes.append(
                    f"line {line['index']}: transport {server['transport']} of server {server['host']} has no counterpart, line's own taken"
                )
        most = model.servers_per_line or pack.data.get("servers_per_line", 2)
        if len(line["servers"]) > most:
            notes.append(f"line {line['index']}: {most} SIP servers a line, {line['servers'][most]['host']} left out")
            line["servers"] = line["servers"][:most]
        if (pack.data.get("one_transport") or model.one_transport) and line["servers"]:
            first = line["servers"][0]["transport"]
            # Else the line's own is taken, which is told.
            if first in pack.values.get("transport", (first,)):
                line["transport"] = first
                if len({server["transport"] for server in line["servers"]}) > 1:
                    notes.append(f"line {line['index']}: one transport for all SIP servers of a line, {first} taken")
        done.append(line)
    registered = [line for line in done if line["enabled"]]
    for name in model.one_for_lines or pack.data.get("one_for_lines") or ():
        if any(line[name] != registered[0][name] for line in registered):
            notes.append(f"{name} differs between lines, and the phone has it once")
    if pack.data.get("servers_take_lines"):
        free = model.lines - len(done)
        for line in done:
            if len(line["servers"]) - 1 > free:
                notes.append(
                    f"line {line['index']}: {model.lines} lines on the phone, none is free for SIP server {line['servers'][1]['host']}"
                )
                line["servers"] = line["servers"][:1]
            free -= max(len(line["servers"]) - 1, 0)
    phone["lines"] = done


def _fit_keys(phone: Phone, pack: Pack, model: Model, notes: list[str]) -> None:
    kept = []
    left: dict[str, list[str]] = {}  # reason -> keys, so that one sentence tells of all keys with the same fate
    for key in phone["keys"]:
        reason = _key_fault(key, phone, pack, model)
        if reason:
            if not key["implied"]:
                left.setdefault(reason, []).append(str(key["position"]))
            continue
        key = dict(key)
        key["code"] = key["code"] if key["type"] == "custom" else pack.key_types[key["type"]]
        key["pickup"] = key["pickup"] or (phone["lines"][key["line"] - 1]["pickup_code"] if phone["lines"] else None) or ""
        kept.append(key)
    notes += [f"{reason}, key {', '.join(positions)} not placed" for reason, positions in left.items()]
    phone["keys"] = kept
    taken = {key["position"] for key in kept if key["area"] == "line"}
    phone["free_keys"] = [position for position in range(1, model.keys.get("line", 0) + 1) if position not in taken]


def _key_fault(key: dict[str, Any], phone: Phone, pack: Pack, model: Model) -> str:
    """Return why a key can't be placed, empty when it can."""
    if key["module"] > model.modules:
        return f"{model.modules or 'no'} expansion modules on the phone, module {key['module']} is asked for"
    if key["module"]:
        if key["position"] > model.module_keys:
            return f"{model.module_keys} keys on an expansion module"
    elif key["position"] > model.keys.get(key["area"], 0):
        return f"{model.keys.get(key['area'], 0) or 'no'} {_AREAS[key['area']]} on the phone"
    if key["type"] != "custom" and (key["type"] not in pack.key_types or key["type"] in model.lacks.get("key_types", frozenset())):
        return f"key type {key['type']} has no counterpart"
    if key["line"] > max(len(phone["lines"]), 1):
        return f"line {key['line']} is not on the phone"
    return ""


def _fit_values(phone: Phone, pack: Pack, model: Model, notes: list[str]) -> None:
    for name, table in pack.values.items():
        value = _get(phone, name)
        if value is None:
            continue
        lacks = model.lacks.get(name, frozenset())
        if isinstance(value, list):
            left = [item for item in value if item not in table or item in lacks]
            # Nobody asked for what is there by default.
            notes += [f"{name} {item} has no counterpart, left out" for item in left if value != _default(name)]
            _set(phone, name, [item for item in value if item not in left])
        elif value not in table or value in lacks:
            # A regional language falls back to the language itself.
            wider = re.split("[_-]", value)[0] if isinstance(value, str) else value
            regional = value.replace("-", "_") if isinstance(value, str) else value
            chosen = next((word for word in (regional, wider) if word in table and word not in lacks), None)
            if chosen is None:
                notes.append(f"{name} {value} has no counterpart, the phone's default stays")
            _set(phone, name, chosen)
    for name, values in model.lacks.items():
        value = phone.get(name)
        if name not in pack.values and isinstance(value, int | str) and value in values:
            notes.append(f"{name} {value} has no counterpart, the phone's default stays")
            phone[name] = None


def _fit_lists(phone: Phone, pack: Pack, model: Model, notes: list[str]) -> None:
    """Cut lists to what the vendor or the model has places for."""
    # Books beyond a phone's places are merged into the last one, so only a phone without any place loses them.
    none = {} if pack.data.get("phonebook") else {"phonebooks": 0}
    for name, most in {**none, **(model.limits or {})}.items():
        asked = len(phone[name] or ())
        most = len(phone["lines"]) if most == "lines" else most
        if asked > most:
            notes.append(f"phone_{name}: {most or 'none'} on the phone, {asked} asked for, the last {asked - most} left out")
            phone[name] = phone[name][:most]


def _fit_depending(phone: Phone, pack: Pack, notes: list[str]) -> None:
    """Leave out what means nothing to the vendor's phones without something else."""
    for name, other in (pack.data.get("depends") or {}).items():
        if _get(phone, name) not in (None, {}) and _get(phone, other) is None:
            notes.append(f"phone_{name} works with phone_{other} only, left out")
            _set(phone, name, None)


def _get(phone: Phone, name: str) -> Any:
    """Return a variable, or one option of a dictionary: ``ldap.tls``."""
    outer, _dot, option = name.partition(".")
    value = phone.get(outer)
    return (value or {}).get(option) if option else value


def _set(phone: Phone, name: str, value: Any) -> None:
    """Set what _get() returns, leaving dictionaries that phones share as they are."""
    outer, _dot, option = name.partition(".")
    if not option:
        phone[outer] = value
    elif phone.get(outer):
        phone[outer] = {**phone[outer], option: value}


def _default(name: str) -> Any:
    outer, _dot, option = name.partition(".")
    spec = model_specs()[f"phone_{outer}"]
    default = (spec["options"][option] if option else spec).get("default")
    # An empty dictionary stands for its options' defaults.
    return {name: inner.get("default") for name, inner in spec["options"].items()} if default == {} and not option else default


def refusals(phone: Phone, pack: Pack) -> list[Problem]:
    """Return what the pack's syntax can't carry: values that match one of its ``refused`` rules.

    A rule is a dictionary: ``pattern`` (searched in the value), ``why``, and optionally ``only`` (a pattern of variable names such as
    ``phone_lines\\[.*\\.password``). Raw ``phone_parameters`` are the operator's own words and are not looked at.
    """
    if not pack.refusal_rules:
        return []
    found = []
    for name, value in phone.items():
        if name in ("parameters", "host"):
            continue
        for where, text, secret in _texts(f"phone_{name}", value):
            for pattern, only, why in pack.refusal_rules:
                if pattern.search(text) and (only is None or only.fullmatch(where)):
                    got = "its value" if secret else shown(text)
                    found.append(Problem(f"{phone['host']}: {where}", f"{got} {why}"))
    return found


def _texts(where: str, value: Any) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, str):
        yield where, value, "password" in where
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(f"{where}.{name}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(f"{where}[{index}]", item)
