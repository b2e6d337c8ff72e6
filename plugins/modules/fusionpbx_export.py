#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: fusionpbx_export
short_description: Write the phones of a FusionPBX site as ordinary inventory files
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Reads the database as the inventory plugin P(dialtone.phones.fusionpbx#inventory) does, and writes what it gives as a sheet for
    P(dialtone.phones.users_csv#inventory), as C(group_vars), and as a file that says how groups are nested. Loading them gives the same phones.
  - A phone that no sheet can hold, such as one with a line that has a user but no number, is written as YAML beside it.
  - The sheet and all variables that may hold a secret are encrypted with the vault password of the run. All files are readable by their owner only.
  - Only the source itself is written, not what other files of the running inventory add to it.
  - A file that is there already and was not written by an export is never replaced, nor is one that was edited since, unless O(force) is set.
    Files that are exported no more are removed.
  - Text from the database is data in these files too, and C({{ }}) in it is never evaluated.
  - Runs on the controller.
options:
  source:
    description: Configuration file of the inventory plugin, relative to the folder that C(ansible-playbook) is started in.
    type: path
    required: true
  dest:
    description:
      - Folder to write to, relative as O(source) is; the new inventory is its folder C(inventory/).
      - It may hold other files, such as C(inventory/servers.yml).
    type: path
    required: true
  vault_id:
    description:
      - Vault ID of this run to encrypt with. Needed where the run has several, unless C(ANSIBLE_VAULT_ENCRYPT_IDENTITY) names one.
    type: str
  force:
    description: Replace files that are there, whoever wrote or edited them.
    type: bool
    default: false
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details: Vaulted files are named, their contents are not shown.
  idempotent:
    support: full
seealso:
  - plugin: dialtone.phones.fusionpbx
    plugin_type: inventory
  - plugin: dialtone.phones.users_csv
    plugin_type: inventory
  - module: dialtone.phones.fusionpbx_compare
"""

EXAMPLES = r"""
- name: Write a FusionPBX site as ordinary inventory files
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Write the files
      dialtone.phones.fusionpbx_export:
        source: inventory/fusionpbx.yml
        dest: ours
        vault_id: site
"""

RETURN = r"""
phones:
  description: Number of phones.
  type: int
  returned: success
left_behind:
  description: Number of things that have no counterpart. C(left-behind.txt) in O(dest) lists them.
  type: int
  returned: success
files:
  description: All files of the export, relative to O(dest).
  type: list
  elements: str
  returned: success
changes:
  description: The files that were created, replaced or removed, or would be in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{"path": "people.csv", "change": "create"}]
dest:
  description: The folder.
  type: str
  returned: success
"""
