# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snom's XML-RPC redirection: typed answers, trailing slash wanted."""

from __future__ import annotations

from redirect.base import Entry, bare
from redirect.rpc import XmlRpcSimulator, typed

FOREIGN = "Error:owned_by_other_user"
MALFORMED = "Error:malformed_mac"


class SnomXml(XmlRpcSimulator):
    name = "snom_xml"
    default_path = "/xmlrpc/"
    writes = ("registerPhone", "deregisterPhone")

    def _problem(self, mac: str, known: bool = False) -> str:
        held = self.devices.get(bare(mac))
        if not bare(mac):
            return MALFORMED
        if held and held.owner != "us":
            return FOREIGN
        return "Error:no_such_mac" if known and not held else ""

    def rpc_registerPhone(self, mac: str, url: str) -> str:
        problem = self._problem(mac) or ("" if "://" in url else "Error:malformed_url")
        if problem:
            return typed([False, problem])
        self.devices[bare(mac)] = Entry(bare(mac), url=url)
        return typed([True, "Ok"])

    def rpc_deregisterPhone(self, mac: str) -> str:
        problem = self._problem(mac, known=True)
        if problem:
            return typed([False, problem])
        del self.devices[bare(mac)]
        return typed([True, "Ok"])

    def rpc_checkPhone(self, mac: str) -> str:
        problem = self._problem(mac, known=True)
        return typed([not problem, problem or "Ok"])

    def rpc_getPhoneRedirection(self, mac: str) -> str:
        problem = self._problem(mac, known=True)
        return typed([False, problem]) if problem else typed([True, "Example GmbH", self.devices[bare(mac)].url])

    def rpc_listPhones(self, kind: str, url: str | None) -> str:
        own = [item.mac.upper() for item in self.devices.values() if item.owner == "us" and url in (None, "", item.url)]
        return typed([True, own if kind == "snom760" else []])


SIMULATOR = SnomXml
