# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kind of store a place means, and that a database in other words never becomes a file of that name."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreError, create_store, open_store
from ansible_collections.dialtone.phones.plugins.module_utils.claims.backends import is_shared
from ansible_collections.dialtone.phones.plugins.module_utils.claims.postgresql import masked


@pytest.mark.parametrize(
    ("target", "shared"),
    [
        ("/var/lib/dialtone-gate/claims.db", False),
        ("postgresql://gate@db/dialtone", True),
        ("postgres://gate@db/dialtone", True),
        ("service=dialtone", True),
    ],
)
def test_a_place_is_a_file_or_a_database(target, shared):
    assert is_shared(target) is shared


@pytest.mark.parametrize("target", ["host=db password=only-here", "claims.db", "mysql://db/x", "PostgreSQL://db/x", ""])
@pytest.mark.parametrize("use", [is_shared, open_store, create_store])
def test_anything_else_is_refused_without_being_repeated_and_makes_no_file(target, use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="neither the absolute path") as caught:
        use(target)
    assert "only-here" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "said", "told"),
    [
        (
            "postgresql://gate:pa%ss@db/x",
            'invalid dsn: invalid percent-encoded token: "pa%ss"',
            'invalid dsn: invalid percent-encoded token: "***"',
        ),
        (
            "postgresql://gate:pa/ss@db/x",
            'invalid integer value "pa" for connection option "port"',
            'invalid integer value "***" for connection option "port"',
        ),
        (
            "postgresql://gate:p@ss@db/x",
            'could not translate host name "ss@db" to address',
            'could not translate host name "***" to address',
        ),
        ("service=x password=one two", 'invalid dsn: missing "=" after "two" in', 'invalid dsn: missing "***" after "***" in'),
        (
            "postgresql://gate:secret@db:1/x",
            'connection to server at "db", port 1 failed: refused',
            'connection to server at "db", port 1 failed: refused',
        ),
        ("postgresql://gate@db/x", 'database "x" does not exist', 'database "x" does not exist'),
        ("service=dialtone", 'definition of service "dialtone" not found', 'definition of service "dialtone" not found'),
    ],
)
def test_what_the_driver_quotes_of_a_password_is_not_repeated(target, said, told):
    assert masked(said, target) == told
