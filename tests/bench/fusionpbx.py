# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a fleet costs to load from a FusionPBX database, against the same fleet from a sheet.

    tests/bench/make_fleet.py 10000 /tmp/fleet --vendors yealink snom polycom cisco fanvil grandstream htek
    tests/bench/fusionpbx.py 10000 --sheet /tmp/fleet/inventory/users_csv.yml

Phones, lines, keys, groups and passwords are the same; the database is a real PostgreSQL of its own, asked on its socket. Each side is loaded in a process
of its own, in turns. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]

import postgresql  # noqa: E402
from make_fleet import Fleet, hosts_of  # noqa: E402

DOMAIN = "example.net"
VENDORS = ("yealink", "snom", "polycom", "cisco", "fanvil", "grandstream", "htek")
# Keys say a code, as FusionPBX stores them, and the table of functions says what that is.
FUNCTIONS = ("line", "blf", "speed_dial")


def uuid(kind: int, number: int) -> str:
    return f"{kind:08d}-0000-4000-8000-{number:012d}"


def tables(hosts: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that describe the phones."""
    domain = uuid(1, 1)
    rows: dict[str, list[dict[str, Any]]] = {
        "v_domains": [{"domain_uuid": domain, "domain_name": DOMAIN, "domain_enabled": True}],
        "v_devices": [],
        "v_device_lines": [],
        "v_device_keys": [],
        "v_users": [],
        "v_extensions": [],
        # As many as a new FusionPBX has, of which most are switched off.
        "v_default_settings": [
            {
                "default_setting_category": "provision",
                "default_setting_subcategory": f"vendor_setting_{number}",
                "default_setting_name": "text",
                "default_setting_value": "1",
                "default_setting_enabled": "true" if number % 3 else "false",
            }
            for number in range(950)
        ],
        "v_device_vendors": [{"device_vendor_uuid": uuid(4, at), "name": vendor} for at, vendor in enumerate(VENDORS)],
        "v_device_vendor_functions": [
            {"device_vendor_uuid": uuid(4, at), "name": name, "value": str(code)}
            for at, _vendor in enumerate(VENDORS)
            for code, name in enumerate(FUNCTIONS, 10)
        ],
    }
    for number, values in enumerate(hosts.values()):
        device, user = uuid(2, number), uuid(3, number)
        vendor = values["phone_vendor"]
        rows["v_users"].append({"user_uuid": user, "domain_uuid": domain, "user_email": values["phone_email"]})
        rows["v_devices"].append(
            {
                "device_uuid": device,
                "domain_uuid": domain,
                "device_address": values["phone_mac"],
                "device_vendor": vendor,
                "device_model": values["phone_model"],
                "device_template": f"{vendor}/{values['phone_model'].lower()}",
                "device_enabled": "true",
                "device_user_uuid": user,
                "device_location": values["phone_site"],
                "device_serial_number": values["phone_serial"],
            }
        )
        for at, line in enumerate(values["phone_lines"], 1):
            rows["v_extensions"].append(
                {
                    "extension_uuid": uuid(5, int(line["number"])),
                    "domain_uuid": domain,
                    "extension": line["number"],
                    "password": line["password"],
                    "effective_caller_id_name": line["name"],
                    "directory_visible": "true",
                    "enabled": "true",
                }
            )
            rows["v_device_lines"].append(
                {
                    "device_uuid": device,
                    "domain_uuid": domain,
                    "line_number": str(at),
                    "server_address": DOMAIN,
                    "user_id": line["number"],
                    "auth_id": line["number"],
                    "password": line["password"],
                    "display_name": line["name"],
                    "label": line.get("label"),
                    "sip_port": 5060,
                    "sip_transport": "tcp",
                    "register_expires": 120,
                    "enabled": "true",
                }
            )
        for at, key in enumerate(values.get("phone_keys", ()), 1):
            rows["v_device_keys"].append(
                {
                    "device_uuid": device,
                    "domain_uuid": domain,
                    "device_key_id": at,
                    "device_key_category": f"expansion-{key['module']}" if key.get("module") else "line",
                    "device_key_vendor": vendor,
                    "device_key_type": str(10 + FUNCTIONS.index(key["type"])),
                    "device_key_line": 1,
                    "device_key_value": key["value"],
                    "device_key_label": key["label"],
                }
            )
    return rows


def load(path: str) -> None:
    """Load one inventory and print what it took, in processor time of this process and by the clock."""
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, inventory_loader

    init_plugin_loader()
    plugin = inventory_loader.get("dialtone.phones.fusionpbx" if path.endswith("fusionpbx.yml") else "dialtone.phones.users_csv")
    inventory = InventoryData()
    wall, cpu = time.perf_counter(), time.process_time()
    plugin.parse(inventory, DataLoader(), path)
    inventory.reconcile_inventory()
    print(json.dumps({"phones": len(inventory.hosts), "s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}))


def measure(count: int, sheet: Path, rounds: int) -> dict[str, Any]:
    """Return the smallest times of some rounds."""
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import TABLES

    hosts = hosts_of(Fleet(count, 1, list(VENDORS)))
    with tempfile.TemporaryDirectory(prefix="dialtone-fusionpbx-") as folder, postgresql.Server() as server:
        server.fill(tables(hosts), {table: [name.partition("|")[0] for name in names] for table, names in TABLES.items()})
        config = Path(folder) / "fusionpbx.yml"
        config.write_text(f"plugin: dialtone.phones.fusionpbx\nhost: {server.folder}\nport: {server.port}\nuser: owner\n", encoding="utf-8")
        found: dict[str, Any] = {"phones": count}
        for _round in range(rounds):
            for name, path in (("sheet", sheet), ("database", config)):
                done = subprocess.run(
                    [sys.executable, __file__, "--load", str(path)], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ}
                )
                result = json.loads(done.stdout)
                if result["phones"] != count:
                    sys.exit(f"fusionpbx.py: {path} gave {result['phones']} phones instead of {count}")
                for key in ("s", "cpu_s"):
                    found[f"{name}_{key}"] = round(min(result[key], found.get(f"{name}_{key}", result[key])), 3)
    found["ratio"] = round(found["database_s"] / found["sheet_s"], 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("count", type=int, nargs="?", default=10000)
    parser.add_argument("--sheet", type=Path, help="the inventory of the same fleet as a sheet, as make_fleet.py made it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", help="only load this inventory, and print what it took")
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load)
        return
    try:
        print(json.dumps(measure(arguments.count, arguments.sheet, arguments.rounds), indent=2))
    except postgresql.Missing as exc:
        print(json.dumps({"phones": arguments.count, "skipped": str(exc)}))


if __name__ == "__main__":
    main()
