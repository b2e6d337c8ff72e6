# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the phones of the play once and publishes to one provisioning server: what M(dialtone.phones.publish) documents."""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import secrets
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.release import archive, manifest
from ansible_collections.dialtone.phones.plugins.plugin_utils import diff, spool
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import holders
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Rows
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.plan_report import PlanReport
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import prepare
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish_options import ARGUMENT_SPEC, ROLE_VARIABLES
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish_plan import Plan, Scope
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish_run import PublishError, Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published

display = Display()

_SHOWN = 200
_WARNED = 50
_ATTEMPTS = 3
_SERVER_OPTIONS = ("root", "gate_config", "owner", "web_group", "gate_group", "keep", "lock_timeout", "nginx_site", "reload_command")
_RELEASE = "dialtone.phones.release"


class _Shared:
    """What the items of one task's loop have in common: the loop over the servers runs in one worker process."""

    def __init__(self, run: Run | None, report: PlanReport | None, failure: Exception | None = None) -> None:
        self.run = run
        self.report = report
        self.failure = failure
        self.reported = False
        self.manifests: dict[str, Rows] = {}
        self.release_id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"


_shared: dict[tuple[str, int], _Shared] = {}


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
        shared = self._share(task_vars, args)
        if shared.failure is not None or shared.run is None:
            if shared.reported:
                raise AnsibleActionFail("nothing was published: the phones were refused, see the report of the first server")
            shared.reported = True
            raise AnsibleActionFail(str(shared.failure)) from shared.failure
        server = str(self._task.delegate_to or task_vars.get("inventory_hostname", "server"))
        try:
            with spool.private_folder(_local_folder()) as folder:
                return _Publication(self, shared, args, server, folder, task_vars).publish()
        except spool.ContentError as exc:
            raise AnsibleActionFail(str(exc)) from None
        except PublishError as exc:
            if not shared.run.is_ready:
                # The phones are at fault, not this server: what is wrong with them is told once.
                shared.failure, shared.reported = exc, True
            raise AnsibleActionFail(str(exc)) from exc

    def _prepare(self, task_vars: dict[str, Any], args: dict[str, Any]) -> Any:
        """Return the phones to publish, all checked."""
        production = prepare(self, task_vars, args)
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

    def _share(self, task_vars: dict[str, Any], args: dict[str, Any]) -> _Shared:
        # The batch tells the tasks of a play with serial apart, should they ever run in one process.
        key = (str(self._task._uuid), hash(tuple(map(str, task_vars.get("ansible_play_batch", ())))))
        if key not in _shared:
            _shared.clear()
            report = PlanReport(args["plan_path"]) if args["plan_path"] else None
            try:
                production = self._prepare(task_vars, args)
                production.warnings.limit = _WARNED
                run = Run(production, _local_folder(), display.display)
                _shared[key] = _Shared(run, report)
            except ProblemsError as exc:
                _shared[key] = _Shared(None, report, exc)
        return _shared[key]

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


class _Publication:
    """Publishing to one server."""

    def __init__(
        self, action: ActionModule, shared: _Shared, args: dict[str, Any], server: str, folder: str, task_vars: dict[str, Any]
    ) -> None:
        self._action = action
        self._shared = shared
        self._run: Run = shared.run  # type: ignore[assignment]
        self._args = args
        self._server = server
        self._folder = folder
        self._task_vars = task_vars
        self._check = bool(action._task.check_mode)
        self._diff = bool(action._task.diff)
        self._options = {name: args[name] for name in _SERVER_OPTIONS}
        self._scope = args["scope"] or self._run.production.scope
        self._options["holder"] = f"{_user()} on {socket.gethostname()}, scope {self._scope},"

    def publish(self) -> dict[str, Any]:
        """Plan and publish; once more with what the server turned out to have, lack or want."""
        missing: list[str] = []
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            published, status = self._look()
            published.lacks(missing)
            self._run.prepare(published, self._args["force"], self._diff)
            scope = Scope(self._scope, self._args["adopt_scopes"], self._args["prune"], self._args["remove"])
            plan = Plan(self._run, published, scope, self._folder)
            try:
                result = self._result(plan, status)
                self._show(plan, result)
                # Phones whose files are as before but whose digests are not get the new ones, or every later run would render them again.
                if self._check or not (result["changed"] or plan.moved):
                    return result
                refusal = plan.guard(self._args["max_change_percent"])
                if refusal:
                    raise PublishError(refusal)
                done = self._apply(plan, record=not result["changed"])
            finally:
                plan.close()
            if done.get("stale"):
                display.v(f"{self._server}: another run published meanwhile, comparing again")
            elif done.get("missing"):
                missing = done["missing"]
                display.v(f"{self._server}: {len(missing)} contents are gone there, sending them again")
            else:
                mine = {entry.mac for entry in self._run.entries()} if done.get("damaged") else set()
                if last or not mine.intersection(done.get("damaged", ())):
                    return self._finish(result, done)
                display.v(f"{self._server}: files of {len(done['damaged'])} phones are gone there, publishing them again")
        raise PublishError(f"{self._server}: other runs kept publishing to it; nothing was changed by this one")

    def _look(self) -> tuple[Published, dict[str, Any]]:
        command = "verify" if self._args["verify"] else "status"
        known = self._shared.manifests
        status = self._action.release(self._task_vars, command=command, manifest=True, known=list(known), **self._options)
        digest = status["digest"]
        if digest and digest not in known:
            known[digest] = Rows(_local_folder(), manifest.unslim(base64.b64decode(status.pop("rows"))))
        return Published(self._server, digest, known.get(digest, {}), status.get("edited")), status

    def _result(self, plan: Plan, status: dict[str, Any]) -> dict[str, Any]:
        edited = status.get("edited") or {}
        self._rebuild = bool(status.get("strangers") or status.get("gate_edited") or (set(edited) - set(self._unreached(plan, edited))))
        behind = bool(status["gate_stale"] or status["reload_pending"]) or (status["release"] is None and self._run.phones > 0)
        hosts: dict[str, list[str]] = {"changed": [], "updated": [], "removed": []}
        for change in plan.changes:
            if change.kind == "changed":
                # Not cut: what follows in the play, such as phone_resync, acts on all of them.
                hosts["updated"].append(change.host)
            shown = hosts["removed" if change.kind == "removed" else "changed"]
            if len(shown) < _SHOWN:
                shown.append(change.host)
        result: dict[str, Any] = {
            "changed": bool(plan.changes) or self._rebuild or behind,
            "server": self._server,
            "release": status["release"],
            "counts": {
                **plan.counts,
                "phones": self._run.phones,
                "rendered": self._run.rendered,
                "skipped": self._run.phones - self._run.rendered,
                "bytes": plan.bytes,
            },
            "changed_hosts": hosts["changed"],
            "updated_hosts": hosts["updated"],
            "removed_hosts": hosts["removed"],
            "warnings": self._warnings(plan, status),
        }
        if self._args["verify"]:
            result["edited"] = dict(list(edited.items())[:_SHOWN])
            result["gate_edited"] = status["gate_edited"][:_SHOWN]
            result["strangers"] = status["strangers"][:_SHOWN]
        return result

    def _unreached(self, plan: Plan, edited: dict[str, list[str]]) -> list[str]:
        """Return edited phones that this run does not publish."""
        if not edited:
            return []
        mine = {entry.mac for entry in self._run.entries()} | {change.mac for change in plan.changes}
        return [mac for mac in edited if mac not in mine]

    def _warnings(self, plan: Plan, status: dict[str, Any]) -> list[str]:
        notes = self._run.warnings
        warnings = list(notes)
        if len(notes) > len(warnings):
            warnings.append(f"and {len(notes) - len(warnings)} more warnings of this kind")
        edited = status.get("edited") or {}
        unreached = self._unreached(plan, edited)
        if edited:
            files = sum(len(names) for names in edited.values())
            verb = "would be repaired" if self._check else "are repaired"
            warnings.append(
                f"{self._server}: {files} files of {len(edited)} phones were edited on the server; those of this run's phones {verb}"
            )
        if unreached:
            warnings.append(
                f"{self._server}: {len(unreached)} phones with edited files are not part of this run: {', '.join(unreached[:20])}"
            )
        if status.get("gate_edited") or status.get("strangers"):
            names = [*status.get("gate_edited", ()), *(f"phones/{name}" for name in status.get("strangers", ()))]
            warnings.append(f"{self._server}: edited on the server outside of phones' files: {', '.join(names[:20])}")
        refusal = plan.guard(self._args["max_change_percent"]) if self._check else ""
        if refusal:
            warnings.append(f"a run without --check would be refused: {refusal}")
        return warnings

    def _show(self, plan: Plan, result: dict[str, Any]) -> None:
        """Add the diff, and write the artifact."""
        diffs: list[diff.Diff] = []
        if self._diff and plan.changes:
            limit = self._args["diff_limit"]
            names = diff.wanted(plan, limit)
            texts: dict[str, Any] = {}
            if names:
                reply = self._action.release(self._task_vars, command="read", files=names, root=self._args["root"])
                texts = json.loads(zlib.decompress(base64.b64decode(reply["texts"])))
            macs = {change.mac for _number, (change, *_names) in zip(range(limit), plan.changed_files(), strict=False)}
            maskers = {entry.mac: Masker(entry.secrets, entry.secret_parameters) for entry in self._run.entries() if entry.mac in macs}
            contents = self._run.contents
            diffs = diff.diffs(
                plan,
                self._server,
                limit,
                texts,
                lambda digest: contents.get(digest) if digest in contents and not contents.is_local(digest) else None,
                maskers,
            )
            result["diff"] = diffs
        if self._shared.report is not None:
            try:
                self._shared.report.add(self._server, plan, diffs, result["warnings"], result["changed"])
                self._shared.report.write()
            except OSError as exc:
                raise PublishError(f"plan_path: {exc.filename}: {exc.strerror}") from None

    def _apply(self, plan: Plan, record: bool) -> dict[str, Any]:
        header = {
            "record": record,
            "id": self._shared.release_id,
            "by": f"{_user()} on {socket.gethostname()}",
            "rebuild": self._rebuild,
        }
        path = os.path.join(self._folder, "release.tar")
        compress = self._action._connection.transport not in ("local", "ansible.builtin.local")
        lines, size = plan.stream(header)
        with lines:
            archive.write(path, lines, size, plan.index.items(), self._run.contents.each(plan.index), compress)
        try:
            remote = self._action.send(path)
            os.unlink(path)
            return self._action.release(self._task_vars, command="apply", archive=remote, **self._options)
        finally:
            self._action.forget_sent()

    def _finish(self, result: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        result["changed"] = bool(done["changed"])
        for name in ("release", "previous", "reloaded", "pruned"):
            if name in done:
                result[name] = done[name]
        if done.get("web_server_stopped"):
            result["warnings"].append(f"{self._server}: nginx is not running; it takes the release when it is started")
        if done.get("damaged"):
            result["warnings"].append(
                f"{self._server}: files of {len(done['damaged'])} phones that are not part of this run are gone: {', '.join(done['damaged'][:20])}"
            )
        return result


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _local_folder() -> str:
    """Return the folder of Ansible's local temporary files, above that of this process: leftovers of killed runs lie beside each other."""
    folder = os.path.dirname(C.DEFAULT_LOCAL_TMP)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder
