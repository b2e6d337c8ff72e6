# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Panasonic's service: true or a numbered fault."""

from __future__ import annotations

import re

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, fault, typed


class PanasonicRcs(XmlRpcSimulator):
    name = "panasonic_rcs"
    default_path = "/redirect/xmlrpc"
    prefix = "ipredirect."
    writes = ("registerPhone", "unregisterPhone")

    def _code(self, mac: str) -> int:
        if not re.fullmatch(r"[0-9A-F]{12}", mac):
            return 200
        held = self.devices.get(bare(mac))
        return 201 if held is None else 0 if held.owner == "us" else 202

    def rpc_checkPhones(self, macs: list[str]) -> str:
        return typed([{"faultCode": self._code(mac), "faultString": f"{mac}:state"} for mac in macs])

    def rpc_registerPhone(self, mac: str, url: str) -> str:
        code = self._code(mac)
        if code in (200, 202):
            return fault(code, f"{mac}:refused")
        if "://" not in url:
            return fault(100, f"{url}:invalid")
        self.devices[bare(mac)] = Entry(bare(mac), url=url)
        return typed(True)

    def rpc_unregisterPhone(self, mac: str) -> str:
        code = self._code(mac)
        if code:
            return fault(code, f"{mac}:refused")
        del self.devices[bare(mac)]
        return typed(True)

    def rpc_listPhones(self) -> str:
        return typed([item.mac.upper() for item in self.devices.values() if item.owner == "us"])

    def rpc_getPhone(self, mac: str) -> str:
        if self._code(mac):
            return fault(203, f"{mac}: You are not owner of the phone.")
        return typed({"mac": mac, "url": self.devices[bare(mac)].url, "model": "KX-TGP550T01"})


SIMULATOR = PanasonicRcs
