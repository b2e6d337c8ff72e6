#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: onboarding
short_description: Arm, unlock, lock and spend the one-time URLs of phones
version_added: "1.0.0"
description:
  - Every phone has one URL that serves its configuration once. It is armed, claimed by the first address that fetches one of the phone's first
    files, serves that address while its window is open, and is spent for good when the phone has been seen at its own URL or the window ends.
    Only an operator's unlock makes a new one.
  - Runs once for all phones of the play (C(run_once)), delegated to the server that holds the claim store. Tokens are derived on the controller
    from C(provisioning_secret); the store is told their hashes.
  - Phones are chosen by the play's hosts and C(--limit).
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  state:
    description:
      - V(armed) arms phones that were never armed, and those that an operator unlocked. It never opens what was closed.
      - V(unlocked) gives every phone of the play a new generation, so a new URL, and arms it. A phone that is armed stays as it is.
      - V(locked) and V(spent) close. A locked phone stays closed until it is unlocked.
      - V(retired) closes what phones that left the inventory (O(macs)) had.
      - V(confirmed) opens the claims of a store that was restored from a backup.
      - V(opened) lets phones of the play that are armed and whose C(phone_bootstrap) is true fetch a stub at C(/b/) without a certificate for O(minutes).
        A stub that was handed out before is void.
      - V(closed) ends that, and makes void what was handed out and not claimed.
    type: str
    choices: [armed, unlocked, locked, spent, retired, confirmed, opened, closed]
    default: armed
  macs:
    description:
      - With O(state=retired), MAC addresses of phones that left. One that is still that of a phone of the inventory is refused.
    type: list
    elements: str
  reason:
    description: Why, for the audit trail.
    type: str
    default: ""
  force:
    description: With O(state=unlocked), end claims whose window is still open.
    type: bool
    default: false
  minutes:
    description: With O(state=opened), for how long, at most 240.
    type: int
    default: 30
  new_store:
    description:
      - Start with an empty claim store where there is none. URLs that were handed out before stay closed, since the new store has a new epoch.
    type: bool
    default: false
  readmit:
    description:
      - With O(state=armed), give phones that were retired when they left the inventory, and are in it again, a new one-time URL.
      - Without it they are told, and wait for O(state=unlocked).
    type: bool
    default: false
  retire_absent:
    description:
      - With O(state=armed) and a play that covers the whole group, retire phones that left the inventory.
      - Phones of another scope (C(phone_configs_scope)) are left alone.
    type: bool
    default: false
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._claim_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(state=unlocked) a phone that has used its URL gets a new one each time; O(state=opened) begins a new window each time.
seealso:
  - module: dialtone.phones.onboarding_info
"""

EXAMPLES = r"""
- name: Let phones claim their configuration again
  hosts: phones
  gather_facts: false
  tasks:
    - name: Unlock the phones of this play
      dialtone.phones.onboarding:
        state: unlocked
        reason: handset was reset to factory settings
      run_once: true
      delegate_to: "{{ groups['provisioning_servers'][0] }}"
      become: true
"""

RETURN = r"""
counts:
  description: Number of phones by state.
  type: dict
  returned: always
  sample: {"armed": 12, "spent": 388}
phones:
  description: Phones where something changed or remains to be done.
  type: list
  elements: dict
  returned: always
  contains:
    host:
      description: Inventory name, empty for a phone that left the inventory.
      type: str
    mac:
      description: MAC address.
      type: str
    state:
      description: State in force, V(off) for a phone without a one-time URL.
      type: str
    changed:
      description: Whether this run changed it.
      type: bool
    msg:
      description: What is to be said.
      type: str
refused:
  description: Hosts of the phones that could not be brought to the state; the others were. The task fails when there is one.
  type: list
  elements: str
  returned: always
msg:
  description: What else to do.
  type: str
  returned: when there is something to say
"""
