# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store in a SQLite file: write-ahead log, synchronous=FULL, so a claim that was answered survives a power cut."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from typing import Any, Iterator, Sequence

from . import clock, schema
from .clock import Moment
from .model import StoreError, StoreMissing
from .store import Store


class SqliteStore(Store):
    """The store of one server.

    The file is looked at before every use: when it was deleted or replaced, an open connection would go on with the old one, which nobody
    else sees. A missing file is never created here; only :meth:`create` makes a store.
    """

    def __init__(self, path: str, readonly: bool = False) -> None:
        super().__init__(path)
        self.name = self.path = path
        self._readonly = readonly
        self._file = self._identity()
        self._open()
        try:
            if not self._is_store():
                raise StoreMissing(f"{path}: is an empty database, not a claim store")
            self.migrate(write=not readonly)
        except sqlite3.Error as exc:
            self.close()
            raise StoreError(f"{path}: {exc}") from exc
        except StoreError:
            self.close()
            raise

    @classmethod
    def make(cls, target: str, by: str) -> bool:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(target, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in schema.sqlite_statements():
                connection.execute(statement)
            moment = clock.now()
            rows = [("schema", str(schema.VERSION)), ("epoch", secrets.token_hex(16)), ("created_at", repr(moment.wall)), ("closed", "")]
            connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)
            connection.execute("INSERT INTO event (at, mac, event, \"by\") VALUES (?, '', 'created', ?)", (moment.wall, by))
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise StoreError(f"{target}: cannot be made a claim store: {exc}") from exc
        finally:
            connection.close()
        return True

    def _identity(self) -> tuple:
        try:
            found = os.stat(self.path)
        except OSError as exc:
            kind = StoreMissing if isinstance(exc, FileNotFoundError) else StoreError
            raise kind(f"{self.path}: {exc.strerror}") from exc
        return found.st_dev, found.st_ino

    def _open(self) -> None:
        try:
            self._connection = sqlite3.connect(
                f"file:{self.path}?mode=rw", uri=True, isolation_level=None, timeout=10, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous=FULL")
            if self._readonly:
                self._connection.execute("PRAGMA query_only=ON")
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: {exc}") from exc

    def _is_store(self) -> bool:
        if not self.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return False
        return bool(self.epoch())

    def moment(self) -> Moment:
        return clock.now()

    def skip_events(self, number: int) -> None:
        self.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'event'", (number,))

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        with self._lock:
            if self._identity() != self._file:
                raise StoreError(f"{self.path}: was replaced while it was open")
            try:
                return self._connection.execute(sql, values)
            except sqlite3.Error as exc:
                raise StoreError(f"{self.path}: {exc}") from exc

    @contextlib.contextmanager
    def transaction(self, keep: bool = True) -> Iterator[None]:
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT" if keep else "ROLLBACK")
            finally:
                # Whatever went wrong, a failed COMMIT included, leaves no transaction behind that a later statement would join.
                if self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.rollback()

    def backup(self, path: str) -> None:
        """Write a consistent copy to a new file, readable by its owner only."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        target = sqlite3.connect(path)
        try:
            self._connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as exc:
            raise StoreError(f"{path}: {exc}") from exc
        finally:
            target.close()

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error, AttributeError):
            self._connection.close()
