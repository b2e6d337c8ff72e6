#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: contacts_info
short_description: Tell which phones asked and are unknown, and which are known and do not call
version_added: "1.0.0"
description:
  - Compares whom the provisioning servers met with the inventory. Phones that asked and are in no inventory come as a sheet that
    P(dialtone.phones.users_csv#inventory) reads once their numbers are filled in.
  - Who is unknown is known by the MAC address in the path or in the User-Agent of a request that was refused. Anybody may name any MAC address, so look
    before you adopt.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  states:
    description: By the name of each server, the RV(dialtone.phones.gate_state#module:state) that was read there.
    type: dict
    required: true
  silent_days:
    description: A phone that has not fetched its files for so many days is silent.
    type: int
    default: 14
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.info_module
  - dialtone.phones._attributes.actiongroup_phones
seealso:
  - module: dialtone.phones.gate_state
  - module: dialtone.phones.report
"""

EXAMPLES = r"""
- name: Look for strangers
  hosts: phones
  gather_facts: false
  tasks:
    - name: Read what the server knows
      dialtone.phones.gate_state:
      run_once: true
      delegate_to: "{{ groups['provisioning_servers'][0] }}"
      become: true
      register: known

    - name: Compare it with the inventory
      dialtone.phones.contacts_info:
        states: "{{ {groups['provisioning_servers'][0]: known.state} }}"
        silent_days: 30
      run_once: true
      register: contacts
"""

RETURN = r"""
unknown:
  description: Phones that asked and are not in the inventory, seen last first. With MAC address, vendor and model where they can be told, address,
    User-Agent, number of requests, and the times of the first and the last.
  type: list
  elements: dict
  returned: success
csv:
  description: The same as a sheet for P(dialtone.phones.users_csv#inventory), with empty cells for number, name and password.
  type: str
  returned: success
unknown_requests:
  description: Number of requests that belong to no phone (C(total)), and how many named MAC addresses that did not fit into the table (C(not_kept)).
  type: dict
  returned: success
silent:
  description: Phones of the inventory that have not called for O(silent_days).
  type: list
  elements: dict
  returned: success
outdated:
  description: Phones that have not fetched the published release, or not from the URL of their generation.
  type: list
  elements: dict
  returned: success
hammering:
  description: Phones that ask more often than the limits allow.
  type: list
  elements: dict
  returned: success
trouble:
  description: Phones with other errors since their last contact, such as a wrong password or a refused address, in C(errors).
  type: list
  elements: dict
  returned: success
"""
