# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``provisioning_preset`` stands for: defaults only, so a variable that a user sets wins over each of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

CLOUD, LAN = "cloud", "lan"


class Preset(NamedTuple):
    """Defaults that belong together.

    ``phones``: defaults of phone variables that differ from the model's, names without prefix. ``password_policy``: of SIP passwords. ``networks``:
    whether every phone must have networks in force, its own or its servers'.
    """

    name: str
    phones: Mapping[str, Any]
    password_policy: str
    networks: bool


# Reached from anywhere: credentials of its own for each phone. Within known networks: the address decides, and the URL's token.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        CLOUD: Preset(CLOUD, MappingProxyType({}), "strong", False),
        LAN: Preset(LAN, MappingProxyType({"http_auth": "none"}), "basic", True),
    }
)
