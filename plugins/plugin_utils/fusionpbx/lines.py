# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines and keys of a FusionPBX device as ours, and what could not be carried over."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.words import KeyTypes, is_true, number, tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs

_NUMBER = re.compile(r"[0-9A-Za-z*#+._-]{1,64}")
_USER = re.compile(r"[^\s\x00-\x1f@<>\"]{1,128}")
_PICKUP = re.compile(r"[0-9A-Za-z*#+]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# ${name}, and Smarty's {$name}.
_PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}|\{\$([a-z_]+)\}")
_EXPIRES = 120
_DEFAULT_PORT = 5060
_LAST_PORT = 65535


def clean(text: str | None, most: int = 512) -> str:
    """Return a text on one line, as phones can show it."""
    if not text:
        return ""
    # Nearly all of them are so already.
    if len(text) <= most and text.isprintable() and text[0] != " " and text[-1] != " " and "  " not in text:
        return text
    return " ".join(_CONTROL.sub(" ", text).split())[:most]


def lines_of(rows: Iterable[Row], passwords: Mapping[str, str], left: list[str]) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Return a phone's lines in order, and their positions by FusionPBX's line numbers.

    :param passwords: of the tenant's extensions, for lines that have none of their own.
    """
    lines: list[dict[str, Any]] = []
    positions: dict[int, int] = {}
    registered: dict[tuple[str, str, int], int] = {}
    for row in sorted(rows, key=lambda row: number(row.get("line_number")) or 0):
        at = number(row.get("line_number")) or 1
        line = _line(row, at, passwords, left)
        if line is None:
            continue
        if at in positions:
            left.append(f"line {at} is there twice, the second was left out")
            continue
        user = line.get("number") or line["user"]
        server = line.get("sip_server") or line["sip_servers"][0]
        earlier = registered.setdefault((user.casefold(), server.casefold(), line.get("port", 0)), len(lines) + 1)
        if earlier <= len(lines) and line.get("enabled", True) and lines[earlier - 1].get("enabled", True):
            left.append(f"line {at} registers {user} once more, and was left out; its keys are line {earlier}'s")
            positions[at] = earlier
            continue
        lines.append(line)
        positions[at] = len(lines)
        if len(lines) != at:
            left.append(f"line {at} is line {len(lines)} now, as numbers before it are not in use")
    return lines, positions


def _line(row: Row, at: int, passwords: Mapping[str, str], left: list[str]) -> dict[str, Any] | None:
    user = (row.get("user_id") or "").strip() or (row.get("auth_id") or "").strip()
    if not _USER.fullmatch(user):
        left.append(f"line {at} has {'a user id that is none' if user else 'no user id'}")
        return None
    line: dict[str, Any] = {"number": user} if _NUMBER.fullmatch(user) else {"user": user}
    for key, column in (("name", "display_name"), ("label", "label")):
        if text := clean(row.get(column), 256):
            line[key] = text
    auth = (row.get("auth_id") or "").strip()
    if auth and auth != user:
        line["auth_user"] = auth
    # As it is: a blank at its end belongs to a password.
    password = row.get("password") or passwords.get(user)
    if password:
        line["password"] = password
    else:
        left.append(f"line {at} has no password")
    if not _set_servers(line, row, at, left):
        return None
    transport = (row.get("sip_transport") or "tcp").strip().lower()
    line["transport"] = tables()["transports"].get(transport, "")
    if not line["transport"]:
        left.append(f"line {at} has transport {transport!r}, taken as tcp")
        line["transport"] = "tcp"
    port = number(row.get("sip_port"))
    # FusionPBX serves 5060 where nothing is set; with DNS records no port is wanted.
    if line["transport"] != "dns":
        line["port"] = port if port and port <= _LAST_PORT else _DEFAULT_PORT
    line["expires"] = _expires(row, at, left)
    if row.get("shared_line") and row["shared_line"] not in ("0", "false", "f", "private"):
        line["shared"] = True
    if not is_true(row.get("enabled"), empty=True):
        line["enabled"] = False
    return line


def _set_servers(line: dict[str, Any], row: Row, at: int, left: list[str]) -> bool:
    one, first, second = (
        (row.get(column) or "").strip() for column in ("server_address", "server_address_primary", "server_address_secondary")
    )
    servers = list(dict.fromkeys(server for server in ([first, second] if first else [one, second]) if server))
    if not servers:
        left.append(f"line {at} has no server")
        return False
    if len(servers) > 1:
        line["sip_servers"] = servers
    else:
        line["sip_server"] = servers[0]
    if first and one and one not in servers:
        left.append(f"line {at} has server {one} beside its primary {first}: phones register at the primary")
    for key, column in (("outbound_proxy", "outbound_proxy_primary"), ("outbound_proxy_backup", "outbound_proxy_secondary")):
        if proxy := (row.get(column) or "").strip():
            line[key] = proxy
    return True


def _expires(row: Row, at: int, left: list[str]) -> int:
    given = number(row.get("register_expires"))
    if given is None:
        return _EXPIRES
    fit = min(max(given, 30), 86400)
    if fit != given:
        left.append(f"line {at} registers for {given} seconds, which became {fit}")
    return fit


class Keys:
    """Turns rows of keys into ``phone_keys``."""

    def __init__(self, types: KeyTypes) -> None:
        self._types = types

    def of(
        self,
        rows: Iterable[Row],
        prefix: str,
        vendor: str,
        pack: Pack,
        lines: list[dict[str, Any]],
        positions: Mapping[int, int],
        domain: str,
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the keys of a device or of a profile, and what is left of them.

        :param prefix: of the columns, ``device_key`` or ``profile_key``.
        :param vendor: FusionPBX's name; keys of other vendors are not for this phone, there as here.
        """
        keys: dict[tuple[str, int, int], dict[str, Any]] = {}
        left: list[str] = []
        category_column, id_column = f"{prefix}_category", f"{prefix}_id"
        for row in sorted(rows, key=lambda row: (row.get(category_column) or "", number(row.get(id_column)) or 0)):
            said = (row.get(f"{prefix}_vendor") or "").strip().lower()
            if said and said != vendor:
                continue
            category = (row.get(f"{prefix}_category") or "line").lower()
            at = row.get(f"{prefix}_id")
            place = f"key {category} {at or '?'}"
            slot = _slot(category, number(at))
            if slot is None:
                left.append(f"{place}: there is no such place")
                continue
            code = row.get(f"{prefix}_type") or ""
            kind = self._types.find(vendor, code, pack) if code else "none"
            if kind is None:
                left.append(f"{place}: type {code!r} has no counterpart")
                continue
            area, module, position = slot
            key: dict[str, Any] = {"type": kind, "position": position}
            if area != "line":
                key["area"] = area
            if module:
                key["module"] = module
            self._fill(key, row, prefix, place, lines, positions, domain, left)
            if slot in keys:
                left.append(f"{place}: is there twice, the last one holds")
            keys[slot] = key
        return list(keys.values()), left

    @staticmethod
    def _fill(
        key: dict[str, Any],
        row: Row,
        prefix: str,
        place: str,
        lines: list[dict[str, Any]],
        positions: Mapping[int, int],
        domain: str,
        left: list[str],
    ) -> None:
        wanted = number(row.get(f"{prefix}_line"))
        at = positions.get(wanted or 1)
        if at is None:
            left.append(f"{place}: line {wanted or 1} is not in use, line 1 was taken")
            at = 1
        if at != 1:
            key["line"] = at
        line = lines[at - 1] if len(lines) >= at else {}

        def word(match: re.Match) -> str:
            name = match[1] or match[2]
            words = {"domain_name": domain, **dict.fromkeys(("caller_id_name", "display_name"), line.get("name", ""))}
            words.update(dict.fromkeys(("extension", "user", "user_id"), line.get("number", line.get("user", ""))))
            if name in words:
                return words[name]
            left.append(f"{place}: {match[0]} is not known")
            return match[0]

        def filled(name: str) -> str:
            text = row.get(f"{prefix}_{name}") or ""
            return clean(_PLACEHOLDER.sub(word, text) if "$" in text else text)

        for name in ("value", "label"):
            if text := filled(name):
                key[name] = text
        if extension := filled("extension"):
            if key["type"] in ("blf", "blf_list", "pickup", "shared_line") and _PICKUP.fullmatch(extension):
                key["pickup"] = extension
            elif not key.get("value"):
                key["value"] = extension
            elif extension != key["value"]:
                left.append(f"{place}: extension {extension!r} beside its value")
        for name in ("subtype", "icon"):
            if clean(row.get(f"{prefix}_{name}")):
                left.append(f"{place}: {name} has no counterpart")


def needs_line(rows: Iterable[Row], prefix: str) -> bool:
    """Tell whether keys depend on the phone they are on: by a placeholder, or by a line other than the first."""
    return any(
        any("$" in (row.get(f"{prefix}_{name}") or "") for name in ("value", "label", "extension"))
        or (number(row.get(f"{prefix}_line")) or 1) > 1
        for row in rows
    )


_POSITIONS = model_specs()["phone_keys"]["elements"]["options"]["position"]["max"]
_MODULES = model_specs()["phone_keys"]["elements"]["options"]["module"]["max"]


@functools.lru_cache(maxsize=4096)
def _slot(category: str, position: int | None) -> tuple[str, int, int] | None:
    """Return area, module and position."""
    if not position or position > _POSITIONS:
        return None
    if match := re.fullmatch("expansion(?:-([0-9]{1,2}))?", category):
        module = int(match[1] or 1)
        return ("line", module, position) if 1 <= module <= _MODULES else None
    area = tables()["key_areas"].get(category)
    return (area, 0, position) if area else None
