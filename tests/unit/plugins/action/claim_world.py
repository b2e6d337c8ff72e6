# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet, a claim store and the verbs over them: the store is a real one, and only the way to the server is short."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader
from ansible.template import Templar
from ansible_collections.dialtone.phones.plugins.module_utils.claims import ClaimRequest, StoreError, open_store
from ansible_collections.dialtone.phones.plugins.modules import claim_store

SECRET = "c1a0" * 4 + "0123456789abcdef" * 3
OTHER_SECRET = "0ddba11c" * 4 + "0123456789abcdef" * 2


def mac(number: int) -> str:
    return f"805ec0{number:06x}"


class HostVars:
    """What the fleet asks of Ansible's own."""

    def __init__(self, world: World) -> None:
        self._world = world

    def raw_get(self, host: str) -> dict[str, Any]:
        return {"inventory_hostname": host, **self._world.vars, **self._world.phones[host]}


class World:
    """``phones``: variables by host. ``vars``: those of all. ``calls``: what the server was asked. ``fail``: calls that get no answer."""

    def __init__(self, folder: Any, phones: int = 3, **variables: Any) -> None:
        self.path = str(folder / "claims.db")
        self.folder = folder
        self.phones: dict[str, dict[str, Any]] = {f"p{number}": self.phone(number) for number in range(1, phones + 1)}
        self.vars: dict[str, Any] = {
            "provisioning_url": "https://prov.example.com",
            "provisioning_secret": SECRET,
            "phone_vendor": "yealink",
            "phone_model": "T54W",
            **variables,
        }
        self.calls: list[str] = []
        self.arguments: list[dict[str, Any]] = []
        self.set_up = True
        self.dies_at = ""

    @staticmethod
    def phone(number: int, **more: Any) -> dict[str, Any]:
        return {"phone_mac": mac(number), "phone_serial": f"SN{number}", **more}

    @property
    def store(self) -> Any:
        return open_store(self.path)

    def devices(self) -> dict[str, Any]:
        return self.store.status()["devices"]

    def states(self) -> dict[str, str]:
        return {name: row["state"] for name, row in self.devices().items()}

    def claim(self, number: int) -> None:
        """The phone fetches its first file."""
        token = self.devices()[mac(number)]["token_sha256"]
        assert self.store.claim([ClaimRequest(token, "192.0.2.1/32", "192.0.2.1", "Phone", "", True)])[0].allowed

    def spend(self, *numbers: int) -> None:
        self.store.spend([mac(number) for number in numbers], "test")

    def run(self, verb: str, check: bool = False, limit: list[str] | None = None, **args: Any) -> dict[str, Any]:
        """Run a verb as a task of a play on the phones."""
        name = f"dialtone.phones.{verb}"
        task = Task.load({"action": name, "args": args, "check_mode": check})
        loader = DataLoader()
        loader.set_basedir(str(self.folder))
        hosts = list(self.phones)
        batch = hosts if limit is None else limit
        task_vars = {
            "groups": {"phones": hosts, "all": hosts},
            "hostvars": HostVars(self),
            "ansible_play_batch": batch,
            "inventory_hostname": batch[0] if batch else "",
            **self.vars,
        }
        connection = MagicMock()
        connection._shell = SimpleNamespace(tmpdir=None, join_path=os.path.join)
        plugin = action_loader.get(
            name,
            task=task,
            connection=connection,
            play_context=MagicMock(check_mode=check),
            loader=loader,
            templar=Templar(loader=loader, variables=task_vars),
            shared_loader_obj=None,
        )
        plugin._execute_module = lambda module_name, module_args, task_vars: self._module(module_name, module_args, check)
        plugin._make_tmp_path = lambda: str(self.folder)
        plugin._remove_tmp_path = lambda path: None
        plugin._fixup_perms2 = lambda paths: None
        plugin._transfer_data = self._transfer
        return plugin.run(task_vars=task_vars)

    @staticmethod
    def _transfer(path: str, data: str) -> str:
        with open(path, "w", encoding="utf-8") as file:
            file.write(data)
        return path

    def _module(self, name: str, args: dict[str, Any], check: bool) -> dict[str, Any]:
        if name == "ansible.builtin.stat":
            return {"stat": {"exists": self.set_up}}
        assert name == "dialtone.phones.claim_store"
        args = json.loads(json.dumps(args))
        self.calls.append(args["command"])
        self.arguments.append(args)
        if args["command"] == self.dies_at:
            raise KeyboardInterrupt
        usual = {"macs": None, "devices": None, "rows": None, "input_file": None, "force": False, "by": "", "limit": 100}
        params = {**usual, "account": None, "scope": None, "config": "/nonexistent", **args, "path": self.path}
        try:
            result = claim_store.work(self.path, params, claim_store.read_input(params), check)
        except (StoreError, claim_store.InputError) as exc:
            return {"failed": True, "msg": f"claim store: {exc}"}
        return json.loads(json.dumps({**result, "invocation": {"module_args": args}}))
