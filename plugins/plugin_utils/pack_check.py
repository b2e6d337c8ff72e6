# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what a ``pack.yml`` declares, so that its author reads a sentence and not a traceback.

Only what the code relies on is looked at: a pack may declare whatever else its templates read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.asset_rules import rule_problems
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import HTTP_PASSWORD, HTTP_PASSWORD_LEAST
from ansible_collections.dialtone.phones.plugins.plugin_utils.fit_items import ITEM_OPTIONS
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import did_you_mean, shown

_KINDS = ("device", "common", "phonebook", "resource")
_WORDS = {"mac_case": ("lower", "upper"), "handover": ("home", "none")}
_TEXTS = ("vendor", "title", "status", "user_agent", "claim_path")
_LISTS = (
    *("models", "files", "booleans", "unsupported", "one_for_lines"),
    *("refused", "repeatable", "secret_parameters", "ouis", "vendor_words", "model_names"),
)
_DICTS = (
    *("model_defaults", "values", "key_types", "layouts", "phonebook", "firmware", "boot"),
    *("http_auth", "certificate", "screen_capture", "depends"),
)
_NUMBERS = ("lines", "modules", "module_keys")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)(?::[^{}]*)?\}")


def pack_problems(data: dict[str, Any], folders: Iterable[Path]) -> list[str]:
    """Return what is wrong with a pack's declaration, its defaults filled in; a clause for each.

    :param folders: those of the pack, where its templates are.
    """
    found = [*_shapes(data)]
    if not found:
        templates = {str(file.relative_to(folder)) for folder in folders for file in folder.rglob("*.j2")}
        for check in (_models, _values, _refused, _firmware, _screen_capture, _http_auth, _manual):
            found += check(data)
        found += _files(data, templates)
        found += [*_bootstrap(data)]
    return found


def _shapes(data: dict[str, Any]) -> Iterator[str]:
    for names, kind, wanted in ((_TEXTS, str, "a text"), (_LISTS, list, "a list"), (_DICTS, dict, "a dictionary")):
        for name in names:
            if data.get(name) is not None and not isinstance(data[name], kind):
                yield f"{name}: got {shown(data[name])}, wanted {wanted}"
    for name in ("models", "files"):
        if not data.get(name):
            yield f"{name}: is missing"
    for name, words in _WORDS.items():
        if data.get(name) not in words:
            yield f"{name}: got {shown(data.get(name))}, wanted one of {', '.join(words)}"
    booleans = data.get("booleans")
    if isinstance(booleans, list) and (len(booleans) != 2 or not all(isinstance(word, str) for word in booleans)):
        yield "booleans: wanted two texts, for true and for false"


def _models(data: dict[str, Any]) -> Iterator[str]:
    for number, entry in enumerate([data["model_defaults"], *data["models"]]):
        where = f"models[{number - 1}]" if number else "model_defaults"
        if not isinstance(entry, dict):
            yield f"{where}: got {shown(entry)}, wanted a dictionary"
            continue
        if number:
            yield from _pattern(f"{where}.match", entry.get("match"))
        for name in _NUMBERS:
            value = entry.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                yield f"{where}.{name}: got {shown(value)}, wanted a number"
        keys = entry.get("keys")
        if keys is not None and (not isinstance(keys, dict) or not all(isinstance(count, int) for count in keys.values())):
            yield f"{where}.keys: wanted a dictionary of areas and numbers"
        lacks = entry.get("lacks")
        if lacks is not None and (not isinstance(lacks, dict) or not all(isinstance(items, list) for items in lacks.values())):
            yield f"{where}.lacks: wanted a dictionary of variables and lists"
        yield from _variables(f"{where}.unsupported", entry.get("unsupported"))
        lengths = entry.get("lengths") or {}
        if not isinstance(lengths, dict) or not all(isinstance(most, int) and name in ITEM_OPTIONS for name, most in lengths.items()):
            yield f"{where}.lengths: wanted a dictionary of options such as lines.label, and numbers"
        yield from rule_problems(f"{where}.assets", entry.get("assets"))
    yield from _variables("unsupported", data["unsupported"])
    depends = data.get("depends") or {}
    yield from _variables("depends", [*depends, *depends.values()])
    options = model_specs()["phone_lines"]["elements"]["options"]
    for entry in [data, data["model_defaults"], *data["models"]]:
        for name in (entry.get("one_for_lines") if isinstance(entry, dict) else None) or ():
            if name not in options:
                yield f"one_for_lines: {shown(name)} is no option of lines{did_you_mean(str(name), options)}"
    yield from rule_problems("assets", data.get("assets"))


def _variables(where: str, names: Any) -> Iterator[str]:
    if names is None:
        return
    if not isinstance(names, list):
        yield f"{where}: got {shown(names)}, wanted a list"
        return
    specs = model_specs()
    known = {name.removeprefix("phone_") for name in specs} | ITEM_OPTIONS
    known |= {f"{name.removeprefix('phone_')}.{option}" for name, spec in specs.items() for option in spec.get("options", ())}
    for name in names:
        if name not in known:
            yield f"{where}: {shown(name)} is no variable of phones{did_you_mean(str(name), known)}"


def _values(data: dict[str, Any]) -> Iterator[str]:
    for name, table in data["values"].items():
        if not isinstance(table, dict):
            yield f"values.{name}: got {shown(table)}, wanted a dictionary"


def _refused(data: dict[str, Any]) -> Iterator[str]:
    yield from _rules("refused", data["refused"])


_STEP = ("at", "enter", "do")
_SHEET_WORDS = ("url", "bare", "scheme", "SCHEME", "user", "password", "rule")


def _manual(data: dict[str, Any]) -> Iterator[str]:
    """What sheets are made of."""
    manual = data.get("manual")
    if manual is None:
        return
    if not isinstance(manual, dict) or not isinstance(manual.get("steps"), list):
        yield "manual: wanted a dictionary with steps, a list"
        return
    for number, step in enumerate(manual["steps"]):
        where = f"manual.steps[{number}]"
        if not isinstance(step, dict) or not set(step) <= set(_STEP) or not isinstance(step.get("enter") or {}, dict):
            yield f"{where}: wanted a dictionary of {', '.join(_STEP)}"
            continue
        for field, value in (step.get("enter") or {}).items():
            if not isinstance(value, str):
                yield f"{where}.enter.{field}: got {shown(value)}, wanted a text (quote it)"
                continue
            for word in _PLACEHOLDER.findall(value):
                if word not in _SHEET_WORDS:
                    yield f"{where}.enter.{field}: {{{word}}} is none of {', '.join(_SHEET_WORDS)}"


def _rules(name: str, rules: Any) -> Iterator[str]:
    if not isinstance(rules, list):
        yield f"{name}: got {shown(rules)}, wanted a list"
        return
    for number, rule in enumerate(rules):
        where = f"{name}[{number}]"
        if not isinstance(rule, dict) or not isinstance(rule.get("why"), str):
            yield f"{where}: wanted a dictionary of pattern, why and only"
            continue
        yield from _pattern(f"{where}.pattern", rule.get("pattern"))
        if rule.get("only") is not None:
            yield from _pattern(f"{where}.only", rule["only"])


def _screen_capture(data: dict[str, Any]) -> Iterator[str]:
    rule = data.get("screen_capture") or {}
    paths = rule.get("path") or []
    if not all(isinstance(path, str) and path.startswith("/") for path in ([paths] if isinstance(paths, str) else paths)):
        yield "screen_capture.path: wanted a path that begins with a slash, or a list of them"
    if rule.get("models") is not None:
        yield from _pattern("screen_capture.models", rule["models"])


def _firmware(data: dict[str, Any]) -> Iterator[str]:
    rule = data.get("firmware")
    if rule:
        if not isinstance(rule.get("default"), int):
            yield f"firmware.default: got {shown(rule.get('default'))}, wanted a number"
        if rule.get("pattern") is not None:
            yield from _pattern("firmware.pattern", rule["pattern"])


def _http_auth(data: dict[str, Any]) -> Iterator[str]:
    rule = data.get("http_auth") or {}
    length = rule.get("password_length", HTTP_PASSWORD)
    if not isinstance(length, int) or isinstance(length, bool) or not HTTP_PASSWORD_LEAST <= length <= HTTP_PASSWORD:
        yield f"http_auth.password_length: got {shown(length)}, wanted a number from {HTTP_PASSWORD_LEAST} to {HTTP_PASSWORD}"
    if not isinstance(rule.get("prompts", False), bool):
        yield f"http_auth.prompts: got {shown(rule['prompts'])}, wanted true or false"


def _files(data: dict[str, Any], templates: set[str]) -> Iterator[str]:
    attributes = {name for entry in [data["model_defaults"], *data["models"]] if isinstance(entry, dict) for name in entry}
    for number, entry in enumerate(data["files"]):
        where = f"files[{number}]"
        if not isinstance(entry, dict):
            yield f"{where}: got {shown(entry)}, wanted a dictionary"
            continue
        # A file that needs an attribute is none of a model's without it.
        yield from _name(f"{where}.name", entry.get("name"), attributes | {str(entry.get("needs"))})
        if entry.get("kind", "device") not in _KINDS:
            yield f"{where}.kind: got {shown(entry['kind'])}, wanted one of {', '.join(_KINDS)}"
        if entry.get("models") is not None:
            yield from _pattern(f"{where}.models", entry["models"])
        yield from _template(f"{where}.template", entry.get("template"), templates)
        if entry.get("pinned") and (not entry.get("template") or not re.fullmatch(r".*\.[A-Za-z0-9]+", str(entry.get("name")))):
            yield f"{where}.pinned: wanted a file with a template and a suffix"
        layout = entry.get("layout")
        if layout is not None and layout not in data["layouts"]:
            yield f"{where}.layout: {shown(layout)} is not under layouts{did_you_mean(str(layout), map(str, data['layouts']))}"
    for name, layout in data["layouts"].items():
        if not isinstance(layout, dict):
            yield f"layouts.{name}: got {shown(layout)}, wanted a dictionary"
        else:
            yield from _template(f"layouts.{name}.template", layout.get("template"), templates)
    book = data.get("phonebook")
    if book:
        yield from _name("phonebook.file", book.get("file"), attributes | {"book"})
        if book.get("template") is None:
            yield "phonebook.template: is missing"
        yield from _template("phonebook.template", book.get("template"), templates)
        yield from _template("phonebook.menu", book.get("menu"), templates)
        for name in ("entries", "pages", "numbers", "books"):
            value = book.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                yield f"phonebook.{name}: got {shown(value)}, wanted a number from 1"
        if book.get("pages", 1) > 1 and not book.get("entries"):
            yield "phonebook.pages: wants entries, how many are on a page"
        if book.get("unique") and not book.get("flat"):
            yield "phonebook.unique: wants flat, an entry for each number"
        schemes = book.get("auth", [])
        if not isinstance(schemes, list) or not set(map(str, schemes)) <= {"basic", "digest"}:
            yield f"phonebook.auth: got {shown(schemes)}, wanted a list of basic and digest"
        yield from _rules("phonebook.refused", book.get("refused") or [])


def _name(where: str, name: Any, attributes: set[str]) -> Iterator[str]:
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(_PLACEHOLDER.sub("0", name)):
        yield f"{where}: {shown(name)} is not usable as a file name (letters, digits, dots, dashes, underscores)"
        return
    for word in _PLACEHOLDER.findall(name):
        if word not in attributes | {"mac", "MAC", "model", "MODEL"}:
            yield f"{where}: {{{word}}} is neither mac, MAC, model, MODEL nor an attribute of a model"


def _template(where: str, name: Any, templates: set[str]) -> Iterator[str]:
    if name is not None and (not isinstance(name, str) or ("{" not in name and name not in templates)):
        yield f"{where}: {shown(name)} is not in the pack{did_you_mean(str(name), templates)}"


def _pattern(where: str, text: Any) -> Iterator[str]:
    try:
        re.compile(text)
    except (re.error, TypeError) as exc:
        yield f"{where}: {shown(text)} is not a regular expression ({exc})"


def _bootstrap(data: dict[str, Any]) -> Iterator[str]:
    for number, entry in enumerate(data.get("bootstrap") or ()):
        where = f"bootstrap[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get("text"), str):
            yield f"{where}: wanted a dictionary of name, text and models"
        elif "{mac}" not in entry["name"].lower():
            yield f"{where}.name: {shown(entry['name'])} does not hold the MAC, so nobody could tell whose stub it is"
    dhcp = data.get("dhcp") or {}
    if not isinstance(dhcp, dict):
        yield f"dhcp: got {shown(dhcp)}, wanted a dictionary"
        return
    for name in ("options", "encapsulated"):
        codes = dhcp.get(name, [])
        if not isinstance(codes, list) or not all(isinstance(code, int) and 0 < code < 255 for code in codes):
            yield f"dhcp.{name}: got {shown(codes)}, wanted a list of numbers from 1 to 254"
