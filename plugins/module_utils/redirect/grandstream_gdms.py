# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grandstream's device management service, experimental: it has no call that points a MAC to a URL.

A phone is put into the account with its serial number, and its configuration server path (P237) is pushed as a device setting, which
arrives once the phone is online there. Accepted is not delivered.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any, Collection, Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, format_mac, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import gdms_sign
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    DONE,
    OURS,
    UNKNOWN,
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.token import Token
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Malformed, Reply, number, parse_object

API = "oapi/v1.0.0/"
PAGE = 100
PROTOCOLS = {"tftp": "0", "http": "1", "https": "2"}
SERIAL_MISMATCH = "30010"
STALE = ("40002", "40004")  # sources differ on which says that the token or the signature is refused; a new token settles it


def _parse(reply: Reply) -> Any:
    """Every answer that is not refused at HTTP level is an object with retCode."""
    value = parse_object(reply)
    if reply.status < 400 and "retCode" not in value and "error" not in value:
        raise Malformed("the answer has no retCode")
    return value


def _mac(value: Any) -> str:
    """A MAC in whatever spelling, or an empty text."""
    try:
        return normalize_mac(value)
    except MacError:
        return ""


class GrandstreamGdms(Service):
    name = "grandstream_gdms"
    capabilities = Capabilities(
        per_device_url="none", needs_serial="yes", can_read_url=False, batch=100, remove_batch=100, experimental=True
    )
    credentials = ("username", "password", "access_key_id", "access_key_secret")
    url_schemes = ("https", "http", "tftp")
    limits = (
        "Experimental. There is no call that points a MAC to a URL: the phone is enrolled and its server path pushed as a setting.",
        "A push arrives once the phone is online in the account; that it was accepted does not say that it was delivered.",
        "The serial number is wanted and checked against the MAC.",
        "Where a phone points cannot be read; without a recorded state an enrolled phone is left as it is.",
        "Removal is not documented, so it is read back.",
    )

    def __init__(self, account: Account, client: Any) -> None:
        super().__init__(account, client)
        self._token = Token()
        self._site: Any = ""  # as the service writes it

    # Calls.

    def _renew(self) -> None:
        form = {
            "username": self.account.username,
            "password": gdms_sign.hashed_password(self.account.password),
            "grant_type": "password",
            "client_id": self.account.access_key_id,
            "client_secret": self.account.access_key_secret,
        }

        def prepare(method: str, url: str, body: bytes) -> Tuple[str, Dict[str, str]]:
            return url, {"Content-Type": "application/x-www-form-urlencoded"}

        reply = self.client.request(
            "POST", "oapi/oauth/token", prepare=prepare, body=urlencode(form).encode(), parse=parse_object, repeatable=True
        )
        value = reply.value if isinstance(reply.value, dict) else {}
        if not value.get("access_token"):
            raise self.refused(
                self.client.scrub(value.get("msg") or value.get("error_description") or value.get("error") or f"HTTP {reply.status}")
            )
        self._token.take(value)

    def _call(
        self, api: str, body: Any, repeatable: bool = True, form: Optional[Dict[str, str]] = None, content: str = "application/json"
    ) -> Any:
        """The data of one call; a refused token is renewed once.

        :param form: the fields of a multipart body, as they are signed.
        :raises AccountError: anything but retCode 0.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        renewed = False
        while True:
            if not self._token.good:
                self._renew()

            def prepare(method: str, url: str, sent: bytes) -> Tuple[str, Dict[str, str]]:
                shown = {"access_token": self._token.text, "timestamp": str(int(time.time() * 1000))}
                hidden = {"client_id": self.account.access_key_id, "client_secret": self.account.access_key_secret}
                signed = gdms_sign.signature({**shown, **hidden, **(form or {})}, b"" if form else sent)
                return f"{url}?{urlencode({**shown, 'signature': signed})}", {"Content-Type": content}

            reply = self.client.request("POST", API + api, prepare=prepare, body=data, parse=_parse, repeatable=repeatable)
            value = reply.value if isinstance(reply.value, dict) else {}
            code = str(value.get("retCode", ""))
            if code == "0":
                return value.get("data")
            if not renewed and (reply.status == 401 or code in STALE or "token" in str(value.get("msg") or "").lower()):
                self._token.drop()
                renewed = True
                continue
            raise self._failure(reply, code, api)

    def _failure(self, reply: Reply, code: str, api: str) -> RedirectError:
        value = reply.value if isinstance(reply.value, dict) else {}
        said = self.client.scrub(value.get("msg") or "", self._token.text)
        detail = ", ".join(text for text in (f"retCode {code}" if code else f"HTTP {reply.status}", said) if text)
        if reply.status in (401, 403) or "sign" in said.lower() or "token" in said.lower():
            return self.refused(detail)
        return AccountError(f"{self.client.host}: refuses {api} ({detail})")

    # Verbs.

    def _pages(self, api: str, conditions: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        page_number, count, seen = 1, 0, set()
        while True:
            page = self._call(api, {**conditions, "pageNum": page_number, "pageSize": PAGE})
            rows = page.get("result") if isinstance(page, dict) else page
            if not isinstance(rows, (list, type(None))):
                raise AccountError(f"{self.client.host}: answers {api} with something that is not a page of a list")
            marks = {json.dumps(row, sort_keys=True) for row in rows or []}
            yield from (row for row in rows or [] if isinstance(row, dict))
            count += len(rows or [])
            total = number(page.get("total")) if isinstance(page, dict) else None
            # Nothing new means the end, or a service that ignores pageNum.
            if not marks - seen or (total is not None and count >= total) or (total is None and len(rows or []) < PAGE):
                return
            seen |= marks
            page_number += 1

    def _site_id(self) -> Any:
        """The site that new phones are put into: the one that server_name names, else the first."""
        if not self._site:
            rows = list(self._pages("site/list", {}))
            flat: List[Dict[str, Any]] = []
            while rows:
                row = rows.pop(0)
                flat.append(row)
                rows += [child for child in row.get("children") or [] if isinstance(child, dict)]
            wanted = self.account.server_name
            for row in flat:
                if not wanted or wanted in (row.get("siteName"), row.get("name")):
                    self._site = row.get("siteId") or row.get("id") or ""
                    break
            if not self._site:
                raise AccountError(
                    f"server_name: {wanted!r} is not a site of the account" if wanted else f"{self.client.host}: the account has no site"
                )
        return self._site

    def list(self) -> Iterator[Found]:
        for row in self._pages("device/list", {}):
            mac = _mac(row.get("mac"))
            if mac:
                yield Found(mac, OURS, key=str(row.get("sn") or ""), raw=row)

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        if len(macs) > 3:
            return self.select(macs, self.list(), missing=UNKNOWN)
        result = {mac: Found(mac, UNKNOWN) for mac in macs}
        for mac in macs:
            for row in self._pages("device/list", {"mac": format_mac(mac, "upper", "colon")}):
                if _mac(row.get("mac")) == mac:
                    result[mac] = Found(mac, OURS, key=str(row.get("sn") or ""), raw=row)
        return result

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        outcomes = self.whole([device.mac for device in devices], lambda: self._add(devices))
        added = [device for device in devices if outcomes[device.mac].kind == "done"]
        outcomes.update(self.each(added, lambda device: device.mac, self._push))
        return outcomes

    def _add(self, devices: Sequence[Device]) -> Dict[str, Outcome]:
        site = self._site_id()
        body = [{"mac": format_mac(device.mac, "upper", "colon"), "sn": device.serial, "siteId": site} for device in devices]
        data = self._call("device/add", body, repeatable=False)
        data = data if isinstance(data, dict) else {}
        outcomes: Dict[str, Outcome] = {}
        rows = data.get("errorDeviceList")
        for row in rows if isinstance(rows, list) else []:
            mac = _mac(row.get("mac")) if isinstance(row, dict) else ""
            if not mac:
                continue
            text = str(row.get("errorMsg") or "")
            if SERIAL_MISMATCH in text:
                outcomes[mac] = Outcome("invalid", "the serial number is not that of this MAC")
            else:
                # What a foreign or an enrolled phone is called is not known; the list tells the latter.
                outcomes[mac] = Outcome("exists", f"refused: {self.client.scrub(text)}")
        # A retCode of 0 alone proves nothing: the counts have to be there, and to agree with the list.
        failures, successes = number(data.get("failure")), number(data.get("success"))
        if failures is None and successes is not None:
            failures = len(devices) - successes
        settled = failures == len(outcomes)
        for device in devices:
            if device.mac not in outcomes:
                outcomes[device.mac] = DONE if settled else Outcome("lost", "the answer does not say which were taken")
        return outcomes

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        return self.each([device for device, _found in pairs], lambda device: device.mac, self._push)

    def _push(self, device: Device) -> None:
        """Send the server path as a setting; it waits in the service for the phone."""
        parts = urlsplit(device.url)
        path = device.url.split("://", 1)[1]
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?><gs_provision version="1">'
            f'<mac>{device.mac}</mac><config version="1"><P212>{PROTOCOLS[parts.scheme.lower()]}</P212><P237>{escape(path)}</P237></config></gs_provision>'
        ).encode()
        mac = format_mac(device.mac, "upper", "colon")
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="mac"\r\n\r\n{mac}\r\n--{boundary}\r\n'
        part = f'Content-Disposition: form-data; name="xml"; filename="{device.mac}.xml"\r\nContent-Type: text/xml\r\n\r\n'
        body = f"{head}{part}".encode() + xml + f"\r\n--{boundary}--\r\n".encode()
        form = {"mac": mac, "xml": hashlib.new("md5", xml, usedforsecurity=False).hexdigest()}
        try:
            self._call("device/config/xml", body, form=form, content=f"multipart/form-data; boundary={boundary}")
        except AccountError as exc:
            raise DeviceError("failed", f"is enrolled, but its server path is not taken: {exc}") from None

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        macs = [item.mac for item in found]
        return self.whole(macs, lambda: self._delete(macs))

    def _delete(self, macs: Sequence[str]) -> Dict[str, Outcome]:
        self._call("device/delete", {"macList": [format_mac(mac, "upper", "colon") for mac in macs]})
        return {mac: Outcome("lost", "to be read back") for mac in macs}


SERVICE = GrandstreamGdms
