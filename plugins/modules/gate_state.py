#!/usr/bin/python

# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_state
short_description: Read what a provisioning server knows of its phones
version_added: "1.0.0"
description:
  - The part of M(dialtone.phones.report) and M(dialtone.phones.contacts_info) that runs on the server. It reads the published release, the claim store,
    what the gate has counted, and certificates, and returns them as one compressed text without secrets.
  - Runs as root, or as a user who may read all of them.
author:
  - The dialtone.phones contributors (@dialtone-phones)
options:
  root:
    description: Folder of the published releases.
    type: path
    default: /var/lib/dialtone
  config:
    description: The configuration of the server's gate.
    type: path
    default: /etc/dialtone/gate.json
  claims:
    description: Read the claim store. Servers that share one need not all read it.
    type: bool
    default: true
  nginx_site:
    description: Our site in nginx's configuration, which names the certificates.
    type: path
    default: /etc/nginx/sites-available/dialtone.conf
  certificates:
    description: Further files of certificates to look at, where they exist.
    type: list
    elements: path
    default: [/etc/dialtone/tls/ca.crt]
  days:
    description: How many days back claims and refusals are counted by day.
    type: int
    default: 30
extends_documentation_fragment:
  - dialtone.phones._attributes
  - dialtone.phones._attributes.info_module
  - dialtone.phones._claim_store
seealso:
  - module: dialtone.phones.report
  - module: dialtone.phones.contacts_info
"""

EXAMPLES = r"""
- name: Read what the servers know
  dialtone.phones.gate_state:
    claims: "{{ server == groups['provisioning_servers'][0] }}"
  run_once: true
  delegate_to: "{{ server }}"
  become: true
  loop: "{{ groups['provisioning_servers'] }}"
  loop_control:
    loop_var: server
  register: states
"""

RETURN = r"""
state:
  description: What the server knows, as a compressed text that M(dialtone.phones.report) takes.
  type: str
  returned: success
phones:
  description: Number of phones in the published release.
  type: int
  returned: success
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dialtone.phones.plugins.module_utils import gate_state
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreError, StoreMissing, open_store
from ansible_collections.dialtone.phones.plugins.module_utils.claims.backends import is_shared
from ansible_collections.dialtone.phones.plugins.module_utils.claims.owner import acting_as_owner
from ansible_collections.dialtone.phones.plugins.module_utils.claims.sqlite import SqliteStore
from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import DEFAULT_PATH, GateConfigError, store_target
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError


def read_store(target: str, days: int) -> t.Optional[dict]:
    """Return what the claim store knows; nothing when there is none."""
    with acting_as_owner(target):
        try:
            # Only read: a store of an older gate is not to be changed under its feet.
            opened = open_store(target) if is_shared(target) else SqliteStore(target, readonly=True)
        except StoreMissing:
            return None
        try:
            return gate_state.store(opened, days)
        finally:
            opened.close()


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/var/lib/dialtone"},
            "store": {"type": "str", "default": ""},
            "config": {"type": "path", "default": DEFAULT_PATH},
            "claims": {"type": "bool", "default": True},
            "nginx_site": {"type": "path", "default": "/etc/nginx/sites-available/dialtone.conf"},
            "certificates": {"type": "list", "elements": "path", "default": ["/etc/dialtone/tls/ca.crt"]},
            "days": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params = module.params
    if not 1 <= params["days"] <= 3660:
        module.fail_json(msg=f"days: got {params['days']}, wanted 1 to 3660")
    try:
        state = {"format": gate_state.FORMAT, **gate_state.releases(params["root"])}
        state["store"] = read_store(store_target(params["store"], params["config"]), params["days"]) if params["claims"] else None
        state["asked"] = params["claims"]
    except (StoreError, GateConfigError) as exc:
        module.fail_json(msg=f"claim store: {exc}")
    except (ReleaseError, OSError) as exc:
        module.fail_json(msg=str(exc))
    state["certificates"] = gate_state.certificates(params["nginx_site"], params["certificates"], module.run_command)
    module.exit_json(changed=False, state=gate_state.pack(state), phones=len(state["served"]))


if __name__ == "__main__":
    main()
