# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST protocol that Snom's SRAPS and Gigaset's GRAPE share: Hawk, links instead of fixed paths, one endpoint document per MAC.

A PUT replaces the whole document, so what another tool put there is read first and kept.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any, Callable, ClassVar, Collection, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import hawk
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError
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
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Malformed, Reply, parse_json, parse_object

PAGE = 1000
ONE_BY_ONE = 5  # up to so many MACs a call each is cheaper than the whole list
KEPT = ("name", "provisioning_profile")
_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)
_TAKEN = ("taken_mac_or_forbidden", "lacks permission to endpoint")


def _parse_rows(reply: Reply) -> Any:
    """The rows of a list, bare or wrapped. An answer that is none must not be taken for an empty one."""
    value = parse_json(reply)
    if reply.status >= 400:
        return value
    if isinstance(value, dict):
        value = next((value[name] or [] for name in ("results", "data", "items") if name in value), None)
    if not isinstance(value, list):
        raise Malformed("the answer is not a list")
    return value


class HawkRest(Service):
    """Subclasses name the setting that holds the provisioning URL."""

    capabilities = Capabilities(can_see_foreign=True, can_read_url=True)
    credentials = ("access_key_id", "access_key_secret")
    default_path = "/api/v1/"
    setting: ClassVar[str] = ""
    limits = (
        "A PUT replaces the endpoint document; name, profile and other settings found there are kept, anything else is not.",
        "A key without a role is refused even when it signs correctly.",
        "The host and port of api_url are signed: they must be what the service believes itself to be.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        self._endpoints = ""
        self._uuid = ""

    @classmethod
    def account_problems(cls, account: Account) -> List[str]:
        problems = super().account_problems(account)
        if '"' in account.access_key_id or "\\" in account.access_key_id:
            problems.append("access_key_id: holds a quote or a backslash")
        return problems

    # Calls.

    def _call(self, method: str, url: str, body: Any = None, parse: Callable[[Reply], Any] = parse_json) -> Reply:
        data = b"" if body is None else json.dumps(body).encode()
        reply = self.client.request(method, url, prepare=self._sign, body=data, parse=parse, repeatable=True)
        if reply.status == 401:
            raise self.refused(self._said(reply) or "HTTP 401")
        return reply

    def _sign(self, method: str, url: str, body: bytes) -> Tuple[str, Dict[str, str]]:
        kind = "application/json" if body else ""
        authorization = hawk.header(
            method,
            url,
            self.account.access_key_id,
            self.account.access_key_secret,
            timestamp=int(time.time()),
            nonce=secrets.token_hex(8),
            content_type=kind,
            body=body,
        )
        return url, {"Authorization": authorization, **({"Content-Type": kind} if kind else {})}

    def _said(self, reply: Reply, *hidden: str) -> str:
        value = reply.value
        if isinstance(value, dict):
            value = value.get("message") or value.get("detail") or value.get("error") or value
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value)
        return self.client.scrub(text, *hidden)

    def _get(self, url: str, what: str, parse: Callable[[Reply], Any] = parse_object) -> Reply:
        reply = self._call("GET", url, parse=parse)
        if reply.status >= 400:
            raise AccountError(f"{self.client.host}: does not give {what} (HTTP {reply.status} {self._said(reply)})".replace(" )", ")"))
        return reply

    def _link(self, value: Any, name: str) -> str:
        links = value.get("links") if isinstance(value, dict) else None
        link = links.get(name) if isinstance(links, dict) else None
        if isinstance(link, dict):
            link = link.get("href")
        if not isinstance(link, str) or not link:
            raise AccountError(f"{self.client.host}: names no link to {name}; the key has no role there, or api_url is not {self.name}")
        return self.client.resolve(link)

    def _rows(self, url: str) -> Iterator[Dict[str, Any]]:
        """Every row of a list, following the links between its pages, which never lead off the configured origin."""
        seen = set()
        url = self.client.resolve(url)
        while url and url not in seen:
            seen.add(url)
            reply = self._get(url, "a list", _parse_rows)
            yield from (row for row in reply.value if isinstance(row, dict))
            match = _NEXT.search(reply.headers.get("Link") or "")
            url = self.client.resolve(match.group(1), url) if match else ""

    def _navigate(self) -> None:
        """Find the account's endpoints and the setting's id, once."""
        if self._endpoints:
            return
        token = self._get(f"tokens/{quote(self.account.access_key_id, safe='')}", "the token")
        company = self._get(self._link(token.value, "company"), "the company")
        endpoints = self._link(company.value, "endpoints")
        for row in self._rows(f"settings/?page_size={PAGE}"):
            if row.get("param_name") == self.setting and row.get("uuid"):
                self._uuid = str(row["uuid"])
                break
        else:
            raise AccountError(f"{self.client.host}: knows no setting {self.setting}")
        self._endpoints = endpoints.rstrip("/") + "/"

    # Verbs.

    def _found(self, row: Dict[str, Any]) -> Optional[Found]:
        try:
            mac = normalize_mac(row.get("mac"))
        except MacError:
            return None
        settings = row.get("settings_manager")
        url = None
        if isinstance(settings, dict):
            item = settings.get(self._uuid)
            value = item.get("value") if isinstance(item, dict) else item
            url = str(value or "")
        return Found(mac, OURS, url=url, key=mac, raw=row)

    def list(self) -> Iterator[Found]:
        self._navigate()
        for row in self._rows(f"{self._endpoints}?page_size={PAGE}"):
            found = self._found(row)
            if found:
                yield found

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        self._navigate()
        if len(macs) <= ONE_BY_ONE or deep:
            return {mac: self._read(mac) for mac in macs}
        result = self.select(macs, self.list(), missing=UNKNOWN)
        for mac, found in result.items():
            if found.state == OURS and found.url is None:  # the list leaves the settings out
                result[mac] = self._read(mac)
        return result

    def _read(self, mac: str) -> Found:
        reply = self._call("GET", self._endpoints + mac, parse=parse_object)
        if reply.status == 404:
            return Found(mac, ABSENT)
        if self._is_foreign(reply):
            return Found(mac, FOREIGN)
        if reply.status >= 400 or not isinstance(reply.value, dict):
            return Found(mac, UNKNOWN, problem=f"cannot be read: HTTP {reply.status} {self._said(reply)}".strip())
        found = self._found({**reply.value, "mac": reply.value.get("mac") or mac})
        if found is None or found.mac != mac:
            return Found(mac, UNKNOWN, problem="the service answers with another MAC")
        if found.url is None:
            found.url = ""
        return found

    @staticmethod
    def _is_foreign(reply: Reply) -> bool:
        text = json.dumps(reply.value) if reply.value is not None else reply.content.decode("utf-8", "replace")
        return 400 <= reply.status < 500 and (any(mark in text.lower() for mark in _TAKEN) or (reply.status == 403))

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        return self.each(devices, lambda device: device.mac, lambda device: self._put(device, {}))

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each(pairs, lambda pair: pair[0].mac, self._change)

    def _change(self, pair: Tuple[Device, Found]) -> None:
        device, found = pair
        raw = found.raw if isinstance(found.raw, dict) else {}
        if "settings_manager" not in raw:
            fresh = self._read(device.mac)
            raw = fresh.raw if isinstance(fresh.raw, dict) else {}
        self._put(device, raw)

    def _put(self, device: Device, kept: Dict[str, Any]) -> None:
        settings = dict(kept["settings_manager"]) if isinstance(kept.get("settings_manager"), dict) else {}
        settings[self._uuid] = {"value": device.url, "attrs": {"perm": "RW"}}
        body = {"mac": device.mac, "autoprovisioning_enabled": True, "settings_manager": settings}
        body.update({name: kept[name] for name in KEPT if kept.get(name)})
        reply = self._call("PUT", self._endpoints + device.mac, body)
        self._judge(reply, device.url)

    def _judge(self, reply: Reply, *hidden: str) -> None:
        if reply.status < 400:
            return
        if self._is_foreign(reply):
            raise DeviceError("foreign", "belongs to another account, or the key may not write it")
        raise DeviceError("failed", f"refused: HTTP {reply.status} {self._said(reply, *hidden)}".strip())

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        return self.each(found, lambda item: item.mac, self._delete)

    def _delete(self, item: Found) -> None:
        reply = self._call("DELETE", self._endpoints + item.mac)
        if reply.status == 404:
            # It was ours a moment ago: a reply may have been lost, or this is some proxy's page.
            raise DeviceError("lost", "the service does not know it")
        self._judge(reply)
