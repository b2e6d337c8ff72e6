# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's state, made with a real claim store and a real release in a folder; tests of reports read it as the module would."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils import gate_state
from ansible_collections.dialtone.phones.plugins.module_utils.claims import ClaimRequest, create_store, open_store
from ansible_collections.dialtone.phones.plugins.module_utils.claims.notices import Notice, record
from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest


def mac(number: int) -> str:
    return f"805ec0{number:06x}"


def token(number: int, generation: int = 1) -> str:
    return hashlib.sha256(f"home {number} {generation}".encode()).hexdigest()[:40]


class ServerWorld:
    """``store``: the claim store. What is published is a folder with one file a phone."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.path = str(folder / "claims.db")
        create_store(self.path)
        self.store = open_store(self.path)
        self.releases = 0

    def publish(self, *numbers: int, text: str = "1", generation: int = 1, at: int = 1_700_000_000) -> None:
        self.releases += 1
        folder = self.root / "releases" / f"r{self.releases}"
        rows = []
        for number in sorted(numbers):
            name = f"{mac(number)}.cfg"
            (folder / "phones" / mac(number)).mkdir(parents=True)
            (folder / "phones" / mac(number) / name).write_text(text)
            os.utime(folder / "phones" / mac(number) / name, (at, at))
            gate = {"home": [{"token": token(number, generation), "current": True}], "contact_files": [name]}
            rows.append(
                {
                    "mac": mac(number),
                    "host": f"p{number}",
                    "vendor": "yealink",
                    "site": "Berlin",
                    "scope": "all",
                    "key": "",
                    "files": {},
                    "gate": gate,
                }
            )
        manifest.write(str(folder / manifest.NAME), {"format": manifest.FORMAT, "networks": []}, [manifest.encode(row) for row in rows])
        link = self.root / "current"
        if link.is_symlink():
            link.unlink()
        link.symlink_to(f"releases/r{self.releases}")

    def arm(self, number: int, generation: int = 1) -> None:
        digest = hashlib.sha256(f"{number} {generation}".encode()).hexdigest()
        self.store.unlock([{"mac": mac(number), "claim_generation": generation, "token_sha256": digest, "by": "test"}], force=True)

    def register(self, number: int, generation: int = 1, state: str = "registered", account: str = "rps") -> None:
        self.store.registrations(account, [{"mac": mac(number), "url_sha256": "", "state": state, "generation": generation}])

    def claim(self, number: int, generation: int = 1) -> None:
        digest = hashlib.sha256(f"{number} {generation}".encode()).hexdigest()
        assert self.store.claim([ClaimRequest(digest, "192.0.2.1/32", "192.0.2.1", "Phone", "", True)])[0].allowed

    def contact(self, number: int, generation: int = 1, text: str = "1", at: int = 1_700_000_000) -> None:
        name = f"{mac(number)}.cfg"
        self.store.contacts([(mac(number), "192.0.2.1", "Phone 1.0", token(number, generation)[:8], f'{name} "{at:x}-{len(text):x}"')])

    def age(self, number: int, days: float) -> None:
        """Let the last contact of a phone be some days ago."""
        self.store.execute("UPDATE contact SET at = at - ? WHERE mac = ?", (days * 86400, mac(number)))

    def trouble(self, number: int, kind: str) -> None:
        record(self.store, [Notice(mac(number), kind, "192.0.2.1", "192.0.2.1/32", "Phone", "x")])

    def stranger(self, address: str, ua: str = "Phone") -> None:
        record(self.store, [Notice(address, "", "192.0.2.1", "192.0.2.1/32", ua, source="path")], 1)

    def state(self) -> dict[str, Any]:
        made = {
            "format": gate_state.FORMAT,
            **gate_state.releases(str(self.root)),
            "store": gate_state.store(self.store, 30),
            "certificates": [],
        }
        return gate_state.unpack(gate_state.pack(made))


def run_command(command: list[str], data: str = "") -> tuple[int, str, str]:
    """Run as AnsibleModule.run_command does."""
    import subprocess

    done = subprocess.run(command, input=data, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr
