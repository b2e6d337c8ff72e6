# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores to test with: SQLite always, PostgreSQL where DIALTONE_TEST_POSTGRESQL names an empty database; and a clock that tests set."""

from __future__ import annotations

import hashlib
import os

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import ClaimRequest
from ansible_collections.dialtone.phones.plugins.module_utils.claims.clock import Moment
from ansible_collections.dialtone.phones.plugins.module_utils.claims.postgresql import PostgresqlStore
from ansible_collections.dialtone.phones.plugins.module_utils.claims.sqlite import SqliteStore

MAC = "001565aabbcc"
HOME, OTHER = "192.0.2.1/32", "192.0.2.2/32"


def token(generation: int = 1, mac: str = MAC) -> str:
    return hashlib.sha256(f"{mac}{generation}".encode()).hexdigest()


def device(generation: int = 1, mac: str = MAC, **more) -> dict:
    return {"mac": mac, "claim_generation": generation, "token_sha256": token(generation, mac), "window": 900, "by": "test", **more}


def request(net: str = HOME, generation: int = 1, first: bool = True, mac: str = MAC) -> ClaimRequest:
    return ClaimRequest(token(generation, mac), net, net.split("/")[0], "Phone 1.0", "", first)


class Clock:
    def __init__(self) -> None:
        self.set(1_000_000.0, "boot-1", 5_000.0)

    def set(self, wall: float, boot: str, uptime: float) -> None:
        self.moment = Moment(wall, boot, uptime)

    def pass_seconds(self, seconds: float) -> None:
        wall, boot, uptime = self.moment
        self.set(wall + seconds, boot, uptime + seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def empty_postgresql() -> str:
    """Return the database that the environment names, emptied; without one the test is skipped."""
    target = os.environ.get("DIALTONE_TEST_POSTGRESQL", "")
    if not target:
        pytest.skip("DIALTONE_TEST_POSTGRESQL names no database")
    import psycopg2

    connection = psycopg2.connect(target)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    return target


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path, clock):
    base, target = (SqliteStore, str(tmp_path / "claims.db")) if request.param == "sqlite" else (PostgresqlStore, None)

    class ClockedStore(base):
        def moment(self) -> Moment:
            return clock.moment

    target = target or empty_postgresql()
    assert base.create(target)
    opened = ClockedStore(target)
    yield opened
    opened.close()
