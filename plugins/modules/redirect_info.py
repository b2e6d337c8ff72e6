#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redirect_info
short_description: List what an account of a redirect service holds, and how that differs from what is expected
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Reads an account of a redirect service and compares it both ways with O(devices). Writes nothing.
  - Without O(service), reads all accounts of the inventory (C(phone_redirect_accounts)) and compares them with the phones of the play and the claim store. The
    task is then delegated to the server that holds the store.
  - Runs on the controller, whatever the host of the task is. Use C(run_once).
  - "The arguments hold secrets: give the task C(no_log: true). The result never holds a URL or a secret and may be shown."
options:
  devices:
    description: The phones that are expected. Without them only what the account holds is returned.
    type: list
    elements: dict
    default: []
    suboptions:
      mac:
        description: MAC address in any spelling.
        type: str
        required: true
      url:
        description: The URL the phone should be sent to; a secret. Without it only the presence is compared.
        type: str
      mac_id:
        description: MAC-ID printed on the box, for Gigaset's older service.
        type: str
      serial:
        description: Serial number; not compared.
        type: str
  ownership:
    description: Also ask for each expected phone that the account does not hold whether another account has it; a call each, where the service tells.
    type: bool
    default: false
  store:
    description: Without O(service), the claim store; by default the one that the server's gate uses.
    type: str
    default: ""
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.info_module
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._redirect_account
seealso:
  - module: dialtone.phones.redirect
"""

EXAMPLES = r"""
- name: Compare the account with the fleet
  dialtone.phones.redirect_info:
    service: yealink_ymcs
    api_url: https://eu-api.ymcs.yealink.com
    access_key_id: "{{ vault_ymcs_id }}"
    access_key_secret: "{{ vault_ymcs_secret }}"
    devices: "{{ expected_devices }}"
  run_once: true
  no_log: true
  register: account

- name: Show the differences
  ansible.builtin.debug:
    var: account.differences

- name: Compare all accounts of the inventory with its phones
  hosts: phones
  gather_facts: false
  tasks:
    - name: Read the accounts
      dialtone.phones.redirect_info:
      run_once: true
      delegate_to: "{{ groups['provisioning_servers'][0] }}"
      become: true
      register: found

    - name: Show what differs
      ansible.builtin.debug:
        msg: "{{ found.accounts | to_nice_yaml }}"
      run_once: true
"""

RETURN = r"""
devices:
  description: Every MAC that the account holds or that is expected.
  type: list
  elements: dict
  returned: success
  contains:
    mac:
      description: Twelve lower-case hexadecimal digits.
      type: str
    state:
      description: V(registered) in this account, V(foreign) in another (only asked with O(ownership)), else V(absent).
      type: str
    expected:
      description: Whether O(devices) names it.
      type: bool
    matches:
      description: Whether it points to the expected URL; V(null) where that cannot be told.
      type: bool
differences:
  description: Lists of MACs.
  type: dict
  returned: success
  contains:
    missing:
      description: Expected and not in the account.
      type: list
    unexpected:
      description: In the account and not expected; only with O(devices).
      type: list
    different:
      description: In the account, with another URL.
      type: list
    unverifiable:
      description: In the account, and the service does not tell the URL.
      type: list
    foreign:
      description: Of the missing, those that another account holds; only with O(ownership).
      type: list
counts:
  description: How many are held, expected, and in each list of differences.
  type: dict
  returned: success
capabilities:
  description: What the service can do.
  type: dict
  returned: success
limits:
  description: What to know about the service, in sentences.
  type: list
  returned: success
calls:
  description: Requests made.
  type: int
  returned: success
accounts:
  description: By account of the inventory, all of the above; each of its C(devices) also has the C(host). An account that cannot be read is not in it.
  type: dict
  returned: without O(service)
by_hand:
  description: What no run can do, as M(dialtone.phones.redirect) tells it.
  type: list
  elements: str
  returned: without O(service)
"""
