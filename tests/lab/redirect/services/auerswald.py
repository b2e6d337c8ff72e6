# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auerswald's service: true or false, and a struct for a MAC of ours."""

from __future__ import annotations

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, typed


class Auerswald(XmlRpcSimulator):
    name = "auerswald"
    default_path = "/xmlrpc/"
    prefix = ""
    writes = ("DeviceRegister", "DeviceDeregister")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.shows_url = False

    def _own(self, mac: str) -> bool:
        return bare(mac) in self.devices and self.devices[bare(mac)].owner == "us"

    def rpc_DeviceInfo(self, mac: str) -> str:
        if not self._own(mac):
            return typed(False)
        return typed({"mac": mac, "url": self.devices[bare(mac)].url} if self.shows_url else {"mac": mac})

    def rpc_DeviceRegister(self, mac: str, url: str) -> str:
        if not bare(mac) or (bare(mac) in self.devices and not self._own(mac)):
            return typed(False)
        self.devices[bare(mac)] = Entry(bare(mac), url=url)
        return typed(True)

    def rpc_DeviceDeregister(self, mac: str) -> str:
        if not self._own(mac):
            return typed(False)
        del self.devices[bare(mac)]
        return typed(True)


SIMULATOR = Auerswald
