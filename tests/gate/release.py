# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release to attack: phones of every kind of rule, written beside the published ones and switched on as publishing does."""

from __future__ import annotations

import grp
import hashlib
import os
import subprocess
import time
from base64 import b64encode

from ansible_collections.dialtone.phones.plugins.module_utils.claims import open_store
from ansible_collections.dialtone.phones.plugins.module_utils.claims.owner import acting_as_owner
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate

ROOT = os.environ.get("DIALTONE_GATE_ROOT", "/var/lib/dialtone")
STORE = os.environ.get("DIALTONE_GATE_STORE", "/var/lib/dialtone-gate/claims.db")
RULE = {"subject": r"(?:CP-8841-SEP)?(?P<mac>(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2})", "issuer": "CN=Vendor Root"}
CLAIMANTS = 60


def mac_of(number: int) -> str:
    return f"0015650000{number:02x}"


def home_token(mac: str, generation: int = 1) -> str:
    return hashlib.sha256(f"home {mac} {generation}".encode()).hexdigest()[:40]


def claim_token(mac: str, generation: int = 1) -> str:
    return hashlib.sha256(f"claim {mac} {generation}".encode()).hexdigest()[:40]


def credentials(mac: str, generation: int = 1) -> tuple[str, str]:
    return f"d{mac[-4:]}{generation}", hashlib.sha256(f"password {mac} {generation}".encode()).hexdigest()[:26]


def home(mac: str, auth: str = "basic", generation: int = 1, algorithm: str = "md5", current: bool = True) -> dict:
    user, password = credentials(mac, generation)
    salt = b"saltsalt"
    entry = {"token": home_token(mac, generation), "auth": auth, "user": user, "realm": "dialtone", "current": current}
    entry["ssha"] = "{SSHA}" + b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()
    entry["ha1_" + algorithm] = hashlib.new(algorithm, f"{user}:dialtone:{password}".encode()).hexdigest()
    return entry


def record(number: int, **changes) -> dict:
    mac = mac_of(number)
    made = {
        "mac": mac,
        "host": f"phone{number}",
        "tenant": "a",
        "enabled": True,
        "home": [home(mac)],
        "networks": [],
        "client_certificate": "off",
        "certificate_rule": {},
        "onboarding": "once",
        "claim_files": [f"{mac}.boot", "y000000000000.boot"],
        "contact_files": [f"{mac}.cfg"],
        "uploads": [],
        "files": [f"{mac}.boot", f"{mac}.cfg", "y000000000000.boot", f"sep{mac}.cnf.xml"],
        "strict_nc": True,
    }
    made.update(changes)
    return made


# A local file such as a wallpaper, whose name tells its content.
ASSET = "logo-0123456789abcdef.png"
BASIC, OTHER, DIGEST, DIGEST256, FOREIGN, OPEN, REQUIRE, PREFER, ROTATED, UPLOADER, PIN, DISABLED, LOOSE, LOCAL = range(1, 15)


def records() -> list[dict]:
    made = [
        record(BASIC, files=[*record(BASIC)["files"], ASSET]),
        record(OTHER, tenant="b"),
        record(DIGEST, home=[home(mac_of(DIGEST), "digest")]),
        record(DIGEST256, home=[home(mac_of(DIGEST256), "digest", algorithm="sha256")]),
        record(FOREIGN, networks=["192.0.2.0/24", "2001:db8::/32"]),
        record(OPEN, home=[home(mac_of(OPEN), "none")], networks=["127.0.0.0/8"]),
        record(REQUIRE, client_certificate="require", certificate_rule=RULE),
        record(PREFER, client_certificate="prefer", certificate_rule=RULE),
        record(ROTATED, generation=2, home=[home(mac_of(ROTATED), generation=2), home(mac_of(ROTATED), generation=1, current=False)]),
        record(UPLOADER, uploads=[f"{mac_of(UPLOADER)}-app.log"]),
        record(PIN, claim_pin=True),
        record(DISABLED, enabled=False),
        record(LOOSE, home=[home(mac_of(LOOSE), "digest")], strict_nc=False),
        record(LOCAL, networks=["127.0.0.0/8"]),
    ]
    return made + [record(number) for number in range(0x40, 0x40 + CLAIMANTS)]


# Phonebooks of two phones of two tenants, plain and as pages that name each other by the phone's own URL.
BOOKS = {BASIC: ["phonebook-a.xml", "pages-a.xml", "p1-pages-a.xml"], OTHER: ["phonebook-b.xml"]}


def content(mac: str, name: str) -> bytes:
    if name.endswith(".xml"):
        return f"<book of='{mac}'>https://own.dialtone.invalid/p1-{name}</book>\n".encode()
    return f"# {mac} {name} sip-password-of-{mac}\n".encode() * 20


def write(name: str = "attack") -> None:
    """Write the release, switch to it and reload nginx."""
    groups = {"nginx": grp.getgrnam("www-data").gr_gid, "gate": grp.getgrnam("dialtone-gate").gr_gid}
    folder = os.path.join(ROOT, "releases", name)
    subprocess.run(["rm", "-rf", folder], check=True)

    def put(path: str, data: bytes, group: int) -> None:
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as stream:
            stream.write(data)
        os.chown(full, 0, group)
        os.chmod(full, 0o640)

    everything = records()
    for item in compile_gate(everything, []):
        put(item.path, item.content, groups[item.reader])
    for made in everything:
        for file in [*made["files"], *BOOKS.get(int(made["mac"][-2:], 16), ())]:
            put(f"phones/{made['mac']}/{file}", content(made["mac"], file), groups["nginx"])
        os.symlink("/etc/passwd", os.path.join(folder, "phones", made["mac"], "link.cfg"))
    put(f"phones/{mac_of(BASIC)}/.hidden", b"hidden", groups["nginx"])
    for made in everything:
        if made["uploads"]:
            uploads = os.path.join(ROOT, "uploads", made["mac"])
            os.makedirs(uploads, exist_ok=True)
            os.chown(uploads, 0, groups["nginx"])
            os.chmod(uploads, 0o770)
    link = os.path.join(ROOT, "current")
    if os.path.lexists(link + ".new"):
        os.unlink(link + ".new")
    os.symlink(os.path.join("releases", name), link + ".new")
    os.replace(link + ".new", link)
    subprocess.run(["nginx", "-t", "-q"], check=True)
    subprocess.run(["nginx", "-s", "reload"], check=True)
    # The signal returns before the new workers listen.
    time.sleep(0.5)


def arm(numbers: list[int], window: int = 900, pins: dict[int, str] | None = None) -> dict[int, str]:
    """Give the phones a new generation, armed; return their claim tokens."""
    tokens = {}
    with acting_as_owner(STORE):
        store = open_store(STORE)
        devices = []
        for number in numbers:
            row = store.row(mac_of(number))
            generation = row.claim_generation + 1 if row else 1
            tokens[number] = claim_token(mac_of(number), generation)
            device = {"mac": mac_of(number), "claim_generation": generation, "window": window, "by": "test"}
            device["token_sha256"] = hashlib.sha256(tokens[number].encode()).hexdigest()
            if pins and number in pins:
                device["pin_sha256"] = hashlib.sha256(f"{mac_of(number)}:{generation}:{pins[number]}".encode()).hexdigest()
            devices.append(device)
        results = store.unlock(devices, force=True)
        store.close()
    assert all(row["changed"] for row in results), results
    return tokens


def state(number: int) -> dict:
    with acting_as_owner(STORE):
        store = open_store(STORE)
        try:
            return store.status([mac_of(number)])["devices"].get(mac_of(number), {})
        finally:
            store.close()


def verb(name: str, *arguments) -> object:
    with acting_as_owner(STORE):
        store = open_store(STORE)
        try:
            return getattr(store, name)(*arguments)
        finally:
            store.close()
