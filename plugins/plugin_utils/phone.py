# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor-neutral phone: from the variables of an inventory host to one checked dictionary.

A phone is a plain dictionary: the names of ``templates/phone_model.yml`` without their prefix, every one present, plus ``host``. Lines come
out complete (what a line does not say is taken from the phone), keys come out with their slot.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, did_you_mean, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import Check, compile_spec, split_hostport

PREFIX = "phone_"
MODEL_FILE = Path(__file__).resolve().parents[2] / "templates" / "phone_model.yml"
# Variables of the roles, which share the prefix; they are no phone data.
RESERVED_PREFIXES = ("phone_configs_", "phone_resync_", "phone_redirect_")
RESERVED = ("phone_template_path",)
NOT_RESERVED = ("phone_redirect_account",)

Phone = dict[str, Any]


def is_phone_variable(name: str) -> bool:
    """Tell whether an inventory variable is phone data: has the prefix and is none of the roles' own."""
    if not name.startswith(PREFIX) or name in RESERVED:
        return False
    return name in NOT_RESERVED or not name.startswith(RESERVED_PREFIXES)


@functools.lru_cache(maxsize=1)
def model_specs() -> dict[str, dict[str, Any]]:
    """Return the specification of every variable, by name."""
    with MODEL_FILE.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@functools.lru_cache(maxsize=4096)
def may_be_secret(place: str) -> bool:
    """Tell whether the value at a place such as ``phone_lines[0].password`` may be a secret; raw parameters all may."""
    name, *options = re.findall(r"[^.\[\]]+", re.sub(r"\[[0-9]+\]", "", place))
    specs: Mapping[str, Any] = model_specs()
    spec = specs.get(name) or next((spec for spec in specs.values() if "merge" in spec and name.startswith(spec["merge"])), {})
    for option in options:
        spec = (spec.get("options") or (spec.get("elements") or {}).get("options") or {}).get(option, {"type": spec.get("type"), **spec})
    return bool(spec.get("free")) or spec.get("type") == "secret"


class PhoneBuilder:
    """Builds phones; one builder serves a whole run, so values that many phones share are checked once."""

    # Values of groups are the same object for all their phones: their checked form is kept, a few hundred at most.
    _REMEMBERED = 512

    def __init__(self, defaults: Mapping[str, Any] = MappingProxyType({}), server_networks: bool = False) -> None:
        """
        :param defaults: what takes the place of the model's own defaults, names without prefix.
        :param server_networks: the provisioning servers admit networks of their own only, whatever the phone's are.
        """
        self._server_networks = server_networks
        self._specs = model_specs()
        self._checks: dict[str, Check] = {name: compile_spec(spec) for name, spec in self._specs.items()}
        self._merges = {name: spec["merge"] for name, spec in self._specs.items() if "merge" in spec}
        # A default goes through the check too: it fills what a dictionary's own options default to.
        defaults = {name: defaults.get(name[len(PREFIX) :], spec.get("default")) for name, spec in self._specs.items()}
        self._defaults = {
            name[len(PREFIX) :]: None if default is None else self._checks[name](name, default, []) for name, default in defaults.items()
        }
        self._required = [name for name, spec in self._specs.items() if spec.get("required")]
        self._seen: OrderedDict[tuple[str, int], tuple[Any, Any, list[Problem]]] = OrderedDict()

    def build(self, host: str, variables: Mapping[str, Any]) -> tuple[Phone, list[Problem]]:
        """Return the phone of one host and what is wrong with it; a phone with problems must not be rendered.

        :param host: inventory name.
        :param variables: resolved variables of the host; only those of the model count, unknown ``phone_`` names are problems.
        """
        problems: list[Problem] = []
        phone: Phone = dict(self._defaults)
        phone["host"] = host
        if not host.isprintable():
            # It is told to the operator, and stands in files of the server.
            problems.append(Problem(f"{host}: inventory_hostname", f"got {shown(host)}, wanted printable characters"))
        merged: dict[str, list[str]] = {}
        for name, value in variables.items():
            if not is_phone_variable(name):
                continue
            if name in self._checks:
                if value is not None:
                    phone[name[len(PREFIX) :]] = self._checked(name, name, value, host, problems)
                continue
            target = next((target for target, prefix in self._merges.items() if name.startswith(prefix) and len(name) > len(prefix)), None)
            if target:
                merged.setdefault(target, []).append(name)
            else:
                problems.append(Problem(f"{host}: {name}", f"unknown{did_you_mean(name, self._specs)}"))
        for name in self._required:
            if variables.get(name) is None:
                problems.append(Problem(f"{host}: {name}", "is not set"))
        layouts: list[tuple[str, int]] = []
        for target, names in merged.items():
            parts = self._merge(phone, target, sorted(names), variables, host, problems)
            layouts = parts if target == "phone_keys" else layouts
        self._complete_lines(phone, problems)
        self._place_keys(phone, layouts, problems)
        self._check_access(phone, problems)
        return phone, problems

    def _checked(self, name: str, place: str, value: Any, host: str, problems: list[Problem]) -> Any:
        check = self._checks[name]
        if not isinstance(value, list | dict):
            found: list[Problem] = []
            result = check(place, value, found)
        else:
            slot = (place, id(value))
            kept = self._seen.get(slot)
            if kept is None:
                found = []
                result = check(place, value, found)
                self._seen[slot] = (value, result, found)
                if len(self._seen) > self._REMEMBERED:
                    self._seen.popitem(last=False)
            else:
                _value, result, found = kept
        problems += [Problem(f"{host}: {problem.where}", problem.what) for problem in found]
        return result

    def _merge(
        self, phone: Phone, target: str, names: list[str], variables: Mapping[str, Any], host: str, problems: list[Problem]
    ) -> list[tuple[str, int]]:
        """Put the named parts of a list or dictionary (``phone_keys_<layout>``) below the phone's own value; return names and sizes of the parts."""
        own = phone[target[len(PREFIX) :]]
        names = [name for name in names if variables[name] is not None]
        parts = [self._checked(target, name, variables[name], host, problems) for name in names]
        if self._specs[target]["type"] == "dict":
            result: Any = {}
            for part in [*parts, own]:
                result.update(part or {})
        else:
            result = [item for part in [*parts, own] for item in (part or [])]
        phone[target[len(PREFIX) :]] = result
        return [(name, len(part or ())) for name, part in zip(names, parts, strict=True)]

    def _complete_lines(self, phone: Phone, problems: list[Problem]) -> None:
        lines = phone["lines"]
        if not isinstance(lines, list):
            phone["lines"] = []
            return
        done = []
        for index, given in enumerate(lines):
            if given is None:
                continue
            where = f"{phone['host']}: phone_lines[{index}]"
            line = dict(given)
            line["index"] = index + 1
            line["number"] = line["number"] or line["user"]
            line["user"] = line["user"] or line["number"]
            if not line["user"] and not _told(problems, f"{where}.number", f"{where}.user"):
                problems.append(Problem(where, "has neither number nor user"))
            line["auth_user"] = line["auth_user"] or line["user"]
            line["name"] = line["name"] if line["name"] is not None else line["number"]
            line["label"] = line["label"] if line["label"] is not None else line["number"]
            for name in ("srtp", "dtmf", "dialplan", "voicemail", "outbound_proxy", "outbound_proxy_backup", "pickup_code"):
                if line[name] is None:
                    line[name] = phone[name]
            line["transport"] = line["transport"] or phone["sip_transport"]
            line["expires"] = line["expires"] or phone["sip_expires"]
            if line["enabled"] and line["password"] is None and not _told(problems, f"{where}.password"):
                problems.append(Problem(f"{where}.password", "is not set"))
            line["servers"] = self._servers(phone, line, where, problems)
            for name in ("outbound_proxy", "outbound_proxy_backup"):
                line[name] = self._proxy(line[name])
            done.append(line)
        phone["lines"] = done

    @staticmethod
    def _servers(phone: Phone, line: dict[str, Any], where: str, problems: list[Problem]) -> list[dict[str, Any]]:
        if line.get("sip_server") and line.get("sip_servers"):
            problems.append(Problem(where, "has both sip_server and sip_servers, wanted one of them"))
        given = line.pop("sip_servers") or ([{"host": line["sip_server"]}] if line["sip_server"] else None)
        given = given or phone["sip_servers"] or ([{"host": phone["sip_server"]}] if phone["sip_server"] else [])
        line.pop("sip_server")
        places = [f"{where}.sip_server", *(f"{phone['host']}: phone_{name}" for name in ("sip_server", "sip_servers"))]
        if not given and line["enabled"] and not _told(problems, *places):
            problems.append(Problem(f"{where}.sip_server", "is not set, and the phone has no phone_sip_server"))
        servers = []
        for server in given:
            if not server or not server.get("host"):
                continue
            host, port = split_hostport(server["host"])
            transport = server.get("transport") or line["transport"]
            standard = None if transport == "dns" else 5061 if transport == "tls" else 5060
            servers.append(
                {"host": host, "port": server.get("port") or port or line["port"] or phone["sip_port"] or standard, "transport": transport}
            )
        return servers

    @staticmethod
    def _proxy(value: str | None) -> dict[str, Any] | None:
        if not value:
            return None
        host, port = split_hostport(value)
        return {"host": host, "port": port}

    @staticmethod
    def _place_keys(phone: Phone, layouts: list[tuple[str, int]], problems: list[Problem]) -> None:
        """Give every key its slot: of two lists' keys for one slot the later wins, keys without a slot fill the free ones in order.

        :param layouts: the lists that come before the phone's own, with how many keys of it they are.
        """

        def problem(index: int, option: str, what: str) -> None:
            problems.append(Problem(f"{phone['host']}: {_key_place(layouts, index)}{option}", what))

        slots: dict[tuple[str, int, int], dict[str, Any]] = {}
        taken: dict[tuple[str, int, int], int] = {}
        waiting = []
        for index, given in enumerate(phone["keys"] or []):
            if not given or None in (given["type"], given["line"], given["module"], given["area"]):
                continue  # told already
            key = dict(given, implied=False)
            key["area"] = "module" if key["module"] else key["area"]
            if key["type"] == "custom" and not key["code"]:
                problem(index, ".code", "is missing, and type custom needs it")
            if key["line"] > len(phone["lines"]) and phone["lines"]:
                problem(index, ".line", f"got {key['line']}, but the phone has {len(phone['lines'])} line(s)")
            if not key["position"]:
                waiting.append(key)
                continue
            slot = (key["area"], key["module"], key["position"])
            before = taken.get(slot)
            if before is not None and _key_place(layouts, before).partition("[")[0] == _key_place(layouts, index).partition("[")[0]:
                problem(index, ".position", f"{key['position']} is that of {_key_place(layouts, before)} too")
            slots[slot] = key
            taken[slot] = index
        if not any(key["type"] in ("line", "shared_line") for key in [*slots.values(), *waiting]):
            # As on a phone without any keys set: the first keys are those of its lines, unless the inventory wants something else there.
            for line in phone["lines"]:
                slots.setdefault(("line", 0, line["index"]), _line_key(line))
        free: dict[tuple[str, int], int] = {}
        for key in waiting:
            kind = (key["area"], key["module"])
            position = free.get(kind, 1)
            while (*kind, position) in slots:
                position += 1
            key["position"] = position
            slots[(*kind, position)] = key
            free[kind] = position + 1
        phone["keys"] = [slots[slot] for slot in sorted(slots)]

    def _check_access(self, phone: Phone, problems: list[Problem]) -> None:
        """Refuse a phone whose files anyone could fetch who learns its URL."""
        if self._server_networks:
            return
        if phone["http_auth"] == "none" and not phone["networks"] and phone["client_certificate"] != "require":
            problems.append(
                Problem(
                    f"{phone['host']}: phone_http_auth",
                    "is none, so phone_networks or provisioning_server_networks must list networks or phone_client_certificate be require",
                )
            )


def _told(problems: list[Problem], *places: str) -> bool:
    """Tell whether it is known already that what stands at a place, or inside of it, is wrong: then it is not missing as well."""
    return any(one.where == place or one.where.startswith((f"{place}.", f"{place}[")) for one in problems for place in places)


def _key_place(layouts: list[tuple[str, int]], index: int) -> str:
    """Return where the key of the merged list was written."""
    for name, count in layouts:
        if index < count:
            return f"{name}[{index}]"
        index -= count
    return f"phone_keys[{index}]"


def _line_key(line: dict[str, Any]) -> dict[str, Any]:
    """Return the key that a line has without being asked for; a model without such keys does without it."""
    key = {"type": "line", "value": "", "label": line["label"], "line": line["index"], "pickup": "", "code": None}
    return {**key, "position": line["index"], "module": 0, "area": "line", "implied": True}
