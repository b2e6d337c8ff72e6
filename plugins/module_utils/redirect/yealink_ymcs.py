# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink Management Cloud Service, open API v2: OAuth 2 client credentials, a nonce and a time stamp in the headers of every call.

Facts: an observed live service and clients of it; see docs/redirect.md for what is certain.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any, Callable, Collection, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, LostReply, RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    DONE,
    UNKNOWN,
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.token import Token
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Malformed, Reply, number, parse_json, parse_object
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import basic
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.yealink_fields import device_fields, found_of, server_id

PAGE = 500
SMALL_PAGE = 100  # what some clients keep to, should a service refuse more
ONE_BY_ONE = 3  # up to so many MACs a filtered list each is cheaper than all pages of a large account
NEEDS_SERIAL = "the account may not add by MAC alone: give the serial number, or have Yealink enable adding by MAC"
_CODES = {
    "800001": ("invalid", "the service calls the MAC invalid"),
    "800002": ("invalid", "the service calls the serial number invalid"),
    "800003": ("exists", "exists already"),
    "800004": ("foreign", "is managed by another organisation; it has to release it there first"),
    "800005": ("invalid", "the service calls it the wrong type of device"),
    "800008": ("failed", "the quota of the account is used up"),
}


def _rows(value: Any, *names: str) -> List[Any]:
    """The first list under one of these names; services and their copies spell it differently, and write null for empty."""
    if isinstance(value, dict):
        for name in names:
            if isinstance(value.get(name), list):
                return value[name]
    return []


def _parse_page(reply: Reply) -> Any:
    """A page of a list. An answer that is none must not be taken for the end of it."""
    value = parse_object(reply)
    if reply.status < 400 and not ("data" in value and isinstance(value["data"], (list, type(None)))):
        raise Malformed("the answer is not a page of a list")
    return value


def _code(value: Any) -> str:
    return str(value.get("code") or "") if isinstance(value, dict) else ""


def _known(error: Any) -> Tuple[str, str]:
    """The kind and sentence of an error in a bulk answer, wherever in it the code stands; MAC and serial number may look like one."""
    if isinstance(error, dict):
        error = {name: value for name, value in error.items() if name not in ("mac", "sn", "id")}
    found = re.search(r"(?<!\d)80000\d(?!\d)", error if isinstance(error, str) else json.dumps(error))
    return _CODES.get(found.group(), ("", "")) if found else ("", "")


class YealinkYmcs(Service):
    name = "yealink_ymcs"
    capabilities = Capabilities(needs_serial="optional", can_read_url=True, batch=100, remove_batch=200)
    credentials = ("access_key_id", "access_key_secret")
    stores_login = True
    default_path = "/"
    throttle_wait = 30.0
    rate = 45  # the enterprise has 50 a second
    max_url = 256
    limits = (
        "A MAC that is not in the account may be free or belong to another organisation; only registering it tells.",
        "A password cannot be read back, so a changed password is only noticed against the recorded state.",
        "Adding without a serial number must be enabled by Yealink for the account.",
        "A phone may ask for its RPS pin or the end of its serial number before it accepts the redirection.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        self._token = Token()
        self._server_id: Optional[str] = None
        self._mac_only = True
        self._page = PAGE

    @classmethod
    def base_url(cls, account: Account) -> str:
        url = super().base_url(account)
        return url[: -len("v2/")] if url.endswith("/v2/") else url

    @classmethod
    def account_problems(cls, account: Account) -> List[str]:
        problems = super().account_problems(account)
        if len(account.server_name) > 20:
            problems.append(f"server_name: has {len(account.server_name)} characters; {cls.name} takes 20")
        return problems

    def check(self, device: Device) -> str:
        if len(device.serial) > 128:
            return "the serial number has more than 128 characters"
        if len(device.username) > 128 or len(device.password) > 128:
            return "the user name or the password has more than 128 characters"
        return super().check(device)

    # Calls.

    def _stamp(self) -> Dict[str, str]:
        return {"Content-Type": "application/json", "timestamp": str(int(time.time() * 1000)), "nonce": uuid.uuid4().hex}

    def _renew(self) -> None:
        authorization = basic(self.account.access_key_id, self.account.access_key_secret)

        def prepare(method: str, url: str, body: bytes) -> Tuple[str, Dict[str, str]]:
            return url, {**self._stamp(), "Authorization": authorization}

        body = b'{"grant_type":"client_credentials"}'
        reply = self.client.request("POST", "v2/token", prepare=prepare, body=body, parse=parse_object, repeatable=True)
        value = reply.value if isinstance(reply.value, dict) else {}
        if reply.status >= 400 or not value.get("access_token"):
            raise self._failure(reply)
        self._token.take(value)

    def _call(self, method: str, path: str, body: Any = None, repeatable: bool = True, parse: Callable[[Reply], Any] = parse_json) -> Reply:
        """One call with a valid token; an expired one is renewed once. 4xx answers come back for the caller to judge."""
        data = b"" if method == "GET" else json.dumps({} if body is None else body).encode()
        renewed = repeated = False
        while True:
            if not self._token.good:
                self._renew()
            reply = self.client.request(method, path, prepare=self._prepare, body=data, parse=parse, repeatable=repeatable)
            code = _code(reply.value)
            if reply.status == 401 and code != "500401" and not renewed:
                self._token.drop()
                renewed = True
                continue
            if code == "500403" and not repeated:  # the nonce was seen before: some proxy repeated us, so the call may be done
                if not repeatable:
                    raise LostReply(f"{self.client.host}: the call was repeated on its way")
                repeated = True
                continue
            if reply.status == 401 or code in ("500401", "500403", "900401"):
                raise self._failure(reply)
            return reply

    def _prepare(self, method: str, url: str, body: bytes) -> Tuple[str, Dict[str, str]]:
        return url, {**self._stamp(), "Authorization": f"Bearer {self._token.text}"}

    def _failure(self, reply: Reply, *hidden: str) -> RedirectError:
        """What a refused call means for the account."""
        value = reply.value if isinstance(reply.value, dict) else {}
        code = _code(value)
        said = self.client.scrub(value.get("message") or value.get("error") or "", self._token.text, *hidden)
        detail = ", ".join(text for text in (f"code {code}" if code else f"HTTP {reply.status}", said) if text)
        if code in ("500401", "500403") or reply.status == 401:
            return self.refused(detail)
        if code == "900403" or reply.status == 403:
            return AccountError(f"{self.client.host}: the account may not make this call ({detail})")
        return AccountError(f"{self.client.host}: refuses the call ({detail})")

    # Verbs.

    def _pages(self, path: str, conditions: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        skip, seen = 0, set()
        while True:
            reply = self._call("POST", path, {"skip": skip, "limit": self._page, "autoCount": True, **conditions}, parse=_parse_page)
            if reply.status in (400, 412) and self._page > SMALL_PAGE:
                self._page = SMALL_PAGE
                continue
            if reply.status >= 400:
                raise self._failure(reply)
            rows = [row for row in reply.value.get("data") or [] if isinstance(row, dict)]
            fresh = [row for row in rows if str(row.get("id") or row.get("mac")) not in seen]
            seen.update(str(row.get("id") or row.get("mac")) for row in fresh)
            yield from fresh
            skip += len(rows)
            total = number(reply.value.get("total"))
            # Nothing new means the end, or a service that ignores skip.
            if not fresh or (total is not None and skip >= total):
                return

    def list(self) -> Iterator[Found]:
        for row in self._pages("v2/rps/listDevices", {"filter": {}}):
            found = found_of(row)
            if found:
                yield found

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        if len(macs) > ONE_BY_ONE or deep:
            return self.select(macs, self.list(), missing=UNKNOWN)
        held: List[Found] = []
        for mac in macs:
            own = self._filtered(mac)
            if not own:
                # The filter is a substring of a spelling that is not documented, so only the whole list says that there is none.
                return self.select(macs, self.list(), missing=UNKNOWN)
            held += own
        return self.select(macs, held, missing=UNKNOWN)

    def _filtered(self, mac: str) -> List[Found]:
        for text in (mac, mac.upper()):
            rows = [found_of(row) for row in self._pages("v2/rps/listDevices", {"filter": {"mac": text}})]
            own = [found for found in rows if found and found.mac == mac]
            if own:
                return own
        return []

    def _server(self) -> Dict[str, str]:
        """The server entry that the operator named, as a field of a device; none named, none sent."""
        if not self.account.server_name:
            return {}
        if self._server_id is None:
            self._server_id = server_id(self.account.server_name, self._pages("v2/rps/listServers", {}))
        return {"serverId": self._server_id}

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        with_serial = [device for device in devices if device.serial]
        without = [device for device in devices if not device.serial]
        outcomes: Dict[str, Outcome] = {}
        for path, part in (("v2/rps/addDevices", with_serial), ("v2/rps/addDevicesByMac", without)):
            if part:
                outcomes.update(self.whole([device.mac for device in part], lambda path=path, part=part: self._add(path, part)))
        return outcomes

    def _add(self, path: str, devices: Sequence[Device]) -> Dict[str, Outcome]:
        by_mac = path.endswith("ByMac")
        if by_mac and not self._mac_only:
            raise DeviceError("failed", NEEDS_SERIAL)
        server = self._server()
        body = [{"mac": item.mac, **({} if by_mac else {"sn": item.serial}), **server, **device_fields(item)} for item in devices]
        reply = self._call("POST", path, body, repeatable=False)
        code = _code(reply.value)
        if by_mac and (code == "900403" or (reply.status == 403 and not code)):
            self._mac_only = False
            raise DeviceError("failed", NEEDS_SERIAL)
        if (
            reply.status >= 400
            and len(devices) > 1
            and code in ("800006", "900412", "900400", "800007", "800001", "800002", "800003", "800004", "800005")
        ):
            # The whole batch is refused for its size or for one of its members: find out which, by halves.
            half = len(devices) // 2
            outcomes: Dict[str, Outcome] = {}
            for part in (devices[:half], devices[half:]):
                outcomes.update(self.whole([item.mac for item in part], lambda part=part: self._add(path, part)))
            return outcomes
        return self._bulk(reply, [device.mac for device in devices], devices)

    def _bulk(self, reply: Reply, macs: Sequence[str], devices: Sequence[Device] = ()) -> Dict[str, Outcome]:
        """Outcome per MAC of a bulk call. What the answer leaves open counts as lost, so that it is read back."""
        value = reply.value if isinstance(reply.value, dict) else {}
        hidden = [text for device in devices for text in (device.url, device.password)]
        if reply.status >= 400:
            kind, text = _known(_code(value))
            if not kind:
                failure = self._failure(reply, *hidden)
                if _code(value) in ("800007", "900400", "900412", "900409", "900404"):
                    raise DeviceError("failed", str(failure))
                raise failure
            raise DeviceError(kind, text)
        if isinstance(value.get("data"), dict):
            value = value["data"]
        outcomes: Dict[str, Outcome] = {}
        for row in _rows(value, "errors", "error"):
            info = row.get("errorInfo", row.get("message", row)) if isinstance(row, dict) else row
            kind, text = _known(row)
            try:
                mac = normalize_mac(row.get("mac") or row.get("id") or "") if isinstance(row, dict) else normalize_mac(row)
            except MacError:
                continue
            if mac in macs:
                outcomes[mac] = Outcome(kind or "failed", text or f"refused: {self.client.scrub(info, *hidden)}")
        # HTTP 200 alone proves nothing: the counts have to be there, and to agree with the list.
        failures, successes = number(value.get("failureCount")), number(value.get("successCount"))
        if failures is None and successes is not None:
            failures = len(macs) - successes
        settled = failures == len(outcomes)
        for mac in macs:
            if mac not in outcomes:
                outcomes[mac] = DONE if settled else Outcome("lost", "the answer counts failures without naming their MACs")
        return outcomes

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each(pairs, lambda pair: pair[0].mac, self._patch)

    def _patch(self, pair: Tuple[Device, Found]) -> None:
        device, found = pair
        if not found.key:
            raise DeviceError("failed", "the service lists it without an id, so it cannot be changed")
        reply = self._call("PATCH", f"v2/rps/devices/{quote(found.key, safe='')}", {**device_fields(device), **self._server()})
        if reply.status < 400:
            return
        code = _code(reply.value)
        if code == "900400" or reply.status == 404:
            # Either gone since it was listed, or a bad field: reading again tells.
            raise DeviceError("absent", "the service no longer knows its entry, or refuses a field of it")
        kind, text = _known(code)
        if kind:
            raise DeviceError(kind, text)
        failure = self._failure(reply, device.url, device.password)
        if reply.status in (400, 409, 412):
            raise DeviceError("failed", str(failure))
        raise failure

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.whole([item.mac for item in found], lambda: self._delete(found))

    def _delete(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        # As the service spells them: whether it knows a MAC in another notation is not documented.
        spelled = [str((item.raw or {}).get("mac") or item.mac) for item in found]
        reply = self._call("POST", "v2/rps/delDevices", {"deviceIdType": "mac", "deviceIds": spelled})
        outcomes = self._bulk(reply, [item.mac for item in found])
        # Somebody else may have removed it meanwhile, which is what was wanted; reading back tells it from a real refusal.
        return {mac: Outcome("lost", out.msg) if out.kind == "failed" else out for mac, out in outcomes.items()}


SERVICE = YealinkYmcs
