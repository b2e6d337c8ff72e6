# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST service that SRAPS and GRAPE share: Hawk signatures verified from the protocol's text, links, pages and whole-document PUTs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from redirect.base import Answer, Entry, Request, Simulator, bare, json_answer

COMPANY = "6d2a"
ROOT = "/api/v1/"


class HawkRestSimulator(Simulator):
    default_path = ROOT
    writes = ("PUT", "DELETE")
    clock_window = 60
    setting = ""

    def __init__(self, account: dict[str, str] | None = None) -> None:
        super().__init__(account)
        self.documents: dict[str, dict] = {}
        self.page_cap = 100
        self.list_has_settings = True
        self.uuid = "b7e0-setting-server"

    def call_name(self, request: Request) -> str:
        if "/endpoints/" not in request.path:
            return request.below(ROOT).split("/")[0]
        return "list" if request.path.endswith("/endpoints/") else request.method

    def seed(self, mac: str, owner: str = "us", url: str = "", **more: str) -> None:
        super().seed(mac, owner, url, **more)
        self.documents[bare(mac)] = self._document(bare(mac), url)

    def _document(self, mac: str, url: str) -> dict:
        return {"mac": mac, "autoprovisioning_enabled": True, "settings_manager": {self.uuid: {"value": url, "attrs": {"perm": "RW"}}}}

    def url_of(self, mac: str) -> str:
        if mac not in self.devices:
            return ""
        return self.documents.get(mac, {}).get("settings_manager", {}).get(self.uuid, {}).get("value", "")

    def handle(self, request: Request) -> Answer:
        if not self._signed(request):
            return json_answer({"message": "Hawk authentication failed"}, 401)
        path = request.path
        if path == f"{ROOT}tokens/{self.account['access_key_id']}":
            return json_answer({"links": {"company": f"{self.base}{ROOT}companies/{COMPANY}"}})
        if path == f"{ROOT}companies/{COMPANY}":
            root = f"{self.base}{ROOT}companies/{COMPANY}/"
            return json_answer({"links": {"endpoints": root + "endpoints/", "provisioning-profiles": root + "provisioning-profiles/"}})
        if path == f"{ROOT}settings/":
            return self._page(
                request, [{"uuid": f"u{i}", "param_name": f"p{i}"} for i in range(150)] + [{"uuid": self.uuid, "param_name": self.setting}]
            )
        prefix = f"{ROOT}companies/{COMPANY}/endpoints/"
        if path == prefix:
            own = [self._listed(mac) for mac, entry in self.devices.items() if entry.owner == "us"]
            return self._page(request, own)
        if path.startswith(prefix):
            return self._endpoint(request, request.below(prefix))
        return json_answer({"message": "not found"}, 404)

    def _listed(self, mac: str) -> dict:
        document = self.documents[mac]
        return document if self.list_has_settings else {name: value for name, value in document.items() if name != "settings_manager"}

    def _page(self, request: Request, rows: list) -> Answer:
        size = min(int(request.query.get("page_size") or 20), self.page_cap)
        number = int(request.query.get("page") or 1)
        start = (number - 1) * size
        headers = {}
        if start + size < len(rows):
            headers["Link"] = f'<{self.base}{request.path}?page_size={size}&page={number + 1}>; rel="next"'
        return json_answer(rows[start : start + size], 200, **headers)

    def _endpoint(self, request: Request, mac: str) -> Answer:
        if not re.fullmatch(r"[0-9a-f]{12}", mac):
            return json_answer({"message": "malformed mac"}, 400)
        held = self.devices.get(mac)
        if held and held.owner != "us":
            return json_answer({"message": "taken_mac_or_forbidden"}, 403)
        if request.method == "GET":
            return json_answer(self.documents[mac]) if held else json_answer({"message": "not found"}, 404)
        if request.method == "DELETE":
            if not held:
                return json_answer({"message": "not found"}, 404)
            del self.devices[mac], self.documents[mac]
            return Answer(204)
        if request.method != "PUT" or request.headers.get("content-type", "").split(";")[0] != "application/json":
            return json_answer({"message": "unsupported"}, 415)
        document = request.json()
        value = document.get("settings_manager", {}).get(self.uuid, {})
        if document.get("mac") != mac or document.get("autoprovisioning_enabled") is not True or value.get("attrs") != {"perm": "RW"}:
            return json_answer({"message": "invalid document"}, 400)
        self.devices[mac] = Entry(mac, url=value["value"], id=self.new_id())
        self.documents[mac] = document
        return json_answer(document, 200 if held else 201)

    def _signed(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', header))
        if not header.startswith("Hawk ") or fields.get("id") != self.account["access_key_id"] or not fields.get("ts", "").isdigit():
            return False
        if abs(int(fields["ts"]) - self.now()) > self.clock_window or not self.fresh_nonce(fields.get("nonce", "")):
            return False
        if "hash" in fields:
            kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
            text = b"hawk.1.payload\n" + kind.encode() + b"\n" + request.body + b"\n"
            if base64.b64encode(hashlib.sha256(text).digest()).decode() != fields["hash"]:
                return False
        host, _colon, port = request.headers.get("host", "").partition(":")
        lines = [
            "hawk.1.header",
            fields["ts"],
            fields["nonce"],
            request.method,
            request.target,
            host.lower(),
            port or "443",
            fields.get("hash", ""),
            fields.get("ext", ""),
        ]
        mac = hmac.new(self.account["access_key_secret"].encode(), ("\n".join(lines) + "\n").encode(), hashlib.sha256).digest()
        return hmac.compare_digest(base64.b64encode(mac).decode(), fields.get("mac", ""))
