#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: onboarding_info
short_description: Tell how far the phones of the play have come
version_added: "1.0.0"
description:
  - Reads the claim store and tells for every phone of the play whether its one-time URL is armed, claimed, spent or locked, who claimed it and when,
    when it was last seen at its own URL, and how its registrations at redirect services stand.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  urls:
    description:
      - Return the armed one-time URLs too, for phones that are set up by hand. Whoever has such a URL gets the phone's passwords, so use it with
        C(no_log) and hand them out one by one.
    type: bool
    default: false
  pins:
    description:
      - Return the PINs of armed one-time URLs too (C(phone_claim_pin)), for whoever installs the phones. Use it with C(no_log), and tell each PIN to
        the one who needs it.
    type: bool
    default: false
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.info_module
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._claim_store
seealso:
  - module: dialtone.phones.onboarding
"""

EXAMPLES = r"""
- name: Read how far the phones have come
  dialtone.phones.onboarding_info:
  run_once: true
  delegate_to: "{{ groups['provisioning_servers'][0] }}"
  become: true
  register: onboarding

- name: Read the PINs for the installer, without showing them
  dialtone.phones.onboarding_info:
    pins: true
  run_once: true
  delegate_to: "{{ groups['provisioning_servers'][0] }}"
  become: true
  register: onboarding
  no_log: true

- name: Leave a list that only the operator can read
  ansible.builtin.copy:
    content: |
      {% for name, phone in onboarding.phones.items() if phone.pin is defined %}
      {{ name }} {{ phone.mac }} PIN {{ phone.pin }}
      {% endfor %}
    dest: pins.txt
    mode: "0600"
  run_once: true
  delegate_to: localhost
  no_log: true
"""

RETURN = r"""
store:
  description: Whether there is no store (C(new)), and whether its claims wait for a confirmation after a restore (C(closed)).
  type: dict
  returned: always
counts:
  description: Number of phones by state; V(new) was never armed, V(off) has no one-time URL.
  type: dict
  returned: always
phones:
  description:
    - By inventory name, the state, times in seconds since 1970, who claimed, whether a PIN is wanted, and registrations.
    - C(home) tells by which URL of its own the phone was last seen, V(current), V(old) (an older generation or secret) or V(never).
    - C(generation) is its C(phone_generation), which belongs to its own URL and not to the one-time one (C(claim_generation)).
    - C(stub_window_left) tells for how many seconds it may fetch its one-time URL on its LAN.
  type: dict
  returned: always
not_in_inventory:
  description: MAC addresses that the store knows and the inventory does not; only when the play covers the whole group.
  type: list
  elements: str
  returned: always
"""
