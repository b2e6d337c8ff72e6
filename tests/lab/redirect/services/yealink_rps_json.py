# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink's open API v1: X-Ca signatures built from the vendor's description, envelope with ret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import unquote_plus, urlsplit

from redirect.base import Answer, Entry, Request, Simulator, bare, json_answer

ROOT = "/api/open/v1/"


def good(data: object = None) -> Answer:
    return json_answer({"ret": 0 if data is None else 1, "data": data, "error": None})


class YealinkRpsJson(Simulator):
    name = "yealink_rps_json"
    default_path = ROOT
    writes = ("device/add", "device/edit", "device/delete", "server/add")
    clock_window = 900

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.error_key = "error"

    def bad(self, msg: str, code: int = 400, data: object = None) -> Answer:
        return json_answer({"ret": -1, "data": data, self.error_key: {"msg": msg, "errorCode": code, "fieldErrors": []}})

    def call_name(self, request: Request) -> str:
        return request.below(ROOT)

    def handle(self, request: Request) -> Answer:
        refusal = self._signed(request)
        if refusal:
            return self.bad(refusal, 401)
        name = self.call_name(request)
        if request.method == "GET":
            if name == "device/checkMac":
                held = self.devices.get(bare(request.query.get("mac", "")))
                return good({"existed": held is not None, "self": held.owner == "us" if held else None})
            return self.bad("service.common.resources.not.found", 404)
        body = request.json()
        function = {
            "device/list": self._list,
            "server/list": self._servers,
            "device/add": self._add,
            "device/edit": self._edit,
            "device/delete": self._delete,
        }
        return function[name](body) if name in function else self.bad("service.common.resources.not.found", 404)

    def _signed(self, request: Request) -> str:
        key, nonce, stamp = (request.headers.get(f"x-ca-{name}", "") for name in ("key", "nonce", "timestamp"))
        if key != self.account["access_key_id"]:
            return "accesskey.id.invalid"
        if not nonce or not stamp.isdigit() or abs(int(stamp) / 1000 - self.now()) > self.clock_window or not self.fresh_nonce(nonce):
            return "service.common.token.unauthorized"
        lines = [request.method]
        if request.body:
            digest = base64.b64encode(hashlib.md5(request.body).digest()).decode()
            if request.headers.get("content-md5") != digest:
                return "Content.MD5.invalid"
            lines.append(f"Content-MD5:{digest}")
        lines += [f"X-Ca-Key:{key}", f"X-Ca-Nonce:{nonce}", f"X-Ca-Timestamp:{stamp}", request.path[1:]]
        query = urlsplit(request.target).query
        if query:
            pairs = sorted(item.partition("=")[::2] for item in query.split("&"))
            lines.append("&".join(f"{name}={unquote_plus(value)}" if value else name for name, value in pairs))
        mac = hmac.new(self.account["access_key_secret"].encode(), "\n".join(lines).encode(), hashlib.sha256).digest()
        return "" if request.headers.get("x-ca-signature") == base64.b64encode(mac).decode() else "service.common.token.unauthorized"

    def _page(self, rows: list, body: dict) -> Answer:
        skip, limit = body["skip"], min(body["limit"], 100)
        return good({"skip": skip, "limit": limit, "total": len(rows), "data": rows[skip : skip + limit]})

    def _servers(self, body: dict) -> Answer:
        return self._page([], body)

    def _list(self, body: dict) -> Answer:
        key = body.get("key", "").lower()
        rows = [
            {"id": item.id, "mac": self.spell(item.mac), "uniqueServerUrl": item.url}
            for item in self.devices.values()
            if item.owner == "us" and key in self.spell(item.mac).lower()
        ]
        return self._page(rows, body)

    def _add(self, body: dict) -> Answer:
        made = []
        for text in body["macs"]:
            mac = bare(text)
            held = self.devices.get(mac)
            if not mac:
                return self.bad("device.mac.invalid")
            if held:
                return self.bad("device.mac.existed" if held.owner == "us" else "device.mac.added.by.other", 409, text)
            made.append(Entry(mac, url=body.get("uniqueServerUrl", ""), id=self.new_id()))
        for entry in made:
            self.devices[entry.mac] = entry
        return good([{"id": entry.id, "mac": entry.mac} for entry in made])

    def _by_id(self, key: str) -> Entry | None:
        return next((item for item in self.devices.values() if item.id == key), None)

    def _edit(self, body: dict) -> Answer:
        entry = self._by_id(body["id"])
        if entry is None:
            return self.bad("device.not.found", 404)
        if entry.owner != "us":
            return self.bad("device.operate.forbidden", 403)
        entry.url = body.get("uniqueServerUrl", entry.url)
        return good({"id": entry.id, "mac": entry.mac})

    def _delete(self, body: dict) -> Answer:
        entries = [self._by_id(key) for key in body["ids"]]
        if None in entries:
            return self.bad("device.not.found", 404)
        for entry in entries:
            del self.devices[entry.mac]
        return good()


SIMULATOR = YealinkRpsJson
