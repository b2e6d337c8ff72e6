# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Yealink Management Cloud Service, open API v2, as observed live: strict about headers, bodies and batch sizes."""

from __future__ import annotations

import base64
import json
import secrets
import time

from redirect.base import Answer, Entry, Request, Simulator, bare, json_answer


def error(status: int, code: str, message: str) -> Answer:
    return json_answer({"code": code, "requestId": "lab", "message": message, "details": []}, status)


class YealinkYmcs(Simulator):
    name = "yealink_ymcs"
    writes = ("addDevices", "addDevicesByMac", "addDevice", "patchDevice", "delDevices", "addServer")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.mac_only = True
        self.page_cap = 500
        self.page_limit = 500
        self.null_when_empty = True
        self.error_key = "errors"
        self.lifetime = 3600
        self.tokens: dict[str, float] = {}
        self.servers: dict[str, str] = {}

    def call_name(self, request: Request) -> str:
        last = request.path.rstrip("/").rsplit("/", 1)[-1]
        if request.path.startswith("/v2/rps/devices"):
            return "addDevice" if request.method == "POST" else "patchDevice" if request.method == "PATCH" else "getDevice"
        return last

    def expire(self) -> None:
        self.tokens.clear()

    def handle(self, request: Request) -> Answer:
        refusal = self._headers(request)
        if refusal:
            return refusal
        if request.path == "/v2/token":
            return self._token(request)
        token = request.headers.get("authorization", "")
        if not token.startswith("Bearer ") or self.tokens.get(token[7:], 0) < time.monotonic():
            return error(401, "900401", "Unauthorized")
        if request.method in ("POST", "PATCH") and not request.body.strip():
            return error(412, "900444", "Request body is missing")
        body = None
        if request.body:
            try:
                body = request.json()
            except ValueError:
                return error(400, "900400", "Malformed JSON")
        return self._route(request, body)

    def _headers(self, request: Request) -> Answer | None:
        nonce, stamp = request.headers.get("nonce", ""), request.headers.get("timestamp", "")
        if not 0 < len(nonce) <= 32 or not stamp.isdigit() or abs(int(stamp) / 1000 - self.now()) > self.clock_window:
            return error(401, "500401", "Invalid request header")
        if request.method in ("POST", "PATCH") and request.headers.get("content-type", "").split(";")[0] != "application/json":
            return error(415, "900415", "Unsupported media type")
        if not self.fresh_nonce(nonce):
            return error(403, "500403", "Request reply")
        return None

    def _token(self, request: Request) -> Answer:
        wanted = f"{self.account['access_key_id']}:{self.account['access_key_secret']}".encode()
        if request.headers.get("authorization") != "Basic " + base64.b64encode(wanted).decode():
            return error(401, "900401", "Unauthorized")
        if request.json() != {"grant_type": "client_credentials"}:
            return error(400, "70011", "Bad grant type")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + self.lifetime
        return json_answer({"access_token": token, "token_type": "bearer", "expires_in": self.lifetime})

    def _route(self, request: Request, body: object) -> Answer:
        path = request.below("/v2/rps/")
        if path.startswith("devices/") and request.method in ("GET", "PATCH"):
            return self._one(request.method, path[8:], body)
        if request.method != "POST":
            return error(404, "900404", "Not found")
        if path == "listServers":
            rows = [{"id": key, "serverName": name} for name, key in self.servers.items()]
            return self._page(rows, body)
        if path == "listDevices":
            part = str((body.get("filter") or {}).get("mac") or "").lower()
            return self._page(
                [self._row(entry) for entry in self.devices.values() if entry.owner == "us" and part in self.spell(entry.mac).lower()], body
            )
        if path in ("addDevices", "addDevicesByMac"):
            return self._add(path, body)
        if path == "delDevices":
            return self._delete(body)
        return error(404, "900404", "Not found")

    def _row(self, entry: Entry) -> dict:
        return {
            "id": entry.id,
            "mac": self.spell(entry.mac),
            "sn": entry.serial,
            "serverId": entry.server,
            "serverName": "",
            "serverUrl": "",
            "uniqueServerUrl": entry.url,
            "ipAddress": "",
            "remark": "",
            "dateRegistered": 0,
            "lastConnected": None,
        }

    def _page(self, rows: list, body: object) -> Answer:
        if not isinstance(body, dict) or not isinstance(body.get("limit"), int) or not 0 < body["limit"] <= self.page_limit:
            return error(400, "900400", "limit")
        skip, limit = body.get("skip", 0), min(body["limit"], self.page_cap)
        page = rows[skip : skip + limit]
        return json_answer({"skip": skip, "limit": limit, "total": len(rows), "data": None if not page and self.null_when_empty else page})

    def _fields(self, item: dict, entry: Entry) -> str:
        url = item.get("uniqueServerUrl", entry.url)
        if len(url) > 256 or len(item.get("authName") or "") > 128 or len(item.get("password") or "") > 128:
            return "800007"
        if item.get("serverId") and item["serverId"] not in self.servers.values():
            return "800007"
        entry.url, entry.server = url, item.get("serverId", entry.server)
        entry.username, entry.password = item.get("authName", entry.username), item.get("password", entry.password)
        return ""

    def _add(self, path: str, body: object) -> Answer:
        if not isinstance(body, list):
            return error(412, "900412", "An array is wanted")
        if path == "addDevicesByMac" and not self.mac_only:
            return error(403, "900403", "Not enabled")
        if not body or len(body) > 100:
            return error(400, "800006", "Batch too large")
        errors = []
        for item in body:
            code, mac = "", bare(item.get("mac", ""))
            held = self.devices.get(mac)
            if not mac:
                code = "800001"
            elif path == "addDevices" and not item.get("sn"):
                code = "800002"
            elif held:
                code = "800003" if held.owner == "us" else "800004"
            else:
                entry = Entry(mac, serial=item.get("sn", ""), id=self.new_id())
                code = self._fields(item, entry)
                if not code:
                    self.devices[mac] = entry
            if code:
                errors.append({"mac": item.get("mac"), "sn": item.get("sn"), "errorInfo": {"code": code, "message": "refused"}})
        return json_answer(
            {"total": len(body), "successCount": len(body) - len(errors), "failureCount": len(errors), self.error_key: errors}
        )

    def _one(self, method: str, key: str, body: object) -> Answer:
        entry = next((item for item in self.devices.values() if item.id == key and item.owner == "us"), None)
        if entry is None:
            return error(400, "900400", "No such device")
        if method == "GET":
            return json_answer({**self._row(entry), "authName": entry.username})
        code = self._fields(body, entry)
        return error(400, code, "Bad parameter") if code else Answer(204)

    def _delete(self, body: object) -> Answer:
        if not isinstance(body, dict) or body.get("deviceIdType") not in ("mac", "id") or len(body.get("deviceIds") or []) > 200:
            return error(400, "900400", json.dumps("deviceIds"))
        errors = []
        for key in body["deviceIds"]:
            mac = bare(key) if body["deviceIdType"] == "mac" else next((item.mac for item in self.devices.values() if item.id == key), "")
            strange = body["deviceIdType"] == "mac" and key != self.spell(mac)
            if mac in self.devices and self.devices[mac].owner == "us" and not strange:
                del self.devices[mac]
            else:
                errors.append({"mac": key, "errorInfo": {"code": "900400", "message": "No such device"}})
        total = len(body["deviceIds"])
        return json_answer({"total": total, "successCount": total - len(errors), "failureCount": len(errors), self.error_key: errors})


SIMULATOR = YealinkYmcs
