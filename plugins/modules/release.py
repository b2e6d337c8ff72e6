#!/usr/bin/python

# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Look at, publish or roll back releases of phone configurations on a provisioning server
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - The part of M(dialtone.phones.publish) that runs on the provisioning server. O(command=list), O(command=status), O(command=verify) and
    O(command=rollback) are useful by themselves.
  - A release is a folder below C(releases/) of O(root), served through the symbolic link C(current). A new one is built beside it, unchanged
    files being hard links, and switched to by renaming the link; killed at any moment, the old release serves on.
  - Runs as root, since it gives files to the groups of the web server and of the gate.
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._release_server
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - O(command=rollback) without O(release) goes one release further back, or forth again, at each run.
options:
  command:
    description:
      - V(status) says what serves. V(list) adds all kept releases. V(verify) hashes every served file and reports what was edited by hand.
      - V(rollback) makes a new release with the configurations of an older one.
      - V(apply) and V(read) are used by M(dialtone.phones.publish).
    type: str
    choices: [status, list, verify, apply, read, rollback]
    default: status
  archive:
    description: Path of the plan and contents on the server, for O(command=apply).
    type: path
  known:
    description: Digests of manifests that the caller has already, for O(command=status) and O(command=verify).
    type: list
    elements: str
    default: []
  manifest:
    description: Return the manifest's rows, for O(command=status) and O(command=verify).
    type: bool
    default: false
  files:
    description: Pairs V(mac/name) of served files to return, for O(command=read). Files over 100 kB and binary ones come as a digest.
    type: list
    elements: str
    default: []
  release:
    description:
      - For O(command=rollback), the id of a kept release; without it the one before the current.
      - For O(command=apply) it comes with the archive.
    type: str
    default: ''
  scope:
    description: For O(command=rollback), only phones published with this scope; empty takes all.
    type: str
    default: ''
  macs:
    description: For O(command=rollback), only phones with these MAC addresses; empty takes all.
    type: list
    elements: str
    default: []
  holder:
    description: Who publishes, for the message that another run gets.
    type: str
    default: another run
  link_limit:
    description: Number of names that one file may get; 0 leaves it to the file system.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show the kept releases
  dialtone.phones.release:
    command: list
  become: true
  register: kept

- name: Find files that were edited on the server
  dialtone.phones.release:
    command: verify
  become: true
  register: edited
  failed_when: edited.edited | length > 0

- name: Go back to a release
  dialtone.phones.release:
    command: rollback
    release: 20261122T150819Z-3f2a
  become: true
"""

RETURN = r"""
release:
  description: Id of the release that serves; none when nothing was published.
  returned: always
  type: str
digest:
  description: Digest of its manifest.
  returned: O(command=status), O(command=list) and O(command=verify)
  type: str
releases:
  description: Kept releases, newest first, each with C(id), C(created), C(by), C(kind), C(scope), C(phones) and C(current).
  returned: O(command=list)
  type: list
  elements: dict
previous:
  description: Id of the release that O(command=rollback) goes back to by itself; empty when there is none.
  returned: O(command=list)
  type: str
edited:
  description: By MAC address, names of files that are not as they were published, missing or unknown.
  returned: O(command=verify)
  type: dict
strangers:
  description: Folders beside the published phones that belong to none of them.
  returned: O(command=verify)
  type: list
  elements: str
gate_edited:
  description: Files of the gate that are not as they were published.
  returned: O(command=verify)
  type: list
  elements: str
restored:
  description: Hosts whose configurations came back, the first 200.
  returned: O(command=rollback)
  type: list
  elements: str
refused:
  description: Hosts that keep their present files because their generation or credentials changed since, the first 200.
  returned: O(command=rollback)
  type: list
  elements: str
absent:
  description: Hosts that the older release did not have, the first 200; they keep their present files.
  returned: O(command=rollback)
  type: list
  elements: str
counts:
  description: Numbers of RV(restored), RV(refused) and RV(absent) hosts.
  returned: O(command=rollback)
  type: dict
"""

import base64
import json
import os
import re
import time
import typing as t
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import GateConfigError, server_networks
from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ContentMissing, ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.nginx import Runner, WebServer
from ansible_collections.dialtone.phones.plugins.module_utils.release.options import SERVER_SPEC
from ansible_collections.dialtone.phones.plugins.module_utils.release.publisher import Publisher, Settings
from ansible_collections.dialtone.phones.plugins.module_utils.release.rollback import Rollback
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import file_digest
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import RELEASE_ID, Store
from ansible_collections.dialtone.phones.plugins.module_utils.release.verify import verify

_SHOWN = 200
_READ_LIMIT = 100 * 1000
_FILE = re.compile(r"\A[0-9a-f]{12}/[a-z0-9][a-z0-9._-]{0,99}\Z")

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    **SERVER_SPEC,
    "command": {"type": "str", "choices": ["status", "list", "verify", "apply", "read", "rollback"], "default": "status"},
    "archive": {"type": "path"},
    "known": {"type": "list", "elements": "str", "default": []},
    "manifest": {"type": "bool", "default": False},
    "files": {"type": "list", "elements": "str", "default": []},
    "release": {"type": "str", "default": ""},
    "scope": {"type": "str", "default": ""},
    "macs": {"type": "list", "elements": "str", "default": []},
    "holder": {"type": "str", "default": "another run"},
    "link_limit": {"type": "int", "default": 0},
}

Result = t.Dict[str, t.Any]


def runner(module: AnsibleModule) -> Runner:
    """Return what runs commands; one that can't be started is a failed one, since a release must be switched back then."""

    def run(command: list[str]) -> tuple[int, str, str]:
        try:
            return module.run_command(command, handle_exceptions=False)
        except OSError as exc:
            return 1, "", str(exc)

    return run


class Commands:
    """The verbs, one method each."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool, run: Runner) -> None:
        self._params = params
        self._check_mode = check_mode
        # Looking needs no group to exist: check mode works before the server's role ran.
        writes = params["command"] in ("apply", "rollback") and not check_mode
        compares = params["command"] == "verify"
        names = (params["owner"], params["web_group"], params["gate_group"]) if writes or compares else ()
        self._store = Store(params["root"].rstrip("/") or "/", Access(*names))
        settings = Settings(params["keep"], params["lock_timeout"], params["holder"], params["link_limit"])
        web = WebServer(params["nginx_site"], params["reload_command"], self._store.root, run)
        self._publisher = Publisher(self._store, web, compile_gate, server_networks(params["gate_config"]), settings)

    def run(self) -> Result:
        """Do what the module was asked."""
        return getattr(self, "do_" + self._params["command"])()

    def do_status(self) -> Result:
        """Say what serves, with the manifest's rows if they are wanted and not known."""
        current = self._store.current()
        result: Result = {"changed": False, "release": None, "digest": "", "gate_stale": False, "reload_pending": False}
        if current is not None:
            digest = current.digest()
            result.update(
                release=current.id,
                digest=digest,
                gate_stale=self._publisher.gate_is_stale(current),
                reload_pending=self._store.pending() is not None,
            )
            if self._params["manifest"] and digest and digest not in self._params["known"]:
                result["rows"] = base64.b64encode(manifest.slim(current.rows()[1])).decode()
        return result

    def do_list(self) -> Result:
        """Name the kept releases."""
        result = self.do_status()
        current = self._store.current()
        older = [release.id for release in self._store.releases() if current is not None and release.serial < current.serial]
        result["previous"] = older[0] if older else ""
        result["releases"] = [
            {
                "id": release.id,
                "current": release.id == result["release"],
                **{key: release.info.get(key, "") for key in ("created", "by", "kind", "scope", "phones")},
            }
            for release in self._store.releases()
        ]
        return result

    def do_verify(self) -> Result:
        """Say what was edited by hand."""
        result = self.do_status()
        current = self._store.current()
        result.update(edited={}, strangers=[], gate_edited=[])
        if current is not None:
            found = verify(current, self._store.access, self._store.pins)
            result.update(edited=found.phones, strangers=found.strangers, gate_edited=found.gate)
        return result

    def do_apply(self) -> Result:
        """Publish an archive."""
        if self._check_mode:
            return {"changed": True}
        try:
            return self._publisher.apply(self._params["archive"])
        except ContentMissing as exc:
            return {"changed": False, "missing": exc.digests}

    def do_read(self) -> Result:
        """Return served files for a diff."""
        current = self._store.current()
        texts: dict[str, t.Any] = {}
        for name in self._params["files"]:
            if current is not None and _FILE.match(name):
                texts[name] = _readable(os.path.join(current.path, "phones", name))
        packed = zlib.compress(json.dumps(texts).encode())
        return {"changed": False, "release": current.id if current else None, "texts": base64.b64encode(packed).decode()}

    def do_rollback(self) -> Result:
        """Bring configurations of an older release back."""
        wanted = self._params["release"]
        if wanted and not RELEASE_ID.match(wanted):
            raise ReleaseError(f"release: {wanted!r} is not the id of a release")
        rollback = Rollback(self._store, wanted, self._params["scope"], self._params["macs"])
        if self._check_mode:
            current = self._store.current()
            if current is None:
                raise ReleaseError(f"{self._store.link}: nothing was published yet")
            result: Result = {"changed": bool(rollback.find(current).rows), "release": current.id}
        else:
            stamp = time.strftime("%Y%m%dT%H%M%SZ-back", time.gmtime())
            about = {"by": self._params["holder"], "scope": self._params["scope"], "kind": "rollback"}
            result = self._publisher.change(stamp, rollback.find, about)
        result.update(
            target=rollback.target,
            restored=rollback.restored[:_SHOWN],
            refused=rollback.refused[:_SHOWN],
            absent=rollback.absent[:_SHOWN],
            counts={"restored": len(rollback.restored), "refused": len(rollback.refused), "absent": len(rollback.absent)},
        )
        return result


def _readable(path: str) -> t.Any:
    """Return a file's text, its digest when it is large or no text, or nothing when it is gone."""
    try:
        if os.path.getsize(path) <= _READ_LIMIT:
            with open(path, "rb") as stream:
                return stream.read().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        pass
    return {"sha256": file_digest(path)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_if=[("command", "apply", ["archive"])], supports_check_mode=True)
    try:
        result = Commands(module.params, module.check_mode, runner(module)).run()
    except (ReleaseError, GateConfigError) as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{exc.filename or module.params['root']}: {exc.strerror or exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
