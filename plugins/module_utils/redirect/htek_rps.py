# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Htek's service, a copy of Yealink's first: a MAC hangs on a server object, which can neither be changed nor removed by a call.

So each phone and URL gets an object of its own, named after the MAC and a digest of the URL.
"""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Collection, Dict, Optional, Sequence, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import RedirectDialect
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import DeviceError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Capabilities, Device, Found, Outcome


def server_name(mac: str, url: str) -> str:
    """Twenty characters, the most that the service takes; seven of a digest tell nothing of a token of 160 bits."""
    return f"{mac}-{hashlib.sha256(url.encode()).hexdigest()[:7]}"


class HtekRps(RedirectDialect):
    name = "htek_rps"
    capabilities = Capabilities(per_device_url="server_object", can_see_foreign=True, can_read_url=False, override=True, remove_batch=100)
    default_url = "https://rps.htek.com/index.php/xmlrpc"
    default_path = "/index.php/xmlrpc"
    url_schemes = ("https", "http", "ftp", "tftp")
    limits = (
        "Each URL leaves a server object in the account that only the vendor's portal can remove.",
        "The service does not say where a MAC points; without a recorded state an existing entry is left as it is.",
        "The service lets an account take over another's MAC; this happens only for MACs that override names.",
    )

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, lambda device: self._add(device, device.mac in override))

    def _add(self, device: Device, override: bool) -> None:
        more = ("1",) if override else ()
        self._bind(device, lambda name: self._rpc("registerDevice", self.spell(device.mac), name, *more, repeatable=override))

    def _bind(self, device: Device, call: Callable[[str], Any]) -> None:
        """Make the object of this phone and URL, and the call that names it.

        An object that exists is as good as made, since its name says what it holds. How that is refused is not documented, so the call tells.
        """
        name = server_name(device.mac, device.url)
        refused: Optional[DeviceError] = None
        try:
            self._judge(self._rpc("addServer", name, device.url, secrets=(device.url,)), device.mac, device.url)
        except DeviceError as exc:
            refused = exc
        try:
            self._judge(call(name), device.mac, device.url)
        except DeviceError as exc:
            if refused and exc.kind in ("server", "failed"):
                raise refused from None
            raise

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._move)

    def _move(self, device: Device) -> None:
        self._bind(device, lambda name: self._rpc("editDevice", self.spell(device.mac), name))


SERVICE = HtekRps
