# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the phones of the play once and publishes to one provisioning server: what M(dialtone.phones.publish) documents."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.release.options import SERVER_SPEC
from ansible_collections.dialtone.phones.plugins.plugin_utils import spool
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import holders
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import prepare
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan_report import PlanReport
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import PublishError, Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.server import Publication, Shared
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import ROLE_VARIABLES

display = Display()

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **SERVER_SPEC,
    "scope": {"type": "str"},
    "adopt_scopes": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": True},
    "remove": {"type": "list", "elements": "str", "default": []},
    "only": {"type": "list", "elements": "str", "default": []},
    "max_change_percent": {"type": "int", "default": 50},
    "verify": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "diff_limit": {"type": "int", "default": 50},
    "plan_path": {"type": "path"},
}
_WARNED = 50
_RELEASE = "dialtone.phones.release"


class _Loop:
    """What the items of one task's loop have in common: the loop over the servers runs in one worker process."""

    def __init__(self, shared: Shared | None, failure: Exception | None = None) -> None:
        self.shared = shared
        self.failure = failure
        self.reported = False


_loops: dict[tuple[str, int], _Loop] = {}


class ActionModule(ActionBase):
    """Publishes the phones of the play to the server that the task is delegated to."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Publish and return what was done; all problems of the phones come as one report."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        if args["keep"] < 2:
            raise AnsibleActionFail(f"keep: {args['keep']} is too few; at least 2 releases stay, since a phone may be between two fetches")
        if not 0 <= args["max_change_percent"] <= 100:
            raise AnsibleActionFail(f"max_change_percent: {args['max_change_percent']} is no share; 0 to 100 is wanted")
        try:
            args["remove"] = [normalize_mac(mac) for mac in args["remove"]]
        except MacError as exc:
            raise AnsibleActionFail(f"remove: {exc}") from None
        self._refuse_task_per_host(task_vars)
        loop = self._loop(task_vars, args)
        if loop.failure is not None or loop.shared is None:
            if loop.reported:
                raise AnsibleActionFail("nothing was published: the phones were refused, see the report of the first server")
            loop.reported = True
            raise AnsibleActionFail(str(loop.failure)) from loop.failure
        server = str(self._task.delegate_to or task_vars.get("inventory_hostname", "server"))
        try:
            with spool.transfer_folder(loop.shared.folder) as folder:
                return Publication(self, loop.shared, args, server, folder, task_vars).publish()
        except spool.ContentError as exc:
            raise AnsibleActionFail(str(exc)) from None
        except PublishError as exc:
            if not loop.shared.run.is_ready:
                # The phones are at fault, not this server: what is wrong with them is told once.
                loop.failure, loop.reported = exc, True
            raise AnsibleActionFail(str(exc)) from exc

    def _prepare(self, task_vars: dict[str, Any], args: dict[str, Any]) -> Any:
        """Return the phones to publish, all checked."""
        production = prepare(self, task_vars)
        production.narrow(args["only"])
        problems = []
        if args["remove"]:
            held = holders(production.fleet)
            what = "take the host out of the inventory, or give it its new phone_mac, first"
            problems += [Problem("remove", f"{mac} is that of {held[mac]}: {what}") for mac in args["remove"] if mac in held]
        for name in ROLE_VARIABLES:
            try:
                production.fleet.role_variable(name)
            except FleetError as exc:
                problems.append(Problem("inventory", str(exc)))
        if problems:
            raise ProblemsError(problems)
        return production

    def _loop(self, task_vars: dict[str, Any], args: dict[str, Any]) -> _Loop:
        # The batch tells the tasks of a play with serial apart, should they ever run in one process.
        key = (str(self._task._uuid), hash(tuple(map(str, task_vars.get("ansible_play_batch", ())))))
        if key not in _loops:
            _loops.clear()
            try:
                production = self._prepare(task_vars, args)
                production.warnings.limit = _WARNED
                folder = _local_folder()
                report = PlanReport(args["plan_path"]) if args["plan_path"] else None
                _loops[key] = _Loop(Shared(Run(production, folder, display.display), report, folder))
            except ProblemsError as exc:
                _loops[key] = _Loop(None, exc)
        return _loops[key]

    def _refuse_task_per_host(self, task_vars: dict[str, Any]) -> None:
        play = self._task.get_play()
        strategy = str(getattr(play, "strategy", "linear")).rpartition(".")[2]
        if strategy in ("free", "host_pinned"):
            raise AnsibleActionFail(
                f"strategy {strategy} ignores run_once, so every phone would publish the fleet; use strategy linear in this play"
            )
        if not self._task.run_once and len(task_vars.get("ansible_play_batch", ())) > 1:
            raise AnsibleActionFail("this task publishes all phones of the play at once: set run_once: true")

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep what a module says out of the connection's own log (-vvv): rows and files of phones are in it."""
        # The connection has a context of its own, and that is the one it asks.
        contexts = [self._connection._play_context, self._play_context]
        before = [context.no_log for context in contexts]
        for context in contexts:
            context.no_log = True
        try:
            yield
        finally:
            for context, value in zip(contexts, before, strict=True):
                context.no_log = value

    def release(self, task_vars: dict[str, Any], **args: Any) -> dict[str, Any]:
        """Run the module on the server.

        :raises PublishError: what it says against it.
        """
        with self.quiet():
            result = self._execute_module(module_name=_RELEASE, module_args=args, task_vars=task_vars)
        if result.get("failed"):
            raise PublishError(str(result.get("msg") or result.get("module_stderr") or "the server gave no reason"))
        return result

    def send(self, path: str) -> str:
        """Bring a file to the server, readable by whom the task becomes, and return its path there."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, "release.tar")
        self._transfer_file(path, remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote

    def forget_sent(self) -> None:
        """Remove what was sent."""
        self._remove_tmp_path(self._connection._shell.tmpdir)


def _local_folder() -> str:
    """Return the folder of Ansible's local temporary files, above that of this process: leftovers of killed runs lie beside each other."""
    folder = os.path.dirname(C.DEFAULT_LOCAL_TMP)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
