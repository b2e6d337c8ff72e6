#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_bootstrap
short_description: Give a new provisioning server an empty release
version_added: "1.0.0"
description:
  - nginx includes files of the current release, so it cannot start before the first one. This module makes a release without phones where there is
    none at all.
  - A release that an older version of the collection wrote may lack files that nginx includes today. They are added empty, which closes what they are
    about until the next publishing writes the real ones. What a release has is never touched.
  - The role C(dialtone.phones.provisioning_server) uses it.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  root:
    description: The folder of releases.
    type: path
    default: /var/lib/dialtone
  nginx_group:
    description: The group that nginx's workers run as.
    type: str
    default: www-data
  gate_group:
    description: The group that the gate's daemon runs as.
    type: str
    default: dialtone-gate
extends_documentation_fragment:
  - dialtone.phones._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Make an empty release where there is none
  dialtone.phones.gate_bootstrap:
"""

RETURN = r"""
empty:
  description: Whether the current release is the empty one, so nothing was ever published here.
  type: bool
  returned: success
added:
  description: Files of the gate that the current release lacked, relative to it.
  type: list
  elements: str
  returned: success
"""

import grp
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate

NAME = "bootstrap"


def write_release(folder: str, groups: t.Mapping[str, int]) -> None:
    """Write a release without phones; the files of an attempt that was interrupted are replaced."""
    os.makedirs(os.path.join(folder, "gate", "htpasswd"), mode=0o755, exist_ok=True)
    os.makedirs(os.path.join(folder, "phones"), mode=0o750, exist_ok=True)
    for path in ("gate/htpasswd", "phones"):
        os.chown(os.path.join(folder, path), -1, groups["nginx"])
        os.chmod(os.path.join(folder, path), 0o750)
    for path in ("", "gate"):
        os.chmod(os.path.join(folder, path), 0o711)
    for item in compile_gate([], []):
        write_file(os.path.join(folder, item.path), item.content, groups[item.reader])


def missing_files(root: str) -> t.List[str]:
    """Return the gate's files that nginx includes today and the current release, written by an older version, does not have."""
    current = os.path.join(root, "current")
    return [item.path for item in compile_gate([], []) if item.reader == "nginx" and not os.path.exists(os.path.join(current, item.path))]


def add_files(root: str, wanted: t.Sequence[str], groups: t.Mapping[str, int]) -> None:
    """Write them as they are for no phones at all: closed, until the next publishing writes the real ones."""
    for item in compile_gate([], []):
        if item.path in wanted:
            write_file(os.path.join(root, "current", item.path), item.content, groups[item.reader])


def write_file(path: str, content: bytes, group: int) -> None:
    with open(path, "wb") as stream:
        os.fchmod(stream.fileno(), 0o640)
        os.fchown(stream.fileno(), -1, group)
        stream.write(content)
        os.fsync(stream.fileno())


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/var/lib/dialtone"},
            "nginx_group": {"type": "str", "default": "www-data"},
            "gate_group": {"type": "str", "default": "dialtone-gate"},
        },
        supports_check_mode=True,
    )
    root = module.params["root"]
    link = os.path.join(root, "current")
    there = os.path.lexists(link)
    lacks = missing_files(root) if os.path.isdir(link) else []
    state = {"empty": not there or os.path.basename(os.path.realpath(link)) == NAME, "added": lacks}
    if module.check_mode or (there and not lacks):
        module.exit_json(changed=not there or bool(lacks), **state)
    try:
        groups = {reader: grp.getgrnam(module.params[f"{reader}_group"]).gr_gid for reader in ("nginx", "gate")}
        os.umask(0o022)
        if there:
            add_files(root, lacks, groups)
            module.exit_json(changed=True, **state)
        write_release(os.path.join(root, "releases", NAME), groups)
        # As publishing makes them: both readers pass through, and nobody lists.
        os.chmod(os.path.join(root, "releases"), 0o711)
        os.symlink(os.path.join("releases", NAME), link)
    except KeyError as exc:
        module.fail_json(msg=f"gate_bootstrap: {str(exc.args[0])}")
    except OSError as exc:
        module.fail_json(msg=f"gate_bootstrap: {exc.filename}: {exc.strerror}")
    module.exit_json(changed=True, **state)


if __name__ == "__main__":
    main()
