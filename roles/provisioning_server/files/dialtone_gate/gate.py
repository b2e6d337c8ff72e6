# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions nginx asks, one function each: may this claim pass, may this home pass."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import logging
import time
from typing import Dict, Mapping, NamedTuple, Set, Tuple

from claims import ClaimRequest, Row, StoreError
from claims.model import decide, network_of

from . import digest
from .bootstrap import Bootstrap
from .config import Config
from .devices import Device, Devices, DevicesError, certificate_passes, inside
from .keeper import Keeper

log = logging.getLogger("dialtone-gate")
_REMEMBERED = 20_000
_NOTED_FOR = 600
_NOTED_EACH = 20


class Answer(NamedTuple):
    """What nginx is told: 204 pass, 401 with a challenge, 403 refuse; 500 becomes 503 for whoever asks."""

    status: int
    headers: Tuple[Tuple[str, str], ...] = ()


def refuse(reason: str) -> Answer:
    return Answer(403, (("x-gate-reason", reason),))


class Throttle:
    """Counts refusals per address: a bucket that empties at a steady rate. Whoever is over it learns nothing but that."""

    def __init__(self, per_minute: int) -> None:
        self._limit = float(per_minute)
        self._levels: Dict[str, Tuple[float, float]] = {}

    def is_over(self, key: str) -> bool:
        """Count a refusal and tell whether there were too many."""
        now = time.monotonic()
        level, at = self._levels.get(key, (0.0, now))
        level = max(0.0, level - (now - at) * self._limit / 60) + 1
        if len(self._levels) >= _REMEMBERED:
            self._levels.clear()
        self._levels[key] = (min(level, self._limit + 1), now)
        return level > self._limit


class Gate:
    """Decides; holds no state of its own but nonces, counters and the PINs that were wrong."""

    def __init__(self, config: Config, devices: Devices, keeper: Keeper) -> None:
        self._config = config
        self._devices = devices
        self._keeper = keeper
        self._nonces = digest.Nonces(config.nonce_lifetime)
        self._throttle = Throttle(config.refusals_per_minute)
        self._wrong_pins: Set[str] = set()
        self._noted: Dict[str, Set[Tuple[str, str]]] = {}
        self._noted_since = time.monotonic()
        self._tasks: Set[asyncio.Task] = set()
        self._bootstrap = Bootstrap(config, devices, keeper, self._net)

    def share_nonces(self, key: bytes) -> None:
        """Take the key that all servers of the store have, so that phones may log in at any of them."""
        self._nonces.share(key)

    async def settle(self) -> None:
        """Wait for what is still being written."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def claim(self, asked: Mapping[str, str]) -> Answer:
        """Answer for ``/c/<token>/<file>``. Whatever the reason, a refusal looks the same to the client."""
        try:
            answer, reason, mac = await self._claim(asked)
        except (StoreError, DevicesError):
            return Answer(500, (("x-gate-reason", "unavailable"),))
        if answer.status != 403:
            return answer
        return refuse(self._refused(mac, reason, asked.get("address", "")))

    async def bootstrap(self, asked: Mapping[str, str]) -> Tuple[int, str, str]:
        """Answer for ``/b/<file>`` with a status, a stub and a reason for the log."""
        try:
            stub = await self._bootstrap.stub(asked)
        except (StoreError, DevicesError):
            return 500, "", "unavailable"
        except Exception:
            log.exception("a stub could not be decided")
            return 500, "", "failure"
        if stub.text:
            return 200, stub.text, "stub"
        reason = self._refused(stub.mac, f"stub: {stub.reason}", asked.get("address", ""))
        return (429 if reason == "limited" else 404), "", reason

    def _refused(self, mac: str, reason: str, address: str) -> str:
        """Note a refusal and count it; return what nginx is told about it."""
        if self._is_news(mac, reason, address):
            # Not waited for: an answer that takes longer would tell a known token from an unknown one.
            task = asyncio.ensure_future(self._note(mac, reason, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return "limited" if self._throttle.is_over(self._net(address)) else reason

    async def _claim(self, asked: Mapping[str, str]) -> Tuple[Answer, str, str]:
        method, address, name = asked.get("method", ""), asked.get("address", ""), asked.get("file", "").lower()
        token = hashlib.sha256(asked.get("token", "").encode()).hexdigest()
        row, moment = await self._keeper.look(token, self._net(address))
        if row is None:
            return refuse(""), "unknown", ""
        reason = self._precondition(row.mac, asked)
        if reason:
            return refuse(""), reason, row.mac
        device = self._devices.get(row.mac)
        assert device is not None
        request = ClaimRequest(
            # A stub's token stands for the claim's own.
            token_sha256=row.token_sha256 or token,
            net=self._net(address),
            ip=address,
            ua=asked.get("agent", ""),
            cert=asked.get("subject", ""),
            first_file=method == "GET" and name in device.claim_files,
            pin_sha256=_pin_sha256(asked.get("authorization", ""), row),
        )
        decision = decide(row, request, moment)
        if decision.claim:
            if device.claim_pin and row.pin_sha256 is None:
                # Published with a PIN, armed before without one: the next run of onboarding puts that right.
                return refuse(""), "pin-not-armed", row.mac
            if request.pin_sha256 and request.pin_sha256 in self._wrong_pins:
                # A phone tries what somebody typed for each of its first files; that is one guess, and says nothing new.
                decision = decision._replace(allowed=False, reason="wrong-pin")
            else:
                decision = await self._keeper.claim(request)
            if decision.allowed:
                log.info("claimed", extra={"mac": row.mac, "ip": address})
        if decision.reason == "wrong-pin":
            if len(self._wrong_pins) >= _REMEMBERED:
                self._wrong_pins.clear()
            self._wrong_pins.add(request.pin_sha256)
        if decision.reason in ("pin", "wrong-pin"):
            return Answer(401, (("www-authenticate", 'Basic realm="PIN"'), ("x-gate-reason", decision.reason))), "", row.mac
        if not decision.allowed:
            return refuse(""), decision.reason, row.mac
        return Answer(204, (("x-gate-device", row.mac), ("x-gate-file", name), ("x-gate-reason", decision.reason))), "", row.mac

    def _precondition(self, mac: str, asked: Mapping[str, str]) -> str:
        """Return why a claim is out of the question before its state is even looked at, or nothing."""
        device = self._devices.get(mac)
        if asked.get("method") not in ("GET", "HEAD"):
            return "method"
        if device is None or not device.enabled or device.onboarding == "off":
            return "not-in-release"
        return self._admission(device, asked)

    def _admission(self, device: Device, asked: Mapping[str, str]) -> str:
        address = asked.get("address", "")
        everywhere = (self._config.networks, self._devices.networks)
        if not all(inside(address, networks) for networks in (*everywhere, device.networks)):
            return "address"
        if asked.get("scheme") != "https" and not (any(everywhere) or device.networks):
            return "plain-http"
        if not certificate_passes(device, asked.get("verify", ""), asked.get("subject", ""), asked.get("issuer", "")):
            return "certificate"
        return ""

    async def home(self, asked: Mapping[str, str]) -> Answer:
        """Answer for the homes that need state: Digest, and old generations until the phone was seen on the new one.

        nginx has already checked networks, certificate and Basic credentials; an empty mac means that something there failed.
        """
        mac = asked.get("mac", "")
        try:
            device = self._devices.get(mac) if mac else None
            entry = device.entry(hashlib.sha256(asked.get("token", "").encode()).hexdigest()) if device else None
            if device is None or entry is None or not device.enabled:
                return refuse("unknown")
            if not entry["current"] and await self._has_moved(device):
                return refuse("old-generation")
            if entry["auth"] != "digest":
                return Answer(204, (("x-gate-reason", "ok"),))
            verdict = digest.verify(
                asked.get("authorization", ""), entry, mac, asked.get("method", ""), asked.get("uri", ""), self._nonces, device.strict_nc
            )
        except (StoreError, DevicesError):
            return Answer(500, (("x-gate-reason", "unavailable"),))
        if verdict.allowed:
            return Answer(204, (("x-gate-reason", verdict.reason),))
        header = digest.challenge(entry, self._nonces.issue(mac), verdict.stale)
        return Answer(401, (("www-authenticate", header), ("x-gate-reason", verdict.reason)))

    async def _has_moved(self, device: Device) -> bool:
        current = device.current()
        return current is not None and await self._keeper.contact_token(device.mac) == current["token_id"]

    def _net(self, address: str) -> str:
        try:
            return network_of(address, self._config.claim_prefix_v4, self._config.claim_prefix_v6)
        except ValueError:
            return ""

    def _is_news(self, mac: str, reason: str, address: str) -> bool:
        """Tell whether a refusal belongs into the audit trail: of a known phone, each reason and address once in ten minutes, and not too many."""
        if not mac:
            return False
        now = time.monotonic()
        if now - self._noted_since > _NOTED_FOR or len(self._noted) >= _REMEMBERED:
            self._noted.clear()
            self._noted_since = now
        seen = self._noted.setdefault(mac, set())
        key = (reason, self._net(address))
        if key in seen or len(seen) >= _NOTED_EACH:
            return False
        seen.add(key)
        return True

    async def _note(self, mac: str, reason: str, address: str) -> None:
        with contextlib.suppress(StoreError):
            await self._keeper.write(lambda store: store.add_event(mac, "refused", ip=address, detail=reason))


def _pin_sha256(authorization: str, row: Row) -> str:
    """Return what the store would know of the PIN that was typed, nothing where none is wanted or none was given; the user does not matter."""
    given = _basic_password(authorization) if row.pin_sha256 is not None else ""
    return hashlib.sha256(f"{row.mac}:{row.claim_generation}:{given}".encode()).hexdigest() if given else ""


def _basic_password(authorization: str) -> str:
    scheme, _blank, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text.strip(), validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
