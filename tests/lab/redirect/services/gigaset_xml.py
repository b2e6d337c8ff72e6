# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gigaset's XML-RPC service; wants the MAC-ID unless the account is exempt. The check code here is a made-up one."""

from __future__ import annotations

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, typed


def check_code(mac: str) -> str:
    return f"{sum(bytes.fromhex(mac)) % 65536:04X}"


class GigasetXml(XmlRpcSimulator):
    name = "gigaset_xml"
    default_path = "/apxml/rpc.do"
    prefix = "autoprov."
    writes = ("registerDevice", "deregisterDevice")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.exempt = False

    def _mac(self, text: str) -> tuple[str, str]:
        """The MAC, and what is wrong with how it was given."""
        mac = bare(text[:12])
        if not mac:
            return "", f"mac_invalid:{text}"
        if text != text.upper() or (text[12:] != f"-{check_code(mac)}" and not (self.exempt and len(text) == 12)):
            return mac, f"mac_invalid:{text[:12]}"
        return mac, ""

    def rpc_registerDevice(self, text: str, url: str, name: str) -> str:
        mac, problem = self._mac(text)
        if not problem and mac in self.devices:
            problem = f"mac_already_in_use:{mac.upper()}"
        if not problem and "://" not in url:
            problem = f"url_invalid:{url}"
        if problem:
            return typed([False, problem])
        self.devices[mac] = Entry(mac, url=url, server=name)
        return typed([True, "OK"])

    def rpc_deregisterDevice(self, text: str) -> str:
        mac, problem = self._mac(text)
        if not problem and (mac not in self.devices or self.devices[mac].owner != "us"):
            problem = f"mac_not_found:{mac.upper()}"
        if problem:
            return typed([False, problem])
        del self.devices[mac]
        return typed([True, "OK"])

    def rpc_checkDevice(self, text: str) -> str:
        mac, problem = self._mac(text)
        if not problem and (mac not in self.devices or self.devices[mac].owner != "us"):
            problem = f"mac_not_found:{mac.upper()}"
        return typed([not problem, problem or mac.upper()])


SIMULATOR = GigasetXml
