# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out whom to notify and with what words, then runs the module where phones or the PBX can be reached."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.modules.resync import ARGUMENT_SPEC
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.resync_targets import Notices, notices
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import read_settings

MODULE = "dialtone.phones.resync"
_SHOWN = 20
_MOST = 1_000_000
_DAY = 86_400
_DONE = ("accepted", "sent", "planned", "postponed")


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        task_vars = task_vars or {}
        try:
            check(args)
            fleet = read_fleet(task_vars, self._templar)
            settings = read_settings(fleet, Path(self._loader.get_basedir()))
            found = notices(fleet, settings.packs, args, places(fleet, args), self._now())
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        phones = {host: {"state": state, "status": 0, "msg": msg} for host, (state, msg) in found.left_out.items()}
        if self._task.check_mode:
            phones.update({target.host: {"state": "planned", "status": 0, "msg": ""} for target in found.targets})
        failure = ""
        if found.targets and not self._task.check_mode:
            answer = self._send(found.targets, args, task_vars)
            phones.update(answer.get("report") or {})
            if answer.get("failed"):
                failure = str(answer.get("msg") or "the module gave no answer")
            for target in found.targets:
                phones.setdefault(target.host, {"state": "unreachable", "status": 0, "msg": "was not tried"})
        return {**result, **summary(phones, found, failure, args["strict"])}

    def _now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc)

    def _send(self, targets: list[Target], args: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module with the plan in a file, since it holds passwords of lines and may be long."""
        shell = self._connection._shell
        temporary = shell.tmpdir is None
        if temporary:
            shell.tmpdir = self._make_tmp_path()
        try:
            path = shell.join_path(shell.tmpdir, "resync.json")
            self._transfer_data(path, json.dumps([target._asdict() for target in targets]))
            self._fixup_perms2([shell.tmpdir, path])
            # What was said for phones is in the plan; the module gets what is said for the way to them.
            module_args = {name: value for name, value in args.items() if name not in ("hosts", "addresses") and value is not None}
            return self._execute_module(module_name=MODULE, module_args={**module_args, "plan": path}, task_vars=task_vars)
        finally:
            if temporary:
                self._remove_tmp_path(shell.tmpdir)
                shell.tmpdir = None


def places(fleet: Fleet, args: Mapping[str, Any]) -> dict[str, str]:
    """Return where the inventory says that the phones to notify are, but for those of which the task says it.

    :raises ProblemsError: an address has no value.
    """
    if args["via"] != "direct":
        return {}
    problems: list[Problem] = []
    wanted = set(fleet.batch if args["hosts"] is None else args["hosts"]).difference(map(str, args["addresses"] or ()))
    found = fleet.places([host for host in fleet.batch if host in wanted], problems)
    if problems:
        raise ProblemsError(problems, "nobody was notified")
    return found


def check(args: Mapping[str, Any]) -> None:
    """Refuse options that can't work.

    :raises ProblemsError: with all that is wrong with them.
    """
    problems = []
    if args["plan"]:
        problems.append(Problem("plan", "is made from the inventory, and not to be given"))
    for name, least, most in (
        ("rate", 0.01, _MOST),
        ("concurrency", 1, _MOST),
        ("timeout", 0.1, _DAY),
        ("wave_size", 0, _MOST),
        ("wave_pause", 0, _DAY),
    ):
        if not args[name] >= least:
            problems.append(Problem(name, f"got {args[name]:g}, wanted at least {least:g}"))
        elif args[name] > most:
            problems.append(Problem(name, f"got {args[name]:g}, wanted at most {most:,}"))
    if re.search(r"[\x00-\x1f\x7f]", args["event"]):
        problems.append(Problem("event", "holds a control character"))
    for name in ("source_port", "pbx_port"):
        if args[name] and not 0 < args[name] < 65536:
            problems.append(Problem(name, f"got {args[name]}, wanted a port"))
    if args["via"] in ("freeswitch", "asterisk") and not args["pbx_password"]:
        problems.append(Problem("pbx_password", f"is not set, and via {args['via']} needs it"))
    if args["via"] == "proxy" and args["transport"] == "line":
        problems.append(Problem("transport", "got line, wanted that of the proxy: udp, tcp or tls"))
    if args["via"] == "proxy" and bool(args["pbx_user"]) != bool(args["pbx_password"]):
        problems.append(Problem("pbx_user" if args["pbx_password"] else "pbx_password", "is not set; a proxy's login is both or neither"))
    if args["via"] == "proxy" and not re.fullmatch(r"[A-Za-z0-9._:-]+", args["pbx_host"]):
        problems.append(Problem("pbx_host", f"got {shown(args['pbx_host'])}, wanted an address or a name"))
    if args["via"] == "asterisk" and not args["pbx_user"]:
        problems.append(Problem("pbx_user", "is not set, and via asterisk needs it"))
    if problems:
        raise ProblemsError(problems, "nobody was notified")


def summary(phones: dict[str, dict[str, Any]], found: Notices, failure: str, strict: bool) -> dict[str, Any]:
    """Return the result of the task."""
    counts: dict[str, int] = {}
    for phone in phones.values():
        counts[phone["state"]] = counts.get(phone["state"], 0) + 1
    missed = []
    for host, phone in phones.items():
        if phone["state"] in _DONE:
            continue
        hint = found.needs.get(host) if phone["state"] == "refused" else None
        missed.append(f"{host}: {phone['msg']}{f' ({hint})' if hint else ''}")
    result: dict[str, Any] = {
        "changed": any(phone["state"] in ("accepted", "sent", "planned") for phone in phones.values()),
        "counts": counts,
        "phones": phones,
        "not_notified": missed,
    }
    more = [f"and {len(missed) - _SHOWN} more phones were not notified, see not_notified"] if len(missed) > _SHOWN else []
    if failure:
        result.update(failed=True, msg=failure)
    elif missed and strict:
        result.update(failed=True, msg=f"{len(missed)} phones were not notified: {'; '.join([*missed[:_SHOWN], *more])}")
    else:
        result["warnings"] = [*missed[:_SHOWN], *more]
    return result
