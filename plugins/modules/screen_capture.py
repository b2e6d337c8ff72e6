#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: screen_capture
short_description: Fetch what the displays of phones show
version_added: "1.0.0"
description:
  - Asks every phone of the play for a picture of its display, many at once, saves each as PNG and all of them on one page, the contact sheet.
  - Runs on the controller, which has to reach the phones' web pages. One task for all phones.
  - A phone that does not tell is one sentence in the result, with what its vendor wants to be switched on, and stops no other.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  dest:
    description:
      - Folder on the controller for the pictures and C(index.html).
      - It is made with mode 0700, its files with 0600, since displays show names and numbers.
    type: path
    required: true
  hosts:
    description: Inventory names of the phones to ask; by default all phones of the play.
    type: list
    elements: str
    default: []
  addresses:
    description: Where phones are, by inventory name. An address or name, with an optional port. Others are at their C(ansible_host).
    type: dict
    default: {}
  username:
    description: Login for all phones in place of C(phone_admin_user), or of the name that the vendor's phones always have.
    type: str
    default: ""
  password:
    description: Password for all phones in place of C(phone_admin_password).
    type: str
    default: ""
  validate_certs:
    description: Whether the certificates of phones' web pages are checked. Those they leave the factory with are signed by nobody that a controller trusts.
    type: bool
    default: true
  ca_path:
    description: File of CA certificates that signed those of the phones.
    type: path
  concurrency:
    description: Phones asked at once.
    type: int
    default: 16
  rate:
    description: Phones begun with per second.
    type: float
    default: 50
  timeout:
    description: Seconds for a connection and for each piece of an answer. A phone that needs four times as long in all is given up.
    type: float
    default: 10
  max_size:
    description: Most bytes of an answer that are read.
    type: int
    default: 8388608
  strict:
    description: Fail when the screen of any phone can't be fetched, instead of warning.
    type: bool
    default: false
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
attributes:
  check_mode:
    support: full
    details: Tells who would be asked where, and asks nobody.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Displays change.
"""

EXAMPLES = r"""
- name: See what the phones at a site show
  hosts: site_berlin
  gather_facts: false
  tasks:
    - name: Fetch the screens
      dialtone.phones.screen_capture:
        dest: "{{ playbook_dir }}/screens"
        ca_path: "{{ playbook_dir }}/files/phone-ca.pem"
      run_once: true
"""

RETURN = r"""
phones:
  description:
    - By inventory name C(state) (V(captured), V(failed), V(unknown) or in check mode V(planned)) and C(msg).
    - Of pictures also C(file), C(width) and C(height).
  type: dict
  returned: always
counts:
  description: Number of phones in each state.
  type: dict
  returned: always
sheet:
  description: Path of the contact sheet.
  type: str
  returned: unless in check mode
not_captured:
  description: A sentence for each phone without a picture.
  type: list
  elements: str
  returned: always
"""
