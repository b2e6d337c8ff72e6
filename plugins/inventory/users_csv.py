# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: users_csv
short_description: Users and their phones from a CSV sheet
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Reads one or more sheets of users and phones, as a spreadsheet, a PBX or a directory exports them, and makes an inventory host of every phone.
  - The hosts are in the group C(phones).
  - One row is one line of a phone. Several rows with the same MAC address are the lines of one phone, in the order of the rows.
  - An empty cell sets nothing, so that the value of a group holds; V([]) says that there is explicitly none.
  - Every cell is data. C({{ }}) in it is never evaluated.
  - All faults of all sheets are reported together, with file and line number, and then nothing is loaded.
    Ansible itself goes on with what other inventory sources gave; the plays of this collection refuse to run on such an incomplete inventory.
  - The configuration file is called C(users_csv.yml), or ends in C(.users_csv.yml).
extends_documentation_fragment:
  - ansible.builtin.constructed
options:
  plugin:
    description: Names this plugin.
    type: str
    required: true
    choices: [dialtone.phones.users_csv, users_csv]
  paths:
    description:
      - The sheets, relative to the configuration file. C(*) and C(?) match several files, which are then read in alphabetical order.
      - A sheet may be encrypted with C(ansible-vault).
    type: list
    elements: str
    required: true
    aliases: [path]
  encoding:
    description:
      - Encoding of the sheets, as Python calls it.
      - By default it is found out from UTF-8 with and without byte order mark, UTF-16, and the Western code page (V(cp1252), V(latin-1)).
    type: str
  delimiter:
    description:
      - What stands between cells. By default it is found out; a first line such as C(sep=;) is honoured.
    type: str
    choices: [comma, semicolon, tab, pipe]
  columns:
    description:
      - What a column means, by its header cell (upper and lower case do not matter). Only needed where the header is not understood by itself.
      - The fields are C(number), C(name), C(first_name), C(last_name), C(label), C(user), C(auth_user), C(password), C(sip_server), C(voicemail)
        for the line, and C(mac), C(vendor), C(model), C(serial), C(mac_id), C(site), C(tenant), C(email), C(departments), C(groups), C(host) for
        the phone; common English and other European headers of these are known.
      - C(phone_*) is any variable of a phone, C(line_*) any key of a line. Any other name of a variable may be given here too.
      - An empty value ignores the column.
    type: dict
    default: {}
  host_format:
    description:
      - Name of the host where the sheet has no C(host) column. In braces, C(site), C(number) (of the first line), C(mac), C(vendor), C(model),
        C(tenant), C(serial), C(name) and C(email) may be used.
      - The name comes out in lower-case ASCII with dashes; what is empty is left out together with its dash.
      - When several phones would have the same name, the first row keeps it and the others get the second half of their MAC address.
      - Give a C(host) column where a name must stay although a phone moves.
    type: str
    default: "{site}-{number}"
  group_by:
    description:
      - Groups to make of a phone's own values, such as C(site_berlin) or C(vendor_yealink).
      - The groups are children of C(phones). Each entry gets a higher C(ansible_group_priority) than the one before, so that the variables of the
        later one win.
      - It does what O(keyed_groups) does, in a fraction of the time.
    type: list
    elements: str
    choices: [tenant, site, vendor, model]
    default: []
  infer_vendor:
    description:
      - Take an empty vendor from the MAC address (the vendor packs' prefixes, then the organisation in netaddr's registry). Where that does not tell
        the vendor, the row is refused.
      - With V(false) an empty vendor sets nothing, as any other empty cell.
    type: bool
    default: true
  skip_without_mac:
    description: Skip rows without a MAC address (users without a phone) instead of refusing them.
    type: bool
    default: false
  template_path:
    description: Folders with vendor packs of your own, relative to the configuration file; their prefixes count when a vendor is inferred.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# users_csv.yml, beside it people.csv:
#
#   Durchwahl;Name;E-Mail;Standort;Modell;MAC;Passwort
#   1001;Jörg Müller;jm@example.com;Berlin;T54W;80:5E:C0:12:34:56;8sJw-2kQp-Xv4T
#   1002;Empfang;;Berlin;T54W;80:5E:C0:12:34:56;p3Lm-9rTz-Bn7D
plugin: dialtone.phones.users_csv
path: people.csv
group_by: [site, vendor]

---
# Several exports with columns of their own.
plugin: dialtone.phones.users_csv
paths: [exports/*.csv]
encoding: cp1252
columns:
  Tel intern: number
  Raum: _phone_room
  VLAN: phone_vlan_id
  SRV: line_sip_server
  Bemerkung: ""
host_format: "{site}-{model}-{number}"
keyed_groups:
  - key: phone_tenant
    prefix: tenant
compose:
  phone_wallpaper: "'wallpaper-' ~ phone_site ~ '.jpg'"
strict: true
"""

import glob
import os

from ansible.errors import AnsibleParserError
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import GROUP
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone_inventory import PhoneInventory, beside
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, report
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.columns import ascii_words
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.phone_rows import HostEntry, PhoneRows, Settings

_VAULT = b"$ANSIBLE_VAULT;"


class InventoryModule(PhoneInventory):
    NAME = "dialtone.phones.users_csv"
    FILES = ("users_csv.yml", "users_csv.yaml")

    def load(self, path: str, cache: bool) -> None:
        folder = os.path.dirname(os.path.abspath(path))
        rows = PhoneRows(
            Settings(
                columns={str(header): target for header, target in self.get_option("columns").items()},
                encoding=self.get_option("encoding"),
                delimiter=self.get_option("delimiter"),
                host_format=self.get_option("host_format"),
                infer_vendor=self.get_option("infer_vendor"),
                skip_without_mac=self.get_option("skip_without_mac"),
                pack_folders=tuple(beside(folder, entry) for entry in self.get_option("template_path")),
            )
        )
        for pattern in self.get_option("paths"):
            files = sorted(glob.glob(beside(folder, pattern))) or [beside(folder, pattern)]
            for file in files:
                try:
                    rows.add_sheet(os.path.relpath(file, folder), self._read(file))
                except OSError as exc:
                    rows.problems.append(Problem(pattern, f"cannot be read ({exc.strerror or exc})"))
        entries = rows.finish()
        if rows.problems:
            raise AnsibleParserError(f"{path}: {report(rows.problems, 'nothing was loaded')}")
        with self.all_or_none():
            self._populate(entries)

    def _read(self, file: str) -> bytes:
        with open(file, "rb") as stream:
            data = stream.read()
        if not data.startswith(_VAULT):
            return data
        plain = self.loader.get_real_file(file)
        try:
            with open(plain, "rb") as stream:
                return stream.read()
        finally:
            self.loader.cleanup_tmp_file(plain)

    def _populate(self, entries: list[HostEntry]) -> None:
        inventory = self.inventory
        inventory.add_group(GROUP)
        levels = self.get_option("group_by")
        made: dict[str, str] = {}
        for entry in entries:
            host = self.add_phone(entry.name, entry.variables)
            for group in entry.groups:
                self._join(made, group, host.name, 0)
            for rank, level in enumerate(levels, 1):
                value = entry.variables.get(f"phone_{level}")
                if value:
                    self._join(made, f"{level}_{value}", host.name, rank)
            self.construct(entry.name, entry.variables)

    def _join(self, made: dict[str, str], wanted: str, host: str, rank: int) -> None:
        group = made.get(wanted)
        if group is None:
            name = _group_name(wanted) if rank else wanted
            new = name not in self.inventory.groups
            group = made[wanted] = self.inventory.add_group(name)
            # A group that another source made has its place already.
            if new:
                self.inventory.add_child(GROUP, group)
            if new and rank:
                self.inventory.set_variable(group, "ansible_group_priority", rank + 1)
        self.inventory.add_child(group, host)


def _group_name(text: str) -> str:
    """Return the name of a group: lower-case ASCII letters, digits and single underscores."""
    words = "".join(character if character.isascii() and character.isalnum() else " " for character in ascii_words(text).lower())
    return "_".join(words.split())
