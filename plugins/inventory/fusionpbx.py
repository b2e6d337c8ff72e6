# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fusionpbx
short_description: Phones of a running FusionPBX, from its database
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Reads a FusionPBX database and makes an inventory host of every device whose vendor and model a pack knows.
  - Nothing is written. All tables are read as of one moment, in one read-only transaction with one query for each table.
    Neither FusionPBX nor its files are touched.
  - Lines, keys, device profiles, settings with a neutral counterpart, users' e-mail addresses and phonebooks become the variables of this
    collection. A setting that bears the name of a parameter of the vendor lands in C(phone_parameters).
  - What has no counterpart is told, never dropped in silence. It is in C(_phone_left_behind) of the phone, in
    C(_phone_site_left_behind) of the group C(phones) when it is of no phone, in O(report), and counted in a warning. It names settings, never their values.
  - The hosts are in the group C(phones), and in one group each for tenant, vendor, model and profile, such as C(tenant_berlin_example_com).
    Later ones of these have a higher C(ansible_group_priority), so that their variables win. Default and domain settings are variables of the
    tenant's group, and can be replaced in C(group_vars).
  - Extensions and contacts of a tenant are a phonebook of C(phone_configs_phonebooks), set for the group C(phones).
  - Every value is data. C({{ }}) in it is never evaluated.
  - The configuration file is called C(fusionpbx.yml), or ends in C(.fusionpbx.yml).
  - SIP passwords become variables of the hosts, as in any inventory of phones, so C(ansible-inventory --list) shows them. They are in no message.
notes:
  - FusionPBX keeps SIP passwords in clear text. With O(cache) the cache plugin stores them too, C(jsonfile) as a plain file. Give its folder mode 0700.
requirements:
  - psycopg2 or psycopg on the controller
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Names this plugin.
    type: str
    required: true
    choices: [dialtone.phones.fusionpbx, fusionpbx]
  host:
    description:
      - Name or address of the database server, or the folder of its unix socket.
      - Without it libpq looks into its environment, and then for a local socket.
    type: str
    env:
      - name: DIALTONE_FUSIONPBX_HOST
  port:
    description: Port of the database server.
    type: int
  database:
    description: Name of the database.
    type: str
    default: fusionpbx
  user:
    description: Role to read with. One that may read these tables and nothing else is enough.
    type: str
    env:
      - name: DIALTONE_FUSIONPBX_USER
  password:
    description: Password of the role. Better than writing it here are the environment, a vaulted value, C(~/.pgpass), or a client certificate.
    type: str
    env:
      - name: DIALTONE_FUSIONPBX_PASSWORD
  ssl_mode:
    description:
      - How the server must prove itself. Over a unix socket it does not matter.
      - V(require) encrypts without asking whom it talks to. V(disable) sends every SIP password in clear text, and is for a tunnel only.
    type: str
    choices: [disable, require, verify-ca, verify-full]
    default: verify-full
  ssl_root_cert:
    description: File with the certificate authority of the server. By default C(~/.postgresql/root.crt); V(system) with libpq 16 and later.
    type: path
  ssl_cert:
    description: File with the client certificate.
    type: path
  ssl_key:
    description: File with the key of O(ssl_cert).
    type: path
  connect_timeout:
    description: Seconds to wait for the server.
    type: int
    default: 10
  domains:
    description: Domains (tenants) to read. By default all of them.
    type: list
    elements: str
    default: []
  host_format:
    description:
      - Name of a phone. In braces, C(domain) (up to its first dot), C(number) (of the first line), C(label), C(mac), C(vendor) and C(model) may be used.
      - The name comes out in lower-case ASCII with dashes. One that is taken gets the second half of the MAC address.
    type: str
    default: "{domain}-{number}"
  models:
    description:
      - Model by FusionPBX template, such as C(polycom/5.x), where one template serves many models.
      - Without it the model is the device's, else what the phone's User-Agent said last, else the name of the template.
    type: dict
    default: {}
  phonebooks:
    description: Whether to make phonebooks of extensions and contacts.
    type: bool
    default: true
  report:
    description:
      - File, relative to the configuration file, for what was left behind, one line each. It is written anew whenever the inventory is read.
      - Do not put it into the inventory's folder, where Ansible takes it for an inventory.
    type: str
  template_path:
    description: Folders with vendor packs of your own, relative to the configuration file.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# fusionpbx.yml, with the password in DIALTONE_FUSIONPBX_PASSWORD
plugin: dialtone.phones.fusionpbx
host: pbx.example.com
user: dialtone
ssl_root_cert: /etc/ssl/pbx-ca.pem
domains: [berlin.example.com]
report: ../left-behind.txt

---
# On the machine of FusionPBX itself, through the socket and as the role of the same name as the system user.
plugin: dialtone.phones.fusionpbx
host: /run/postgresql
models:
  polycom/5.x: VVX411
  grandstream/gxp21xx: GXP2160
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/dialtone-inventory
keyed_groups:
  - key: phone_site
    prefix: site
compose:
  phone_networks: "['10.20.0.0/16']"
strict: true
"""

import hashlib
import os
import re
from collections.abc import Callable

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import Cacheable
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import GROUP
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.phones import (
    HOST_FIELDS,
    LEFT,
    LEVELS,
    Fleet,
    Options,
    build,
    for_domains,
)
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Access, SourceError, Tables, read_tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone_inventory import PhoneInventory, beside
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file

SITE_LEFT = "_phone_site_left_behind"
_ACCESS = ("host", "port", "database", "user", "password", "ssl_mode", "ssl_root_cert", "ssl_cert", "ssl_key", "connect_timeout")


def _check_format(path: str, text: str) -> None:
    """Refuse a form of names that says nothing, or something that is not known.

    :raises AnsibleParserError: with one sentence.
    """
    known = f"{{{'}, {'.join(HOST_FIELDS)}}}"
    named = re.findall(r"\{([^{}]*)\}", text)
    unknown = [name for name in named if name not in HOST_FIELDS]
    if unknown:
        raise AnsibleParserError(f"{path}: host_format: {{{unknown[0]}}} is none of {known}")
    if not named:
        raise AnsibleParserError(f"{path}: host_format: {text!r} has none of {known}")


class InventoryModule(PhoneInventory, Cacheable):
    NAME = "dialtone.phones.fusionpbx"
    FILES = ("fusionpbx.yml", "fusionpbx.yaml")
    # What fetches the rows; another one may be put in its place.
    reader: Callable[[Access], Tables] = staticmethod(read_tables)

    def load(self, path: str, cache: bool) -> None:
        folder = os.path.dirname(os.path.abspath(path))
        options = Options(
            domains=tuple(self.get_option("domains")),
            host_format=self.get_option("host_format"),
            models=self.get_option("models"),
            phonebooks=self.get_option("phonebooks"),
            pack_folders=tuple(beside(folder, entry) for entry in self.get_option("template_path")),
        )
        _check_format(path, options.host_format)
        try:
            fleet = build(self._tables(path, options, cache), options)
        except (SourceError, PackError) as exc:
            # Without its cause: a driver's own exception may hold what it was called with.
            raise AnsibleParserError(f"{path}: {exc}") from None
        with self.all_or_none():
            self._populate(fleet)
        self._report(path, folder, fleet)

    def _tables(self, path: str, options: Options, cache: bool) -> Tables:
        given = {name: self.get_option(name) for name in _ACCESS}
        # A vaulted value is no str until it is asked to be one.
        access = Access(**{name: str(value) if isinstance(value, str) else value for name, value in given.items()})
        caching = self.get_option("cache")
        asked = "\0".join(map(str, (access.host, access.port, access.database, access.user, sorted(options.domains))))
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
        if cache and caching:
            try:
                return self._cache[key]
            except KeyError:
                pass
        # Other tenants' rows go no further than this.
        tables = for_domains(self.reader(access), options.domains)
        if caching:
            self._cache[key] = tables
        return tables

    def _populate(self, fleet: Fleet) -> None:
        inventory = self.inventory
        inventory.add_group(GROUP)
        for name, value in fleet.common.items():
            inventory.groups[GROUP].set_variable(name, value)
        for name, variables in fleet.groups.items():
            new = name not in inventory.groups
            group = inventory.add_group(name)
            if new:
                inventory.add_child(GROUP, group)
                inventory.set_variable(group, "ansible_group_priority", LEVELS.index(name.partition("_")[0]) + 2)
            for variable, value in variables.items():
                inventory.groups[group].set_variable(variable, value)
        for entry in fleet.hosts:
            host = self.add_phone(entry.name, entry.variables)
            for group in entry.groups.values():
                inventory.groups[group].add_host(host)
            self.construct(entry.name, entry.variables)

    def _report(self, path: str, folder: str, fleet: Fleet) -> None:
        names = {host.name for host in fleet.hosts}
        rest = [str(problem) for problem in fleet.left if problem.where not in names]
        if rest:
            self.inventory.groups[GROUP].set_variable(SITE_LEFT, rest)
        target = self.get_option("report")
        if target:
            file = beside(folder, target)
            if os.path.exists(file) and not os.path.isfile(file):
                raise AnsibleParserError(f"{path}: report: {file} is no file, and is not replaced by one")
            text = "".join(f"{problem}\n" for problem in fleet.left)
            try:
                # Names of people and of customers are in it: it is its owner's, whatever was there before.
                replace_file(file, text.encode("utf-8", "backslashreplace"))
            except OSError as exc:
                raise AnsibleParserError(f"{path}: report: {file} cannot be written ({exc.strerror or exc})") from exc
        if fleet.left:
            devices = sum(problem.where.startswith("device ") for problem in fleet.left)
            where = f"listed in {target}" if target else f"the option report lists them, {LEFT} of each phone too"
            self.display.warning(
                f"{path}: {len(fleet.hosts)} phones read, {devices} devices and {len(fleet.left) - devices} other things left behind; {where}"
            )
