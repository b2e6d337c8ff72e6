# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the inventory of a synthetic fleet: many phones of mixed vendors, models and sites, names in many scripts, Jinja in group_vars.

The same arguments make the same files. Standard library and PyYAML only.

    tests/bench/make_fleet.py 10000 /tmp/fleet
    ansible-inventory -i /tmp/fleet/inventory --graph

Beside the sheet (``--inventory csv``, the default) the same hosts can be written as YAML, INI or JSON, to compare what they cost to parse.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import random
import re
import sys
from pathlib import Path

import yaml

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
FIRST = [
    "Anna",
    "Jörg",
    "Chloé",
    "Łukasz",
    "İpek",
    "Zoë",
    "Søren",
    "Ólafur",
    "Nguyễn",
    "Иван",
    "美咲",
    "Seán",
    "Renée",
    "Žofie",
    "Ángel",
    "Kübra",
    "O'Dell",
    "Maïté",
    "Ástríður",
    "Jürgen",
    "Thi",
    "Aylin",
]
LAST = [
    "Müller",
    "O'Neil",
    "García & Söhne",
    "Kowalczyk",
    "Şahin",
    "Ní Bhriain",
    "de la Cruz",
    "Ørsted",
    "Petrović",
    "Иванова",
    "山田",
    'Smith "Smitty"',
    "Núñez",
]
LAST += ["Weiß", "Åkesson", "D'Angelo", "Van den Berg", "Çelik", "Horváth", "Dvořák", "Lee", "Black/White", "Größe <3"]
CITIES = {
    "Köln": ("de", "DE", "Europe/Berlin", "49221"),
    "Zürich": ("de", "CH", "Europe/Zurich", "4144"),
    "Paris": ("fr", "FR", "Europe/Paris", "331"),
    "São Paulo": ("pt", "BR", "America/Sao_Paulo", "5511"),
    "Kraków": ("pl", "PL", "Europe/Warsaw", "4812"),
    "Boston": ("en", "US", "America/New_York", "1617"),
    "Malmö": ("sv", "SE", "Europe/Stockholm", "4640"),
    "London": ("en", "GB", "Europe/London", "4420"),
}
DEPARTMENTS = ["Sales", "Support", "Einkauf", "R&D", "Kundendienst", "Direction générale", "IT"]
HEADER = [
    "Extension",
    "Name",
    "E-Mail",
    "Site",
    "Department",
    "Vendor",
    "Model",
    "MAC",
    "Serial",
    "Groups",
    "Password",
    "Label",
    "Voicemail",
    "phone_keys",
]


def slug(text: str) -> str:
    """Return a text as the inventory plugin spells it in the names of groups."""
    table = str.maketrans({"ö": "oe", "ü": "ue", "ó": "o", "ã": "a", "ä": "ae"})
    return re.sub("[^a-z0-9]+", "_", text.lower().translate(table)).strip("_")


def packs() -> dict[str, tuple[list[str], list[dict]]]:
    """Return the prefixes and the models of every vendor pack that has both."""
    found = {}
    for file in sorted(TEMPLATES.glob("*/pack.yml")):
        pack = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        ouis = [re.sub("[^0-9a-f]", "", str(prefix).lower()) for prefix in pack.get("ouis") or ()]
        models = [{**(pack.get("model_defaults") or {}), **model} for model in pack.get("models") or () if model.get("name")]
        ouis = [prefix for prefix in ouis if len(prefix) == 6]
        if ouis and models:
            found[file.parent.name] = (ouis, models)
    return found


def shared_prefixes() -> set[str]:
    """Return the prefixes that more than one vendor pack claims: a MAC address alone does not tell the vendor there."""
    claims: dict[str, int] = {}
    for file in TEMPLATES.glob("*/pack.yml"):
        pack = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for prefix in {re.sub("[^0-9a-f]", "", str(prefix).lower()) for prefix in pack.get("ouis") or ()}:
            claims[prefix[:6]] = claims.get(prefix[:6], 0) + 1
    return {prefix for prefix, count in claims.items() if count > 1}


class Fleet:
    """The phones, drawn with a seed."""

    def __init__(self, count: int, seed: int, vendors: list[str] | None) -> None:
        self._draw = random.Random(seed)
        self.packs = {name: pack for name, pack in packs().items() if not vendors or name in vendors}
        if not self.packs:
            sys.exit("make_fleet.py: no vendor pack with prefixes and models found")
        # About 150 phones a site, as many branches of a company have.
        self.sites = [f"{city} {number}" for number in range(1, count // 1200 + 2) for city in CITIES]
        self.models: dict[str, set[str]] = {}
        self._shared = shared_prefixes()
        self.rows: list[list[str]] = []
        taken = 1000
        serial = dict.fromkeys(self.packs, 0)
        for number in range(count):
            vendor = self._draw.choice(list(self.packs))
            ouis, models = self.packs[vendor]
            model = self._draw.choice(models)
            serial[vendor] += 1
            mac = ouis[serial[vendor] % len(ouis)] + f"{serial[vendor] * 7919 % 0xFFFFFF:06x}"
            self.models.setdefault(vendor, set()).add(model["name"])
            site = self.sites[number % len(self.sites)]
            lines = min(model.get("lines", 1), self._draw.choices([1, 2, 3, 6], [80, 14, 4, 2])[0])
            for line in range(lines):
                taken += 1
                self.rows.append(self._row(str(taken), mac, vendor, model, site, line))

    def _row(self, number: str, mac: str, vendor: str, model: dict, site: str, line: int) -> list[str]:
        draw = self._draw
        name = f"{draw.choice(FIRST)} {draw.choice(LAST)}"
        password = hashlib.sha256(f"{mac}{number}".encode()).hexdigest()[:20]
        # The letters at the end: of ten thousand digests one is all digits, and a number that holds the extension is refused.
        password = f"{password[:7]}-{password[7:13].upper()}-{password[13:]}kQ"
        first = line == 0
        return [
            number,
            name,
            f"u{number}@example.com" if first else "",
            site if first else "",
            draw.choice(DEPARTMENTS) if first else "",
            # Half of the rows leave the vendor to the MAC address.
            vendor if first and (number[-1] in "02468" or mac[:6] in self._shared) else "",
            model["name"] if first else "",
            ":".join(mac[at : at + 2] for at in range(0, 12, 2)).upper() if number[-1] in "159" else mac,
            f"SN{mac.upper()}" if first else "",
            "vip" if first and draw.random() < 0.02 else "",
            password,
            name.split()[0][:12] if draw.random() < 0.3 else "",
            # Not on every line: some phones of one vendor have fewer profiles than lines.
            f"*97{number}" if draw.random() < 0.2 and first else "",
            self._keys(number, model) if first and draw.random() < 0.15 else "",
        ]

    def _keys(self, number: str, model: dict) -> str:
        """Return keys of this phone alone: some on the phone, a panel of twenty where an expansion module fits."""
        base = int(number)
        keys = [
            {"type": "blf", "value": str(base + step), "label": f"N {base + step}"}
            for step in range(1, min(5, (model.get("keys") or {}).get("line", 0)))
        ]
        if model.get("modules") and model.get("module_keys") and self._draw.random() < 0.3:
            count = min(20, model["module_keys"])
            keys += [{"type": "blf", "value": str(base + 10 + step), "label": f"Tür & {step}", "module": 1} for step in range(count)]
        return json.dumps(keys, ensure_ascii=False) if keys else ""


def group_vars(fleet: Fleet, seed: int) -> dict[str, object]:
    """Return the settings by group: expressions that are the same for all, for a site, and for one phone; containers that groups share."""
    secret = hashlib.sha256(f"fleet {seed}".encode()).hexdigest()
    files: dict[str, object] = {
        "all": {"provisioning_url": "https://prov.example.com", "provisioning_secret": secret, "_phone_domain": "example.net"},
        "phones": {
            "phone_sip_server": "sip-{{ _phone_site_code }}.{{ _phone_domain }}",
            "phone_sip_transport": "tls",
            "phone_srtp": "optional",
            "phone_codecs": ["g722", "pcma", "pcmu"],
            "phone_ntp_servers": ["ntp.{{ _phone_site_code }}.{{ _phone_domain }}", "ntp.{{ _phone_domain }}"],
            "phone_voicemail": "*97",
            "phone_pickup_code": "*8{{ phone_lines[0].number }}",
            "phone_vlan_id": "{{ _phone_vlan | default(100) | int }}",
            "phone_syslog_server": "syslog.{{ _phone_domain }}",
            "phone_action_urls": {
                "registered": "https://cti.{{ _phone_domain }}/{{ phone_mac }}/registered",
                "missed_call": "https://cti.{{ _phone_domain }}/{{ phone_mac }}/missed?site={{ _phone_site_code }}",
            },
            "phone_keys_common": [
                {"type": "speed_dial", "value": "+{{ _phone_prefix }}0", "label": "Zentrale {{ phone_site }}"},
                {"type": "voicemail", "value": "{{ phone_voicemail }}", "label": "Mailbox"},
            ],
            "phone_dtmf": "{{ 'info' if phone_vendor in ['algo'] else 'rfc2833' }}",
        },
        "vip": {"phone_claim_window": 600},
    }
    for index, site in enumerate(fleet.sites):
        language, country, zone, prefix = CITIES[site.rsplit(" ", 1)[0]]
        files[f"site_{slug(site)}"] = {
            "_phone_site_code": slug(site).replace("_", "-"),
            "_phone_prefix": f"{prefix}{index}",
            "phone_language": language,
            "phone_country": country,
            "phone_timezone": zone,
            **({"_phone_vlan": 200 + index % 800} if index % 3 else {}),
            "phone_networks": [f"10.{index // 250}.{index % 250}.0/24", "2001:db8::/32"] if index % 2 else [],
        }
    for vendor in fleet.models:
        files[f"vendor_{slug(vendor)}"] = {"phone_backlight": 30}
    return files


def hosts_of(fleet: Fleet) -> dict[str, dict]:
    """Return the hosts as the sheet makes them, for the other kinds of inventory."""
    hosts: dict[str, dict] = {}
    by_mac: dict[str, dict] = {}
    for row in fleet.rows:
        cells = dict(zip(HEADER, row, strict=True))
        mac = cells["MAC"].replace(":", "").lower()
        line = {"number": cells["Extension"], "name": cells["Name"], "password": cells["Password"]}
        line.update({key: cells[head] for key, head in (("label", "Label"), ("voicemail", "Voicemail")) if cells[head]})
        if mac in by_mac:
            by_mac[mac]["phone_lines"].append(line)
            continue
        vendor = next(name for name, (ouis, _models) in fleet.packs.items() if mac[:6] in ouis)
        values = by_mac[mac] = {
            "phone_mac": mac,
            "phone_vendor": vendor,
            "phone_model": cells["Model"],
            "phone_serial": cells["Serial"],
            "phone_site": cells["Site"],
            "phone_email": cells["E-Mail"],
            "phone_groups": [cells["Department"]],
            "phone_lines": [line],
        }
        if cells["phone_keys"]:
            values["phone_keys"] = json.loads(cells["phone_keys"])
        hosts[f"{slug(cells['Site']).replace('_', '-')}-{cells['Extension']}"] = values
    return hosts


def groups_of(hosts: dict[str, dict]) -> dict[str, list[str]]:
    """Return the hosts of each group that the sheet's ``group_by`` makes."""
    groups: dict[str, list[str]] = {}
    for host, values in hosts.items():
        for level in ("site", "vendor", "model"):
            groups.setdefault(f"{level}_{slug(values[f'phone_{level}'])}", []).append(host)
    return groups


def write_csv(folder: Path, fleet: Fleet) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([HEADER, *fleet.rows])
    # Beside the inventory's folder: Ansible would try to read a sheet inside it as an INI file.
    (folder.parent / "people.csv").write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    (folder / "users_csv.yml").write_text("---\nplugin: dialtone.phones.users_csv\npath: ../people.csv\ngroup_by: [site, vendor, model]\n")


def write_tree(folder: Path, fleet: Fleet, kind: str) -> None:
    hosts = hosts_of(fleet)
    children = {group: {"hosts": dict.fromkeys(members)} for group, members in groups_of(hosts).items()}
    tree = {"all": {"children": {"phones": {"hosts": hosts, "children": children}}}}
    if kind == "json":
        (folder / "phones.json").write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    elif kind == "yaml":
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        (folder / "phones.yml").write_text(yaml.dump(tree, Dumper=dumper, allow_unicode=True, sort_keys=False), encoding="utf-8")
    else:
        # An INI value is a Python literal; the whole pair is quoted as a shell word would be.
        lines = ["[phones]"]
        for host, values in hosts.items():
            words = [f"{name}={value!r}".replace("\\", "\\\\").replace('"', '\\"') for name, value in values.items()]
            lines.append(f"{host} " + " ".join(f'"{word}"' for word in words))
        for group, members in children.items():
            lines += ["", f"[{group}]", *members["hosts"]]
        lines += ["", "[phones:children]", *children]
        (folder / "phones.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("count", type=int, help="phones")
    parser.add_argument("folder", type=Path, help="where to write; the inventory is its folder inventory/")
    parser.add_argument("--inventory", choices=["csv", "yaml", "ini", "json"], default="csv")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vendors", nargs="+", help="only these vendor packs")
    arguments = parser.parse_args()
    fleet = Fleet(arguments.count, arguments.seed, arguments.vendors)
    folder = arguments.folder / "inventory"
    (folder / "group_vars").mkdir(parents=True, exist_ok=True)
    if arguments.inventory == "csv":
        write_csv(folder, fleet)
    else:
        write_tree(folder, fleet, arguments.inventory)
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    servers = {"all": {"children": {"provisioning_servers": {"hosts": {"prov1": local}}}}}
    (folder / "servers.yml").write_text(yaml.safe_dump(servers), encoding="utf-8")
    for group, values in group_vars(fleet, arguments.seed).items():
        (folder / "group_vars" / f"{group}.yml").write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    print(
        f"{folder}: {arguments.count} phones, {len(fleet.rows)} lines, {len(fleet.sites)} sites, vendors: {', '.join(sorted(fleet.models))}"
    )


if __name__ == "__main__":
    main()
