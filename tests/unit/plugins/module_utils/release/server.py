# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's folder in a temporary place, and archives as a controller sends them."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import threading

from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate
from ansible_collections.dialtone.phones.plugins.module_utils.release import archive
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import FORMAT, encode
from ansible_collections.dialtone.phones.plugins.module_utils.release.nginx import WebServer
from ansible_collections.dialtone.phones.plugins.module_utils.release.publisher import Publisher, Settings
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import parse_row
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Store


def mac_of(number: int) -> str:
    return f"001565{number:06x}"


def gate_record(number: int, generation: int = 1, networks: tuple = ()) -> dict:
    token = hashlib.sha1(f"{number}/{generation}".encode()).hexdigest()
    home = {"token": token, "auth": "basic", "user": f"d{number}", "ssha": "{SSHA}" + "A" * 38, "realm": "dialtone", "current": True}
    return {
        "mac": mac_of(number),
        "host": f"phone{number}",
        "generation": generation,
        "enabled": True,
        "home": [home],
        "networks": list(networks),
        "client_certificate": "off",
        "certificate_rule": {},
        "onboarding": "off",
        "claim_files": [],
        "contact_files": [],
        "uploads": [],
    }


def phone(number: int, files: dict, scope: str = "all", generation: int = 1, networks: tuple = ()) -> tuple:
    """Return a row and its contents by digest."""
    contents = {hashlib.sha256(text.encode()).hexdigest(): text.encode() for text in files.values()}
    row = {
        "mac": mac_of(number),
        "host": f"phone{number}",
        "vendor": "yealink",
        "site": None,
        "scope": scope,
        "key": hashlib.sha256(repr(files).encode()).hexdigest(),
        "files": {name: [hashlib.sha256(text.encode()).hexdigest(), len(text.encode())] for name, text in files.items()},
        "gate": gate_record(number, generation, networks),
    }
    return row, contents


def run_command(command: list) -> tuple:
    """Run a command as the module does."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as exc:
        return 1, "", str(exc)
    return done.returncode, done.stdout, done.stderr


class Server:
    """One server; every method does what one call of the module would."""

    def __init__(
        self, root, keep: int = 3, link_limit: int = 0, lock_timeout: float = 10, site: str = "", reload: str = "", networks=()
    ) -> None:
        self.root = str(root)
        self.store = Store(self.root, Access())
        settings = Settings(keep=keep, lock_timeout=lock_timeout, holder="alice on laptop", link_limit=link_limit)
        self.publisher = Publisher(self.store, WebServer(site, reload, self.root, run_command), compile_gate, list(networks), settings)

    def digest(self) -> str:
        current = self.store.current()
        return current.digest() if current else ""

    def rows(self) -> dict:
        current = self.store.current()
        return {row["mac"]: row for row in map(parse_row, current.rows()[1])} if current else {}

    def archive(self, phones=(), remove=(), base=None, rebuild=False, release_id="20261122T150000Z-aaaa", without=()) -> str:
        contents: dict = {}
        lines = [
            encode(
                {"format": FORMAT, "base": self.digest() if base is None else base, "id": release_id, "scope": "all", "rebuild": rebuild}
            )
        ]
        for row, own in phones:
            lines.append(encode({"set": row}))
            contents.update({digest: content for digest, content in own.items() if digest not in without})
        lines += [encode({"remove": mac}) for mac in remove]
        plan = b"\n".join(lines) + b"\n"
        path = f"{self.root}.{os.getpid()}.{threading.get_ident()}.tar"
        archive.write(path, io.BytesIO(plan), len(plan), [(d, len(c)) for d, c in contents.items()], contents.values(), compress=True)
        return path

    def publish(self, phones=(), **options) -> dict:
        path = self.archive(phones, **options)
        try:
            return self.publisher.apply(path)
        finally:
            os.unlink(path)

    def text(self, number: int, name: str) -> str:
        with open(os.path.join(self.root, "current", "phones", mac_of(number), name), encoding="utf-8") as stream:
            return stream.read()

    def tree(self) -> dict:
        """Return inode, modification time and size of everything below the root."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            for name in folders + files:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                found[path] = (status.st_ino, status.st_mtime_ns, status.st_size)
        return found
