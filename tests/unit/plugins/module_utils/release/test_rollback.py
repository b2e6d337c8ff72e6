# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.rollback import Rollback
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import Server, mac_of, phone


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path / "root", keep=5)


def go_back(server, target="", scope="", macs=()):
    rollback = Rollback(server.store, target, scope, macs)
    result = server.publisher.change("20261122T160000Z-back", rollback.find, {"by": "bob", "scope": scope, "kind": "rollback"})
    return result, rollback


def two(text: str, **options) -> list:
    return [phone(number, {"a.cfg": f"{text} {number}"}, **options) for number in (1, 2)]


def test_configs_come_back_in_a_new_release(server):
    first = server.publish(two("old"), release_id="one")["release"]
    bad = server.publish(two("bad"), release_id="two")["release"]
    result, rollback = go_back(server)
    assert (result["changed"], result["previous"], rollback.target) == (True, bad, first)
    assert rollback.restored == ["phone1", "phone2"]
    assert server.text(2, "a.cfg") == "old 2"
    assert server.store.current().info["kind"] == "rollback"


def test_restored_files_are_names_of_the_old_ones(server):
    server.publish(two("old"), release_id="one")
    inode = os.stat(os.path.join(server.root, "current", "phones", mac_of(1), "a.cfg")).st_ino
    server.publish(two("bad"), release_id="two")
    go_back(server)
    assert os.stat(os.path.join(server.root, "current", "phones", mac_of(1), "a.cfg")).st_ino == inode


def test_any_kept_release_can_be_named(server):
    for text in ("one", "two", "three"):
        server.publish(two(text), release_id=text)
    go_back(server, "one")
    assert server.text(1, "a.cfg") == "one 1"


def test_unknown_release_is_refused_with_those_there_are(server):
    server.publish(two("old"), release_id="one")
    with pytest.raises(ReleaseError, match="release 'nine' is not kept in .*; kept: one"):
        go_back(server, "nine")


def test_without_an_older_release_there_is_nothing_to_go_back_to(server):
    server.publish(two("old"), release_id="one")
    with pytest.raises(ReleaseError, match=r"there is no release before the current one \(one\)"):
        go_back(server)


def test_removed_phone_stays_away_and_new_phone_stays(server):
    server.publish(two("old"), release_id="one")
    server.publish([*two("bad")[:1], phone(3, {"a.cfg": "3"})], remove=[mac_of(2)], release_id="two")
    _result, rollback = go_back(server)
    assert sorted(server.rows()) == [mac_of(1), mac_of(3)]
    assert (rollback.restored, rollback.absent) == (["phone1"], ["phone3"])
    assert server.text(3, "a.cfg") == "3"


def test_phone_whose_generation_changed_keeps_its_present_files(server):
    server.publish(two("old"), release_id="one")
    server.publish([*two("bad")[:1], *two("rotated", generation=2)[1:]], release_id="two")
    _result, rollback = go_back(server)
    assert (rollback.restored, rollback.refused) == (["phone1"], ["phone2"])
    assert (server.text(1, "a.cfg"), server.text(2, "a.cfg")) == ("old 1", "rotated 2")


def test_phone_whose_token_changed_within_a_generation_keeps_its_present_files(server):
    server.publish(two("old"), release_id="one")
    changed = two("bad")
    changed[0][0]["gate"]["home"][0]["token"] = "f" * 40
    server.publish(changed, release_id="two")
    _result, rollback = go_back(server)
    assert rollback.refused == ["phone1"]
    assert server.text(1, "a.cfg") == "bad 1"


def test_networks_and_credentials_stay_as_they_are(server):
    server.publish(two("old"), release_id="one")
    server.publish(two("bad", networks=("192.0.2.0/24",)), release_id="two")
    go_back(server)
    assert server.rows()[mac_of(1)]["gate"]["networks"] == ["192.0.2.0/24"]
    with open(os.path.join(server.root, "current", "gate", "networks.conf"), encoding="utf-8") as stream:
        assert "192.0.2.0/24" in stream.read()


@pytest.mark.parametrize(
    ("scope", "macs", "restored"), [("north", (), ["phone1"]), ("", (mac_of(2),), ["phone2"]), ("south", (mac_of(1),), [])]
)
def test_scope_and_macs_limit_what_comes_back(server, scope, macs, restored):
    def fleet(text):
        return [phone(1, {"a.cfg": text}, scope="north"), phone(2, {"a.cfg": text}, scope="south")]

    server.publish(fleet("old"), release_id="one")
    server.publish(fleet("bad"), release_id="two")
    _result, rollback = go_back(server, scope=scope, macs=macs)
    assert rollback.restored == restored


def test_mac_that_is_not_published_is_refused(server):
    server.publish(two("old"), release_id="one")
    server.publish(two("bad"), release_id="two")
    with pytest.raises(ReleaseError, match="0015650000ff: not published on this server"):
        go_back(server, macs=["0015650000ff"])


def test_next_publish_renders_restored_phones_again(server):
    server.publish(two("old"), release_id="one")
    server.publish(two("bad"), release_id="two")
    bad_key = server.rows()[mac_of(1)]["key"]
    go_back(server)
    assert server.rows()[mac_of(1)]["key"] != bad_key


def test_going_back_to_what_serves_changes_nothing(server):
    server.publish(two("old"), release_id="one")
    server.publish(two("bad"), release_id="two")
    before = server.store.current().id
    result, _rollback = go_back(server, "two")
    assert result == {"changed": False, "release": before}
