#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: fusionpbx_compare
short_description: Compare, phone by phone, what FusionPBX serves with what is rendered here
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - With O(url), fetches for every phone of the play what a running FusionPBX serves to it, and compares it parameter by parameter with the files that are
    rendered here.
  - With O(source), compares the variables that the inventory plugin P(dialtone.phones.fusionpbx#inventory) reads from its database now with those of the
    running inventory, as after an export.
  - The report names the parameters that only one side has, and those with different values. Secrets are compared as they are and shown as V(***).
  - Phonebooks are not compared.
  - Nothing is published. FusionPBX notes each fetch in its device list (date, address, and a User-Agent with vendor and model), as that of a phone.
  - Runs on the controller, for all phones of the play at once. Use C(run_once).
options:
  url:
    description:
      - Folder that FusionPBX serves phones from. C({domain}) stands for the tenant.
      - A redirect is not followed, since the login is for this server.
    type: str
  username:
    description: User that FusionPBX wants of phones (its setting C(http_auth_username)). Digest and Basic are answered.
    type: str
    default: ""
  password:
    description: Password for O(username).
    type: str
    default: ""
  ca_path:
    description: File with the certificate authority of FusionPBX. By default those of the system.
    type: path
  validate_certs:
    description: Check its certificate.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 10
  concurrency:
    description: Phones to fetch for at one time.
    type: int
    default: 4
  source:
    description: Configuration file of the inventory plugin, relative to the folder that C(ansible-playbook) is started in. Either this or O(url).
    type: path
  report:
    description: Where to write the report, without its endings C(.md) and C(.json), relative as O(source) is. It is written in check mode too.
    type: path
    required: true
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - plugin: dialtone.phones.fusionpbx
    plugin_type: inventory
  - module: dialtone.phones.fusionpbx_export
"""

EXAMPLES = r"""
- name: Compare before the phones move
  hosts: phones
  gather_facts: false
  tasks:
    - name: Fetch and compare
      dialtone.phones.fusionpbx_compare:
        url: "https://{domain}/app/provision/"
        username: provision
        password: "{{ vault_fusionpbx_provision }}"
        report: comparison
      run_once: true
      delegate_to: localhost
"""

RETURN = r"""
counts:
  description: Number of phones, of those that are the same on both sides, that differ, and that only one side serves.
  type: dict
  returned: success
  sample: {"phones": 5, "same": 0, "different": 4, "only_theirs": 0, "only_ours": 1}
differing:
  description: Names of the phones that are not the same on both sides.
  type: list
  elements: str
  returned: success
notes:
  description: What else there is to say.
  type: list
  elements: str
  returned: success
report:
  description: The files of the report.
  type: list
  elements: str
  returned: success
"""
