# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables, their guards, and how an older store becomes a current one.

The guards are in the database and not in the code above it, so that they hold for every program that ever opens it: no claim and no event
is deleted, no event is changed, no generation falls, and no door that was closed opens without a new generation.
"""

from __future__ import annotations

from typing import List

VERSION = 4

STUB = """CREATE TABLE stub (
        mac TEXT PRIMARY KEY, claim_generation INTEGER NOT NULL,
        opened_at DOUBLE PRECISION, opened_boot TEXT NOT NULL DEFAULT '', opened_uptime DOUBLE PRECISION NOT NULL DEFAULT 0,
        open_for INTEGER NOT NULL DEFAULT 0, token_sha256 TEXT UNIQUE,
        handed_net TEXT NOT NULL DEFAULT '', handed_ip TEXT NOT NULL DEFAULT '', handed_at DOUBLE PRECISION
    )"""

NOTICES = [
    """CREATE TABLE stranger (
        mac TEXT PRIMARY KEY, first_at DOUBLE PRECISION NOT NULL, last_at DOUBLE PRECISION NOT NULL, requests BIGINT NOT NULL,
        ip TEXT NOT NULL, net TEXT NOT NULL, ua TEXT NOT NULL, source TEXT NOT NULL
    )""",
    "CREATE INDEX stranger_net ON stranger (net)",
    """CREATE TABLE trouble (
        mac TEXT NOT NULL, kind TEXT NOT NULL, first_at DOUBLE PRECISION NOT NULL, last_at DOUBLE PRECISION NOT NULL, requests BIGINT NOT NULL,
        ip TEXT NOT NULL, ua TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (mac, kind)
    )""",
]
TABLES = [
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE claim (
        mac TEXT PRIMARY KEY,
        claim_generation INTEGER NOT NULL,
        token_sha256 TEXT UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('armed', 'claimed', 'spent', 'unlocked', 'locked', 'retired')),
        "window" INTEGER NOT NULL,
        armed_at DOUBLE PRECISION, armed_by TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
        pin_sha256 TEXT, pin_failures INTEGER NOT NULL DEFAULT 0,
        claimed_at DOUBLE PRECISION, claimed_boot TEXT NOT NULL DEFAULT '', claimed_uptime DOUBLE PRECISION NOT NULL DEFAULT 0,
        claim_net TEXT NOT NULL DEFAULT '', claim_ip TEXT NOT NULL DEFAULT '', claim_ua TEXT NOT NULL DEFAULT '', claim_cert TEXT NOT NULL DEFAULT '',
        ended_at DOUBLE PRECISION, ended_by TEXT NOT NULL DEFAULT '',
        reopen_at DOUBLE PRECISION, reopen_boot TEXT NOT NULL DEFAULT '', reopen_uptime DOUBLE PRECISION NOT NULL DEFAULT 0,
        reopen_window INTEGER NOT NULL DEFAULT 0, reopen_net TEXT NOT NULL DEFAULT '',
        scope TEXT NOT NULL DEFAULT 'all'
    )""",
    """CREATE TABLE contact (
        mac TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, ip TEXT NOT NULL, ua TEXT NOT NULL, token_id TEXT NOT NULL,
        content TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE registration (
        mac TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, url_sha256 TEXT NOT NULL DEFAULT '',
        generation INTEGER NOT NULL DEFAULT 0, at DOUBLE PRECISION NOT NULL, msg TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (mac, account)
    )""",
    *NOTICES,
    STUB,
]
EVENT = """CREATE TABLE event (
        id {serial}, at DOUBLE PRECISION NOT NULL, mac TEXT NOT NULL, event TEXT NOT NULL,
        "by" TEXT NOT NULL DEFAULT '', ip TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT ''
    )"""
EVENT_INDEX = "CREATE INDEX event_mac ON event (mac, id)"

# What a claim row may never do, as a condition over OLD and NEW.
FORBIDDEN = (
    "NEW.mac <> OLD.mac OR NEW.claim_generation < OLD.claim_generation"
    " OR (NEW.claim_generation = OLD.claim_generation AND NEW.state = 'armed' AND OLD.state NOT IN ('armed', 'unlocked'))"
    " OR (NEW.claim_generation = OLD.claim_generation AND OLD.token_sha256 IS NOT NULL AND NEW.token_sha256 IS DISTINCT FROM OLD.token_sha256)"
)


def sqlite_statements() -> List[str]:
    """Return the statements that make an empty SQLite database a store."""
    # IS NOT is SQLite's older spelling of IS DISTINCT FROM.
    condition = FORBIDDEN.replace("IS DISTINCT FROM", "IS NOT")
    return [
        *TABLES,
        EVENT.format(serial="INTEGER PRIMARY KEY AUTOINCREMENT"),
        EVENT_INDEX,
        "CREATE TRIGGER claim_stays BEFORE DELETE ON claim BEGIN SELECT RAISE(ABORT, 'claims are never deleted'); END",
        "CREATE TRIGGER claim_rises BEFORE UPDATE ON claim WHEN "
        + condition
        + " BEGIN SELECT RAISE(ABORT, 'a closed claim needs a new generation'); END",
        "CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
        "CREATE TRIGGER event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
    ]


def postgresql_statements() -> List[str]:
    """Return the statements that make an empty PostgreSQL schema a store."""

    def guard(name: str, table: str, when: str, condition: str, text: str) -> List[str]:
        body = f"BEGIN IF {condition} THEN RAISE EXCEPTION '{text}'; END IF; RETURN NEW; END"
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]

    return [
        *TABLES,
        EVENT.format(serial="BIGSERIAL PRIMARY KEY"),
        EVENT_INDEX,
        *guard("claim_stays", "claim", "DELETE", "true", "claims are never deleted"),
        *guard("claim_rises", "claim", "UPDATE", FORBIDDEN, "a closed claim needs a new generation"),
        *guard("event_fixed", "event", "UPDATE OR DELETE", "true", "events are never changed"),
    ]


# MIGRATIONS[n] holds the statements that take a store from version n to n + 1, for SQLite and PostgreSQL alike.
MIGRATIONS: dict = {
    1: ["ALTER TABLE claim ADD COLUMN scope TEXT NOT NULL DEFAULT 'all'"],
    2: ["ALTER TABLE contact ADD COLUMN content TEXT NOT NULL DEFAULT ''", *NOTICES],
    3: [STUB],
}
