# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Panasonic's redirection service: XML-RPC where success is true and a refusal is a fault with a number."""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterator, List, Sequence, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import DialectService, macs_in, truth
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    ABSENT,
    FOREIGN,
    OURS,
    UNKNOWN,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import Fault

CHECKED = 100  # MACs per checkPhones
_CODES = {
    100: ("invalid", "the service calls the URL invalid"),
    200: ("invalid", "the service calls the MAC invalid"),
    201: ("absent", "is not registered"),
    202: ("foreign", "belongs to another account"),
    203: ("foreign", "belongs to another account"),
}
_STATES = {0: OURS, 201: ABSENT, 202: FOREIGN, 203: FOREIGN}


class PanasonicRcs(DialectService):
    name = "panasonic_rcs"
    capabilities = Capabilities(can_see_foreign=True, can_read_url=True, cheap_lookup=False)
    default_url = "https://provisioning.e-connecting.net/redirect/xmlrpc"
    default_path = "/redirect/xmlrpc"
    prefix = "ipredirect."
    limits = ("Where a phone of ours points takes a call each to read.",)

    def spell(self, mac: str) -> str:
        return mac.upper()

    def _fault(self, fault: Fault, method: str, secrets: Tuple[str, ...]) -> Exception:
        kind, message = _CODES.get(fault.code, ("", ""))
        return DeviceError(kind, message) if kind else super()._fault(fault, method, secrets)

    def list(self) -> Iterator[Found]:
        try:
            macs = macs_in(self._rpc("listPhones"))
        except DeviceError as exc:
            raise AccountError(f"{self.client.host}: refuses listPhones: {exc}") from None
        for mac in dict.fromkeys(macs):
            yield Found(mac, OURS, key=mac)

    def _states(self, macs: Sequence[str]) -> Dict[str, Any]:
        """The code of each MAC: 0 ours, 200 invalid, 201 nobody's, 202 another's."""
        try:
            value = self._rpc("checkPhones", [self.spell(mac) for mac in macs])
        except DeviceError as exc:
            if len(macs) == 1:
                return {macs[0]: {"absent": 201, "foreign": 202, "invalid": 200}.get(exc.kind)}
            half = len(macs) // 2
            return {**self._states(macs[:half]), **self._states(macs[half:])}
        if isinstance(value, dict):
            return {mac: next((code for name, code in value.items() if name.lower() == mac), None) for mac in macs}
        rows = value if isinstance(value, list) else []
        codes: List[Any] = [item.get("faultCode", item.get("code")) if isinstance(item, dict) else item for item in rows]
        codes = [item[-1] if isinstance(item, list) and item else item for item in codes]
        if len(codes) != len(macs):
            raise AccountError(f"{self.client.host}: answers checkPhones of {len(macs)} with {len(codes)} codes")
        return dict(zip(macs, codes))

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        result: Dict[str, Found] = {}
        for start in range(0, len(macs), CHECKED):
            for mac, code in self._states(macs[start : start + CHECKED]).items():
                try:
                    number = int(code)
                except (TypeError, ValueError):
                    number = -1
                state = _STATES.get(number)
                if state == OURS:
                    result[mac] = self._read(mac)
                elif state:
                    result[mac] = Found(mac, state)
                else:
                    result[mac] = Found(mac, UNKNOWN, problem=_CODES.get(number, ("", f"the service answers checkPhones with {number}"))[1])
        return result

    def _read(self, mac: str) -> Found:
        """Where a phone of ours points; the detail call is not in every account, and the state holds without it."""
        try:
            value = self._rpc("getPhone", self.spell(mac))
        except (DeviceError, AccountError):
            return Found(mac, OURS, key=mac)
        url = value.get("url") if isinstance(value, dict) else None
        return Found(mac, OURS, url=str(url) if url is not None else None, key=mac)

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._write)

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._write)

    def _write(self, device: Device) -> None:
        # Registering again replaces our own entry and never another's, so it may be repeated.
        if not truth(self._rpc("registerPhone", self.spell(device.mac), device.url, secrets=(device.url,))):
            raise DeviceError("failed", "the service refuses without a reason")

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, self._remove)

    def _remove(self, item: Found) -> None:
        if not truth(self._rpc("unregisterPhone", self.spell(item.mac))):
            raise DeviceError("lost", "the service refuses without a reason")


SERVICE = PanasonicRcs
