# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run from the variables of hosts to files, without a play: for tests of what lies between."""

from __future__ import annotations

import hashlib

from ansible_collections.dialtone.phones.plugins.plugin_utils.production import Production
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import read_settings

RUN = {
    "provisioning_url": "https://prov.example.com",
    "provisioning_secret": "5f0c8d1e2a7b4c3d9e6f8a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506",
}
PHONE = {
    "phone_mac": "00:15:65:00:00:01",
    "phone_vendor": "yealink",
    "phone_model": "T54W",
    "phone_sip_server": "pbx.example.com",
    "phone_lines": [{"number": "101", "password": "vX7-quiet-Lamp-92"}],
}


class Inventory:
    """What Ansible would tell of an inventory: the edge of the code under test."""

    def __init__(self, run, hosts, batch=None):
        self.run, self.phones = {**RUN, **run}, hosts
        self.hosts = list(hosts)
        self.batch = self.hosts if batch is None else batch
        self.complete = self.batch == self.hosts

    def role_variable(self, name, default=None):
        return self.run.get(name, default)

    def is_set_on_servers(self, name):
        return bool(self.run.get(name))

    def stream(self, hosts):
        for host in hosts:
            yield host, self.phones[host], []

    def scrub(self, text):
        return text

    def strays(self, _host):
        return []

    def unordered(self):
        return []

    def untrusted_templates(self, host):
        return []

    def input_digest(self, host, key):
        return hashlib.sha256(repr(self.phones[host]).encode() + key).digest()


def produce(tmp_path, hosts=None, batch=None, **run):
    inventory = Inventory(run, hosts or {"reception": PHONE}, batch)
    return Production(inventory, read_settings(inventory, tmp_path))
