# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the daemon uses the claim store: reads at once, writes in batches, and a store that fails is opened anew, not trusted."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Optional, Tuple

from claims import ClaimRequest, Decision, Row, Store, StoreError, open_store
from claims.backends import is_shared
from claims.clock import Moment

log = logging.getLogger("dialtone-gate")
_RETRY = 1.0
_UNSEEN = 1_000_000
# What this server has seen of a store that is not on it.
SHARED = "/var/lib/dialtone-gate/shared"


class Keeper:
    """Holds two connections: one that reads where requests are answered, and one that writes in a thread of its own.

    All writes that wait while one transaction is being made durable go into the next one together, so the disk's speed bounds the delay of a
    claim and not their number.
    """

    def __init__(self, target: str, mark: str = "") -> None:
        """
        :param mark: the file that says what this server has seen of the store; by default beside the store, or this server's own for a shared one.
        """
        self._target = target
        self.is_shared = self._shared = is_shared(target)
        self._writer = ThreadPoolExecutor(1, "claims-writer")
        self._readers = ThreadPoolExecutor(1, "claims-reader")
        self._stores: Dict[str, Store] = {}
        self._failed: Dict[str, Tuple[float, StoreError]] = {}
        self._waiting: List[Tuple[ClaimRequest, asyncio.Future]] = []
        self._task: Optional[asyncio.Task] = None
        self._mark = mark or (SHARED if self._shared else target) + ".seen"
        # What this server has seen of the store: its epoch, and how far its audit trail had come.
        self._marked: Optional[Dict[str, Any]] = None
        self._written: Optional[Dict[str, Any]] = None

    def _use(self, name: str, work: Callable[[Store], Any]) -> Any:
        """Run work on a connection; one that failed is closed, and opened again not more than once a second."""
        at, error = self._failed.get(name, (0.0, None))
        if error is not None and time.monotonic() - at < _RETRY:
            raise error
        try:
            made = self._try(name, work)
        except StoreError as exc:
            if self._failed.get(name, (0.0, None))[1] is None or str(exc) != str(error):
                log.error("claim store: %s", exc)
            self._failed[name] = (time.monotonic(), exc)
            raise
        if error is not None:
            log.info("claim store: usable again")
            del self._failed[name]
        return made

    def _try(self, name: str, work: Callable[[Store], Any]) -> Any:
        """Run work on the open connection, and where that has gone bad (the database was restarted, the file replaced) once more on a new one.

        Doing a thing twice is harmless: a claim that was written after all is that of the same address the second time.
        """
        store = self._stores.get(name)
        if store is not None:
            try:
                return work(store)
            except StoreError:
                self._stores.pop(name).close()
        store = open_store(self._target)
        try:
            if name == "writer":
                self._check_mark(store)
            made = work(store)
        except BaseException:
            store.close()
            raise
        self._stores[name] = store
        return made

    async def read(self, work: Callable[[Store], Any]) -> Any:
        if not self._shared:
            return self._use("reader", work)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._use, "reader", work)

    async def write(self, work: Callable[[Store], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._use, "writer", work)

    async def look(self, token_sha256: str, net: str = "") -> Tuple[Optional[Row], Moment]:
        """Return the row that a token names (none while all claims are closed) and the store's time; a stub's token names one for its address only.

        :raises StoreError: the store cannot be used.
        """

        def work(store: Store) -> Tuple[Optional[Row], Moment]:
            row = None if store.is_closed() else store.by_token(token_sha256) or store.by_stub(token_sha256, net)
            return row, store.moment()

        return await self.read(work)

    async def contact_token(self, mac: str) -> str:
        return await self.read(lambda store: store.contact_token(mac))

    async def claim(self, request: ClaimRequest) -> Decision:
        """Decide a request by the conditional write; returns when the answer is durable."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._drain())
        return await answer

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            requests = [request for request, _answer in batch]
            try:
                decisions = await self.write(lambda store, requests=requests: self._claim(store, requests))
            except Exception as exc:
                if not isinstance(exc, StoreError):
                    log.exception("claim store: unexpected failure")
                for _request, answer in batch:
                    if not answer.done():
                        answer.set_exception(exc if isinstance(exc, StoreError) else StoreError("unexpected failure"))
                continue
            for (_request, answer), decision in zip(batch, decisions):
                if not answer.done():
                    answer.set_result(decision)

    def _claim(self, store: Store, requests: List[ClaimRequest]) -> List[Decision]:
        self._check_mark(store)
        decisions = store.claim(requests)
        self._marked = {"epoch": store.epoch(), "event": last_event(store)}
        return decisions

    def _check_mark(self, store: Store) -> None:
        """Close all claims when the store is older than what this server has already seen of it: somebody put back a copy."""
        if self._written is not None and not self._shared and not os.path.exists(self._mark):
            # gatectl took it away with the store that it replaced; what is remembered of that one must not close the new one after it was confirmed.
            self._marked = self._written = None
        if self._marked is None:
            try:
                with open(self._mark, encoding="utf-8") as stream:
                    seen = json.load(stream)
                self._marked = {"epoch": str(seen["epoch"]), "event": int(seen["event"])}
            except (OSError, ValueError, KeyError, TypeError):
                return
        if self._marked["epoch"] == store.epoch() and last_event(store) < self._marked["event"] and not store.is_closed():
            # Another server may have seen more of the lost store than this one, but not so much more.
            store.close_claims("restored from a copy", beyond=self._marked["event"] + _UNSEEN)
            log.error("claim store: is older than what was seen of it; all claims are closed until confirmed")

    def mark_seen(self, store: Store) -> None:
        """Remember how far the store's audit trail has come, unless it has gone back, which closes all claims."""
        self._check_mark(store)
        seen = self._marked = {"epoch": store.epoch(), "event": last_event(store)}
        if seen == self._written:
            return
        temporary = self._mark + ".new"
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
                json.dump(seen, stream)
            os.replace(temporary, self._mark)
            self._written = seen
        except OSError as exc:
            log.warning("%s: %s", self._mark, exc.strerror)

    def close(self) -> None:
        for pool in (self._writer, self._readers):
            pool.shutdown(wait=True)
        for store in self._stores.values():
            store.close()


def last_event(store: Store) -> int:
    return int(store.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])
