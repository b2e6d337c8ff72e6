#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redirect
short_description: Point phones to their provisioning URL at a vendor's redirect service
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Registers, moves and removes MAC addresses in an account of a redirect (zero-touch) service, so that a factory-new phone finds its provisioning URL.
  - Takes the whole list of phones in one task, uses the batches of the service, and reports per MAC. One refused MAC never stops the others;
    the task fails at its end if any MAC failed.
  - Reads before it writes, except where O(devices[].recorded) says that nothing is to be done; then no call is made at all.
  - After a lost reply the service is read back before it is written again, so nothing is registered twice.
  - A MAC of another account is left alone unless O(override) names it and the service allows that.
  - Runs on the controller, whatever the host of the task is. Use C(run_once).
  - "The arguments hold secrets: give the task C(no_log: true). The result never holds a URL or a secret and may be shown."
options:
  devices:
    description:
      - The phones.
      - Without this and O(service), the phones are those of the play, their URLs are the one-time URLs that the claim store has armed, and the accounts
        are C(phone_redirect_accounts) of the inventory, of which each phone names one with C(phone_redirect_account). The task is then delegated to the
        server that holds the claim store, which remembers what was written, so that a second run asks nobody anything.
    type: list
    elements: dict
    suboptions:
      mac:
        description: MAC address in any spelling.
        type: str
        required: true
      url:
        description:
          - The URL the phone is sent to; a secret. Wanted for O(state=present).
          - Keep a token in the path, not in a query, and below 256 characters.
        type: str
      serial:
        description: Serial number, for services that want it.
        type: str
      mac_id:
        description: MAC-ID printed on the box (twelve digits, a dash, four characters), for Gigaset's older service.
        type: str
      username:
        description: HTTP user name that the service hands to the phone, where it can.
        type: str
      password:
        description: HTTP password that the service hands to the phone, where it can. It cannot be read back.
        type: str
      recorded:
        description:
          - What was last written for this phone, as RV(recorded) of an earlier run gave it.
          - Where it equals what is wanted and O(verify=false), no call is made for this phone.
          - Its C(state) V(intent) says that an earlier run was about to write and never said how it ended; the service is read back then.
          - A bare SHA-256 digest of the URL, or the URL, is taken for a registered phone.
        type: raw
      generation:
        description: A number to be kept in the record.
        type: int
  state:
    description: Whether the phones are to be registered or not.
    type: str
    choices: [present, absent]
    default: present
  override:
    description:
      - MACs that may be taken from another account, where the service allows it at all.
      - Named here, a MAC of our own is also written again at a service that does not tell where it points.
    type: list
    elements: str
    default: []
  verify:
    description: Ask the service even where O(devices[].recorded) says that all is well, and repair what differs.
    type: bool
    default: false
  max_deregistrations:
    description: A run that would remove more phones than this is refused before the first is removed.
    type: int
    default: 100
  spent:
    description: Without O(devices), what becomes of the entry of a phone whose one-time URL is spent or locked.
    type: str
    choices: [keep, deregister]
    default: keep
  absent:
    description:
      - Without O(devices), what becomes of the entry of a phone that left the inventory.
      - Only a run that covers the whole group takes such entries out, and only those of its own scope (C(phone_configs_scope)).
    type: str
    choices: [keep, deregister]
    default: deregister
  gone:
    description:
      - Without O(devices), MAC addresses of phones that left the inventory and whose entries are taken out whatever the run covers.
    type: list
    elements: str
    default: []
  unlocking:
    description: Without O(devices) and in check mode, predict what comes after an unlock of the phones of the play.
    type: bool
    default: false
  readmit:
    description: Without O(devices) and in check mode, predict what comes after M(dialtone.phones.onboarding) with C(readmit).
    type: bool
    default: false
  store:
    description: Without O(devices), the claim store; by default the one that the server's gate uses.
    type: str
    default: ""
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._redirect_account
attributes:
  check_mode:
    support: full
    details:
      - Where a service only tells the owner of a MAC on registering it, the prediction says C(ownership unknown).
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Where a service does not tell URLs, a changed URL is only noticed with O(devices[].recorded).
seealso:
  - module: dialtone.phones.redirect_info
"""

EXAMPLES = r"""
- name: Register two phones at the Yealink Management Cloud Service
  dialtone.phones.redirect:
    service: yealink_ymcs
    api_url: https://eu-api.ymcs.yealink.com
    access_key_id: "{{ vault_ymcs_id }}"
    access_key_secret: "{{ vault_ymcs_secret }}"
    devices:
      - mac: "00:15:65:aa:bb:cc"
        serial: "3146019091637071"
        url: "{{ claim_urls['001565aabbcc'] }}"
      - mac: "00:15:65:aa:bb:cd"
        serial: "3146019091637072"
        url: "{{ claim_urls['001565aabbcd'] }}"
  run_once: true
  no_log: true
  register: redirected

- name: Say how it ended
  ansible.builtin.debug:
    var: redirected.devices

- name: Take a phone that is to be sold out of the account
  dialtone.phones.redirect:
    service: yealink_rps_xml
    username: "{{ vault_rps_user }}"
    password: "{{ vault_rps_password }}"
    state: absent
    devices:
      - mac: "00:15:65:aa:bb:cc"
  run_once: true
  no_log: true
"""

RETURN = r"""
devices:
  description: How it ended for each phone, in the order of O(devices).
  type: list
  elements: dict
  returned: always, unless the options were refused
  contains:
    mac:
      description: Twelve lower-case hexadecimal digits.
      type: str
      sample: 001565aabbcc
    state:
      description:
        - V(registered) points to the wanted URL; V(absent) is not in the account; V(foreign) belongs to another account;
          V(failed) was refused or not tried; V(unknown) was sent and never answered.
        - In check mode, what it would be.
      type: str
      sample: registered
    changed:
      description: Whether something was written for it.
      type: bool
    failed:
      description: Whether the wanted state was not reached.
      type: bool
    msg:
      description: One sentence.
      type: str
      sample: registered
counts:
  description: Number of phones C(registered), C(updated), C(removed), C(unchanged), C(foreign) and C(failed).
  type: dict
  returned: always, unless the options were refused
calls:
  description: Requests made.
  type: int
  returned: always, unless the options were refused
recorded:
  description:
    - What to hand in as O(devices[].recorded) next time, by MAC. Digests only, no URL and no secret.
    - Phones that failed are not in it.
  type: dict
  returned: with O(devices), unless the options were refused
  sample: {001565aabbcc: {state: registered, url_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}}
by_hand:
  description: What no run can do, such as phones that are set up by hand and entries in accounts that are not in the inventory any more.
  type: list
  elements: str
  returned: without O(devices), unless the options were refused
"""
