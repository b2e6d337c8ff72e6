# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's end of the claim store: runs M(dialtone.phones.claim_store) on the server that the task is delegated to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import DEFAULT_PATH

MODULE = "dialtone.phones.claim_store"
# Longer lists travel as a file: module arguments are logged, and limited by the transport.
_INLINE = 20


class ClaimClient:
    """Asks and changes the claim store through an action plugin's connection. Only hashes of tokens pass."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any], store: Mapping[str, Any] | None = None) -> None:
        """
        :param store: further module arguments that name the store (``path``, ``config``).
        """
        self._action = action
        self._task_vars = task_vars
        self._store = {name: value for name, value in (store or {}).items() if value}

    def status(self, macs: Sequence[str] | None = None) -> dict[str, Any]:
        """Return ``epoch``, ``new``, ``closed`` and ``devices`` by MAC."""
        return self._call("status", list(macs) if macs is not None else None, "macs")

    def is_set_up(self) -> bool:
        """Tell whether the server has a gate at all, or was never set up."""
        args = {"path": self._store.get("config", DEFAULT_PATH)}
        result = self._action._execute_module(module_name="ansible.builtin.stat", module_args=args, task_vars=dict(self._task_vars))
        return bool(result.get("stat", {}).get("exists"))

    def init(self, by: str = "") -> dict[str, Any]:
        """Make a store with a new epoch where there is none."""
        return self._call("init", None, by=by)

    def arm(self, devices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return self._call("arm", list(devices), "devices")

    def unlock(self, devices: Sequence[Mapping[str, Any]], force: bool) -> dict[str, Any]:
        return self._call("unlock", list(devices), "devices", force=force)

    def close(self, command: str, macs: Sequence[str], by: str) -> dict[str, Any]:
        """Run ``lock``, ``spend``, ``retire`` or ``close_window``."""
        return self._call(command, list(macs), "macs", by=by)

    def adopt(self, macs: Sequence[str], scope: str, by: str) -> dict[str, Any]:
        """Note that phones belong to another part of the fleet from now on."""
        return self._call("adopt", list(macs), "macs", scope=scope, by=by)

    def open_window(self, macs: Sequence[str], seconds: int, by: str) -> dict[str, Any]:
        """Let armed phones ask for a stub on their LAN, for a while."""
        return self._call("open_window", list(macs), "macs", seconds=seconds, by=by)

    def confirm(self, by: str) -> dict[str, Any]:
        return self._call("confirm", None, by=by)

    def registrations(self, command: str, account: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Run ``intent`` or ``outcome``."""
        return self._call(command, list(rows), "rows", account=account)

    def _call(self, command: str, items: list[Any] | None, key: str = "macs", **more: Any) -> dict[str, Any]:
        args: dict[str, Any] = {"command": command, **self._store, **more}
        shell = self._action._connection._shell
        temporary = None
        if items is not None and len(items) <= _INLINE:
            args[key] = items
        elif items is not None:
            temporary = shell.tmpdir is None
            if temporary:
                shell.tmpdir = self._action._make_tmp_path()
            path = shell.join_path(shell.tmpdir, f"{command}.json")
            self._action._transfer_data(path, json.dumps(items))
            self._action._fixup_perms2([shell.tmpdir, path])
            args["input_file"] = path
        try:
            result = self._action._execute_module(module_name=MODULE, module_args=args, task_vars=dict(self._task_vars))
        finally:
            if temporary:
                self._action._remove_tmp_path(shell.tmpdir)
                shell.tmpdir = None
        if result.get("failed"):
            raise AnsibleActionFail(str(result.get("msg", "the claim store gave no answer")))
        return result
