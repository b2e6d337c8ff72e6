# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phones for publishing that come from nowhere: the edge that rendering would be at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Notes, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderedFile, RenderError


@dataclass
class FakePhone:
    """A phone with two files of its own and one that all phones share."""

    number: int
    text: str = "1"
    site: str = "berlin"
    vendor: str = "yealink"
    generation: int = 1
    networks: list = field(default_factory=list)
    fails: bool = False
    cached: bool = True
    label: str = ""
    book: str = ""
    local: list = field(default_factory=list)

    @property
    def mac(self) -> str:
        return f"001565{self.number:06x}"

    @property
    def host(self) -> str:
        return self.label or f"phone{self.number:05d}"

    @property
    def password(self) -> str:
        return f"pw-{self.number}-<&{self.text}"

    @property
    def secrets(self) -> list:
        return [self.password]

    @property
    def key(self):
        if not self.cached:
            return None
        return hashlib.sha256(repr((self.number, self.text, self.generation)).encode()).hexdigest()

    @property
    def token(self) -> str:
        return hashlib.sha1(f"{self.number}/{self.generation}".encode()).hexdigest()

    about: dict = field(default_factory=dict)

    @property
    def gate(self) -> dict:
        return {
            "mac": self.mac,
            "host": self.host,
            "tenant": "",
            "scope": "all",
            "generation": self.generation,
            "enabled": True,
            "home": [
                {
                    "token": self.token,
                    "auth": "basic",
                    "user": f"d{self.number}",
                    "ssha": "{SSHA}" + "A" * 38,
                    "ha1_md5": "",
                    "ha1_sha256": "",
                    "realm": "dialtone",
                    "current": True,
                }
            ],
            "networks": self.networks,
            "client_certificate": "off",
            "certificate_rule": {},
            "onboarding": "once",
            "claim_window": 900,
            "claim_files": [f"{self.mac}.boot"],
            "contact_files": [f"{self.mac}.cfg"],
            "uploads": [],
            "strict_nc": True,
        }

    @property
    def secret_parameters(self) -> list:
        return ["account.*.password"]

    @property
    def listed(self) -> list:
        return [{"name": "book", "title": self.book, "file": "book.xml", "entries": None}] if self.book else []

    def assets(self) -> list:
        return self.local

    def render(self) -> list:
        if self.fails:
            raise RenderError(self.host, f"{self.mac}.cfg", "yealink/device.j2", 7, f"'x' is undefined near {self.password}")
        own = "".join(f"linekey.{n}.value = {self.number + n}\n" for n in range(120))
        cfg = f"account.1.label = {self.text}\naccount.1.password = {self.password}\nurl = https://prov/p/{self.token}/\n{own}"
        return [
            _file(f"{self.mac}.boot", f"include:config <{self.mac}.cfg>\n"),
            _file(f"{self.mac.upper()}.cfg", cfg),
            _file("y000000000000.cfg", "common = 1\n" * 50),
        ]


def _file(name: str, text: str) -> RenderedFile:
    content = text.encode()
    return RenderedFile(name, content, hashlib.sha256(content).hexdigest())


class FakeProduction:
    """What the floor above hands over."""

    def __init__(self, phones: list, complete: bool = True, scope: str = "all", warnings: list | None = None) -> None:
        self.phones = phones
        self.hosts_all = len(phones)
        self.complete = complete
        self.scope = scope
        self.warnings = Notes()
        self._said = warnings or []
        self.problems: list = []

    def shelf_key(self, vendor, listed):
        return hashlib.sha256(repr((vendor, listed)).encode()).hexdigest()

    def render_book(self, _vendor, listing):
        return [_file(listing["file"], listing["title"])]

    def rows(self, _published=None):
        self.warnings = Notes(self.warnings.limit)
        self.warnings.tell(self._said)
        return iter(self.phones)

    def finish(self) -> None:
        if self.problems:
            raise ProblemsError(self.problems)
