# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules ask of the gate's own configuration on a server: where claims are kept, and which networks hold for all phones."""

from __future__ import annotations

import json
from typing import Any, List, Optional

DEFAULT_PATH = "/etc/dialtone/gate.json"
DEFAULT_STORE = "/var/lib/dialtone-gate/claims.db"


class GateConfigError(Exception):
    """The configuration is there, but cannot be used; the message is one sentence and names it."""


def store_target(given: Optional[str], path: str) -> str:
    """Return where the claim store is: as the option says, else as the configuration does, else the default.

    :raises GateConfigError: the file cannot be used.
    """
    return given or _setting(path, "store", str) or DEFAULT_STORE


def server_networks(path: str = DEFAULT_PATH) -> List[str]:
    """Return the networks that are enforced for all phones; none without the file.

    :raises GateConfigError: the file cannot be used.
    """
    return list(_setting(path, "networks", list) or ())


def _setting(path: str, name: str, kind: type) -> Any:
    try:
        with open(path, encoding="utf-8") as stream:
            values = json.load(stream)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise GateConfigError(f"{path}: cannot be read: {exc}") from exc
    if not isinstance(values, dict):
        raise GateConfigError(f"{path}: cannot be read: it is a {type(values).__name__}, wanted a dict")
    value = values.get(name)
    if value is not None and not isinstance(value, kind):
        raise GateConfigError(f"{path}: {name} is a {type(value).__name__}, wanted a {kind.__name__}")
    return value
