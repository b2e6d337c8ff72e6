# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server knows of its phones, put together for a report: the release, the claim store, and what went wrong at the gate. No secrets."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import ssl
import typing as t
import zlib

from ansible_collections.dialtone.phones.plugins.module_utils.claims import Store, notices
from ansible_collections.dialtone.phones.plugins.module_utils.claims.model import StoreError
from ansible_collections.dialtone.phones.plugins.module_utils.claims.schema import VERSION
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Store as Releases

FORMAT = 1
DAY = 86400
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SITE = re.compile(r"^\s*(ssl_certificate|ssl_client_certificate)\s+\"?([^\s\";]+)\"?\s*;", re.MULTILINE)
_CLAIM = (
    "state", "claim_generation", "armed_at", "armed_by", "reason", "claimed_at", "claim_ip", "claim_ua", "ended_at", "ended_by", "scope",
)  # fmt: skip
_COUNTED = ("claimed", "refused", "spent", "unlocked", "locked", "wrong-pin")
Result = t.Dict[str, t.Any]


def pack(state: Result) -> str:
    """Return a state as text, compressed: it goes through Ansible's results, which handle one long text faster than a large structure."""
    return base64.b64encode(zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 3)).decode()


def unpack(text: str) -> Result:
    """Return what :func:`pack` was given.

    :raises ValueError: not such a text, or of another version of the collection.
    """
    try:
        state = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (zlib.error, TypeError) as exc:
        raise ValueError(f"is not the state of a server ({exc})") from exc
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError("was read by another version of the collection")
    return state


def fingerprint(content: str, token_id: str) -> str:
    """Return what tells whether two fetches got the same: from the file's name and ETag, and the start of the home's token."""
    return hashlib.sha256(f"{content} {token_id}".encode()).hexdigest()[:16]


def releases(root: str) -> Result:
    """Return the release that serves, and per MAC what of it a phone gets.

    :raises ReleaseError: the published release is damaged.
    """
    current = Releases(root, Access("", "", "")).current()
    if current is None:
        return {"release": None, "served": {}}
    _header, rows = current.rows()
    served = {}
    for line in rows:
        row = json.loads(line)
        served[row["mac"]] = _served(current.path, row)
    info = current.info
    return {"release": {"id": current.id, "created": info.get("created", ""), "phones": len(served)}, "served": served}


def _served(path: str, row: t.Mapping[str, t.Any]) -> Result:
    gate = row.get("gate") or {}
    token_id = next((home["token"][:8] for home in gate.get("home") or () if home.get("current")), "")
    prints, since = [], 0.0
    for name in gate.get("contact_files") or ():
        try:
            found = os.stat(os.path.join(path, "phones", row["mac"], name))
        except OSError:
            continue
        # As nginx makes an ETag: time of change and size, in hexadecimal.
        prints.append(fingerprint(f'{name} "{int(found.st_mtime):x}-{found.st_size:x}"', token_id))
        since = max(since, found.st_mtime)
    return {
        "host": row["host"],
        "vendor": row["vendor"],
        "site": row.get("site") or "",
        "scope": row.get("scope") or "all",
        "prints": prints,
        "since": since,
        "home": fingerprint("", token_id),
    }


def store(opened: Store, days: int) -> Result:
    """Return what the claim store knows.

    :param days: how far back activity is counted by day.
    :raises StoreError: the store cannot be read, or was written by an older gate that kept less.
    """
    if int(opened.meta("schema") or 0) < VERSION:
        raise StoreError(f"{opened.name}: was written by an older gate; run the role provisioning_server first")
    status = opened.status()
    now = opened.moment().wall
    devices = {}
    for mac, row in status["devices"].items():
        entry = {name: row.get(name) for name in _CLAIM}
        entry["registrations"] = {
            account: {name: known.get(name) for name in ("state", "generation", "at", "msg")}
            for account, known in row["registrations"].items()
        }
        devices[mac] = entry
    contacts = {
        mac: {
            "at": at,
            "ip": ip,
            "ua": notices.masked(ua),
            "print": fingerprint(content, token) if content else "",
            "home": fingerprint("", token),
        }
        for mac, at, ip, ua, token, content in opened.execute("SELECT mac, at, ip, ua, token_id, content FROM contact").fetchall()
    }
    refused = opened.execute("SELECT detail, count(*) FROM event WHERE event = 'refused' GROUP BY detail ORDER BY detail").fetchall()
    wrong = opened.execute("SELECT count(*) FROM event WHERE event = 'wrong-pin'").fetchone()[0]
    return {
        "now": now,
        "closed": status["closed"],
        "devices": devices,
        "contacts": contacts,
        "refused": {**{str(detail): int(count) for detail, count in refused}, **({"wrong-pin": int(wrong)} if wrong else {})},
        "activity": _activity(opened, now - days * DAY),
        **notices.read(opened),
    }


def _activity(opened: Store, since: float) -> t.Dict[str, t.Dict[str, int]]:
    """Return counts of events by day, the day as its number since 1970 (UTC)."""
    marks = ", ".join("?" * len(_COUNTED))
    sql = f"SELECT at, event FROM event WHERE at >= ? AND event IN ({marks})"  # noqa: S608 - only placeholders are put in
    found: t.Dict[str, t.Dict[str, int]] = {}
    for at, event in opened.execute(sql, (since, *_COUNTED)).fetchall():
        day = found.setdefault(str(int(at // DAY)), {})
        day[event] = day.get(event, 0) + 1
    return found


def certificates(site: str, more: t.Iterable[str], run: t.Callable[..., t.Tuple[int, str, str]]) -> t.List[Result]:
    """Return the certificates that nginx's site names and those of more files, with their subjects and ends.

    :param run: runs a command, as AnsibleModule.run_command does.
    """
    files: t.Dict[str, str] = {}
    try:
        with open(site, encoding="utf-8") as stream:
            for word, path in _SITE.findall(stream.read()):
                files.setdefault(path, "server" if word == "ssl_certificate" else "clients")
    except OSError:
        pass
    for path in more:
        if os.path.exists(path):
            files.setdefault(path, "authority")
    found = []
    for path, use in files.items():
        try:
            with open(path, encoding="ascii", errors="replace") as stream:
                blocks = _PEM.findall(stream.read())
        except OSError as exc:
            found.append({"file": path, "use": use, "subject": "", "not_after": None, "msg": str(exc.strerror)})
            continue
        # A server's file is a chain: its first certificate is its own.
        for block in blocks[: 1 if use == "server" else 100]:
            code, out, err = run(
                ["openssl", "x509", "-noout", "-subject", "-enddate", "-nameopt", "RFC2253,-esc_msb,utf8"], data=block + "\n"
            )
            values = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
            if code or "notAfter" not in values:
                found.append({"file": path, "use": use, "subject": "", "not_after": None, "msg": (err.strip().splitlines() or ["?"])[0]})
                continue
            end = ssl.cert_time_to_seconds(values["notAfter"].strip())
            found.append({"file": path, "use": use, "subject": values.get("subject", "").strip(), "not_after": end, "msg": ""})
    return found
