# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snom's older redirection service, XML-RPC with proper types; the trailing slash of its address matters."""

from __future__ import annotations

from typing import Collection, Dict, Iterator, Sequence, Tuple
from urllib.parse import urlsplit

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import DialectService, agreed, macs_in, pair, truth
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, LostReply
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
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import strings

# The list is asked for by phone type; these are the ones that the service was made for, and those since.
TYPES = (
    *(f"snom{number}" for number in (300, 320, 360, 370, 710, 712, 715, 720, 725, 760, 820, 821, 870)),
    *(
        f"snomD{number}"
        for number in (120, 140, 150, 305, 315, 335, 345, 375, 385, 710, 712, 713, 715, 717, 725, 735, 745, 765, 785, 862, 865)
    ),
    "snomMP",
    "snomM9",
)
_ERRORS = (
    ("owned_by_other", "foreign", "belongs to another account"),
    ("no_such_mac", "absent", "is not registered"),
    ("malformed_mac", "invalid", "the service calls the MAC malformed"),
    ("malformed_url", "invalid", "the service calls the URL malformed"),
)


def _error(text: str) -> Tuple[str, str]:
    low = text.lower().replace(" ", "_")
    for mark, kind, message in _ERRORS:
        if mark in low:
            return kind, message
    return "", ""


class SnomXml(DialectService):
    name = "snom_xml"
    capabilities = Capabilities(can_see_foreign=True, can_read_url=True, cheap_lookup=False)
    default_url = "https://secure-provisioning.snom.com:8083/xmlrpc/"
    default_path = "/xmlrpc/"
    limits = (
        "Replaced by snom_sraps; only for accounts that still have a login of the older service.",
        "The list is by phone type, so phones of a type that this collection does not know are not listed.",
    )

    def ping(self) -> None:
        self._read("000413000000")

    def list(self) -> Iterator[Found]:
        seen = set()
        for kind in TYPES:
            try:
                good, payload = pair(self._rpc("listPhones", kind, None))
            except DeviceError as exc:
                raise AccountError(f"{self.client.host}: refuses listPhones: {exc}") from None
            for mac in macs_in(payload) if good else ():
                if mac not in seen:
                    seen.add(mac)
                    yield Found(mac, OURS, key=mac)

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        return {mac: self._read(mac) for mac in macs}

    def _read(self, mac: str) -> Found:
        try:
            value = self._rpc("getPhoneRedirection", mac)
        except DeviceError as exc:
            return Found(mac, UNKNOWN, problem=str(exc))
        if not isinstance(value, list) or not value:
            return Found(mac, UNKNOWN, problem="the service answers getPhoneRedirection with something that is no list")
        texts, good = strings(value[1:]), truth(value[0])
        kind, message = next((found for found in map(_error, texts) if found[0]), ("", ""))
        if kind == "foreign":
            return Found(mac, FOREIGN)
        if kind == "absent":
            return Found(mac, ABSENT)
        if kind:
            return Found(mac, UNKNOWN, problem=message)
        if not good:
            return self._checked(mac)
        # Company and URL by the document, the URL alone by some clients: the URL is the text that is one.
        url = next((text.strip() for text in reversed(texts) if urlsplit(text.strip()).scheme and "://" in text), "")
        return Found(mac, OURS, url=url, key=mac)

    def _checked(self, mac: str) -> Found:
        """What checkPhone says where getPhoneRedirection refuses in words that are not known."""
        try:
            value = self._rpc("checkPhone", mac)
        except DeviceError as exc:
            return Found(mac, UNKNOWN, problem=str(exc))
        if agreed(value):
            return Found(mac, OURS, key=mac)
        kind, _message = _error(" ".join(strings(value)))
        # A refusal in yet other words says that it is not ours; registering tells more, and never takes another account's.
        return Found(mac, {"foreign": FOREIGN, "absent": ABSENT}.get(kind, UNKNOWN))

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._write)

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._write)

    def _write(self, device: Device) -> None:
        # Registering again overwrites our own entry and never another's, so it may be repeated.
        self._answer(self._rpc("registerPhone", device.mac, device.url, secrets=(device.url,)), device.url)

    def _answer(self, value: object, *secrets: str) -> None:
        good, payload = pair(value)
        text = " ".join(strings(payload)).strip()
        kind, message = _error(text)
        if kind:
            raise DeviceError(kind, message)
        if not good or text.lower().startswith("error"):
            raise DeviceError("failed", f"refused: {self.client.scrub(text or 'no reason given', *secrets)}")
        if text.lower() != "ok" and not agreed(value):
            raise LostReply(f"{self.client.host}: an answer that says neither yes nor no")

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, lambda item: self._answer(self._rpc("deregisterPhone", item.mac)))


SERVICE = SnomXml
