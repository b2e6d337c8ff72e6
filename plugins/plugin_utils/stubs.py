# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``/b/`` answers to a phone of a vendor: the ``bootstrap`` section of its pack, with everything filled in but the one-time URL.

``{url}`` (the URL's folder) and ``{path}`` (the same without scheme, host and last slash) stay for the gate, which alone knows the token.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import Base
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack


def stub_files(pack: Pack, model: Model, mac: str, base: Base) -> dict[str, str]:
    """Return the stub's files by their names on the server; none for a phone that does not ask for a file named after its MAC."""
    found = {}
    for entry in pack.data.get("bootstrap") or ():
        if entry.get("models") and not re.fullmatch(entry["models"], model.name, re.IGNORECASE):
            continue
        if entry.get("needs") and not getattr(model, entry["needs"]):
            continue
        text = str(entry["text"])
        words = {"mac": mac, "MAC": format_mac(mac, "upper"), "netloc": base.netloc, "host": base.host, "port": str(base.port or 443)}
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        found[pack.file_name(entry["name"], mac, model).lower()] = text
    return found


def bootstrap_record(pack: Pack, model: Model, mac: str, base: Base) -> dict[str, Any] | None:
    """Return what the gate must know to hand out a phone's stub, or nothing where there is none."""
    files = stub_files(pack, model, mac, base)
    return {"server": f"{base.scheme}://{base.netloc}", "files": files} if files else None
