# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishing the phones of a run to one server: look at what it has, plan, apply, and once more where it turned out to be another than it was."""

from __future__ import annotations

import base64
import getpass
import json
import os
import secrets
import socket
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from ansible.utils.display import Display
from ansible_collections.dialtone.phones.plugins.module_utils.release import archive, manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.options import SERVER_SPEC
from ansible_collections.dialtone.phones.plugins.plugin_utils import diff
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Rows
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import Plan, Scope
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan_report import PlanReport
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import PublishError, Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published

display = Display()

_SHOWN = 200
_ATTEMPTS = 3


def _release_id() -> str:
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"


@dataclass
class Shared:
    """What publishing to the servers of one run has in common.

    ``folder``: for files that outlive one server. ``manifests``: rows by digest, since servers mostly have the same.
    """

    run: Run
    report: PlanReport | None
    folder: str
    manifests: dict[str, Rows] = field(default_factory=dict)
    release_id: str = field(default_factory=_release_id)


class Publication:
    """Publishing to one server.

    :param action: reaches it: ``release`` runs the module there, ``send`` brings a file, ``forget_sent`` removes it.
    :param folder: for files that need a name while they are transferred.
    """

    def __init__(self, action: Any, shared: Shared, args: dict[str, Any], server: str, folder: str, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._shared = shared
        self._run = shared.run
        self._args = args
        self._server = server
        self._folder = folder
        self._task_vars = task_vars
        self._check = bool(action._task.check_mode)
        self._diff = bool(action._task.diff)
        self._options = {name: args[name] for name in SERVER_SPEC}
        self._scope = args["scope"] or self._run.production.scope
        self._by = f"{_user()} on {socket.gethostname()}"
        self._options["holder"] = f"{self._by}, scope {self._scope},"
        self._rebuild = False  # whether what this run covers was edited on the server

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
            known[digest] = Rows(self._shared.folder, manifest.unslim(base64.b64decode(status.pop("rows"))))
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
            "by": self._by,
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
