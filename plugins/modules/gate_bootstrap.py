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
    none at all, and never touches one that is there.
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
        os.chmod(os.path.join(folder, path), 0o755)
    for item in compile_gate([], []):
        path = os.path.join(folder, item.path)
        with open(path, "wb") as stream:
            os.fchmod(stream.fileno(), 0o640)
            os.fchown(stream.fileno(), -1, groups[item.reader])
            stream.write(item.content)
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
    if os.path.lexists(link):
        module.exit_json(changed=False, empty=os.path.basename(os.path.realpath(link)) == NAME)
    if module.check_mode:
        module.exit_json(changed=True, empty=True)
    try:
        groups = {reader: grp.getgrnam(module.params[f"{reader}_group"]).gr_gid for reader in ("nginx", "gate")}
        os.umask(0o022)
        write_release(os.path.join(root, "releases", NAME), groups)
        os.chmod(os.path.join(root, "releases"), 0o755)
        os.symlink(os.path.join("releases", NAME), link)
    except KeyError as exc:
        module.fail_json(msg=f"gate_bootstrap: {str(exc.args[0])}")
    except OSError as exc:
        module.fail_json(msg=f"gate_bootstrap: {exc.filename}: {exc.strerror}")
    module.exit_json(changed=True, empty=True)


if __name__ == "__main__":
    main()
