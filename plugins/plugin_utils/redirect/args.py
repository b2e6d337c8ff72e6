# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the redirect verbs, checked here and not by AnsibleModule, whose scrubbing of secrets is quadratic in their number.

All problems are found at once; a message names the option, or the device by its place and MAC, never a URL or a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import SERVICES, service_class
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import check_api_url
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import url_digest

ACCOUNT = {
    "service": "str",
    "api_url": "str",
    "username": "str",
    "password": "str",
    "access_key_id": "str",
    "access_key_secret": "str",
    "server_name": "str",
    "validate_certs": "bool",
    "ca_path": "path",
    "timeout": "seconds",
    "retries": "int",
    "retry_wait": "seconds",
    "retry_limit": "seconds",
    "allow_http": "bool",
}
RUN = {"devices": "list", "state": "str", "override": "list", "verify": "bool", "max_deregistrations": "int"}
INFO = {"devices": "list", "ownership": "bool"}
DEVICE = ("mac", "url", "serial", "mac_id", "username", "password", "recorded", "generation")
STATES = ("present", "absent")
SCHEMES = ("https", "http", "ftp", "tftp")
_DIGEST = re.compile(r"\A[0-9a-f]{64}\Z")
# RFC 3986 without the space-like and the quoting characters that services and phones trip over; {mac} and %MACD are placeholders of vendors.
_URL_TEXT = re.compile(r"\A[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%{}-]+\Z")


class OptionError(ValueError):
    """The options cannot be used; one sentence, all problems."""


class _Reader:
    def __init__(self, args: Mapping[str, Any], known: Mapping[str, str]) -> None:
        self.args = args
        self.known = known
        self.problems: list[str] = []
        for name in args:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, 1)
                hint = f", did you mean {near[0]}" if near else f" (known: {', '.join(known)})"
                self.problems.append(f"{name}: is not an option{hint}")

    def get(self, name: str, default: Any) -> Any:
        value = self.args.get(name)
        if value is None or name not in self.known:
            return default
        kind = self.known[name]
        try:
            if kind == "bool":
                return boolean(value, strict=True)
            if kind == "int":
                if isinstance(value, bool) or int(value) < 0:
                    raise ValueError
                return int(value)
            if kind == "seconds":
                number = float(value)
                if isinstance(value, bool) or not 0 <= number < 86400:
                    raise ValueError
                return number
        except (TypeError, ValueError):
            wanted = {"bool": "yes or no", "int": "a whole number from 0", "seconds": "a number of seconds from 0 to 86400"}[kind]
            self.problems.append(f"{name}: is not {wanted}")
            return default
        if kind == "list":
            value = [value] if isinstance(value, str) and name == "override" else value
            if not isinstance(value, (list, tuple)):
                self.problems.append(f"{name}: is a {type(value).__name__}; a list is wanted")
                return default
            return list(value)
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            self.problems.append(f"{name}: is a {type(value).__name__}; a string is wanted")
            return default
        return "".join(str(value))


def read_account(args: Mapping[str, Any], known: Mapping[str, str] | None = None) -> tuple[Account, list[str]]:
    """One account's options, and what is wrong with them."""
    reader = _Reader(args, ACCOUNT if known is None else known)
    account = Account(
        service=reader.get("service", ""),
        api_url=reader.get("api_url", ""),
        username=reader.get("username", ""),
        password=reader.get("password", ""),
        access_key_id=reader.get("access_key_id", ""),
        access_key_secret=reader.get("access_key_secret", ""),
        server_name=reader.get("server_name", ""),
        validate_certs=reader.get("validate_certs", True),
        ca_path=reader.get("ca_path", ""),
        timeout=reader.get("timeout", 30.0) or 30.0,
        retries=reader.get("retries", 4),
        retry_wait=reader.get("retry_wait", None),
        retry_limit=reader.get("retry_limit", 300.0),
        allow_http=reader.get("allow_http", False),
    )
    problems = reader.problems
    if not account.service:
        problems.append(f"service: is wanted; known: {', '.join(SERVICES)}")
    else:
        try:
            problems += service_class(account.service).account_problems(account)
        except RedirectError as exc:
            problems.append(str(exc))
    if account.api_url:
        wrong = check_api_url(account.api_url, account.allow_http)
        if wrong:
            problems.append(f"api_url: {wrong}")
    return account, problems


def _recorded(value: Any, url: str, where: str, problems: list[str]) -> dict[str, Any]:
    """The record in its full form. A bare digest, the URL last written, or true for the wanted URL, is short for a registered device."""
    if value is None or value is False or value == "" or value == {}:
        return {}
    if value is True:
        return {"state": "registered", "url_sha256": url_digest(url)}
    if isinstance(value, str):
        if _DIGEST.match(value):
            return {"state": "registered", "url_sha256": value}
        if "://" in value:
            return {"state": "registered", "url_sha256": url_digest(value)}
        problems.append(f"{where}.recorded: is a text that is neither a SHA-256 digest nor a URL")
        return {}
    if not isinstance(value, Mapping):
        problems.append(f"{where}.recorded: is a {type(value).__name__}; a dictionary is wanted")
        return {}
    record = {str(key): item for key, item in value.items()}
    if isinstance(record.get("url"), str) and not record.get("url_sha256"):
        record["url_sha256"] = url_digest(record["url"])
    record.pop("url", None)
    if not record.get("auth_sha256"):
        record.pop("auth_sha256", None)
    # A digest without a state is that of what was written.
    if not record.get("state") and record.get("url_sha256"):
        record["state"] = "registered"
    return record


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme.lower() not in SCHEMES or not host:
        return f"is not a URL with one of the schemes {', '.join(SCHEMES)}"
    if not _URL_TEXT.match(url):
        return "holds a character that has no place in a URL"
    if parts.username is not None or parts.password is not None:
        return "holds credentials; they have options of their own"
    return ""


def read_devices(value: list[Any], state: str, need_url: bool = True) -> tuple[list[Device], list[str]]:
    """The devices, and what is wrong with them."""
    devices: list[Device] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, item in enumerate(value):
        where = f"devices[{number}]"
        if not isinstance(item, Mapping):
            problems.append(f"{where}: is a {type(item).__name__}; a dictionary is wanted")
            continue
        try:
            mac = normalize_mac(item.get("mac"))
        except MacError as exc:
            problems.append(f"{where}: mac {exc}" if item.get("mac") is not None else f"{where}: has no mac")
            continue
        where = f"{where} ({mac})"
        if mac in seen:
            problems.append(f"{where}: is the same MAC as devices[{seen[mac]}]")
            continue
        seen[mac] = number
        for name in item:
            if name not in DEVICE:
                near = difflib.get_close_matches(str(name), DEVICE, 1)
                problems.append(f"{where}: {name} is not an option of a device{f', did you mean {near[0]}' if near else ''}")
        texts = {}
        for name in ("url", "serial", "mac_id", "username", "password"):
            text = item.get(name)
            if text is not None and (not isinstance(text, (str, int)) or isinstance(text, bool)):
                problems.append(f"{where}: {name} is a {type(text).__name__}; a string is wanted")
                text = ""
            texts[name] = "".join(str(text)) if text is not None else ""
            if name != "url" and any(not c.isprintable() for c in texts[name]):
                problems.append(f"{where}: {name} holds a control character")
        if texts["url"]:
            wrong = _url_problem(texts["url"])
            if wrong:
                problems.append(f"{where}: url {wrong}")
        elif state != "absent" and need_url:
            problems.append(f"{where}: has no url")
        generation = item.get("generation")
        if generation is not None and (isinstance(generation, bool) or not isinstance(generation, int)):
            problems.append(f"{where}: generation is not a whole number")
            generation = None
        devices.append(
            Device(mac=mac, recorded=_recorded(item.get("recorded"), texts["url"], where, problems), generation=generation, **texts)
        )
    return devices, problems


def read_override(value: list[Any]) -> tuple[list[str], list[str]]:
    """The MACs that may be taken over, and what is wrong with them."""
    macs, problems = [], []
    for number, item in enumerate(value):
        try:
            macs.append(normalize_mac(item))
        except MacError as exc:
            problems.append(f"override[{number}]: {exc}")
    return macs, problems


def read_run(args: Mapping[str, Any]) -> tuple[Account, list[Device], dict[str, Any]]:
    """Everything the redirect verb needs.

    :raises OptionError: all problems at once.
    """
    known = {**ACCOUNT, **RUN}
    account, problems = read_account(args, known)
    reader = _Reader({name: args[name] for name in args if name in RUN}, RUN)
    state = reader.get("state", "present")
    if state not in STATES:
        problems.append(f"state: {state!r} is not known; known: {', '.join(STATES)}")
    raw = reader.get("devices", None)
    if raw is None:
        if args.get("devices") is None:
            problems.append("devices: is wanted")
        raw = []
    devices, wrong = read_devices(raw, state)
    override, wrong_override = read_override(reader.get("override", []))
    run = {
        "state": state,
        "override": override,
        "verify": reader.get("verify", False),
        "max_deregistrations": reader.get("max_deregistrations", 100),
    }
    problems += reader.problems + wrong + wrong_override
    if problems:
        raise OptionError(join(problems))
    return account, devices, run


def read_info(args: Mapping[str, Any]) -> tuple[Account, list[Device], bool]:
    """Everything the info verb needs.

    :raises OptionError: all problems at once.
    """
    account, problems = read_account(args, {**ACCOUNT, **INFO})
    reader = _Reader({name: args[name] for name in args if name in INFO}, INFO)
    devices, wrong = read_devices(reader.get("devices", []), "present", need_url=False)
    ownership = reader.get("ownership", False)
    problems += reader.problems + wrong
    if problems:
        raise OptionError(join(problems))
    return account, devices, ownership


def join(problems: list[str], most: int = 50) -> str:
    """All problems in one line; past fifty only their number."""
    unique = list(dict.fromkeys(problems))
    more = f"; and {len(unique) - most} more" if len(unique) > most else ""
    return "; ".join(unique[:most]) + more
