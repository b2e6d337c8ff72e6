# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink's first redirection service, XML-RPC, for accounts made before the management cloud; one call registers a MAC with a URL of its own."""

from __future__ import annotations

from typing import Collection, Dict, List, Sequence, Tuple
from urllib.parse import urlsplit

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import RedirectDialect, server_name_problem
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Client

SERVER = "dialtone"


class YealinkRpsXml(RedirectDialect):
    name = "yealink_rps_xml"
    capabilities = Capabilities(can_see_foreign=True, can_read_url=False, override=True, remove_batch=100)
    default_url = "https://api-dm.yealink.com:8443/xmlrpc"
    default_path = "/xmlrpc"
    url_schemes = ("https", "http", "ftp", "tftp")
    limits = (
        "The service does not say where a MAC points; without a recorded state an existing entry is left as it is.",
        "The URL of each phone needs version 1.6 of the service.",
        "User name and password of a device cannot be stored with the service.",
        "Another account's MAC cannot be relied on to be overridden, even when it is named.",
    )

    def __init__(self, account: Account, client: Client) -> None:
        super().__init__(account, client)
        self._added = False  # tried once is enough

    @classmethod
    def account_problems(cls, account: Account) -> List[str]:
        problems = super().account_problems(account)
        if account.server_name and server_name_problem(account.server_name):
            problems.append(server_name_problem(account.server_name))
        return problems

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, lambda device: self._write(device, device.mac in override))

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each(pairs, lambda pair: pair[0].mac, lambda pair: self._write(pair[0], True))

    def _write(self, device: Device, override: bool) -> None:
        try:
            self._register(device, override)
            return
        except DeviceError as exc:
            # How an unknown name is refused is not documented; that the name is meant is as much as can be told.
            if self._added or (exc.kind != "server" and not (exc.kind == "failed" and "server" in str(exc).lower())):
                raise
        refused = self._add_server(device)
        try:
            self._register(device, override)
        except DeviceError as exc:
            if exc.kind == "server":
                name = self.account.server_name or SERVER
                raise AccountError(f"server_name: {name!r} is not known to the service and cannot be added: {refused or exc}") from None
            raise

    def _register(self, device: Device, override: bool) -> None:
        name = self.account.server_name or SERVER
        # Replacing an entry by the same entry does no harm, creating one may.
        value = self._rpc(
            "registerDeviceWithUniqueUrl",
            self.spell(device.mac),
            name,
            device.url,
            "1" if override else "0",
            repeatable=override,
            secrets=(device.url,),
        )
        self._judge(value, device.mac, device.url)

    def _add_server(self, device: Device) -> str:
        """Make the server entry that the unique URLs hang on; its own URL is only the host, never a phone's.

        :returns: why it is refused; that it is there already, from a call whose reply got lost, would be such a reason.
        """
        self._added = True
        name = self.account.server_name or SERVER
        parts = urlsplit(device.url)
        try:
            self._judge(self._rpc("addServer", name, f"{parts.scheme}://{parts.netloc}/"), device.mac, device.url)
        except DeviceError as exc:
            return str(exc)
        return ""


SERVICE = YealinkRpsXml
