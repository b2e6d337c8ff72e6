# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dhcp_classes
author: The dialtone.phones contributors (@dialtone-phones)
short_description: What a DHCP server must know to send phones to the bootstrap path
version_added: "1.0.0"
description:
  - Reads from the vendors' packs how their phones are told apart and which options they read, for the role C(dhcp_options).
options:
  _terms:
    description: Vendors, names of packs.
    required: true
  provisioning_url:
    description: The address that phones use, C(https) with host and port, without a path.
    type: str
    required: true
  template_path:
    description: Folders of a user's own packs, as in C(phone_template_path).
    type: list
    elements: path
    default: []
  problems:
    description: Return what is wrong with the vendors and the address, a list of clauses, instead of failing.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what Yealink phones would be told
  ansible.builtin.debug:
    msg: "{{ query('dialtone.phones.dhcp_classes', 'yealink', provisioning_url='https://prov.example.com') }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary per vendor with C(vendor), C(vendor_class) (the beginning of option 60) or else C(ouis), C(options), C(encapsulated) and
      C(encapsulated_hex).
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.dhcp_classes import dhcp_classes
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        vendors = [str(name) for term in terms for name in (term if isinstance(term, list) else [term])]
        try:
            packs = Packs.below(Path(self._loader.get_basedir()), self.get_option("template_path"))
            made, wrong = dhcp_classes(vendors, self.get_option("provisioning_url"), packs)
        except PackError as exc:
            raise AnsibleLookupError(str(exc)) from exc
        if self.get_option("problems"):
            return wrong
        if wrong:
            raise AnsibleLookupError("; ".join(wrong))
        return made
