# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A SQLite store that is lost, damaged, replaced or read-only is closed, never open."""

from __future__ import annotations

import os
import sqlite3

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreError, StoreMissing, create_store, notices, open_store

from .conftest import MAC, device, request


@pytest.fixture
def path(tmp_path) -> str:
    made = str(tmp_path / "claims.db")
    create_store(made, "test")
    return made


def test_a_store_is_made_once_with_a_random_epoch(path, tmp_path):
    epoch = open_store(path).epoch()
    assert create_store(path) is False
    assert open_store(path).epoch() == epoch
    other = str(tmp_path / "other.db")
    assert create_store(other)
    assert open_store(other).epoch() != epoch
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_check_mode_makes_no_store(tmp_path):
    path = tmp_path / "claims.db"
    assert create_store(str(path), check=True) is True
    assert not path.exists()


def test_opening_never_makes_a_store(tmp_path):
    path = tmp_path / "claims.db"
    with pytest.raises(StoreMissing):
        open_store(str(path))
    assert not path.exists()


def test_an_empty_file_is_no_store(tmp_path):
    path = tmp_path / "claims.db"
    path.touch()
    with pytest.raises(StoreMissing):
        open_store(str(path))


def test_rubbish_is_an_error_and_is_not_replaced(tmp_path):
    path = tmp_path / "claims.db"
    path.write_bytes(b"rubbish" * 1000)
    for use in (open_store, create_store):
        with pytest.raises(StoreError) as caught:
            use(str(path))
        assert not isinstance(caught.value, StoreMissing)
    assert path.read_bytes().startswith(b"rubbish")


def test_an_open_store_notices_that_its_file_is_gone(path):
    store = open_store(path)
    store.arm([device()])
    os.unlink(path)
    with pytest.raises(StoreError):
        store.claim([request()])


def test_an_open_store_notices_that_its_file_was_replaced(path, tmp_path):
    store = open_store(path)
    other = str(tmp_path / "other.db")
    create_store(other)
    os.replace(other, path)
    with pytest.raises(StoreError, match="replaced"):
        store.claim([request()])


def test_a_newer_schema_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="newer gate"):
        open_store(path)


def test_a_failed_transaction_leaves_nothing_behind(path):
    store = open_store(path)
    with pytest.raises(RuntimeError), store.transaction():
        store.execute("INSERT INTO event (at, mac, event) VALUES (0, '', 'x')")
        raise RuntimeError
    assert [event["event"] for event in store.events()] == ["created"]
    assert store.arm([device()])[0]["changed"]


def test_two_connections_agree_who_won(path):
    one, other = open_store(path), open_store(path)
    one.arm([device()])
    first, second = one.claim([request("192.0.2.1/32")])[0], other.claim([request("192.0.2.2/32")])[0]
    assert (first.allowed, second.allowed) == (True, False)


def test_a_backup_is_a_store_of_the_same_epoch(path, tmp_path):
    store = open_store(path)
    store.arm([device()])
    copy = str(tmp_path / "copy.db")
    store.backup(copy)
    restored = open_store(copy)
    assert restored.epoch() == store.epoch()
    assert restored.status()["devices"][MAC]["state"] == "armed"
    with pytest.raises(FileExistsError):
        store.backup(copy)


def test_a_store_of_the_first_schema_becomes_a_current_one(path):
    store = open_store(path)
    store.arm([device()])
    for statement in (
        "ALTER TABLE claim DROP COLUMN scope",
        "ALTER TABLE contact DROP COLUMN content",
        "DROP TABLE stranger",
        "DROP TABLE trouble",
        "DROP TABLE stub",
    ):
        store.execute(statement)
    store.set_meta("schema", "1")
    store.close()
    again = open_store(path)
    assert again.meta("schema") == "4"
    assert again.status()["devices"][MAC]["scope"] == "all"
    assert notices.read(again)["strangers"] == []
