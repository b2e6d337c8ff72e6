# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auerswald's service: three XML-RPC calls and answers that say little."""

from __future__ import annotations

from typing import Collection, Dict, Sequence, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import DialectService
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import DeviceError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import OURS, UNKNOWN, Capabilities, Device, Found, Outcome
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import strings


class Auerswald(DialectService):
    name = "auerswald"
    capabilities = Capabilities(can_see_foreign=False, can_read_url=False, has_list=False, cheap_lookup=False)
    default_url = "https://provisioning.auerswald.de/xmlrpc/"
    default_path = "/xmlrpc/"
    prefix = ""
    limits = (
        "The service does not tell a free MAC from another account's; a refused registration is taken for the latter.",
        "Whether it shows where a MAC points is not documented; where it does, that is compared.",
        "It cannot list an account.",
    )

    def ping(self) -> None:
        self._read("000952000000")

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        return {mac: self._read(mac) for mac in macs}

    def _read(self, mac: str) -> Found:
        try:
            value = self._rpc("DeviceInfo", mac)
        except DeviceError:
            return Found(mac, UNKNOWN)
        if not isinstance(value, dict) or not value.get("mac"):
            return Found(mac, UNKNOWN)
        return Found(mac, OURS, url=next((text for text in strings(value) if "://" in text), None), key=mac)

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._add)

    def _add(self, device: Device) -> None:
        # Nothing is known of a second registration but that a client makes it as a matter of course.
        if not self._good(self._rpc("DeviceRegister", device.mac, device.url, repeatable=False, secrets=(device.url,))):
            raise DeviceError("foreign", "is refused; most likely it belongs to another account")

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._change)

    def _change(self, device: Device) -> None:
        if self._good(self._rpc("DeviceRegister", device.mac, device.url, secrets=(device.url,))):
            return
        self._rpc("DeviceDeregister", device.mac)
        self._add(device)

    @staticmethod
    def _good(value: object) -> bool:
        return value not in (False, None, "", 0, "0", [], {})

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, self._remove)

    def _remove(self, item: Found) -> None:
        if not self._good(self._rpc("DeviceDeregister", item.mac)):
            raise DeviceError("lost", "the service refuses without a reason")


SERVICE = Auerswald
