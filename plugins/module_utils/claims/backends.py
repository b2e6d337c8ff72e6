# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kind of store a place means."""

from __future__ import annotations

import os

from .model import StoreError
from .postgresql import PostgresqlStore
from .sqlite import SqliteStore
from .store import Store


def open_store(target: str) -> Store:
    """Open a store by its place: the path of a SQLite database, or a ``postgresql://`` URL (or conninfo that starts with ``service=``).

    :raises StoreMissing: there is none.
    :raises StoreError: it cannot be opened, or is not a store.
    """
    return PostgresqlStore(target) if is_shared(target) else SqliteStore(target)


def create_store(target: str, by: str = "", check: bool = False) -> bool:
    """Make a store with a new random epoch where there is none; return whether one was (with ``check``: would be) made."""
    return PostgresqlStore.create(target, by, check) if is_shared(target) else SqliteStore.create(target, by, check)


def is_shared(target: str) -> bool:
    """Tell whether the place is a database that several servers use.

    :raises StoreError: it is neither such an address nor an absolute path; a database meant by other words must not become a file of that name.
    """
    if target.startswith(("postgresql://", "postgres://", "service=")):
        return True
    if os.path.isabs(target):
        return False
    # The address may hold a password, so it is not repeated.
    raise StoreError(
        "claim store: neither the absolute path of a SQLite file nor a PostgreSQL address, which begins with postgresql:// or service="
    )
