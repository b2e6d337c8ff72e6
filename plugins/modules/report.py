#!/usr/bin/python
# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name; this file is its documentation.

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write what is known of the fleet as a page, as JSON and as metrics
version_added: "1.0.0"
description:
  - Compares the phones of the play with what their servers know, and writes C(fleet.html), C(fleet.json) and C(fleet.prom) on the controller.
    The role C(fleet_report) is the usual way to it.
  - C(fleet.html) needs no network and no other file. C(fleet.prom) is for the textfile collector of Prometheus' node_exporter.
  - Nothing in the files is secret, but they tell names, addresses and what is in trouble; so others than owner and group cannot read them by default.
  - Facts that did not change leave the files as they are, and keep the time since when they hold. Only the files' own time is set, so that it
    tells when the fleet was last looked at.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  states:
    description: By the name of each server, the RV(dialtone.phones.gate_state#module:state) that was read there.
    type: dict
    required: true
  path:
    description: The folder on the controller. It is made when it is missing.
    type: path
    required: true
  title:
    description: The title of the page.
    type: str
    default: Phones
  silent_days:
    description: A phone that has not fetched its files for so many days is silent.
    type: int
    default: 14
  unlock_command:
    description:
      - The command that unlocks a phone, as the page shows it, without C(--limit).
      - When empty, C(ansible-playbook dialtone.phones.unlock) with the inventory of this run.
    type: str
    default: ""
  mode:
    description: Mode of the files, as an octal number.
    type: str
    default: "0640"
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
  - module: dialtone.phones.gate_state
  - module: dialtone.phones.contacts_info
"""

EXAMPLES = r"""
- name: Write the report
  dialtone.phones.report:
    states: "{{ {groups['provisioning_servers'][0]: known.state} }}"
    path: /srv/phones/report
    title: Phones of Example Ltd.
  run_once: true
"""

RETURN = r"""
html:
  description: Path of the page.
  type: str
  returned: success
json:
  description: Path of the document; C(docs/report-schema.json) describes it.
  type: str
  returned: success
metrics:
  description: Path of the metrics.
  type: str
  returned: success
path:
  description: The folder.
  type: str
  returned: success
changed_files:
  description: Names of the files that were written, or would be.
  type: list
  elements: str
  returned: success
funnel:
  description: Number of phones that came at least to each stage.
  type: dict
  returned: success
flags:
  description: Number of phones that deserve a look, by reason.
  type: dict
  returned: success
unknown:
  description: Number of unknown phones.
  type: int
  returned: success
"""
