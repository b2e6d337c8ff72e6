# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phones that fetch all their files again and again, while releases come and publishers die: no partial file, no mixed set."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import re
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac

from ..conftest import root
from .world import PORT, SUDO, World, changed, phone

RELEASES = 200
_PIN = re.compile(r"[A-Za-z0-9.-]+-v([0-9a-f]{16})\.[a-z]+")
# Where each vendor's files tell the phone's own URL, user and password.
_HOME = {
    "yealink": [r"server\.url = (\S+)", r"server\.username = (\S+)", r"server\.password = (\S+)"],
    "polycom": [r'prov\.serverName="([^"]+)"', r'prov\.user="([^"]+)"', r'prov\.password="([^"]+)"'],
}


class Phone(NamedTuple):
    """What a reader acts as: its first file, whether anybody publishes it, and where it lives."""

    first: str
    mac: str
    path: str
    authorization: str


class Reader(threading.Thread):
    """Fetches all files of one phone in a loop, as the phone would."""

    def __init__(self, phone: Phone, progress: Path, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._phone, self._progress, self._stop_reading = phone, progress, stop
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self.faults: list[str] = []
        self.seen: set[str] = set()
        self.sets = self.late = 0

    def run(self) -> None:
        try:
            while not self._stop_reading.is_set() and not self.faults:
                self._read()
        except Exception as exc:  # told by the test
            self.faults.append(repr(exc))

    def _read(self) -> None:
        turn = self._turn()
        # A connection for each file, as phones do, so that any worker of nginx answers.
        status, first = self._get(self._phone.first)
        if status != 200:
            self.faults.append(f"{self._phone.first}: {status}")
            return
        mark = self._mark(self._phone.first, first)
        self.seen.add(first)
        for found in _PIN.finditer(first):
            status, text = self._get(found[0])
            if status == 404 and self._turn() - turn >= 2:
                # Slower than two releases; the phone starts again.
                self.late += 1
                return
            if status != 200:
                self.faults.append(f"{found[0]}: {status}")
            elif not hashlib.sha256(text.encode()).hexdigest().startswith(found[1]):
                self.faults.append(f"{found[0]}: holds something else")
            elif self._mark(found[0], text) != mark:
                self.faults.append(f"{found[0]}: is of another release than {self._phone.first}")
        self.sets += 1

    def _mark(self, name: str, text: str) -> str:
        begin, end = text.split("\n", 1)[0], text.rstrip("\n").rsplit("\n", 1)[-1]
        if begin.startswith("turn ") and begin != end:
            self.faults.append(f"{name}: begins with {begin} and ends with {end}")
        return begin if begin.startswith("turn ") else ""

    def _get(self, name: str) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=60, context=self._context)
        try:
            connection.request("GET", self._phone.path + name, headers={"Authorization": self._phone.authorization})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _turn(self) -> int:
        return int(self._progress.read_text())


def reader_of(world: World, name: str) -> Phone:
    variables = world.phones[name]
    mac = normalize_mac(variables["phone_mac"])
    files = world.published(mac)
    text = "".join(files.values())
    url, user, password = (re.search(pattern, text)[1] for pattern in _HOME[variables.get("phone_vendor", "yealink")])
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Phone(f"{mac}.boot" if f"{mac}.boot" in files else f"{mac}.cfg", mac, "/" + url.split("/", 3)[3], f"Basic {login}")


@pytest.fixture(scope="module")
def fleet(world, foreign_site):
    """Five phones that are published again and again, and one that is left alone."""
    world.phones.setdefault("phone101", phone(101))
    world.phones.setdefault("phone102", phone(102, "T46U"))
    for number in range(131, 134):
        world.phones[f"phone{number}"] = phone(number)
    poly = {"phone_vendor": "polycom", "phone_redirect_account": "", "phone_mac": "64:16:7f:00:00:34"}
    world.phones["phone134"] = phone(134, "VVX 450", **poly)
    # More requests than any real phone makes.
    world.vars = {"provisioning_server_phone_rate": 60000, "provisioning_server_phone_burst": 10000}
    world.site()
    yield {name: reader_of(world, name) for name in ("phone101", "phone102", "phone131", "phone132", "phone133", "phone134")}
    world.vars = {}


def test_no_partial_file_and_no_mixed_set_while_releases_come_and_publishers_die(world, fleet, tmp_path):
    progress = tmp_path / "turn"
    progress.write_text("0")
    stop = threading.Event()
    readers = {name: Reader(found, progress, stop) for name, found in fleet.items()}
    moving = [found.mac for name, found in fleet.items() if name != "phone133"]
    for reader in readers.values():
        reader.start()
    script = Path(__file__).with_name("publish_marks.py")
    command = [*SUDO, sys.executable, str(script), str(RELEASES), str(progress), *moving]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    stop.set()
    for reader in readers.values():
        reader.join()
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > RELEASES // 10
    assert {name: reader.faults for name, reader in readers.items() if reader.faults} == {}
    assert all(reader.sets > 0 for reader in readers.values())
    assert all(len(reader.seen) > 1 for name, reader in readers.items() if name != "phone133")
    assert len(readers["phone133"].seen) == 1
    print({name: (reader.sets, len(reader.seen), reader.late) for name, reader in readers.items()}, "killed:", done.stdout)


def test_names_of_releases_that_are_gone_are_gone(fleet):
    """What the killed ones brought is taken away too."""
    listing = root("find", "/var/lib/dialtone/pinned/phones", "-type", "f").stdout.split()
    kept = root("sh", "-c", "ls -d /var/lib/dialtone/releases/*").stdout.split()
    assert len(kept) <= 4
    for found in fleet.values():
        names = [path for path in listing if found.mac in path]
        files = 1 if found.first.endswith(".cfg") else 2
        assert files <= len(names) <= files * len(kept), names


def test_an_ordinary_run_publishes_what_the_inventory_says(world, fleet):
    assert changed(world.site("--tags", "always,phone_configs", "-e", "phone_configs_max_change_percent=100")) == 1
    assert changed(world.site("--tags", "always,phone_configs")) == 0
    for found in fleet.values():
        assert "turn " not in "".join(world.published(found.mac).values())
    # A pinned file at home is contact, as the plain one is.
    world.probe("phone131")
    assert world.onboarding()["phone131"]["state"] in ("claimed", "spent")
