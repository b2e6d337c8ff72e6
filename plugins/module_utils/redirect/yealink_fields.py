# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Yealink's two JSON interfaces have in common: the fields of a device, as sent and as listed, and the server entry that an operator names."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import OURS, Device, Found


def device_fields(device: Device) -> Dict[str, str]:
    """Return where a device is sent, with its credentials where it has some."""
    fields = {"uniqueServerUrl": device.url}
    if device.username or device.password:
        fields.update(authName=device.username, password=device.password)
    return fields


def found_of(row: Dict[str, Any]) -> Optional[Found]:
    """Return what a row of the account's devices says, or nothing where it names no MAC."""
    try:
        mac = normalize_mac(row.get("mac"))
    except MacError:
        return None
    url = str(row.get("uniqueServerUrl") or row.get("serverUrl") or "")
    # Where a service lists no user name, it writes null.
    username = str(row["authName"]) if row.get("authName") is not None else None
    return Found(mac, OURS, url=url, username=username, key=str(row.get("id") or ""), raw=row)


def server_id(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the id of the server entry of a name.

    :raises AccountError: the account has none of that name.
    """
    for row in rows:
        if row.get("serverName") == name:
            return str(row.get("id") or "")
    raise AccountError(f"server_name: {name!r} is not among the servers of the account")
