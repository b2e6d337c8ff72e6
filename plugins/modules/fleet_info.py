#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_info
short_description: Return the phones of the play, checked and vendor-neutral
version_added: "1.0.0"
description:
  - Reads the variables of all phones in bulk, checks them as publishing does, fits them to their models, and returns them.
  - Fails with all problems of all phones at once. Nothing is written anywhere.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  secrets:
    description: Return SIP passwords and other secrets too. Without it they are masked.
    type: bool
    default: false
  policy:
    description:
      - Tell which level of C(phone_configs_password_policy) the SIP password of each line passes, instead of failing for those that don't.
    type: bool
    default: false
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.info_module
  - dialtone.phones._attributes.actiongroup_phones
seealso:
  - module: dialtone.phones.publish
"""

EXAMPLES = r"""
- name: Check the inventory in a pipeline
  hosts: phones
  gather_facts: false
  tasks:
    - name: Read and check all phones
      dialtone.phones.fleet_info:
      run_once: true
      delegate_to: localhost
      register: fleet
"""

RETURN = r"""
phones:
  description: By inventory name, the variables of the phone without their prefix, lines and keys complete.
  type: dict
  returned: success
counts:
  description: Number of phones by vendor, model and site.
  type: dict
  returned: success
complete:
  description: Whether the play covers the whole group.
  type: bool
  returned: success
fleet_size:
  description: Number of phones in the whole group.
  type: int
  returned: success
policy:
  description: By inventory name, for each line with a password C(line), C(number), the highest C(level) it passes and C(why) it passes no higher one.
  type: dict
  returned: O(policy=true)
fleet_warnings:
  description: What a model can't do, and what looks wrong without being refused.
  type: list
  elements: str
  returned: success
"""
