# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of servers as tasks hand them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.gate_state import unpack
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import Server


def read_states(states: Mapping[str, Any]) -> list[Server]:
    """Return the servers from the texts that M(dialtone.phones.gate_state) returned, by name.

    :raises ProblemsError: with all that cannot be used.
    """
    problems, servers = [], []
    for name, text in states.items():
        try:
            servers.append(Server(str(name), unpack(str(text))))
        except ValueError as exc:
            problems.append(Problem(f"states.{name}", str(exc)))
    if not states:
        problems.append(Problem("states", "holds no server; it takes what the module gate_state returned, by the server's name"))
    if problems:
        raise ProblemsError(problems, "no report was made")
    return servers
