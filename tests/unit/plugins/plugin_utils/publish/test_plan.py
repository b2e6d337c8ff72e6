# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run finds that a server lacks, and what it keeps of it."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import encode, gate_digest
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Rows
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import Index, Plan, Scope
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published
from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import Contents

from ...action.fake_production import FakePhone, FakeProduction


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def plan_of(folder, phones, rows, *, complete=True, scope=None):
    run = Run(FakeProduction(phones, complete=complete), str(folder), lambda line: None)
    published = Published("server", "digest" if rows else "", Rows(str(folder), sorted(rows.items())))
    run.prepare(published, False, False)
    return run, Plan(run, published, scope or Scope("all"), str(folder))


def apply(plan, rows):
    stream, _size = plan.stream({})
    for line in stream.read().splitlines()[1:]:
        entry = json.loads(line)
        if "set" in entry:
            rows[entry["set"]["mac"]] = encode({**entry["set"], "gate": gate_digest(entry["set"]["gate"])})
        else:
            del rows[entry["remove"]]
    return rows


@pytest.fixture
def rows(tmp_path):
    return apply(plan_of(tmp_path, [FakePhone(number) for number in range(4)], {})[1], {})


def test_a_first_plan_sends_every_content_once_and_in_the_order_it_was_rendered(tmp_path):
    run, plan = plan_of(tmp_path, [FakePhone(number) for number in range(300)], {})
    sent = list(plan.index.items())
    # Two files of each phone and the one that all share.
    assert (len(sent), len(plan.index), len({digest for digest, _size in sent})) == (601, 601, 601)
    contents = list(run.contents.each(plan.index))
    assert [(digest_of(content), len(content)) for content in contents] == sent
    assert plan.bytes == sum(map(len, contents))
    assert plan.counts == {"new": 300, "changed": 0, "removed": 0, "files": 900}
    assert [change.host for change in plan.changes] == [f"phone{number:05d}" for number in range(300)]
    assert all(old == "" and len(new) == 64 for _change, _name, old, new in plan.changed_files())
    assert os.listdir(tmp_path) == []


def test_what_is_published_already_is_no_change(tmp_path, rows):
    run, plan = plan_of(tmp_path, [FakePhone(number) for number in range(4)], rows)
    assert (list(plan.changes), bool(plan.changes), plan.moved, len(plan.index), run.rendered) == ([], False, 0, 0, 0)


@pytest.mark.parametrize(
    ("complete", "scope", "gone"),
    [
        (True, Scope("all"), ["phone00002", "phone00003"]),
        (True, Scope("all", prune=False), []),
        (True, Scope("all", prune=False, remove=["001565000003"]), ["phone00003"]),
        (False, Scope("all"), []),
        (True, Scope("other", adopt=["all"]), []),
    ],
    ids=["a complete run", "without prune", "one by its address", "a part of the fleet", "another scope"],
)
def test_phones_that_are_gone_go_where_the_run_may(tmp_path, rows, complete, scope, gone):
    _run, plan = plan_of(tmp_path, [FakePhone(number) for number in range(2)], rows, complete=complete, scope=scope)
    assert [change.host for change in plan.changes if change.kind == "removed"] == gone
    assert plan.counts["removed"] == len(gone)


def test_a_part_of_the_fleet_takes_away_the_old_phone_of_a_host_that_got_another(tmp_path, rows):
    _run, plan = plan_of(tmp_path, [FakePhone(9, label="phone00001")], rows, complete=False)
    assert [(change.kind, change.mac) for change in plan.changes] == [("new", "001565000009"), ("removed", "001565000001")]


def test_a_host_with_two_published_phones_is_compared_with_the_last(tmp_path, rows):
    published = Published("server", "digest", Rows(str(tmp_path), sorted(rows.items())))
    assert published.unspoilt("phone00002")["mac"] == "001565000002"
    assert published.unspoilt("nobody") is None
    old = json.loads(rows["001565000003"])
    rows["001565000003"] = encode({**old, "host": "phone00002"})
    published = Published("server", "digest", Rows(str(tmp_path), sorted(rows.items())))
    assert published.unspoilt("phone00002")["mac"] == "001565000003"
    assert published.unspoilt("phone00003") is None


def test_what_a_server_holds_is_what_it_has_and_what_is_not_edited(tmp_path, rows):
    row = json.loads(rows["001565000001"])
    names = sorted(row["files"])
    edited = {"001565000001": [names[0]]}
    published = Published("server", "digest", rows, edited)
    assert [published.has(row["files"][name][0]) for name in names] == [False, True, True]
    published = Published("server", "digest", rows)
    published.lacks([row["files"][names[1]][0]])
    assert [published.has(row["files"][name][0]) for name in names] == [True, False, True]


def test_local_files_are_sent_beside_what_was_rendered(tmp_path):
    contents = Contents(str(tmp_path))
    texts = [b"one", b"two"]
    for text in texts:
        contents.add(digest_of(text), text)
    contents.add_file("ab" * 32, "/rom", 7)
    index = Index(contents)
    for digest, size in [(digest_of(b"two"), 3), ("ab" * 32, 7), (digest_of(b"two"), 3), ("ab" * 32, 7), (digest_of(b"one"), 3)]:
        index.add(digest, size)
    assert list(index.items()) == [(digest_of(b"two"), 3), (digest_of(b"one"), 3), ("ab" * 32, 7)]
    assert (len(index), index.size, list(index)) == (3, 13, [digest_of(b"two"), digest_of(b"one"), "ab" * 32])
