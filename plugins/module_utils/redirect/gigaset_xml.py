# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gigaset's older service, XML-RPC: register, deregister and a coarse check; neither a list nor an update."""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, List, Sequence, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import DialectService, agreed, pair
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import DeviceError, LostReply, RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    ABSENT,
    FOREIGN,
    OURS,
    UNKNOWN,
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import strings

PROVIDER = "dialtone"
_MAC_ID = re.compile(r"\A([0-9A-F]{12})-[0-9A-Z]{4}\Z")
_ERRORS = {
    "mac_not_found": ("absent", "is not registered"),
    "mac_invalid": ("invalid", "the service calls the MAC or its MAC-ID invalid"),
    "mac_not_exist": ("invalid", "the service knows no device with this MAC or MAC-ID"),
    "mac_already_in_use": ("exists", "is registered already"),
    "url_invalid": ("invalid", "the service calls the URL invalid"),
    "name_invalid": ("invalid", "the service calls the provider name invalid (server_name)"),
}


class GigasetXml(DialectService):
    name = "gigaset_xml"
    capabilities = Capabilities(can_see_foreign=False, can_read_url=False, has_list=False, has_update=False, cheap_lookup=False)
    default_url = "https://prov.gigaset.net/apxml/rpc.do"
    default_path = "/apxml/rpc.do"
    prefix = "autoprov."
    limits = (
        "Most accounts need the MAC-ID that is printed on the box (mac_id), twelve digits, a dash and four characters.",
        "The service neither lists an account nor says where a MAC points.",
        "A new URL takes a deregistration and a registration; in between the MAC is free for a moment.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        self._ids: Dict[str, str] = {}

    def learn(self, device: Device) -> str:
        """Keep the MAC-ID of a device for the calls to come; returns what is wrong with it."""
        if device.mac_id:
            text = device.mac_id.strip().upper().replace(":", "")
            match = _MAC_ID.match(text)
            if not match or match.group(1).lower() != device.mac:
                return f"mac_id {device.mac_id!r} is not the MAC-ID of this MAC (twelve digits, a dash, four characters)"
            self._ids[device.mac] = text
        return ""

    def spell(self, mac: str) -> str:
        return self._ids.get(mac, mac.upper())

    def ping(self) -> None:
        self._found("000000000001")

    def _error(self, text: str) -> Tuple[str, str]:
        return _ERRORS.get(text.strip().lower().split(":")[0], ("", ""))

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        return {mac: self._found(mac) for mac in macs}

    def _found(self, mac: str) -> Found:
        try:
            value = self._rpc("checkDevice", self.spell(mac))
        except DeviceError as exc:
            return Found(mac, UNKNOWN, problem=str(exc))
        good, payload = pair(value)
        text = " ".join(strings(payload)).strip()
        kind, message = self._error(text)
        if kind == "absent":
            return Found(mac, ABSENT)
        if kind == "exists":
            return Found(mac, FOREIGN)
        if kind:
            return Found(mac, UNKNOWN, problem=message)
        # Good, or the MAC repeated as the text, both mean ours.
        if (good and agreed(value)) or text.upper().startswith(mac.upper()):
            return Found(mac, OURS, key=self.spell(mac))
        return Found(mac, UNKNOWN, problem=f"the service answers checkDevice with {self.client.scrub(text)!r}")

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._add)

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._replace)

    def _add(self, device: Device) -> None:
        name = self.account.server_name or PROVIDER
        self._answer(
            self._rpc("registerDevice", self.spell(device.mac), device.url, name, repeatable=False, secrets=(device.url,)), device.url
        )

    def _replace(self, device: Device) -> None:
        self._remove(device.mac)
        try:
            self._add(device)
        except DeviceError as exc:
            taken = exc.kind == "exists"
            raise DeviceError(
                "foreign" if taken else exc.kind, f"{exc}; its old entry is gone" if not taken else "was taken while it was free"
            ) from None
        except RedirectError as exc:
            raise type(exc)(f"{exc}; the old entry of {device.mac} is gone") from None

    def _remove(self, mac: str) -> None:
        try:
            self._answer(self._rpc("deregisterDevice", self.spell(mac)))
        except DeviceError as exc:
            if exc.kind != "absent":
                raise

    def _answer(self, value: Any, *secrets: str) -> None:
        good, payload = pair(value)
        text = " ".join(strings(payload)).strip()
        kind, message = self._error(text)
        if kind:
            raise DeviceError(kind, message)
        if good and text.lower() != "ok" and not agreed(value):
            raise LostReply(f"{self.client.host}: an answer that says neither yes nor no")
        if not good and text.lower() != "ok":
            raise DeviceError("failed", f"refused: {self.client.scrub(text or 'no reason given', *secrets)}")

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, lambda item: self._remove(item.mac))

    @classmethod
    def account_problems(cls, account: Account) -> List[str]:
        problems = super().account_problems(account)
        if len(account.server_name) > 64:
            problems.append("server_name: has more than 64 characters")
        return problems


SERVICE = GigasetXml
