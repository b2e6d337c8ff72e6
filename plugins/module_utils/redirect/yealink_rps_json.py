# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink's first JSON service (open API v1), signed with X-Ca headers; only for accounts made before the management cloud."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Collection, Dict, Iterator, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.dialtone.phones.plugins.module_utils.redirect import xca
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.dialect import truth
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, LostReply, RedirectError
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
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Malformed, Reply, number, parse_object
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.yealink_fields import device_fields, found_of, server_id

PAGE = 100  # what clients ask for; no limit is documented
ONE_BY_ONE = 3
_ERRORS = {
    "device.mac.added.by.other": ("foreign", "belongs to another enterprise"),
    "device.mac.existed": ("exists", "exists already"),
    "device.mac.invalid": ("invalid", "the service calls the MAC invalid"),
    "device.not.found": ("absent", "the service no longer knows its entry"),
    "device.operate.forbidden": ("foreign", "belongs to another enterprise"),
}
_ACCOUNT = ("accesskey", "content.md5", "token.unauthorized", "permission.denied", "signature", "nonce", "timestamp")


UNLISTED = "?"  # in place of an id: only the whole list tells


def _parse(reply: Reply) -> Any:
    """Every answer that is not refused at HTTP level is an object with ret."""
    value = parse_object(reply)
    if reply.status < 400 and "ret" not in value:
        raise Malformed("the answer has no ret")
    return value


class YealinkRpsJson(Service):
    name = "yealink_rps_json"
    capabilities = Capabilities(can_see_foreign=True, can_read_url=True, remove_batch=100)
    credentials = ("access_key_id", "access_key_secret")
    stores_login = True
    default_url = "https://api-dm.yealink.com:8443/"
    default_path = "/api/open/v1/"
    max_url = 512
    limits = (
        "Accounts of today's management cloud do not work here; they need yealink_ymcs.",
        "One call registers MACs with one URL, so each phone takes a call of its own.",
        "A password cannot be read back, so a changed password is only noticed against the recorded state.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        self._server_id: Optional[str] = None

    # Calls.

    def _sign(self, method: str, url: str, body: bytes) -> Tuple[str, Dict[str, str]]:
        key, secret = self.account.access_key_id, self.account.access_key_secret
        return url, xca.headers(method, url, key, secret, nonce=str(uuid.uuid4()), timestamp=int(time.time() * 1000), body=body)

    def _call(self, path: str, body: Any = None, query: str = "", repeatable: bool = True, hidden: Tuple[str, ...] = ()) -> Any:
        """The data of one call.

        :raises DeviceError: a refusal that concerns a device.
        :raises AccountError: any other.
        """
        data = b"" if body is None else json.dumps(body).encode()
        reply = self.client.request(
            "GET" if body is None else "POST", path + query, prepare=self._sign, body=data, parse=_parse, repeatable=repeatable
        )
        value = reply.value
        if not isinstance(value, dict) or "ret" not in value:
            raise self._unreadable(reply)
        try:
            ret = int(value["ret"])
        except (TypeError, ValueError):
            ret = -1
        if ret >= 0:
            return value.get("data")
        raise self._refusal(value, hidden)

    def _unreadable(self, reply: Reply) -> AccountError:
        code = str(reply.value.get("code") or "") if isinstance(reply.value, dict) else ""
        if reply.status in (401, 403):
            today = "; accounts of today's management cloud need the service yealink_ymcs" if code == "500401" else ""
            return self.refused(f"{'code ' + code if code else f'HTTP {reply.status}'}{today}")
        return AccountError(
            f"{self.client.host}: HTTP {reply.status}; api_url is not the address of {self.name}, or the service refuses the call"
        )

    def _refusal(self, value: Dict[str, Any], hidden: Tuple[str, ...]) -> RedirectError:
        error = value.get("error") or value.get("errors") or {}
        if isinstance(error, list):
            error = error[0] if error else {}
        text = str(error.get("msg") or "") if isinstance(error, dict) else str(error)
        fields = error.get("fieldErrors") if isinstance(error, dict) else None
        words = [text] + [str(item.get("msg") or "") for item in fields or [] if isinstance(item, dict)]
        for mark, (kind, message) in _ERRORS.items():
            if any(mark in word for word in words):
                return DeviceError(kind, message)
        said = self.client.scrub(", ".join(word for word in words if word) or "no reason given", *hidden)
        if any(mark in text.lower() for mark in _ACCOUNT):
            return self.refused(said)
        if "internal.error" in text:
            return LostReply(f"{self.client.host}: {said}")
        return DeviceError("failed", f"refused: {said}")

    # Verbs.

    def _read(self, path: str, body: Any = None, query: str = "") -> Any:
        """A call that concerns no device: whatever is refused is the account's problem."""
        try:
            return self._call(path, body, query)
        except (DeviceError, LostReply) as exc:
            raise AccountError(f"{self.client.host}: refuses {path}: {exc}") from None

    def _pages(self, path: str, key: str = "") -> Iterator[Dict[str, Any]]:
        skip, seen = 0, set()
        while True:
            page = self._read(path, {**({"key": key} if key else {}), "skip": skip, "limit": PAGE, "autoCount": True})
            # A success without data is an empty list; anything else that is no page must not be taken for one.
            page = {"data": None} if page is None else page
            if not isinstance(page, dict) or not isinstance(page.get("data", ""), (list, type(None))):
                raise AccountError(f"{self.client.host}: answers {path} with something that is not a page of a list")
            rows = [row for row in page["data"] or [] if isinstance(row, dict)]
            fresh = [row for row in rows if str(row.get("id") or row.get("mac")) not in seen]
            seen.update(str(row.get("id") or row.get("mac")) for row in fresh)
            yield from fresh
            skip += len(rows)
            total = number(page.get("total"))
            if not fresh or (total is not None and skip >= total):
                return

    def list(self) -> Iterator[Found]:
        for row in self._pages("device/list"):
            found = found_of(row)
            if found:
                yield found

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        few = len(macs) <= ONE_BY_ONE
        if few:
            held = [found for mac in macs for found in map(found_of, self._pages("device/list", mac)) if found]
        else:
            held = list(self.list())
        result = self.select(macs, held, missing=UNKNOWN)
        for mac, found in result.items():
            if found.state != OURS and (few or deep):
                result[mac] = self._owner(mac)
        # Ours by checkMac, or it cannot be read.
        hidden = [mac for mac, found in result.items() if found.raw is None and found.key == UNLISTED]
        if hidden:
            # The filter is a substring of a spelling that is not documented, so only the whole list settles it.
            listed = self.select(hidden, self.list() if few else (), missing=UNKNOWN)
            for mac, found in listed.items():
                if found.state != OURS and result[mac].state == OURS:
                    found.problem = "the service calls it this account's (checkMac), but does not list it"
            result.update(listed)
        return result

    def _owner(self, mac: str) -> Found:
        """What checkMac says of a MAC that is not in our list; ours without a row means that the list was not complete."""
        try:
            data = self._call("device/checkMac", query=f"?mac={quote(mac)}")
        except DeviceError as exc:
            return Found(mac, UNKNOWN, problem=str(exc)) if exc.kind == "invalid" else Found(mac, UNKNOWN, key=UNLISTED)
        except LostReply:
            return Found(mac, UNKNOWN, key=UNLISTED)
        if not isinstance(data, dict) or data.get("existed") is None:
            return Found(mac, UNKNOWN, key=UNLISTED)
        if not truth(data["existed"]):
            return Found(mac, ABSENT)
        return Found(mac, OURS, key=UNLISTED) if truth(data.get("self")) else Found(mac, FOREIGN)

    def _server(self) -> Dict[str, str]:
        if not self.account.server_name:
            return {}
        if self._server_id is None:
            self._server_id = server_id(self.account.server_name, self._pages("server/list", self.account.server_name))
        return {"serverId": self._server_id}

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, self._add)

    def _add(self, device: Device) -> None:
        body = {"macs": [device.mac], **self._server(), **device_fields(device)}
        self._call("device/add", body, repeatable=False, hidden=(device.url, device.password))

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each(pairs, lambda pair: pair[0].mac, self._edit)

    def _edit(self, pair: Tuple[Device, Found]) -> None:
        device, found = pair
        if not found.key:
            raise DeviceError("failed", "the service lists it without an id, so it cannot be changed")
        raw = found.raw if isinstance(found.raw, dict) else {}
        kept = {name: raw[name] for name in ("serverId", "remark") if raw.get(name)}
        body = {"id": found.key, **kept, **self._server(), **device_fields(device)}
        self._call("device/edit", body, hidden=(device.url, device.password))

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.whole([item.mac for item in found], lambda: self._delete(found))

    def _delete(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        unnamed = {
            item.mac: Outcome("failed", "the service lists it without an id, so it cannot be removed") for item in found if not item.key
        }
        if unnamed:
            rest = [item for item in found if item.key]
            return {**unnamed, **(self._delete(rest) if rest else {})}
        try:
            self._call("device/delete", {"ids": [item.key for item in found]})
        except DeviceError as exc:
            # One unknown id may spoil a batch of many: read back what is left.
            return {item.mac: Outcome("lost" if exc.kind == "absent" else exc.kind, str(exc)) for item in found}
        return {item.mac: Outcome("done") for item in found}


SERVICE = YealinkRpsJson
