#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: claim_store
short_description: Read and change the claim store of a provisioning server
version_added: "1.0.0"
description:
  - The claim store knows which one-time URLs are armed, who claimed them, and when they were spent. It sees hashes of tokens, never a token.
  - This module is the target side of M(dialtone.phones.onboarding) and runs on the server that holds the store. Operators use
    M(dialtone.phones.onboarding), or C(gatectl) on the server.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  path:
    description:
      - The store, the path of a SQLite database or a C(postgresql://) address.
      - When not set, the store that the server's O(config) names.
    type: str
  config:
    description: The configuration of the server's gate.
    type: path
    default: /etc/dialtone/gate.json
  command:
    description:
      - V(status) reads. It reports a store that is not there as RV(new), not as an error.
      - V(init) makes a store with a new random epoch where there is none.
      - V(arm) arms phones that were never armed or that were unlocked. It never opens what was closed.
      - V(unlock) gives phones a new generation; those with a token hash in O(devices) are armed at once.
      - V(lock), V(spend) and V(retire) close.
      - V(open_window) lets phones of O(macs) that are armed ask for a stub on their LAN for O(seconds), V(close_window) ends that.
      - V(adopt) notes that O(macs) belong to O(scope).
      - V(confirm) opens the claims of a restored store.
      - V(intent) and V(outcome) record registrations at a redirect service.
      - V(log) reads the audit trail.
    type: str
    choices: [status, init, arm, unlock, lock, spend, retire, adopt, confirm, open_window, close_window, intent, outcome, log]
    default: status
  macs:
    description: MAC addresses, as twelve lower-case hexadecimal digits. With V(status) and V(log), all when not set.
    type: list
    elements: str
  devices:
    description: For O(command=arm) and O(command=unlock).
    type: list
    elements: dict
    suboptions:
      mac:
        description: The MAC address, as twelve lower-case hexadecimal digits.
        type: str
        required: true
      claim_generation:
        description: The generation that the token was derived for.
        type: int
      token_sha256:
        description: SHA-256 of the claim token, in hexadecimal.
        type: str
      pin_sha256:
        description: SHA-256 of C(<mac>:<claim_generation>:<PIN>), in hexadecimal, when the claim must also ask for a PIN.
        type: str
      window:
        description: How long a claimed URL serves the address that claimed it, in seconds.
        type: int
        default: 900
      reason:
        description: Why, for the audit trail.
        type: str
        default: ""
      scope:
        description: The part of the fleet (C(phone_configs_scope)) that the phone belongs to, noted when it is armed for the first time.
        type: str
        default: all
      by:
        description: Who, for the audit trail.
        type: str
        default: ""
  account:
    description: The redirect account that O(rows) belong to.
    type: str
  rows:
    description: For O(command=intent) and O(command=outcome), dictionaries of C(mac), C(url_sha256), C(state), C(generation) and C(msg).
    type: list
    elements: dict
  input_file:
    description: A JSON file on the server with the list for O(devices), O(rows) or O(macs), for large inputs. It is removed after reading.
    type: path
  scope:
    description: With O(command=adopt), the part of the fleet that the phones belong to.
    type: str
  seconds:
    description: With O(command=open_window), how long the window stays open, at most four hours.
    type: int
    default: 1800
  force:
    description: With O(command=unlock), end claims whose window is still open.
    type: bool
    default: false
  by:
    description: Who, for the audit trail of the commands that take O(macs).
    type: str
    default: ""
  limit:
    description: With O(command=log), how many of the latest events.
    type: int
    default: 100
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
- name: Read the whole store
  dialtone.phones.claim_store:
  register: store

- name: Close the claim of a lost phone
  dialtone.phones.claim_store:
    command: lock
    macs:
      - 001565aabbcc
    by: "{{ lookup('env', 'USER') }}"
"""

RETURN = r"""
new:
  description: There is no store.
  type: bool
  returned: O(command=status)
epoch:
  description: The random value of the store that all claim tokens depend on; empty when there is no store.
  type: str
  returned: O(command=status)
closed:
  description: All claims are closed, because the store was restored and not confirmed.
  type: bool
  returned: O(command=status)
devices:
  description: Per MAC, the state (V(armed), V(claimed), V(spent), V(unlocked), V(locked), V(retired)); with V(status) everything known
    (generation, window, times in seconds since 1970, last contact, registrations), else C(changed), and C(msg) and C(failed) where refused.
  type: dict
  returned: all commands but V(init), V(confirm) and V(log)
refused:
  description: The MACs that a command refused, each with its reason in RV(devices).
  type: list
  elements: str
  returned: commands that change
events:
  description: The audit trail, oldest first.
  type: list
  elements: dict
  returned: O(command=log)
"""

import contextlib
import json
import os
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils.claims import Store, StoreError, StoreMissing, create_store, open_store
from ansible_collections.dialtone.phones.plugins.module_utils.claims.owner import acting_as_owner
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import DEFAULT_PATH, GateConfigError, store_target

NEEDED = {
    "arm": "devices",
    "unlock": "devices",
    "lock": "macs",
    "spend": "macs",
    "retire": "macs",
    "adopt": "macs",
    "open_window": "macs",
    "close_window": "macs",
    "intent": "rows",
    "outcome": "rows",
}
_MAC = re.compile(r"\A[0-9a-f]{12}\Z")
_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")


class InputError(Exception):
    """The arguments or the input file cannot be used."""


def read_input(params: t.Mapping[str, t.Any]) -> t.Optional[list]:
    """Return the list that the command works on, from the options or the input file, checked."""
    command = params["command"]
    key = NEEDED.get(command, "macs")
    items = params[key]
    if params["input_file"]:
        try:
            with open(params["input_file"], encoding="utf-8") as stream:
                items = json.load(stream)
        except (OSError, ValueError) as exc:
            raise InputError(f"{params['input_file']}: cannot be read: {exc}") from exc
        finally:
            with contextlib.suppress(OSError):
                os.unlink(params["input_file"])
    if items is None and command in NEEDED:
        raise InputError(f"command {command} needs {key}")
    problems = [problem for number, item in enumerate(items or ()) for problem in item_problems(command, key, number, item)]
    if problems:
        more = len(problems) - 20
        raise InputError("; ".join(problems[:20] + ([f"and {more} more"] if more > 0 else [])))
    if items is not None and key != "macs" and len({item["mac"] for item in items}) != len(items):
        raise InputError(f"{key}: a MAC address appears twice")
    return items


def item_problems(command: str, key: str, number: int, item: t.Any) -> t.Iterator[str]:
    mac = item if key == "macs" else item.get("mac") if isinstance(item, dict) else None
    if not isinstance(mac, str) or not _MAC.match(mac):
        yield f"{key}[{number}]: {mac!r} is not twelve lower-case hexadecimal digits"
        return
    if key != "devices":
        return
    token, generation = item.get("token_sha256"), item.get("claim_generation")
    if (token is not None or command == "arm") and not _SHA256.match(str(token)):
        yield f"{key}[{number}]: token_sha256 of {mac} is not 64 lower-case hexadecimal digits"
    if (token is not None or command == "arm") and (not isinstance(generation, int) or generation < 1):
        yield f"{key}[{number}]: claim_generation of {mac} is not a whole number from 1"
    if item.get("pin_sha256") is not None and not _SHA256.match(str(item["pin_sha256"])):
        yield f"{key}[{number}]: pin_sha256 of {mac} is not 64 lower-case hexadecimal digits"
    if not isinstance(item.get("window", 900), int) or not 0 < item.get("window", 900) <= 86400:
        yield f"{key}[{number}]: window of {mac} is not between 1 and 86400 seconds"


def run(store: Store, params: t.Mapping[str, t.Any], items: t.Optional[list], check: bool) -> dict:
    """Run a command on an open store and return the module's result."""
    command, by = params["command"], params["by"]
    if command == "status":
        return {"changed": False, **store.status(items)}
    if command == "log":
        return {"changed": False, "events": store.events(items, params["limit"])}
    if command == "confirm":
        return {"changed": store.confirm(by, check)}
    done = {
        "arm": lambda: store.arm(items, check),
        "unlock": lambda: store.unlock(items, params["force"], check),
        "lock": lambda: store.lock(items, by, check),
        "spend": lambda: store.spend(items, by, check),
        "retire": lambda: store.retire(items, by, check),
        "adopt": lambda: store.adopt(items, params["scope"], by, check),
        "open_window": lambda: store.open_window(items, params["seconds"], by, check),
        "close_window": lambda: store.close_window(items, by, check),
        "intent": lambda: store.registrations(params["account"], items, check, final=False),
        "outcome": lambda: store.registrations(params["account"], items, check),
    }[command]()
    devices = {row.pop("mac"): row for row in done}
    refused = [mac for mac, row in devices.items() if row.get("failed")]
    return {"changed": any(row["changed"] for row in devices.values()), "devices": devices, "refused": refused}


def work(target: str, params: t.Mapping[str, t.Any], items: t.Optional[list], check: bool) -> dict:
    """Open the store and run the command; a store that is not there is an answer to V(status) and an error to everything else."""
    if params["command"] == "init":
        return {"changed": create_store(target, params["by"], check)}
    try:
        store = open_store(target)
    except StoreMissing:
        if params["command"] != "status":
            raise
        return {"changed": False, "new": True, "epoch": "", "closed": False, "devices": {}}
    try:
        return run(store, params, items, check)
    finally:
        store.close()


def main() -> t.NoReturn:
    device = {
        "mac": {"type": "str", "required": True},
        "claim_generation": {"type": "int"},
        "token_sha256": {"type": "str", "no_log": False},
        "pin_sha256": {"type": "str", "no_log": False},
        "window": {"type": "int", "default": 900},
        "reason": {"type": "str", "default": ""},
        "scope": {"type": "str", "default": "all"},
        "by": {"type": "str", "default": ""},
    }
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str"},
            "config": {"type": "path", "default": DEFAULT_PATH},
            "command": {
                "type": "str",
                "choices": [
                    "status",
                    "init",
                    "arm",
                    "unlock",
                    "lock",
                    "spend",
                    "retire",
                    "adopt",
                    "confirm",
                    "open_window",
                    "close_window",
                    "intent",
                    "outcome",
                    "log",
                ],
                "default": "status",
            },
            "macs": {"type": "list", "elements": "str"},
            "devices": {"type": "list", "elements": "dict", "options": device},
            "account": {"type": "str"},
            "rows": {"type": "list", "elements": "dict"},
            "scope": {"type": "str"},
            "input_file": {"type": "path"},
            "seconds": {"type": "int", "default": 1800},
            "force": {"type": "bool", "default": False},
            "by": {"type": "str", "default": ""},
            "limit": {"type": "int", "default": 100},
        },
        required_if=[("command", "intent", ["account"]), ("command", "outcome", ["account"]), ("command", "adopt", ["scope"])],
        mutually_exclusive=[("macs", "devices", "rows", "input_file")],
        supports_check_mode=True,
    )
    try:
        target = store_target(module.params["path"], module.params["config"])
        items = read_input(module.params)
        with acting_as_owner(target):
            result = work(target, module.params, items, module.check_mode)
    except (StoreError, GateConfigError, InputError) as exc:
        module.fail_json(msg=f"claim store: {exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
