#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_code
short_description: Put the gate's program on a provisioning server
version_added: "1.0.0"
description:
  - Writes a few dozen text files in one task, where M(ansible.builtin.copy) would ask and send for each of them. Only those that differ are written,
    each at once or not at all.
  - A folder below O(path) that holds one of O(files) holds Python files of ours only. Others there are removed, since a program that was split up
    anew must not find what an older version left. O(path) itself may hold other files.
  - Files belong to the user and the group of the task, and everybody may read them.
  - The role C(dialtone.phones.provisioning_server) uses it.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  path:
    description: The folder of the program.
    type: path
    default: /usr/local/lib/dialtone-gate
  files:
    description: Texts by their names relative to O(path), which are C(NAME.py) or C(PACKAGE/NAME.py).
    type: dict
    required: true
extends_documentation_fragment:
  - dialtone.phones._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Install a program of one file
  dialtone.phones.gate_code:
    path: /usr/local/lib/example
    files:
      example/main.py: "{{ lookup('ansible.builtin.file', 'main.py', rstrip=false) }}"
"""

RETURN = r"""
written:
  description: Names of the files that were not as wanted.
  type: list
  elements: str
  returned: success
removed:
  description: Names of the files that should not be there.
  type: list
  elements: str
  returned: success
"""

import os
import re
import stat
import typing as t

from ansible.module_utils.basic import AnsibleModule

NAME = re.compile(r"^([a-z_]+/)?[a-z_]+\.py$")
MODE = 0o644


def unwanted_names(files: t.Mapping[str, t.Any]) -> t.List[str]:
    """Return a clause for each name that leads elsewhere, and for each text that is none."""
    clauses = [f"{name!r} is not NAME.py or PACKAGE/NAME.py" for name in sorted(files) if not NAME.match(name)]
    return clauses + [f"the content of {name!r} is not text" for name in sorted(files) if not isinstance(files[name], str)]


def read(path: str) -> t.Optional[str]:
    """Return the text of a file; nothing when it is not there or not a file."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, encoding="utf-8", errors="replace", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def as_wanted(path: str, text: str) -> bool:
    if read(path) != text:
        return False
    found = os.lstat(path)
    return (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (MODE, os.geteuid(), os.getegid())


def strays(folder: str, files: t.Mapping[str, str]) -> t.List[str]:
    """Return the Python files beside ours in the packages, by their names relative to the folder."""
    found = []
    for package in sorted({os.path.dirname(name) for name in files} - {""}):
        try:
            beside = os.listdir(os.path.join(folder, package))
        except FileNotFoundError:
            continue
        names = (f"{package}/{name}" for name in beside if name.endswith(".py"))
        found.extend(sorted(name for name in names if name not in files))
    return found


def write(path: str, text: str) -> None:
    """Write a file whole: whoever reads it meanwhile has the old one or the new one."""
    new = path + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8", newline="") as stream:
        os.fchown(stream.fileno(), os.geteuid(), os.getegid())
        os.fchmod(stream.fileno(), MODE)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(new, path)


def difference(folder: str, name: str, after: str) -> t.Dict[str, str]:
    path = os.path.join(folder, name)
    return {"before_header": path, "after_header": path, "before": read(path) or "", "after": after}


def install(folder: str, files: t.Mapping[str, str], *, check: bool = False, diff: bool = False) -> t.Dict[str, t.Any]:
    """Make the folder hold these files, unless only asked what that would change; return the module's result."""
    written = [name for name in sorted(files) if not as_wanted(os.path.join(folder, name), files[name])]
    removed = strays(folder, files)
    result = {"changed": bool(written or removed), "written": written, "removed": removed}
    if diff:
        result["diff"] = [difference(folder, name, files.get(name, "")) for name in written + removed]
    if not check:
        for name in written:
            os.makedirs(os.path.dirname(os.path.join(folder, name)), mode=0o755, exist_ok=True)
            write(os.path.join(folder, name), files[name])
        for name in removed:
            os.unlink(os.path.join(folder, name))
    return result


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/usr/local/lib/dialtone-gate"},
            "files": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    folder, files = module.params["path"], module.params["files"]
    # What a result says of the task's arguments: names do.
    module.params["files"] = sorted(files)
    clauses = unwanted_names(files)
    if clauses:
        module.fail_json(msg=f"files: {'; '.join(clauses)}")
    try:
        result = install(folder, files, check=module.check_mode, diff=module._diff)  # pylint: disable=protected-access
    except OSError as exc:
        module.fail_json(msg=f"gate_code: {exc.filename}: {exc.strerror}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
