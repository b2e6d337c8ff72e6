# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fanvil's service: server objects, and a password that is the digest of a digest. Strict: a bound server object is not deleted."""

from __future__ import annotations

import hashlib
import html
import json

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, typed

SCHEMES = {"1": "ftp", "2": "tftp", "4": "http", "5": "https"}
FIELDS = {"cfgName", "cfgPfMode", "cfgDhcpOpt", "cfgPnpEnable", "cfgPfSrv", "cfgPfName", "cfgPfProt"}


class FanvilFdps(XmlRpcSimulator):
    name = "fanvil_fdps"
    default_path = "/xmlrpc.php"
    writes = ("registerDevice", "deRegisterDevice", "editDevice", "addServer", "addMaterialServer", "deleteServer")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.servers: dict[str, dict[str, str]] = {}
        self.may_edit = True

    def password(self) -> str:
        inner = hashlib.md5(self.account["password"].encode()).hexdigest()
        return hashlib.md5(inner.encode()).hexdigest()

    def seed(self, mac: str, owner: str = "us", url: str = "", **more: str) -> None:
        super().seed(mac, owner, url, server=bare(mac), **more)
        if owner == "us":
            scheme, _sep, rest = url.partition("://")
            host, _slash, path = rest.partition("/")
            number = next((key for key, value in SCHEMES.items() if value == scheme), "")
            self.servers[bare(mac)] = {"cfgName": bare(mac), "cfgPfSrv": host, "cfgPfName": path, "cfgPfProt": number}

    def url_of(self, mac: str) -> str:
        entry = self.devices.get(mac)
        row = self.servers.get(entry.server) if entry else None
        return f"{SCHEMES[row['cfgPfProt']]}://{row['cfgPfSrv']}/{row['cfgPfName']}" if row else ""

    def _own(self, mac: str) -> bool:
        return bare(mac) in self.devices and self.devices[bare(mac)].owner == "us"

    def rpc_listDevices(self) -> str:
        return typed([True, [item.mac for item in self.devices.values() if item.owner == "us"]])

    def rpc_listDevicesByServer(self, name: str) -> str:
        return typed([True, [item.mac for item in self.devices.values() if item.owner == "us" and item.server == name]])

    def rpc_listServers(self) -> str:
        return typed([True, html.escape(json.dumps(list(self.servers.values())))])

    def rpc_addMaterialServer(self, fields: list[str]) -> str:
        row = dict(item.split("=", 1) for item in fields)
        if set(row) != FIELDS or row["cfgPfProt"] not in SCHEMES or row["cfgPfName"].startswith("/") or "?" in row["cfgPfName"]:
            return typed([False, "Error: url_format_error"])
        if row["cfgName"] in self.servers:
            return typed([False, "Error:server_had_existed"])
        self.servers[row["cfgName"]] = row
        return typed([True, "OK"])

    def rpc_deleteServer(self, name: str) -> str:
        if name not in self.servers:
            return typed([False, "Error:server_not_exist"])
        if any(item.server == name and item.owner == "us" for item in self.devices.values()):
            return typed([False, "Error:server_in_use"])
        del self.servers[name]
        return typed([True, "OK"])

    def rpc_registerDevice(self, mac: str, name: str) -> str:
        if not bare(mac):
            return typed([False, "Error: mac_format_error"])
        if name not in self.servers:
            return typed([False, "Error:server_not_exist"])
        if bare(mac) in self.devices:
            return typed([False, "Error: device_had_existed"])
        self.devices[bare(mac)] = Entry(bare(mac), server=name)
        return typed([True, "OK"])

    def rpc_editDevice(self, mac: str, name: str) -> str:
        if not self.may_edit or not self._own(mac):
            return typed([False, "Error:device_not_exist" if self.may_edit else "Error:not_permitted"])
        if name not in self.servers:
            return typed([False, "Error:server_not_exist"])
        self.devices[bare(mac)].server = name
        return typed([True, "OK"])

    def rpc_deRegisterDevice(self, mac: str) -> str:
        if not self._own(mac):
            return typed([False, "Error:device_not_exist"])
        del self.devices[bare(mac)]
        return typed([True, "OK"])


SIMULATOR = FanvilFdps
