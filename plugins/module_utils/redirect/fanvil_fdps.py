# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fanvil's deployment service, XML-RPC: a MAC hangs on a server object, so each phone gets one of its own, named after its MAC.

No document of the service is public; the calls are those that clients make.
"""

from __future__ import annotations

import hashlib
import html
import json
from typing import Any, Collection, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import DialectService, agreed, macs_in, pair
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, LostReply, RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    OURS,
    UNKNOWN,
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import strings

PROTOCOLS = {"ftp": "1", "tftp": "2", "http": "4", "https": "5"}
SECOND = "-2"  # the other name of a phone's server object, so that the new one stands before the old one goes
_ERRORS = {
    "server_not_exist": ("server", "the service does not know the server object"),
    "server_had_existed": ("server_exists", "the server object exists already"),
    "device_not_exist": ("absent", "is not registered"),
    "device_had_existed": ("exists", "is registered already"),
    "mac_format_error": ("invalid", "the service calls the MAC malformed"),
    "url_format_error": ("invalid", "the service calls the URL malformed"),
}


def server_fields(name: str, url: str) -> List[str]:
    """The settings of a server object, as texts. A query has no place in them."""
    parts = urlsplit(url)
    return [
        f"cfgName={name}",
        "cfgPfMode=1",
        "cfgDhcpOpt=false",
        "cfgPnpEnable=false",
        f"cfgPfSrv={parts.netloc}",
        f"cfgPfName={parts.path.lstrip('/')}",
        f"cfgPfProt={PROTOCOLS[parts.scheme.lower()]}",
    ]


def _url_of(row: Dict[str, Any]) -> Optional[str]:
    """The URL that a listed server object stands for, None where its fields do not tell."""
    host, path, protocol = row.get("cfgPfSrv"), row.get("cfgPfName"), str(row.get("cfgPfProt") or "")
    scheme = next((name for name, number in PROTOCOLS.items() if number == protocol), "")
    if host and path is not None and scheme:
        return f"{scheme}://{host}/{str(path).lstrip('/')}"
    url = row.get("url") or row.get("serverUrl")
    return str(url) if url and "://" in str(url) else None


class FanvilFdps(DialectService):
    name = "fanvil_fdps"
    capabilities = Capabilities(per_device_url="server_object", can_see_foreign=False, can_read_url=True)
    default_url = "https://fdps.fanvil.com/xmlrpc.php"
    default_path = "/xmlrpc.php"
    url_schemes = ("https", "http", "ftp", "tftp")
    limits = (
        "Each phone gets a server object of its own, named after its MAC, which is removed with it.",
        "A MAC that is not in the account may be free or belong to another; only registering it tells.",
        "The URL is read from the list of server objects where that shows it.",
        "A query in the URL is lost, so it is refused.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        inner = hashlib.new("md5", account.password.encode(), usedforsecurity=False).hexdigest()
        self._digest = hashlib.new("md5", inner.encode(), usedforsecurity=False).hexdigest()

    def _password(self) -> str:
        return self._digest

    def check(self, device: Device) -> str:
        problem = super().check(device)
        if not problem and urlsplit(device.url).query:
            return f"the URL has a query, which {self.name} drops; keep the token in the path"
        return problem

    def _answer(self, value: Any, *secrets: str, read: bool = False) -> Any:
        good, payload = pair(value)
        text = " ".join(strings(payload)).strip()
        low = text.lower().replace(" ", "").replace("server_not_existed", "server_not_exist")
        for mark, (kind, message) in _ERRORS.items():
            if f"error:{mark}" in low or (not good and mark in low):
                raise DeviceError(kind, message)
        if not good or low.startswith("error"):
            raise DeviceError("failed", f"refused: {self.client.scrub(text or 'no reason given', *secrets)}")
        if not read and low != "ok" and not agreed(value):
            raise LostReply(f"{self.client.host}: an answer that says neither yes nor no")
        return payload

    def _tolerate(self, kind: str, method: str, *params: Any) -> None:
        """A removal for which it is fine that there is nothing to remove."""
        try:
            self._answer(self._rpc(method, *params))
        except DeviceError as exc:
            if exc.kind != kind:
                raise

    def _macs(self) -> List[str]:
        try:
            payload = self._answer(self._rpc("listDevices"), read=True)
        except DeviceError as exc:
            raise AccountError(f"{self.client.host}: refuses listDevices: {exc}") from None
        if not isinstance(payload, (list, str)):
            raise AccountError(f"{self.client.host}: answers listDevices with something that is not a list")
        return macs_in(payload)

    def _servers(self) -> Dict[str, Optional[str]]:
        """URLs by name of the server object; a list that cannot be read gives none."""
        try:
            payload = self._answer(self._rpc("listServers"), read=True)
        except DeviceError:
            return {}
        rows: Any = payload
        if isinstance(payload, str):
            try:
                rows = json.loads(html.unescape(payload))
            except ValueError:
                return {}
        if isinstance(rows, dict):
            rows = next((value for value in rows.values() if isinstance(value, list)), [rows])
        names: Dict[str, Optional[str]] = {}
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict):
                name = row.get("cfgName") or row.get("serverName") or row.get("groupName") or row.get("name")
                if name:
                    names[str(name).lower()] = _url_of(row)
        return names

    def list(self) -> Iterator[Found]:
        macs, servers = self._macs(), self._servers()
        for mac in macs:
            names = [name for name in (mac, mac + SECOND) if name in servers]
            # Two objects mean that a change was cut short: which one counts is not told.
            yield Found(mac, OURS, url=servers[names[0]] if len(names) == 1 else None, key=names[0] if len(names) == 1 else "", raw=names)

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        return self.select(macs, self.list(), missing=UNKNOWN)

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._add)

    def _add_server(self, name: str, url: str, free: str = "") -> None:
        """Make a server object, anew where one of the name is left from an earlier try.

        :param free: a MAC that is taken for unregistered; where it turns out to hang on the old object, that stays.
        """
        try:
            self._answer(self._rpc("addMaterialServer", server_fields(name, url), repeatable=False, secrets=(url,)), url)
        except DeviceError as exc:
            if exc.kind != "server_exists":
                raise
            if free and self._uses(free, name):
                raise DeviceError("exists", "is registered already") from None
            # Left over from an earlier try, with a URL that is not known.
            self._tolerate("server", "deleteServer", name)
            self._answer(self._rpc("addMaterialServer", server_fields(name, url), repeatable=False, secrets=(url,)), url)

    def _add(self, device: Device) -> None:
        self._add_server(device.mac, device.url, device.mac)
        try:
            self._answer(self._rpc("registerDevice", device.mac, device.mac, repeatable=False))
        except DeviceError as exc:
            if exc.kind != "exists" or self._uses(device.mac, device.mac) is False:
                self._tolerate("server", "deleteServer", device.mac)
            raise

    def _uses(self, mac: str, name: str) -> Optional[bool]:
        """A phone of ours hangs on this server object, for the list may lag behind, or another run be faster; None where that cannot be told."""
        try:
            return mac in macs_in(self._answer(self._rpc("listDevicesByServer", name), read=True))
        except RedirectError:
            return None

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each(pairs, lambda pair: pair[0].mac, self._move)

    def _move(self, both: Tuple[Device, Found]) -> None:
        """A second server object, the phone moved to it, the first one removed: never without an entry of ours."""
        device, found = both
        both_names = (device.mac, device.mac + SECOND)
        names = list(found.raw or [])
        current = names[0] if len(names) == 1 else self._bound(device.mac, names or both_names)
        new, other = both_names if current == both_names[1] else both_names[::-1]
        try:
            self._add_server(new, device.url)
        except DeviceError:
            if current:
                raise
            new, other = other, new  # the object could not be renewed, so it may be the one in use
            self._add_server(new, device.url)
        try:
            self._answer(self._rpc("editDevice", device.mac, new))
        except (DeviceError, AccountError) as exc:
            if isinstance(exc, DeviceError) and exc.kind == "absent":
                self._tolerate("server", "deleteServer", new)
                raise
            self._renew(device, new)
        self._tolerate("server", "deleteServer", other)

    def _renew(self, device: Device, server: str) -> None:
        """Where moving is refused: remove and register, in the order that works whether or not a bound object may be deleted."""
        self._tolerate("absent", "deRegisterDevice", device.mac)
        try:
            self._answer(self._rpc("registerDevice", device.mac, server, repeatable=False))
        except DeviceError as exc:
            taken = exc.kind == "exists"
            raise DeviceError(
                "foreign" if taken else exc.kind, "was taken while it was free" if taken else f"{exc}; its old entry is gone"
            ) from None

    def _bound(self, mac: str, names: Sequence[str]) -> str:
        for name in names:
            try:
                if mac in macs_in(self._answer(self._rpc("listDevicesByServer", name), read=True)):
                    return name
            except DeviceError:
                continue
        return ""

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, self._remove)

    def _remove(self, item: Found) -> None:
        self._tolerate("absent", "deRegisterDevice", item.mac)
        for name in item.raw or [item.mac]:
            try:
                self._tolerate("server", "deleteServer", name)
            except RedirectError as exc:
                raise DeviceError("failed", f"is deregistered, but its server object is left: {exc}") from None


SERVICE = FanvilFdps
