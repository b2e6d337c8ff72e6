# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated redirect services as unit tests use them, and one row of facts for each: a new service is one row here."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account, Device
from redirect.base import Fault, Running, Simulator  # noqa: E402

__all__ = ["ROWS", "Fault", "Row", "Running", "Simulator", "account", "device", "mac", "mac_id", "simulator", "url"]

TOKEN = "c0ffee00c0ffee00c0ffee00c0ffee00"
KEYS = {"access_key_id": "lab-key", "access_key_secret": "lab-secret"}
LOGIN = {"username": "lab-user", "password": "lab-password"}


@dataclass
class Row:
    """What the tests have to know of a service.

    create, change, remove, read: names of the simulator's calls. budget: calls beside the batches on a first run of many.
    writes_each, reads_each: calls per device where there are no batches. pushes: a call per device follows a batch. prefix: the OUI of the vendor.
    """

    service: str
    credentials: dict[str, str]
    create: str
    change: str
    remove: str
    read: str
    prefix: str = "001565"
    readable: bool = True
    sees_foreign: bool = True
    lists: bool = True
    budget: int = 4
    writes_each: int = 1
    reads_each: int = 0
    pushes: bool = False
    device: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    needs_mac_id: bool = False

    def __str__(self) -> str:
        return self.service


ROWS = [
    Row(
        "yealink_ymcs",
        KEYS,
        "addDevices",
        "patchDevice",
        "delDevices",
        "listDevices",
        sees_foreign=False,
        device={"serial": "3146019091637071"},
    ),
    Row(
        "yealink_rps_xml",
        LOGIN,
        "registerDeviceWithUniqueUrl",
        "registerDeviceWithUniqueUrl",
        "deRegisterDevice",
        "listDevices",
        readable=False,
    ),
    Row("yealink_rps_json", KEYS, "device/add", "device/edit", "device/delete", "device/list"),
    Row("snom_sraps", KEYS, "PUT", "PUT", "DELETE", "list", prefix="000413", budget=8),
    Row(
        "snom_xml",
        LOGIN,
        "registerPhone",
        "registerPhone",
        "deregisterPhone",
        "getPhoneRedirection",
        prefix="000413",
        lists=False,
        reads_each=1,
    ),
    Row("gigaset_grape", KEYS, "PUT", "PUT", "DELETE", "list", prefix="7c2f80", budget=8),
    Row(
        "gigaset_xml",
        LOGIN,
        "registerDevice",
        "registerDevice",
        "deregisterDevice",
        "checkDevice",
        "7c2f80",
        readable=False,
        lists=False,
        reads_each=1,
        needs_mac_id=True,
    ),
    Row(
        "fanvil_fdps", LOGIN, "registerDevice", "editDevice", "deRegisterDevice", "listDevices", "0c383e", sees_foreign=False, writes_each=2
    ),
    Row("htek_rps", LOGIN, "registerDevice", "editDevice", "deRegisterDevice", "listDevices", "001fc1", readable=False, writes_each=2),
    Row("panasonic_rcs", LOGIN, "registerPhone", "registerPhone", "unregisterPhone", "checkPhones", "080023"),
    Row(
        "auerswald",
        LOGIN,
        "DeviceRegister",
        "DeviceRegister",
        "DeviceDeregister",
        "DeviceInfo",
        "000952",
        readable=False,
        sees_foreign=False,
        lists=False,
        reads_each=1,
    ),
    Row(
        "grandstream_gdms",
        {**KEYS, **LOGIN},
        "device/add",
        "device/config/xml",
        "device/delete",
        "device/list",
        "c074ad",
        readable=False,
        sees_foreign=False,
        writes_each=1,
        pushes=True,
        device={"serial": "20EZABCDEF"},
    ),
]


def simulator(service: str) -> Simulator:
    return importlib.import_module(f"redirect.services.{service}").SIMULATOR()


def mac(row: Row, number: int) -> str:
    return f"{row.prefix}{number:06x}"


def url(number: int, generation: int = 1) -> str:
    return f"https://prov.example.com/c/{TOKEN}{number:06x}{generation:02x}/"


def device(row: Row, number: int, generation: int = 1, **more: Any) -> Device:
    fields = {"mac": mac(row, number), "url": url(number, generation), **row.device, **more}
    if row.needs_mac_id:
        fields.setdefault("mac_id", mac_id(fields["mac"]))
    return Device(**fields)


def mac_id(address: str) -> str:
    return f"{address.upper()}-{sum(bytes.fromhex(address)) % 65536:04X}"


def account(row: Row, lab: Simulator, **more: Any) -> Account:
    base = {"service": row.service, "api_url": lab.base, "timeout": 2.0, "retry_wait": 0.001, **row.credentials, **row.options}
    return Account(**{**base, **more})
