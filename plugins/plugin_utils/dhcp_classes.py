# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a DHCP server must know to send phones to ``/b/``: by vendor, how they are told apart and which options they read, from the packs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.context import BaseError, parse_base
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import did_you_mean

VENDOR_INFORMATION = 43


def dhcp_classes(vendors: Iterable[str], provisioning_url: Any, packs: Packs) -> tuple[list[dict[str, Any]], list[str]]:
    """Return one class per vendor, and what is wrong with the vendors and the address, a clause each.

    A class is ``vendor``, ``vendor_class`` (a prefix of option 60, or empty) or else ``ouis``, ``options`` and ``encapsulated``.

    An option is its code, its text and the same in hexadecimal; ``encapsulated`` is the value of option 43 and what it holds.

    :raises PackError: a pack that cannot be read.
    """
    problems = []
    url = ""
    try:
        base = parse_base(provisioning_url)
        url = f"{base.scheme}://{base.netloc}/b/"
        if base.scheme != "https":
            problems.append("provisioning_url: is plain HTTP, and stubs are handed out over TLS only")
    except BaseError as exc:
        problems.append(str(exc))
    made = []
    named = list(dict.fromkeys(vendors))
    found = {name: packs.get(name) for name in packs.names()}
    usable = [name for name, pack in found.items() if pack is not None and _has_stub(pack)]
    if not named:
        problems.append(f"dhcp_options_vendors: is empty; name the vendors whose phones shall be sent to /b/ (known: {', '.join(usable)})")
    for name in named:
        pack = found.get(name)
        if pack is None:
            problems.append(
                f"dhcp_options_vendors: {name!r} has no pack{did_you_mean(str(name), usable) or '; known: ' + ', '.join(usable)}"
            )
        elif not _has_stub(pack):
            problems.append(
                f"dhcp_options_vendors: {name} phones cannot be told their one-time URL on their LAN (known: {', '.join(usable)})"
            )
        else:
            made.append(_class(pack, url))
    return made, problems


def _has_stub(pack: Pack) -> bool:
    return bool(pack.data.get("bootstrap")) and pack.data["handover"] == "home"


def _class(pack: Pack, url: str) -> dict[str, Any]:
    """Return a vendor's class. Option 43 is sent only where the pack says which sub-options the phones read."""
    dhcp = pack.data.get("dhcp") or {}
    # A class such as "Grandstream {MODEL}" is told by what stands before the model.
    prefix = re.split(r"\{", str(dhcp.get("vendor_class") or ""), maxsplit=1)[0]
    raw = url.encode("ascii")
    inner = [{"code": code, "text": url} for code in dhcp.get("encapsulated") or ()]
    packed = b"".join(bytes((item["code"], len(raw))) + raw for item in inner)
    return {
        "vendor": pack.vendor,
        "vendor_class": prefix,
        "ouis": [] if prefix else list(pack.data.get("ouis") or ()),
        "options": [{"code": code, "text": url, "hex": raw.hex()} for code in dhcp.get("options") or () if code != VENDOR_INFORMATION],
        "encapsulated": inner,
        "encapsulated_hex": packed.hex(),
    }
