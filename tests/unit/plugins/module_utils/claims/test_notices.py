# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strangers and troubles: counted, bounded, and without what may be a token."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import notices
from ansible_collections.dialtone.phones.plugins.module_utils.claims.notices import Notice

from .conftest import MAC, device


def stranger(number: int, ip: str = "192.0.2.1", **more) -> Notice:
    return Notice(
        f"0015650000{number:02x}" if number < 256 else f"00156500{number:04x}", "", ip, f"{ip}/32", "Phone", source="path", **more
    )


def test_a_stranger_is_counted_with_its_first_and_last_time(store, clock):
    notices.record(store, [stranger(1, count=2)], 3)
    clock.pass_seconds(60)
    notices.record(store, [stranger(1)._replace(ip="192.0.2.9", net="192.0.2.9/32", source="agent")], 1)
    found = notices.read(store)
    assert found["requests"] == 4 and found["dropped"] == 0
    (row,) = found["strangers"]
    assert (row["mac"], row["requests"], row["ip"], row["source"]) == ("001565000001", 3, "192.0.2.9", "agent")
    assert row["last_at"] - row["first_at"] == 60


def test_one_address_fills_no_more_than_its_share(store):
    notices.record(store, [stranger(number) for number in range(notices.MAX_EACH + 20)])
    found = notices.read(store)
    assert len(found["strangers"]) == notices.MAX_EACH
    assert found["dropped"] == 20
    notices.record(store, [stranger(200, "192.0.2.2")])
    assert len(notices.read(store)["strangers"]) == notices.MAX_EACH + 1


def test_a_full_table_keeps_who_comes_again(store, monkeypatch):
    monkeypatch.setattr(notices, "MAX_STRANGERS", 3)
    notices.record(store, [stranger(1, count=5), stranger(2, "192.0.2.2"), stranger(3, "192.0.2.3")])
    notices.record(store, [stranger(4, "192.0.2.4"), stranger(5, "192.0.2.5")])
    found = {row["mac"] for row in notices.read(store)["strangers"]}
    assert len(found) == 3 and "001565000001" in found and "001565000005" in found


def test_troubles_of_a_phone_are_one_row_a_kind(store):
    trouble = Notice(MAC, "login", "192.0.2.1", "192.0.2.1/32", "Phone", "wrong-password")
    notices.record(store, [trouble, trouble._replace(kind="limited", detail="429")])
    notices.record(store, [trouble._replace(count=4)])
    found = {row["kind"]: row for row in notices.read(store)["troubles"]}
    assert set(found) == {"login", "limited"}
    assert found["login"]["requests"] == 5 and found["login"]["detail"] == "wrong-password"


def test_what_may_be_a_token_is_not_kept(store):
    notices.record(store, [stranger(1)._replace(ua="Phone 001565000001 deadbeef" + "0" * 32)])
    assert notices.read(store)["strangers"][0]["ua"] == "Phone 001565000001 *"


def test_a_contact_tells_what_was_fetched(store):
    store.arm([device()])
    store.contacts([(MAC, "192.0.2.1", "Phone", "abcd1234", 'x.cfg "65a-1f"')])
    assert store.execute("SELECT content FROM contact").fetchone()[0] == 'x.cfg "65a-1f"'


@pytest.mark.parametrize("kind", sorted(notices.KINDS))
def test_every_kind_has_a_sentence(kind):
    assert notices.KINDS[kind] and not notices.KINDS[kind].endswith(".")
