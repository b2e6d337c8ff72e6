# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report on the controller: a page, JSON, and metrics."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.report import metrics, page
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import Terms, document
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.fleet import read_listed
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.states import read_states
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "states": {"type": "dict", "required": True},
    "path": {"type": "path", "required": True},
    "title": {"type": "str", "default": "Phones"},
    "silent_days": {"type": "int", "default": 14},
    "unlock_command": {"type": "str", "default": ""},
    "mode": {"type": "str", "default": "0640"},
}
HTML = "fleet.html"
JSON = "fleet.json"
METRICS = "fleet.prom"


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        task_vars = task_vars or {}
        try:
            mode, unlock = options(args, task_vars)
            made = document(
                read_listed(self, task_vars), read_states(args["states"]), Terms(args["title"], args["silent_days"], unlock), time.time()
            )
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        folder = self._loader.path_dwim(args["path"])
        try:
            changed = write(folder, made, f"{shlex.join(unlock)} --limit ", mode, self._task.check_mode)
        except OSError as exc:
            raise AnsibleActionFail(f"path: {exc.filename or folder}: {exc.strerror}") from None
        return {
            **result,
            "changed": bool(changed),
            "changed_files": changed,
            "path": folder,
            "html": os.path.join(folder, HTML),
            "json": os.path.join(folder, JSON),
            "metrics": os.path.join(folder, METRICS),
            "funnel": {entry["stage"]: entry["phones"] for entry in made["funnel"]},
            "flags": made["flags"],
            "unknown": len(made["unknown"]),
            "warnings": made["problems"],
        }


def options(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return the files' mode and the command that unlocks.

    :raises ProblemsError: with all that is wrong with the options.
    """
    problems, mode, unlock = [], 0, []
    if args["silent_days"] < 1:
        problems.append(Problem("silent_days", f"got {args['silent_days']}, wanted at least 1"))
    try:
        mode = int(args["mode"], 8)
    except ValueError:
        mode = -1
    if not 0o400 <= mode <= 0o777:
        problems.append(Problem("mode", f"got {args['mode']!r}, wanted an octal number such as '0640'"))
    try:
        unlock = shlex.split(args["unlock_command"])
    except ValueError as exc:
        problems.append(Problem("unlock_command", f"can't be read as a command: {exc}"))
    if problems:
        raise ProblemsError(problems, "no report was made")
    if not unlock:
        unlock = ["ansible-playbook"]
        for source in task_vars.get("ansible_inventory_sources") or ():
            unlock += ["-i", str(source)]
        unlock.append("dialtone.phones.unlock")
    return mode, unlock


def write(folder: str, made: dict[str, Any], unlock: str, mode: int, check: bool) -> list[str]:
    """Write what differs and return the names of those files.

    Facts that did not change keep the time since when they hold, so that an unchanged fleet leaves unchanged files; their own time tells when they
    were last looked at.
    """
    before = _read(os.path.join(folder, JSON))
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        old = json.loads(before or b"")
        if {**old, "generated_at": ""} == {**json.loads(json.dumps(made)), "generated_at": ""}:
            made = {**made, "generated_at": old["generated_at"]}
    contents = {
        JSON: json.dumps(made, ensure_ascii=False, indent=1) + "\n",
        METRICS: metrics.render(made),
        HTML: page.render(made, unlock),
    }
    changed = []
    if not check:
        os.makedirs(folder, 0o750, exist_ok=True)
    for name, text in contents.items():
        path, content = os.path.join(folder, name), text.encode("utf-8", "replace")
        if _read(path) != content:
            changed.append(name)
            if not check:
                replace_file(path, content, mode)
        elif os.stat(path).st_mode & 0o777 != mode:
            changed.append(name)
            if not check:
                os.chmod(path, mode)
        elif not check:
            os.utime(path)
    return changed


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
