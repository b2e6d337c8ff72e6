# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grandstream's management service: token by form, signature in the query, enrolment with the right serial number, settings by push."""

from __future__ import annotations

import email
import hashlib
import re
import secrets
from urllib.parse import parse_qsl

from redirect.base import Answer, Entry, Request, Simulator, bare, json_answer

API = "/oapi/v1.0.0/"


class GrandstreamGdms(Simulator):
    name = "grandstream_gdms"
    writes = ("device/add", "device/delete", "device/config/xml")

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.tokens: set[str] = set()
        self.wrong_serials: set[str] = set()

    def call_name(self, request: Request) -> str:
        return request.below(API)

    def expire(self) -> None:
        self.tokens.clear()

    def handle(self, request: Request) -> Answer:
        if request.path == "/oapi/oauth/token":
            return self._token(request)
        refusal = self._signed(request)
        if refusal:
            return json_answer({"retCode": refusal[0], "msg": refusal[1], "data": None})
        name = self.call_name(request)
        if name == "device/config/xml":
            return self._config(request)
        body = request.json()
        function = {"site/list": self._sites, "device/list": self._list, "device/add": self._add, "device/delete": self._delete}.get(name)
        return (
            json_answer({"retCode": 0, "msg": "ok", "data": function(body)})
            if function
            else json_answer({"retCode": 404, "msg": "unknown"}, 404)
        )

    def _token(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        inner = hashlib.md5(self.account["password"].encode()).hexdigest()
        wanted = {
            "username": self.account["username"],
            "password": hashlib.sha256(inner.encode()).hexdigest(),
            "grant_type": "password",
            "client_id": self.account["access_key_id"],
            "client_secret": self.account["access_key_secret"],
        }
        if form != wanted:
            return json_answer({"error": "invalid_grant", "error_description": "Bad credentials"}, 400)
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return json_answer({"access_token": token, "refresh_token": "r", "expires_in": 3600})

    def _signed(self, request: Request) -> tuple[int, str] | None:
        query = request.query
        if query.get("access_token") not in self.tokens:
            return 40004, "invalid access token"
        if abs(int(query.get("timestamp") or 0) / 1000 - self.now()) > self.clock_window:
            return 40002, "timestamp out of range"
        signed = {name: value for name, value in query.items() if name != "signature"}
        signed.update(client_id=self.account["access_key_id"], client_secret=self.account["access_key_secret"])
        tail = ""
        if request.headers.get("content-type", "").startswith("multipart/"):
            fields = self._fields(request)
            signed.update(mac=fields["mac"].decode(), xml=hashlib.md5(fields["xml"]).hexdigest())
        elif request.body:
            tail = hashlib.sha256(request.body).hexdigest() + "&"
        text = "&" + "&".join(f"{name}={value}" for name, value in sorted(signed.items())) + "&" + tail
        return None if hashlib.sha256(text.encode()).hexdigest() == query.get("signature") else (40002, "signature error")

    @staticmethod
    def _fields(request: Request) -> dict[str, bytes]:
        message = email.message_from_bytes(b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body)
        return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in message.get_payload()}

    def _sites(self, body: object) -> object:
        return {"total": 1, "result": [{"siteId": 7, "siteName": "default", "children": [{"siteId": 8, "siteName": "branch"}]}]}

    def _list(self, body: dict) -> object:
        wanted = bare(body["mac"]) if body.get("mac") else ""
        rows = [
            {"mac": ":".join(re.findall("..", item.mac.upper())), "sn": item.serial, "status": 0, "siteId": 7}
            for item in self._own()
            if wanted in item.mac
        ]
        start = (body["pageNum"] - 1) * body["pageSize"]
        return {"total": len(rows), "result": rows[start : start + body["pageSize"]]}

    def _own(self) -> list[Entry]:
        return [item for item in self.devices.values() if item.owner == "us"]

    def _add(self, body: list) -> object:
        errors = []
        for item in body:
            mac, serial = bare(item["mac"]), item.get("sn", "")
            if not serial or mac in self.wrong_serials:
                errors.append({**item, "errorMsg": "30010"})
            elif mac in self.devices:
                errors.append({**item, "errorMsg": "30003"})
            else:
                self.devices[mac] = Entry(mac, serial=serial)
        return {"total": len(body), "success": len(body) - len(errors), "failure": len(errors), "errorDeviceList": errors}

    def _delete(self, body: dict) -> object:
        for text in body["macList"]:
            if bare(text) in self.devices and self.devices[bare(text)].owner == "us":
                del self.devices[bare(text)]
        return None

    def _config(self, request: Request) -> Answer:
        fields = self._fields(request)
        entry = self.devices.get(bare(fields["mac"].decode()))
        match = re.search(rb"<P212>(\d)</P212><P237>([^<]*)</P237>", fields["xml"])
        if entry is None or entry.owner != "us" or not match:
            return json_answer({"retCode": 30001, "msg": "no such device"})
        entry.url = f"{('tftp', 'http', 'https')[int(match.group(1))]}://{match.group(2).decode()}"
        return json_answer({"retCode": 0, "msg": "ok", "data": None})


SIMULATOR = GrandstreamGdms
