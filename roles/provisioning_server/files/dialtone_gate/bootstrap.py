# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bootstrap path ``/b/``: a phone that only its LAN has told about us is handed a stub, which names a one-time URL and holds nothing else.

Anybody may ask here, since DHCP tells everybody the address, and a MAC is no secret. So a stub goes only to a phone of the release whose claim
is armed, over TLS, from inside networks that are in force, and either with a verified certificate that names its MAC or while an operator
holds a window open for it. Whatever fails, the answer is that of a file that does not exist.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Awaitable, Callable, Mapping, NamedTuple

from claims import lan

from .config import Config
from .devices import Device, Devices, certificate_names, inside
from .keeper import Keeper

log = logging.getLogger("dialtone-gate")
_MAC = re.compile(r"[0-9a-f]{12}")
_URL = re.compile(r"https://[A-Za-z0-9.:\[\]-]{1,260}\Z")


class Stub(NamedTuple):
    """The answer: a file's text, or why there is none; ``mac`` is set where the release knows the phone."""

    text: str
    reason: str
    mac: str = ""


class Bootstrap:
    """Decides who is handed a stub; the store remembers to whom."""

    def __init__(self, config: Config, devices: Devices, keeper: Keeper, net: Callable[[str], str]) -> None:
        """
        :param net: what counts as the same address.
        """
        self._config, self._devices, self._keeper, self._net = config, devices, keeper, net

    async def stub(self, asked: Mapping[str, str]) -> Stub:
        """Answer for ``/b/<file>``.

        :raises StoreError, DevicesError: nothing can be decided.
        """
        name = asked.get("file", "").lower()
        device = self._wanted(name)
        if device is None:
            return Stub("", "unknown")
        reason = self._precondition(device, asked)
        if reason:
            return Stub("", reason, device.mac)
        address, certified = asked.get("address", ""), self._certified(device, asked)
        net, text = self._net(address), device.bootstrap["files"][name]
        if "{url}" not in text and "{path}" not in text:
            # A file on the way to the stub; it says nothing, but who may not have the stub does not learn that the phone is known either.
            why = await self._keeper.read(lambda store: lan.may_hand(store, device.mac, net, certified))
            return Stub("" if why else text, why, device.mac)
        handed = await self._keeper.write(lambda store: lan.hand(store, device.mac, net, address, certified))
        if handed.reason:
            return Stub("", handed.reason, device.mac)
        log.info("stub", extra={"mac": device.mac, "ip": address})
        path = f"/c/{handed.token}"
        return Stub(text.replace("{url}", f"{device.bootstrap['server']}{path}/").replace("{path}", path), "", device.mac)

    def _wanted(self, name: str) -> Device | None:
        """Return the phone that a name stands for: one whose stub has it."""
        for mac in _MAC.findall(name):
            device = self._devices.get(mac)
            if device is not None and name in device.bootstrap.get("files", {}):
                return device
        return None

    def _precondition(self, device: Device, asked: Mapping[str, str]) -> str:
        address = asked.get("address", "")
        networks = (self._config.networks, self._devices.networks, device.networks)
        if asked.get("method") != "GET":
            return "method"
        if not device.enabled or device.onboarding == "off":
            return "not-in-release"
        if not any(networks) or not all(inside(address, some) for some in networks):
            return "address"
        if asked.get("scheme") != "https" or not _URL.match(str(device.bootstrap.get("server", ""))):
            return "plain-http"
        if device.client_certificate == "require" and not self._certified(device, asked):
            return "certificate"
        return ""

    @staticmethod
    def _certified(device: Device, asked: Mapping[str, str]) -> bool:
        return certificate_names(device, asked.get("verify", ""), asked.get("subject", ""), asked.get("issuer", ""))


def application(answer: Callable[[Mapping[str, str]], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    """Return the part of the ASGI application that answers with a body: 200 and the stub, or an empty refusal that nginx dresses."""

    async def respond(asked: Mapping[str, str], send: Callable[[Any], Awaitable[None]]) -> None:
        status, text, reason = await answer(asked)
        body = text.encode("utf-8")
        kind = b"text/xml" if text.startswith("<") else b"text/plain"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        headers.append((b"x-gate-reason", reason.encode("latin-1", "replace")))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return respond
