# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database that the gate's daemon reads: what it must know of each phone, one row a phone, opened read-only."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
from typing import Any, Dict, Iterable, List, Mapping, Tuple

SCHEMA = 1


def device_row(record: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what the daemon needs of a gate record; tokens only as SHA-256 (and their first digits, which nginx logs), secrets only for Digest."""
    home: List[Dict[str, Any]] = []
    for entry in record.get("home") or ():
        row = {
            "token_sha256": token_digest(entry["token"]),
            "token_id": entry["token"][:8],
            "auth": entry["auth"],
            "current": bool(entry.get("current")),
        }
        if entry["auth"] == "digest":
            row.update({key: entry.get(key) or "" for key in ("user", "realm", "ha1_md5", "ha1_sha256")})
        home.append(row)
    row = {
        "host": record.get("host") or "",
        "tenant": record.get("tenant") or "",
        "enabled": bool(record.get("enabled", True)),
        "networks": list(record.get("networks") or ()),
        "client_certificate": record.get("client_certificate") or "off",
        "certificate_rule": record.get("certificate_rule") or {},
        "onboarding": record.get("onboarding") or "off",
        "claim_files": [name.lower() for name in record.get("claim_files") or ()],
        "contact_files": [name.lower() for name in record.get("contact_files") or ()],
        "claim_pin": bool(record.get("claim_pin")),
        "strict_nc": bool(record.get("strict_nc", True)),
        "home": home,
    }
    if record.get("bootstrap"):
        row["bootstrap"] = record["bootstrap"]
    return row


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def build(rows: Iterable[Tuple[str, Mapping[str, Any]]], networks: List[str]) -> bytes:
    """Return the database file: table ``device`` (mac, record as JSON) and ``meta`` (schema, networks)."""
    handle, path = tempfile.mkstemp(prefix="dialtone-devices-")
    os.close(handle)
    try:
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("CREATE TABLE device (mac TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID")
            connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
            encoded = ((mac, json.dumps(row, sort_keys=True, separators=(",", ":"))) for mac, row in rows)
            connection.executemany("INSERT INTO device VALUES (?, ?)", encoded)
            meta = [("schema", str(SCHEMA)), ("networks", json.dumps(networks))]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
            connection.commit()
        finally:
            connection.close()
        with open(path, "rb") as stream:
            return stream.read()
    finally:
        os.unlink(path)
