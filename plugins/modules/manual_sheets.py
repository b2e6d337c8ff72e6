#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: manual_sheets
short_description: Write pages for people who set up phones by hand
version_added: "1.0.0"
description:
  - Writes a page for every phone of the play, as HTML that prints well and as Markdown. It says where to click in the vendor's web interface, what to type,
    the phone's one-time URL with a QR code, and its PIN where it has one.
  - A phone that can't be handed over to a URL of its own, or whose C(phone_onboarding) is V(off), gets its own URL, user and password instead.
  - It arms no phone. A phone whose one-time URL is not armed gets no page; a page that an earlier run wrote for it is removed.
  - Whoever has a page gets the phone's passwords. Pages are written on the controller, into a folder that only its owner may open; a folder that is a
    symbolic link, belongs to somebody else, or is open to others is refused. Results and diffs hold names only.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  dest:
    description:
      - Folder on the controller, relative to the playbook. It is made with mode 0700 when it is missing; the folder above it must be there.
    type: path
    required: true
  formats:
    description: What to write.
    type: list
    elements: str
    choices: [html, md]
    default: [html, md]
  per:
    description: A page for each phone, or one for all phones of a model, each on a printed page of its own.
    type: str
    choices: [phone, model]
    default: phone
  qr:
    description: Draw the URL as a QR code. Needs the Python library segno on the controller.
    type: bool
    default: true
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.actiongroup_phones
  - dialtone.phones._claim_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details: Names of pages only, since every page holds secrets.
  idempotent:
    support: full
requirements:
  - segno (Python library, on the controller) for O(qr)
seealso:
  - module: dialtone.phones.onboarding
  - module: dialtone.phones.onboarding_info
"""

EXAMPLES = r"""
- name: Write the pages of the phones of this play
  dialtone.phones.manual_sheets:
    dest: ~/sheets
  run_once: true
  delegate_to: "{{ groups['provisioning_servers'][0] }}"
  become: true
"""

RETURN = r"""
dest:
  description: The folder.
  type: str
  returned: success
sheets:
  description: Names of all pages of the phones of this play.
  type: list
  elements: str
  returned: success
written:
  description: Names of pages that are new or differ.
  type: list
  elements: str
  returned: success
removed:
  description: Names of pages that were removed, since their URL is no longer good.
  type: list
  elements: str
  returned: success
without_page:
  description: By inventory name, why a phone has no page.
  type: dict
  returned: success
"""
