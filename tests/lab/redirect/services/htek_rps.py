# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Htek's copy of Yealink's first service: server objects by name, override takes over another account's MAC."""

from __future__ import annotations

from redirect.base import Entry, bare
from redirect.services.yealink_rps_xml import QUESTION, YealinkRpsXml


class HtekRps(YealinkRpsXml):
    name = "htek_rps"
    default_path = "/index.php/xmlrpc"
    writes = ("registerDevice", "deRegisterDevice", "deRegisterDevices", "addServer", "editDevice")
    rpc_registerDeviceWithUniqueUrl = None

    def seed(self, mac: str, owner: str = "us", url: str = "", **more: str) -> None:
        super().seed(mac, owner, url, server=f"seed-{bare(mac)}", **more)
        self.servers[f"seed-{bare(mac)}"] = url

    def url_of(self, mac: str) -> str:
        entry = self.devices.get(mac)
        return self.servers.get(entry.server, "") if entry else ""

    def rpc_registerDevice(self, mac: str, server: str, override: str = "0") -> str:
        if not bare(mac):
            return self.say(False, f"Error:Invalid MAC(s):{mac}")
        if server not in self.servers:
            return self.say(False, "Error:Invalid server")
        held = self.devices.get(bare(mac))
        if held and override != "1":
            return self.say(False, QUESTION if held.owner != "us" else f"Existing MAC(s): {mac}")
        self.devices[bare(mac)] = Entry(bare(mac), server=server)
        return self.say(True, "OK")

    def rpc_editDevice(self, mac: str, server: str, override: str = "0") -> str:
        held = self.devices.get(bare(mac))
        if not held or held.owner != "us":
            return self.say(False, f"Error:Invalid MAC(s):{mac}")
        if server not in self.servers:
            return self.say(False, "Error:Invalid server")
        held.server = server
        return self.say(True, "OK")


SIMULATOR = HtekRps
