# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies: everything but the phone itself that a home token stands for, each combination once.

nginx finds a policy's parts by exact keys, which is several times as fast as cutting a text apart with patterns at each request.
"""

from __future__ import annotations

from typing import Dict, NamedTuple


class Policy(NamedTuple):
    """What is asked of whoever shows a token."""

    login: str  # auth and age: b(asic), d(igest) or n(one), then c(urrent) or o(ld)
    certificate: str  # o(ff), p(refer), r(equire)
    rule: str  # id of a certificate rule, or empty
    networks: str  # id of a set of networks, or empty
    uploads: str  # id of a set of upload names, or empty


_VARIABLES = {
    "login": "dialtone_login",
    "certificate": "dialtone_mode",
    "rule": "dialtone_rule",
    "networks": "dialtone_set",
    "uploads": "dialtone_upload_set",
}


class Policies:
    """Collects the policies of the fleet."""

    def __init__(self) -> None:
        self._ids: Dict[Policy, int] = {}

    def add(self, policy: Policy) -> str:
        """Return the id of a policy."""
        return f"y{self._ids.setdefault(policy, len(self._ids) + 1)}"

    def render(self) -> str:
        """Return the maps from a policy's id to its parts."""
        lines = []
        for part, variable in _VARIABLES.items():
            lines += [f"map $dialtone_policy ${variable} {{", '    default "";']
            lines += [f'    y{number} "{getattr(policy, part)}";' for policy, number in self._ids.items() if getattr(policy, part)]
            lines.append("}")
        return "\n".join(lines) + "\n"
