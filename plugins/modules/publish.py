#!/usr/bin/python

# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publish
short_description: Render all phones of a play and publish them to a provisioning server
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Renders the configuration files of every phone of the play in one task, compares them with what the server publishes, transfers what is
    new in one archive, and switches the server to the new release in one step.
  - Meant for a play on the group C(phones), with C(run_once) and C(delegate_to) a host of the group C(provisioning_servers). In a loop over several
    servers the phones are rendered once. The role P(dialtone.phones.phone_configs#role) does all this.
  - C(--limit) and C(serial) make it publish some phones and leave all others as they are. Phones that are gone from the inventory are removed
    by a run that covers the whole group.
  - All problems of all phones are reported together, and nothing is published while there is one.
  - An unchanged fleet changes nothing on the server. A run that is killed leaves the old release serving.
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._release_server
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Secrets are masked. Equal secrets of a phone have equal numbers, so that a changed password shows as a change.
  idempotent:
    support: full
options:
  scope:
    description:
      - Name of the part of the fleet that this inventory holds. A run only ever removes phones of its own scope, and refuses to publish a phone
        that another scope publishes.
      - Without it the variable C(phone_configs_scope) holds, and without that V(all).
    type: str
  adopt_scopes:
    description: Scopes whose phones this run may take over when it publishes them itself; for splitting or joining fleets.
    type: list
    elements: str
    default: []
  prune:
    description: Remove phones of this scope that are gone from the inventory; a run with C(--limit) or C(serial) never does.
    type: bool
    default: true
  remove:
    description:
      - MAC addresses of phones that left the inventory, removed whatever the run covers.
      - One that is still that of a phone of the inventory is refused; phones of another scope are left alone.
    type: list
    elements: str
    default: []
  only:
    description:
      - Inventory names of the phones to publish, of those that the play covers. The others are checked, so that what is wrong with any of them stops the
        run, but neither rendered nor published, and nothing is removed that O(remove) does not name.
      - An empty list publishes all.
    type: list
    elements: str
    default: []
  max_change_percent:
    description:
      - Refuse a run that would change or remove more than this share of the phones that the scope has published. New phones do not count.
      - Fleets of up to 20 phones are not guarded. V(100) turns it off.
      - In check mode it is a warning, so that the plan can be looked at.
    type: int
    default: 50
  verify:
    description: Hash every published file on the server first, report what was edited by hand, and publish it anew.
    type: bool
    default: false
  force:
    description: Render every phone, also those whose inputs did not change.
    type: bool
    default: false
  diff_limit:
    description: Number of files that C(--diff) shows for each server.
    type: int
    default: 50
  plan_path:
    description:
      - Write what changes to this path on the controller, as C(.json) and as C(.md), in check mode too.
      - With C(serial) the last batch wins.
    type: path
notes:
  - Which phones, which variables and which templates is not said here but in the inventory.
  - Rendered files hold passwords. They are kept in a file without a name while the task runs, and are in no result, diff or log.
seealso:
  - module: dialtone.phones.release
"""

EXAMPLES = r"""
- name: Publish phone configurations
  hosts: phones
  gather_facts: false
  tasks:
    - name: Publish
      dialtone.phones.publish:
      run_once: true
      become: true
      delegate_to: "{{ item }}"
      loop: "{{ groups.provisioning_servers }}"
"""

RETURN = r"""
server:
  description: Inventory name of the server.
  returned: success
  type: str
release:
  description: Id of the release that serves now.
  returned: success
  type: str
previous:
  description: Id of the release that served before.
  returned: when a release was made
  type: str
counts:
  description:
    - Numbers of C(phones) in the run, of those C(rendered) and C(skipped) because nothing they are made of changed, of C(new), C(changed) and
      C(removed) phones, of differing C(files) and of C(bytes) sent.
  returned: success
  type: dict
  sample: {phones: 1200, rendered: 1, skipped: 1199, new: 0, changed: 1, removed: 0, files: 2, bytes: 8120}
changed_hosts:
  description: Phones that are new or changed, the first 200.
  returned: success
  type: list
  elements: str
updated_hosts:
  description: Phones that had files before and have different ones now, all of them; M(dialtone.phones.resync) makes them fetch.
  returned: success
  type: list
  elements: str
removed_hosts:
  description: Phones that are removed, the first 200.
  returned: success
  type: list
  elements: str
edited:
  description: By MAC address, files that were edited on the server.
  returned: when O(verify=true)
  type: dict
gate_edited:
  description: Files of the gate that were edited on the server.
  returned: when O(verify=true)
  type: list
  elements: str
strangers:
  description: Folders beside the phones' that belong to no phone.
  returned: when O(verify=true)
  type: list
  elements: str
reloaded:
  description: Whether nginx had to read its configuration again.
  returned: when a release was made
  type: bool
pruned:
  description: Ids of old releases that were deleted.
  returned: when a release was made
  type: list
  elements: str
"""
