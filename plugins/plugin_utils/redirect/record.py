# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered of a registration, so that nobody has to be asked about it: digests, no URL and no secret."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Device

REGISTERED, GONE = "registered", "absent"


def url_digest(url: str) -> str:
    """What is recorded of a URL: it carries a token of 160 bits, so its digest tells nothing."""
    return hashlib.sha256(url.encode()).hexdigest()


def auth_digest(device: Device) -> str:
    """What is recorded of a user name and password; salted by the URL, empty when the device has neither."""
    if not (device.username or device.password):
        return ""
    return hashlib.sha256("\0".join((device.url, device.username, device.password)).encode()).hexdigest()


def record_of(device: Device, state: str) -> dict[str, Any]:
    """The record of a device whose wanted state is reached, as ``recorded`` takes it back."""
    if state != "present":
        return {"state": GONE, "url_sha256": ""}
    record: dict[str, Any] = {"state": REGISTERED, "url_sha256": url_digest(device.url)}
    if auth_digest(device):
        record["auth_sha256"] = auth_digest(device)
    if device.generation is not None:
        record["generation"] = device.generation
    return record


def is_recorded(device: Device, state: str) -> bool:
    """The record says that the wanted state was reached."""
    record = device.recorded
    if not record:
        return False
    if state != "present":
        return record.get("state") in (GONE, "deregistered")
    if record.get("state") not in (REGISTERED, "present") or record.get("url_sha256") != url_digest(device.url):
        return False
    return "auth_sha256" not in record or record["auth_sha256"] == auth_digest(device)
