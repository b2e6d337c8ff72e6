# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin with a connection that stays in this process: modules run here, files need no transfer."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.dialtone.phones.plugins.action import publish
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.modules.release import ARGUMENT_SPEC, Commands
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import PublishError
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import run_command

OWN = {"owner": "", "web_group": "", "gate_group": "", "nginx_site": "", "gate_config": "/nonexistent/gate.json"}


class Action(publish.ActionModule):
    """Publishes fake phones to folders."""

    production = None
    calls: list

    def _prepare(self, task_vars, args):
        return self.production

    def release(self, task_vars, **args):
        self.calls.append(args["command"])
        params = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
        params.update(args)
        try:
            return Commands(params, bool(self._task.check_mode), run_command).run()
        except ReleaseError as exc:
            raise PublishError(str(exc)) from exc

    def send(self, path):
        kept = path + ".sent"
        with open(path, "rb") as source, open(kept, "wb") as target:
            target.write(source.read())
        self.before_apply()
        return kept

    def before_apply(self):
        """What happens on the server between the plan and its execution; tests put something in."""

    def forget_sent(self):
        pass


class Controller:
    """One run of the task; ``run`` may be called for several servers, as a loop does."""

    _tasks = 0

    def __init__(
        self, production, check=False, diff=False, strategy="linear", run_once=True, batch=("one", "two"), before_apply=None, **args
    ):
        Controller._tasks += 1
        self._uuid = f"task-{Controller._tasks}"
        self._production = production
        self._check, self._diff = check, diff
        self._play = SimpleNamespace(strategy=strategy)
        self._run_once = run_once
        self._vars = {"ansible_play_batch": list(batch), "inventory_hostname": "one"}
        self._before_apply = before_apply
        self._args = args
        self.calls: list = []

    def run(self, root, server="prov1", **args):
        loader = DataLoader()
        task = SimpleNamespace(
            args={"root": str(root), **OWN, **self._args, **args},
            check_mode=self._check,
            diff=self._diff,
            delegate_to=server,
            run_once=self._run_once,
            async_val=0,
            action="dialtone.phones.publish",
            no_log=False,
            _uuid=self._uuid,
            get_play=lambda: self._play,
            name="publish",
            collections=[],
            environment={},
        )
        connection = MagicMock(transport="local")
        action = Action(task, connection, MagicMock(check_mode=self._check), loader, Templar(loader=loader, variables={}), None)
        action.production, action.calls = self._production, self.calls
        if self._before_apply:
            action.before_apply = self._before_apply
        return action.run(task_vars=self._vars)
