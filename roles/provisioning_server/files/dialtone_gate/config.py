# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon's settings: one JSON file, written by the role, without secrets."""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Mapping, NamedTuple, Tuple, Union

from claims import StoreError
from claims.backends import is_shared

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class ConfigError(Exception):
    """The configuration cannot be used; one sentence."""


class Config(NamedTuple):
    """Settings with their defaults; paths are absolute, times in seconds."""

    root: str = "/var/lib/dialtone"
    store: str = "/var/lib/dialtone-gate/claims.db"
    sockets: str = "/run/dialtone-gate"
    log: str = ""
    networks: Tuple[Network, ...] = ()
    claim_prefix_v4: int = 32
    claim_prefix_v6: int = 64
    nonce_lifetime: int = 300
    refusals_per_minute: int = 120


def load(path: str) -> Config:
    """Read the settings.

    :raises ConfigError: unreadable, an unknown key or a value of another type.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            values: Mapping[str, Any] = json.load(stream)
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be read: {exc}") from exc
    defaults = Config()
    unknown = sorted(set(values) - set(Config._fields))
    if unknown:
        raise ConfigError(f"{path}: unknown {', '.join(unknown)}; known: {', '.join(Config._fields)}")
    made = dict(values)
    for key, value in values.items():
        wanted = (list,) if key == "networks" else (type(getattr(defaults, key)),)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ConfigError(f"{path}: {key} is a {type(value).__name__}, wanted a {wanted[0].__name__}")
    try:
        is_shared(made.get("store", defaults.store))
    except StoreError as exc:
        raise ConfigError(f"{path}: store: {exc}") from exc
    for key, most in (("claim_prefix_v4", 32), ("claim_prefix_v6", 128)):
        # No bits would make all addresses the same one, and a claim is one address's.
        if not 1 <= made.get(key, most) <= most:
            raise ConfigError(f"{path}: {key} is {made[key]}, wanted 1 to {most}")
    try:
        made["networks"] = tuple(ipaddress.ip_network(text) for text in values.get("networks") or ())
    except ValueError as exc:
        raise ConfigError(f"{path}: networks: {exc}") from exc
    return Config(**made)
