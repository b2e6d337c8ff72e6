# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the bulk read of an inventory against Ansible's own ways, and compare every value with its Templar.

    tests/bench/make_fleet.py 10000 /tmp/fleet
    tests/bench/read_fleet.py /tmp/fleet/inventory

Only the ratios of one run count. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

# What a hand-written play would read of each phone.
EIGHT = [
    "phone_mac",
    "phone_lines",
    "phone_sip_server",
    "phone_ntp_servers",
    "phone_action_urls",
    "phone_vlan_id",
    "phone_keys_common",
    "phone_language",
]


def milliseconds(count: int, work: Callable[[], Any]) -> float:
    """Return what each of a number of phones takes."""
    begin = time.perf_counter()
    work()
    return round((time.perf_counter() - begin) * 1000 / count, 4)


def peak() -> int:
    """Return the largest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("inventory")
    parser.add_argument("--sample", type=int, default=200, help="phones to read in Ansible's own ways (default: 200)")
    arguments = parser.parse_args()
    init_plugin_loader()
    from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, raw_variables, read_fleet

    loader = DataLoader()
    begin = time.perf_counter()
    manager = InventoryManager(loader=loader, sources=[arguments.inventory])
    parse = time.perf_counter() - begin
    hostvars = HostVars(manager, VariableManager(loader=loader, inventory=manager), loader)
    task_vars = {"groups": manager.get_groups_dict(), "hostvars": hostvars}

    def fleet() -> Fleet:
        return read_fleet(task_vars, Templar(loader=loader, variables={}))

    hosts = fleet().hosts
    result: dict[str, Any] = {"phones": len(hosts), "parse_s": round(parse, 3), "parse_peak_mb": peak()}
    result["raw_ms"] = milliseconds(len(hosts), lambda: [raw_variables(hostvars, host) and None for host in hosts])
    ours = fleet()
    problems: list[Any] = []

    def stream() -> None:
        for _host, _variables, found in ours.stream(hosts):
            problems.extend(found)

    result["stream_ms"] = milliseconds(len(hosts), stream)
    result["stream_peak_mb"] = peak()
    result["problems"] = len(problems)
    digests = fleet()
    result["digest_ms"] = milliseconds(len(hosts), lambda: [digests.input_digest(host, b"key") and None for host in hosts])

    sample = hosts[:: max(1, len(hosts) // arguments.sample)][: arguments.sample]
    result["hostvars_8_keys_ms"] = milliseconds(
        len(sample), lambda: [[hostvars[host].get(name) for name in EIGHT] and None for host in sample]
    )
    differing = []

    def reference() -> None:
        for host in sample:
            raw = raw_variables(hostvars, host)
            templar = Templar(loader=loader, variables=raw)
            wanted = {name: templar.template(value) for name, value in raw.items() if name.startswith("phone_")}
            if wanted != ours.variables(host):
                differing.append(host)

    result["templar_ms"] = milliseconds(len(sample), reference)
    result["differing"] = differing
    result["ratio_hostvars"] = round(result["hostvars_8_keys_ms"] / result["stream_ms"], 1)
    result["ratio_templar"] = round(result["templar_ms"] / result["stream_ms"], 1)
    print(json.dumps(result, indent=2))
    sys.exit(1 if differing or problems else 0)


if __name__ == "__main__":
    main()
