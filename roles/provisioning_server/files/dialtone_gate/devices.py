# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the published release says of each phone: rows of ``current/gate/devices.db``, read when asked for."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sqlite3
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .config import Network

_KEPT = 4096
_SPLIT = re.compile(r"(?<!\\),")


class DevicesError(Exception):
    """There is no release, or its database cannot be read."""


class Device(NamedTuple):
    """One phone of the release."""

    mac: str
    enabled: bool
    onboarding: str
    networks: Tuple[Network, ...]
    client_certificate: str
    certificate_rule: Dict[str, str]
    claim_files: frozenset
    claim_pin: bool
    contact_files: frozenset
    strict_nc: bool
    bootstrap: Dict[str, Any]
    home: List[Dict[str, Any]]

    def entry(self, token_sha256: str) -> Optional[Dict[str, Any]]:
        return next((entry for entry in self.home if entry["token_sha256"] == token_sha256), None)

    def current(self) -> Optional[Dict[str, Any]]:
        return next((entry for entry in self.home if entry["current"]), None)


class Devices:
    """Opens the database of whichever release is current; a switch of the release is noticed at the next question."""

    def __init__(self, root: str) -> None:
        self._path = os.path.join(root, "current", "gate", "devices.db")
        self._identity: Optional[Tuple[int, int, int]] = None
        self._connection: Optional[sqlite3.Connection] = None
        self._cache: Dict[str, Optional[Device]] = {}
        self.networks: Tuple[Network, ...] = ()

    def get(self, mac: str) -> Optional[Device]:
        """Return a phone, or nothing when the release does not hold it.

        :raises DevicesError: no release can be read.
        """
        self._refresh()
        if mac not in self._cache:
            if len(self._cache) >= _KEPT:
                self._cache.clear()
            self._cache[mac] = self._read(mac)
        return self._cache[mac]

    def _refresh(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError as exc:
            self._identity = None
            raise DevicesError(f"{self._path}: {exc.strerror}") from exc
        identity = (found.st_dev, found.st_ino, found.st_mtime_ns)
        if identity == self._identity:
            return
        self._cache.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        try:
            # The path is resolved once, so that the connection stays with the release it was opened for.
            self._connection = sqlite3.connect(f"file:{os.path.realpath(self._path)}?mode=ro&immutable=1", uri=True)
            meta = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())
            if meta.get("schema") != "1":
                raise DevicesError(f"{self._path}: schema {meta.get('schema')} is not known")
            self.networks = tuple(ipaddress.ip_network(text) for text in json.loads(meta["networks"]))
        except (sqlite3.Error, KeyError, ValueError) as exc:
            self._identity = None
            raise DevicesError(f"{self._path}: {exc}") from exc
        self._identity = identity

    def _read(self, mac: str) -> Optional[Device]:
        assert self._connection is not None
        try:
            found = self._connection.execute("SELECT record FROM device WHERE mac = ?", (mac,)).fetchone()
            if found is None:
                return None
            record = json.loads(found[0])
            return Device(
                mac=mac,
                enabled=record["enabled"],
                onboarding=record["onboarding"],
                networks=tuple(ipaddress.ip_network(text) for text in record["networks"]),
                client_certificate=record["client_certificate"],
                certificate_rule=record["certificate_rule"],
                claim_files=frozenset(record["claim_files"]),
                claim_pin=bool(record.get("claim_pin")),
                contact_files=frozenset(record["contact_files"]),
                strict_nc=record["strict_nc"],
                bootstrap=record.get("bootstrap") or {},
                home=record["home"],
            )
        except (sqlite3.Error, KeyError, ValueError) as exc:
            raise DevicesError(f"{self._path}: {mac}: {exc}") from exc


def inside(address: str, networks: Tuple[Network, ...]) -> bool:
    """Tell whether an address is in one of the networks; no networks means any address. What is no address is in none."""
    if not networks:
        return True
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return False
    # What a balancer that listens on IPv6 for both families tells of an IPv4 client; nginx takes it for that client too.
    if isinstance(client, ipaddress.IPv6Address) and client.ipv4_mapped:
        client = client.ipv4_mapped
    return any(client.version == network.version and client in network for network in networks)


def certificate_passes(device: Device, verify: str, subject: str, issuer: str) -> bool:
    """Tell whether the client certificate satisfies the phone's rule: off, prefer (none or its own) or require (its own)."""
    mode = device.client_certificate
    # Without TLS nginx has nothing to say about a certificate: none was shown.
    if mode == "off" or (mode == "prefer" and verify in ("", "NONE")):
        return True
    return certificate_names(device, verify, subject, issuer)


def certificate_names(device: Device, verify: str, subject: str, issuer: str) -> bool:
    """Tell whether a client certificate verified and is the phone's own, whatever its rule asks for."""
    rule = device.certificate_rule
    if verify != "SUCCESS" or not rule:
        return False
    # One CN, alone in its RDN, cut out at unescaped commas: text inside another attribute's value must not count.
    names = [part for part in _SPLIT.split(subject) if part.startswith("CN=")]
    if len(names) != 1 or re.search(r"(?<!\\)\+", names[0]) or not re.search(rule["issuer"], issuer):
        return False
    match = re.fullmatch(rule["subject"], names[0][3:])
    return bool(match) and re.sub(r"[:-]", "", match.group("mac") or "").lower() == device.mac
