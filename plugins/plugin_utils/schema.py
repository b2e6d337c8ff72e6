# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check values against a declared type, and bring them into one form.

A specification (the entries of ``templates/phone_model.yml``) is compiled once into a function, since it is called for every variable of
every phone. A check appends to a list of problems instead of raising, so that one run tells everything that is wrong.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, did_you_mean, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.timezone import TimezoneError, timezone

Spec = dict[str, Any]
# (where, value, problems) -> the value in its one form; None where a problem was added.
Check = Callable[[str, Any, list[Problem]], Any]

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_HOSTPORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_URL = re.compile(r"(?:https?|ftp|tftp)://[^\s\x00-\x20\x7f<>\"\\^`]+", re.IGNORECASE)
# What a config file, a header or a terminal may take for more than text: a line feed in a value starts a new directive in most vendors' files.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

# Bits of the largest integer that is taken for text: beyond, nobody meant digits, and Python refuses to write some of them.
_LONGEST = 256


def compile_spec(spec: Spec) -> Check:
    """Return the check of one specification.

    :param spec: ``type`` and what that type takes: ``pattern``, ``choices``, ``min``, ``max``, ``max_length``, ``elements``, ``options``…
    :raises KeyError: the type is unknown (a fault of the specification, not of an input).
    """
    return _COMPILERS[spec["type"]](spec)


def _as_text(where: str, value: Any, problems: list[Problem], wanted: str) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _LONGEST:
        return str(value)  # an unquoted extension number
    problems.append(Problem(where, f"got {shown(value)}, wanted {wanted} (quote it in YAML)"))
    return None


def _text(spec: Spec) -> Check:
    pattern = re.compile(spec["pattern"]) if "pattern" in spec else None
    longest = spec.get("max_length", 4096)
    secret = spec["type"] == "secret"

    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        if not isinstance(value, str):
            # YAML turns a bare no, 1.10 or 1e5 into something else: only whole numbers keep their digits.
            if secret and (not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > _LONGEST):
                problems.append(Problem(where, f"is a {type(value).__name__}, wanted a string (quote it in YAML)"))
                return None
            value = _as_text(where, value, problems, "a string")
            if value is None:
                return None
        if len(value) > longest:
            problems.append(Problem(where, f"has {len(value)} characters, wanted at most {longest}"))
        elif _CONTROL.search(value):
            problems.append(
                Problem(where, f"holds a control character{'' if secret else ': got ' + shown(value)}; wanted text on one line")
            )
        elif pattern and not pattern.fullmatch(value):
            problems.append(Problem(where, f"got {shown(value)}, wanted text of the form {spec['pattern']}"))
        else:
            return value
        return None

    return check


def _int(spec: Spec) -> Check:
    low, high = spec.get("min"), spec.get("max")
    wanted = "an integer" + (f" from {low} to {high}" if low is not None and high is not None else "")
    if "unit" in spec:
        wanted += f" ({spec['unit']})"

    def check(where: str, value: Any, problems: list[Problem]) -> int | None:
        number = value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip(), re.ASCII):
            number = int(value)
        if (
            not isinstance(number, int)
            or isinstance(number, bool)
            or (low is not None and number < low)
            or (high is not None and number > high)
        ):
            problems.append(Problem(where, f"got {shown(value)}, wanted {wanted}"))
            return None
        return number

    return check


def _bool(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> bool | None:
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else {0: "0", 1: "1"}.get(value, "") if isinstance(value, int) else ""
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        problems.append(Problem(where, f"got {shown(value)}, wanted true or false"))
        return None

    return check


def _enum(spec: Spec) -> Check:
    choices = {str(choice).lower(): choice for choice in spec["choices"]}
    wanted = ", ".join(map(str, spec["choices"]))

    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        # YAML 1.1 reads a bare off as false.
        word = {True: "on", False: "off"}[value] if isinstance(value, bool) else value.strip().lower() if isinstance(value, str) else ""
        if word in choices:
            return choices[word]
        problems.append(Problem(where, f"got {shown(value)}, wanted one of {wanted}{did_you_mean(word, choices)}"))
        return None

    return check


def _mac(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        try:
            return normalize_mac(value)
        except MacError as exc:
            problems.append(Problem(where, str(exc)))
            return None

    return check


def _is_host(text: str) -> bool:
    if "%" in text:
        return False  # a scope id may hold anything, and means nothing to another machine
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # Digits and dots alone are a mistyped address, never a name.
        return len(text) <= 253 and bool(_HOST.fullmatch(text)) and not re.fullmatch(r"[0-9.]+", text)
    return True


def _host(spec: Spec) -> Check:
    with_port = spec["type"] == "hostport"
    wanted = "a host name or address" + (", with an optional port" if with_port else "")

    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        text = value.strip() if isinstance(value, str) else ""
        host, port = text, ""
        if with_port and not (text.count(":") > 1 and _is_host(text)):
            found = _HOSTPORT.fullmatch(text)
            host = (found["six"] or found["host"]) if found else ""
            port = (found["port"] or "") if found else ""
        if not host or not _is_host(host) or (port and not 0 < int(port) < 65536):
            problems.append(Problem(where, f"got {shown(value)}, wanted {wanted}"))
            return None
        return text

    return check


def split_hostport(text: str) -> tuple[str, int | None]:
    """Split a checked ``hostport`` into host (IPv6 without brackets) and port."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, None
    found = _HOSTPORT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} was not checked to be a host with an optional port")
    return found["six"] or found["host"], int(found["port"]) if found["port"] else None


def _url(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        if isinstance(value, str) and len(value) <= 2048 and _URL.fullmatch(value) and not _CONTROL.search(value):
            return value
        problems.append(Problem(where, "is not a URL (http, https, ftp or tftp, without blanks)"))
        return None

    return check


def _asset(_spec: Spec) -> Check:
    """Check a URL, or a local file: a path, or a dictionary of ``file`` and ``sha256``, which is the form that files come out in."""
    as_url, as_file = _url({}), _asset_file({})
    wanted = "wanted a URL (http, https, ftp or tftp), a path, or a dictionary of file and sha256"

    def check(where: str, value: Any, problems: list[Problem]) -> Any:
        if isinstance(value, str):
            if "://" in value:
                return as_url(where, value, problems)
            path = as_file(where, value, problems)
            return None if path is None else {"file": path, "sha256": None}
        if not isinstance(value, dict):
            problems.append(Problem(where, f"got {shown(value)}, {wanted}"))
            return None
        before = len(problems)
        for name in value:
            if name not in ("file", "sha256"):
                problems.append(_unknown(where, name, ("file", "sha256")))
        if value.get("file") is None:
            problems.append(Problem(f"{where}.file", "is missing"))
            return None
        path = as_file(f"{where}.file", value["file"], problems)
        digest = value.get("sha256")
        if digest is not None and not (isinstance(digest, str) and re.fullmatch("[0-9a-fA-F]{64}", digest)):
            problems.append(Problem(f"{where}.sha256", f"got {shown(digest)}, wanted 64 hexadecimal digits"))
        return None if len(problems) > before else {"file": path, "sha256": digest}

    return check


def _asset_file(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        if isinstance(value, str) and 0 < len(value) <= 1024 and "://" not in value and not _CONTROL.search(value):
            return value
        problems.append(Problem(where, f"got {shown(value)}, wanted the path of a file"))
        return None

    return check


def _cidr(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        text = value.strip() if isinstance(value, str) and "%" not in value else ""
        try:
            return str(ipaddress.ip_network(text, strict=True))
        except ValueError as exc:
            hint = " (host bits are set)" if "host bits" in str(exc) else ""
            problems.append(Problem(where, f"got {shown(value)}, wanted a network such as 192.0.2.0/24 or 2001:db8::/32{hint}"))
            return None

    return check


def _timezone(_spec: Spec) -> Check:
    def check(where: str, value: Any, problems: list[Problem]) -> str | None:
        try:
            return timezone(value).name
        except TimezoneError as exc:
            problems.append(Problem(where, str(exc)))
            return None

    return check


def _holds_secret(spec: Spec) -> bool:
    inner = [*spec.get("options", {}).values(), *([spec["elements"]] if "elements" in spec else [])]
    return spec["type"] == "secret" or any(map(_holds_secret, inner))


def _unknown(where: str, name: Any, known: Iterable[str]) -> Problem:
    """Return the problem of an option that nobody knows; its name may be anything."""
    plain = isinstance(name, str) and re.fullmatch(r"[\w.-]{1,64}", name)
    return Problem(f"{where}.{name}" if plain else f"{where}[{shown(name)}]", f"is unknown{did_you_mean(name, known) if plain else ''}")


def _got(value: Any, guarded: bool) -> str:
    """Return what a message may show in place of a list or dictionary, where text may well hold its secrets."""
    return "a text" if guarded and isinstance(value, str) else shown(value)


def _list(spec: Spec) -> Check:
    element = compile_spec(spec["elements"])
    scalar = spec["elements"]["type"] not in ("dict", "list")
    least, most = spec.get("min_items", 0), spec.get("max_items", 10000)
    guarded = _holds_secret(spec)

    def check(where: str, value: Any, problems: list[Problem]) -> list | None:
        if isinstance(value, str) and scalar:
            value = [item.strip() for item in value.split(",") if item.strip()]
        if not isinstance(value, list | tuple):
            problems.append(Problem(where, f"got {_got(value, guarded)}, wanted a list"))
            return None
        if not least <= len(value) <= most:
            problems.append(Problem(where, f"has {len(value)} items, wanted {least} to {most}"))
            return None
        before = len(problems)
        checked = [element(f"{where}[{index}]", item, problems) for index, item in enumerate(value)]
        if spec.get("unique") and len(problems) == before:
            for item in sorted({str(item) for item in checked if checked.count(item) > 1}):
                problems.append(Problem(where, f"names {shown(item)} twice"))
        return checked

    return check


def _dict(spec: Spec) -> Check:
    if spec.get("free"):
        return _free_dict
    options: dict[str, Spec] = spec["options"]
    checks = {name: compile_spec(option) for name, option in options.items()}
    required = [name for name, option in options.items() if option.get("required")]
    defaults = {name: option.get("default") for name, option in options.items()}
    shorthand = spec.get("shorthand")
    guarded = _holds_secret(spec)

    def check(where: str, value: Any, problems: list[Problem]) -> dict | None:
        if shorthand and isinstance(value, str):
            value = {shorthand: value}
        if not isinstance(value, dict):
            problems.append(Problem(where, f"got {_got(value, guarded)}, wanted a dictionary of {', '.join(options)}"))
            return None
        result = dict(defaults)
        for name, item in value.items():
            if name not in checks:
                problems.append(_unknown(where, name, options))
            elif item is not None:
                result[name] = checks[name](f"{where}.{name}", item, problems)
        for name in required:
            if value.get(name) is None:
                problems.append(Problem(f"{where}.{name}", "is missing"))
        return result

    return check


def _free_dict(where: str, value: Any, problems: list[Problem]) -> dict | None:
    """Check a dictionary of raw vendor parameters: names and scalar values (or lists of these), nothing else is known of them."""
    if not isinstance(value, dict):
        problems.append(Problem(where, f"got {_got(value, True)}, wanted a dictionary of parameter names and values"))
        return None
    result: dict[str, Any] = {}
    for name, item in value.items():
        place = f"{where}[{shown(name)}]"
        if not isinstance(name, str) or not name.strip() or _CONTROL.search(name) or " = " in name:
            problems.append(Problem(place, "is not a parameter name"))
        elif any(isinstance(one, str) and _CONTROL.search(one) for one in (item if isinstance(item, list | tuple) else [item])):
            problems.append(Problem(place, "holds a control character; wanted text on one line"))
        elif any(isinstance(one, int) and one.bit_length() > _LONGEST for one in (item if isinstance(item, list | tuple) else [item])):
            problems.append(Problem(place, "is a huge number, wanted a string (quote it in YAML)"))
        elif isinstance(item, list | tuple) and all(isinstance(one, str | int | float) for one in item):
            result[name.strip()] = list(item)
        elif item is None or isinstance(item, str | int | float):
            result[name.strip()] = item
        else:
            problems.append(Problem(place, f"is a {type(item).__name__}, wanted a string, a number, true, false, or a list of these"))
    return result


_COMPILERS: dict[str, Callable[[Spec], Check]] = {
    "str": _text,
    "text": _text,
    "secret": _text,
    "int": _int,
    "bool": _bool,
    "enum": _enum,
    "mac": _mac,
    "host": _host,
    "hostport": _host,
    "url": _url,
    "asset": _asset,
    "asset_file": _asset_file,
    "cidr": _cidr,
    "timezone": _timezone,
    "list": _list,
    "dict": _dict,
}
