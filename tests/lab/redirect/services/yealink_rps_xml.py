# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink's XML-RPC service: a boolean and an untyped text, unique URLs of API version 1.6."""

from __future__ import annotations

import re

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, untyped

SERVER_NAME = re.compile(r"[A-Za-z0-9 _.-]{1,20}")
URL = re.compile(r"(https?|ftp|tftp)://\S+")
QUESTION = "The MAC(s) have been registered by another user, do you want to override?"


class YealinkRpsXml(XmlRpcSimulator):
    name = "yealink_rps_xml"
    writes = ("registerDeviceWithUniqueUrl", "deRegisterDevice", "deRegisterDevices", "addServer", "editDevice", "editDevices")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.servers: dict[str, str] = {}

    def say(self, good: bool, payload: object) -> str:
        return untyped(good, payload)

    def rpc_addServer(self, name: str, url: str) -> str:
        if not SERVER_NAME.fullmatch(name):
            return self.say(False, "Server name may hold letters, digits, blanks, - _ and . only")
        if not URL.fullmatch(url):
            return self.say(False, "The URL must begin with http, https, ftp or tftp")
        if name in self.servers:
            return self.say(False, "Existing server")
        self.servers[name] = url
        return self.say(True, "OK")

    def rpc_registerDeviceWithUniqueUrl(self, mac: str, server: str, url: str, override: str) -> str:
        if override not in ("0", "1") or not isinstance(override, str):
            return self.say(False, "Error:Invalid override")
        if not re.fullmatch(r"([0-9A-F]{2}-){5}[0-9A-F]{2}", mac):
            return self.say(False, f"Error:Invalid MAC(s):{mac}")
        if server not in self.servers:
            return self.say(False, "Error:Invalid server")
        if not URL.fullmatch(url):
            return self.say(False, "The URL must begin with http, https, ftp or tftp")
        key = bare(mac)
        held = self.devices.get(key)
        if held and held.owner != "us":
            return self.say(False, f"Error:{key}" if override == "1" else QUESTION)
        if held and override != "1":
            return self.say(False, f"Existing MAC(s): {mac}")
        self.devices[key] = Entry(key, url=url, server=server, id=self.new_id())
        return self.say(True, "OK")

    def rpc_listDevices(self) -> str:
        return self.say(True, [entry.mac.upper() for entry in self.devices.values() if entry.owner == "us"])

    def rpc_checkDevice(self, mac: str) -> str:
        key = bare(mac)
        if not key:
            return self.say(False, "Error:Invalid MAC")
        held = self.devices.get(key)
        if held is None:
            return self.say(False, "Unknown" if int(key[-1], 16) % 2 else "Unregistered")
        return self.say(held.owner == "us", "Registered" if held.owner == "us" else "Registered Elsewhere")

    def rpc_deRegisterDevice(self, mac: str) -> str:
        return self.rpc_deRegisterDevices([mac])

    def rpc_deRegisterDevices(self, macs: list[str]) -> str:
        bad = [mac for mac in macs if bare(mac) not in self.devices or self.devices[bare(mac)].owner != "us"]
        for mac in macs:
            if mac not in bad:
                del self.devices[bare(mac)]
        return self.say(not bad, f"Error:Invalid MAC(s):{','.join(bad)}" if bad else "OK")


SIMULATOR = YealinkRpsXml
