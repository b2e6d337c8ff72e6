# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store that several servers share, in PostgreSQL; time is the database's, so servers whose clocks differ agree about a window."""

from __future__ import annotations

import contextlib
import re
import secrets
from typing import Any, Iterator, Sequence

from . import schema
from .clock import Moment
from .model import StoreError, StoreMissing
from .store import Store


def _driver() -> Any:
    try:
        import psycopg2
    except ImportError as exc:
        raise StoreError("the PostgreSQL driver is missing (package python3-psycopg2)") from exc
    return psycopg2


class PostgresqlStore(Store):
    """The store of several servers. A connection that was lost is made anew at the next use; what was asked meanwhile is refused."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.name = "PostgreSQL"
        self._connection: Any = None
        self._depth = 0
        with self._lock:
            self._connect()
        if not self._is_store():
            self.close()
            raise StoreMissing("PostgreSQL: the database holds no claim store")
        try:
            self.migrate()
        except StoreError:
            self.close()
            raise

    @classmethod
    def make(cls, target: str, by: str) -> bool:
        driver = _driver()
        try:
            connection = driver.connect(target, connect_timeout=5)
            try:
                with connection, connection.cursor() as cursor:
                    # Two servers may be set up at the same time.
                    cursor.execute("SELECT pg_advisory_xact_lock(7355608)")
                    cursor.execute("SELECT to_regclass('meta')")
                    if cursor.fetchone()[0] is not None:
                        return False
                    for statement in schema.postgresql_statements():
                        cursor.execute(statement)
                    rows = [("schema", str(schema.VERSION)), ("epoch", secrets.token_hex(16)), ("closed", "")]
                    cursor.executemany("INSERT INTO meta (key, value) VALUES (%s, %s)", rows)
                    sql = "INSERT INTO event (at, mac, event, \"by\") VALUES (extract(epoch FROM clock_timestamp()), '', 'created', %s)"
                    cursor.execute(sql, (by,))
            finally:
                connection.close()
        except driver.Error as exc:
            raise StoreError(f"PostgreSQL: cannot be made a claim store: {masked(_line(exc), target)}") from None
        return True

    def _connect(self) -> None:
        driver = _driver()
        try:
            self._connection = driver.connect(self.target, connect_timeout=3, application_name="dialtone-gate")
            self._connection.autocommit = True
            with self._connection.cursor() as cursor:
                # A claim that was answered must survive the loss of the database's power, whatever the server's default is.
                cursor.execute("SET synchronous_commit = on; SET lock_timeout = '5s'; SET statement_timeout = '10s'")
        except driver.Error as exc:
            self._connection = None
            raise StoreError(f"PostgreSQL: {masked(_line(exc), self.target)}") from None

    def _is_store(self) -> bool:
        return self.execute("SELECT to_regclass('meta')").fetchone()[0] is not None and bool(self.epoch())

    def moment(self) -> Moment:
        found = self.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        return Moment(float(found[0]), "", 0.0)

    def skip_events(self, number: int) -> None:
        self.execute(
            "SELECT setval(pg_get_serial_sequence('event', 'id'), greatest(?, nextval(pg_get_serial_sequence('event', 'id'))))", (number,)
        )

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        driver = _driver()
        with self._lock:
            if self._connection is None or self._connection.closed:
                if self._depth:
                    raise StoreError("PostgreSQL: the connection was lost in a transaction")
                self._connect()
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql.replace("?", "%s"), tuple(values))
            except (driver.OperationalError, driver.InterfaceError) as exc:
                # Nothing is known about this connection any more; the next use starts with a new one.
                self.close()
                raise StoreError(f"PostgreSQL: {_line(exc)}") from exc
            except driver.Error as exc:
                raise StoreError(f"PostgreSQL: {_line(exc)}") from exc
            return cursor

    @contextlib.contextmanager
    def transaction(self, keep: bool = True) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            self.execute("BEGIN")
            self._depth = 1
            try:
                yield
                self.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                self._depth = 0
                with contextlib.suppress(StoreError):
                    self.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None


def _line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]


def masked(text: str, target: str) -> str:
    """Return what the driver says of an address without the parts of its password that it quotes when it can't make sense of them."""
    if "://" in target:
        begin, end = target.find(":", target.index("://") + 3), target.rfind("@")
    else:
        begin, end = target.find("password"), len(target)
    if not 0 <= begin < end:
        return text

    def hidden(found: re.Match[str]) -> str:
        places = (place.start() for place in re.finditer(f"(?={re.escape(found.group(1))})", target))
        return '"***"' if any(at < end and at + len(found.group(1)) > begin for at in places) else found.group()

    return re.sub(r'"([^"]+)"', hidden, text)
