# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx logs about requests that went wrong: who is unknown, and which phones are in trouble. Collected, counted, and written now and then."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from typing import Any, Dict, Mapping, Optional, Tuple

from claims import StoreError
from claims.model import network_of
from claims.notices import Notice, record

from .devices import Devices, DevicesError
from .keeper import Keeper

log = logging.getLogger("dialtone-gate")
_PAUSE = 3.0
_MAX_WAITING = 2000
_MAC = re.compile(r"(?:(?<![0-9a-f])|(?<=spa))(?:[0-9a-f]{12}|[0-9a-f]{2}(?:(?:[:.-]|%3a)[0-9a-f]{2}){5})(?![0-9a-f])", re.IGNORECASE)
# Refusals of a Digest login that belong to every login, or mean that two requests met.
_USUAL = frozenset({"no-credentials", "stale", "replay"})


class Notices:
    """Counts what went wrong until it is written; a flood fills a bounded table and no more."""

    def __init__(self, devices: Devices, keeper: Keeper) -> None:
        self._devices = devices
        self._keeper = keeper
        self._waiting: Dict[Tuple[str, str], Notice] = {}
        self._requests = 0
        self._task: Optional[asyncio.Task] = None

    def receive(self, data: bytes) -> None:
        """Take a line of nginx's log."""
        try:
            line = json.loads(data[data.index(b"{") :].decode("utf-8", "replace"))
            notice = self._notice({key: str(value) for key, value in line.items()})
        except (ValueError, TypeError, AttributeError, DevicesError):
            return
        if notice is None and self._requests == 0:
            return
        if notice is not None:
            key = (notice.mac, notice.kind)
            # Kept as the moment it was heard; its age is known when it is written.
            notice = notice._replace(age=time.monotonic())
            before = self._waiting.get(key)
            if before is not None:
                notice = notice._replace(count=before.count + 1)
            elif len(self._waiting) >= _MAX_WAITING:
                return
            self._waiting[key] = notice
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._write())

    def _notice(self, line: Mapping[str, str]) -> Optional[Notice]:
        """Return what a line says of a phone or a stranger; nothing when it names no MAC, or nothing went wrong."""
        ip, ua, status, reason = line.get("ip", ""), line.get("agent", ""), line.get("status", ""), line.get("reason", "")
        device = line.get("device", "")
        if device:
            kind = _kind(status, reason)
            known = kind and self._devices.get(device) is not None
            return Notice(device, kind, ip, _net(ip), ua, reason or status) if known else None
        self._requests += 1
        mac, source = _named(line.get("asked", "")), "path"
        if not mac:
            mac, source = _named(ua), "agent"
        if not mac:
            return None
        if self._devices.get(mac) is None:
            return Notice(mac, "", ip, _net(ip), ua, source=source)
        return Notice(mac, "claim" if line.get("notice") == "c" else "lost", ip, _net(ip), ua, reason)

    async def _write(self) -> None:
        while self._waiting or self._requests:
            await asyncio.sleep(_PAUSE)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; what can't be written is dropped, since it is only told to people."""
        now = time.monotonic()
        notices, self._waiting = [notice._replace(age=now - notice.age) for notice in self._waiting.values()], {}
        requests, self._requests = self._requests, 0
        if not notices and not requests:
            return
        try:
            await self._keeper.write(lambda store: record(store, notices, requests))
        except StoreError:
            pass
        except Exception:
            log.exception("notices could not be written")


def _kind(status: str, reason: str) -> str:
    """Return what a phone of the release is in trouble with, from the status and the reason of its answer."""
    if status in ("200", "304"):
        return "old"
    if status == "401":
        return "" if reason in _USUAL else "login"
    if status == "429":
        return "limited"
    if status.startswith("5"):
        return "failure"
    return "moved" if reason == "old-generation" else "barred"


def _named(text: Any) -> str:
    """Return the MAC that a text names, as twelve lower-case digits; empty when there is none, or when no device can have it."""
    found = _MAC.search(text)
    if not found:
        return ""
    mac = re.sub(r"%3a|[^0-9a-f]", "", found.group().lower())
    # A group address is nobody's, and six zeros are how names of common files begin (y000000000123.cfg).
    return "" if int(mac[1], 16) & 1 or mac.startswith("000000") else mac


def _net(address: str) -> str:
    try:
        return network_of(address)
    except ValueError:
        return ""
