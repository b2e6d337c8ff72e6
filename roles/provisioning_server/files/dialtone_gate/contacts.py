# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx logs about completed fetches: the way the gate learns that a phone has arrived at home."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Dict, Optional, Tuple

from claims import StoreError

from .devices import Devices, DevicesError
from .keeper import Keeper
from .notices import Notices

log = logging.getLogger("dialtone-gate")
_MAC = re.compile(r"[0-9a-f]{12}")
# What a name has that is pinned to its content.
_PIN = re.compile(r"-v[0-9a-f]{16}(?=\.[a-z0-9]+\Z)")
_PAUSE = 0.2
_MAX_WAITING = 100_000


class Contacts(asyncio.DatagramProtocol):
    """Collects contacts for a moment and writes them together; the latest of a phone counts."""

    def __init__(self, devices: Devices, keeper: Keeper) -> None:
        self._devices = devices
        self._keeper = keeper
        self._notices = Notices(devices, keeper)
        self._waiting: Dict[str, Tuple[str, ...]] = {}
        self._task: Optional[asyncio.Task] = None

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[data.find(b"{") :].startswith(b'{"notice"'):
            self._notices.receive(data)
            return
        contact = self._parse(data)
        if contact is None or len(self._waiting) >= _MAX_WAITING:
            return
        self._waiting[contact[0]] = contact
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._write())

    def _parse(self, data: bytes) -> Optional[Tuple[str, ...]]:
        """Return mac, address, user agent, token id, and file with ETag of a completed fetch of a per-device file, else nothing."""
        try:
            line = json.loads(data[data.index(b"{") :].decode("utf-8", "replace"))
            mac, name = str(line["device"]), _PIN.sub("", str(line["file"]).lower())
            device = self._devices.get(mac) if _MAC.fullmatch(mac) else None
        except (ValueError, KeyError, TypeError, DevicesError):
            return None
        if device is None or name not in device.contact_files or line.get("status") not in ("200", "304"):
            return None
        return mac, str(line.get("ip", "")), str(line.get("agent", "")), str(line.get("token_id", "")), f"{name} {line.get('etag', '')}"

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_PAUSE)
            seen, self._waiting = list(self._waiting.values()), {}
            try:
                ended = await self._keeper.write(lambda store, seen=seen: (store.contacts(seen), self._keeper.mark_seen(store))[0])
            except StoreError:
                continue
            for mac in ended:
                log.info("spent", extra={"mac": mac, "reason": "contact at home"})
