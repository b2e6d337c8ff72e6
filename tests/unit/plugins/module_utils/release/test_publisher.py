# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ContentMissing, ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.links import Linker
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import Server, mac_of, phone


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path / "root")


def fleet(count: int, text: str = "one"):
    return [phone(number, {f"{mac_of(number)}.cfg": f"{text} {number}", "common.cfg": "common"}) for number in range(count)]


def test_first_publish_makes_a_release_and_switches_to_it(server):
    result = server.publish(fleet(3))
    assert result["changed"] is True
    assert result["previous"] is None
    assert (result["phones"], result["written"]) == (3, 4)
    assert server.text(2, f"{mac_of(2)}.cfg") == "one 2"
    assert os.readlink(os.path.join(server.root, "current")) == f"releases/{result['release']}"


def test_published_files_can_be_read_by_owner_and_group_only(server):
    server.publish(fleet(1))
    root = os.path.join(server.root, "current")
    modes = {
        name: stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode)
        for name in (
            "phones",
            f"phones/{mac_of(0)}",
            f"phones/{mac_of(0)}/common.cfg",
            "manifest.json.gz",
            "gate",
            "gate/devices.db",
            "gate/htpasswd",
        )
    }
    assert list(modes.values()) == [0o750, 0o750, 0o640, 0o600, 0o711, 0o640, 0o750]


def test_unchanged_files_keep_inode_and_time_and_only_changed_contents_are_written(server):
    server.publish(fleet(3))
    path = os.path.join(server.root, "current", "phones", mac_of(0), f"{mac_of(0)}.cfg")
    before = os.stat(path)
    result = server.publish([phone(1, {f"{mac_of(1)}.cfg": "two", "common.cfg": "common"})], without=())
    after = os.stat(path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (result["written"], result["phones"]) == (1, 3)
    assert server.text(1, f"{mac_of(1)}.cfg") == "two"


def test_plan_without_changes_writes_nothing(server):
    server.publish(fleet(3))
    before = server.tree()
    result = server.publish()
    assert result == {"changed": False, "release": result["release"]}
    after = server.tree()
    assert {path for path in before if before[path] != after[path]} <= {os.path.join(server.root, ".publish.lock")}


def test_plan_against_another_manifest_is_stale_and_changes_nothing(server):
    server.publish(fleet(2))
    old = server.digest()
    server.publish([phone(0, {"a.cfg": "x"})])
    assert server.publish([phone(1, {"a.cfg": "y"})], base=old) == {"changed": False, "stale": True}
    assert server.text(0, "a.cfg") == "x"


def test_contents_that_the_server_holds_need_not_be_sent(server):
    server.publish(fleet(1))
    row, contents = phone(7, {"common.cfg": "common"})
    server.publish([(row, contents)], without=set(contents))
    assert server.text(7, "common.cfg") == "common"


def test_content_that_is_nowhere_is_asked_for(server):
    server.publish(fleet(1))
    row, contents = phone(7, {"new.cfg": "new"})
    with pytest.raises(ContentMissing) as caught:
        server.publish([(row, contents)], without=set(contents))
    assert caught.value.digests == list(contents)
    assert mac_of(7) not in server.rows()


def test_content_that_was_edited_is_not_passed_on_to_other_phones(server):
    server.publish(fleet(1))
    with open(os.path.join(server.root, "current", "phones", mac_of(0), "common.cfg"), "a", encoding="utf-8") as stream:
        stream.write("edited")
    row, contents = phone(7, {"common.cfg": "common"})
    with pytest.raises(ContentMissing):
        server.publish([(row, contents)], without=set(contents))


def test_removed_phone_loses_files_and_tokens(server):
    server.publish(fleet(3))
    server.publish(remove=[mac_of(1)])
    assert not os.path.exists(os.path.join(server.root, "current", "phones", mac_of(1)))
    with open(os.path.join(server.root, "current", "gate", "tokens.map"), encoding="utf-8") as stream:
        assert mac_of(1) not in stream.read()


def test_gate_is_carried_over_while_no_record_changes(server):
    server.publish(fleet(2))
    path = os.path.join(server.root, "current", "gate", "devices.db")
    inode = os.stat(path).st_ino
    server.publish([phone(0, {f"{mac_of(0)}.cfg": "two", "common.cfg": "common"})])
    assert os.stat(path).st_ino == inode
    server.publish([phone(0, {f"{mac_of(0)}.cfg": "two", "common.cfg": "common"}, networks=("10.0.0.0/8",))])
    assert os.stat(path).st_ino != inode


def test_gate_is_compiled_anew_when_the_servers_networks_change(server, tmp_path):
    server.publish(fleet(2))
    limited = Server(tmp_path / "root", networks=["192.0.2.0/24"])
    assert limited.publisher.gate_is_stale(limited.store.current())
    assert limited.publish()["changed"] is True
    with open(os.path.join(server.root, "current", "gate", "networks.conf"), encoding="utf-8") as stream:
        assert "192.0.2.0/24" in stream.read()
    assert limited.publish()["changed"] is False


def test_record_that_the_gate_refuses_leaves_the_release(server):
    server.publish(fleet(2))
    before = server.store.current().id
    with pytest.raises(ReleaseError, match="the gate can't be compiled: .*networks: '10.0.0.1/8' is not a network"):
        server.publish([phone(0, {"a.cfg": "a"}, networks=("10.0.0.1/8",))])
    assert server.store.current().id == before
    assert [name for name in os.listdir(server.store.releases_path) if "staging" in name] == []


@pytest.mark.parametrize("name", ["../x.cfg", "a/b", ".htaccess", "A.cfg", "", "x" * 101, "a\n"])
def test_name_that_could_leave_the_folder_is_refused(server, name):
    with pytest.raises(ReleaseError, match="can't be published"):
        server.publish([phone(0, {name: "x"})])


def test_more_names_than_a_file_may_have_make_copies(tmp_path):
    server = Server(tmp_path / "root", link_limit=5)
    result = server.publish(fleet(12))
    assert result["copied"] == 2
    server.publish([phone(0, {"a.cfg": "a"})])
    for number in range(1, 12):
        assert server.text(number, "common.cfg") == "common"
    inodes = {os.stat(os.path.join(server.root, "current", "phones", mac_of(n), "common.cfg")).st_ino for n in range(1, 12)}
    assert len(inodes) >= 3


def test_copy_keeps_mode_and_time(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("x")
    source.chmod(0o640)
    os.utime(source, (1000, 1000))
    linker = Linker(limit=1)
    linker.link(str(source), str(target))
    assert (target.stat().st_mtime, stat.S_IMODE(target.stat().st_mode)) == (1000, 0o640)
    assert target.stat().st_ino != source.stat().st_ino


@pytest.mark.parametrize(("keep", "left"), [(2, 2), (3, 3), (1, 2)])
def test_old_releases_are_pruned_and_at_least_two_stay(tmp_path, keep, left):
    server = Server(tmp_path / "root", keep=keep)
    for number in range(6):
        server.publish([phone(0, {"a.cfg": str(number)})])
    assert len(server.store.releases()) == left
    assert server.text(0, "a.cfg") == "5"


def test_leftovers_of_a_killed_run_are_removed(server):
    server.publish(fleet(1))
    for name in ("20200101T000000Z-dead.staging", "20200101T000000Z-gone.gone"):
        os.makedirs(os.path.join(server.store.releases_path, name, "phones"))
    server.publish([phone(0, {"a.cfg": "a"})])
    assert sorted(os.listdir(server.store.releases_path)) == sorted(release.id for release in server.store.releases())


def test_release_that_never_served_is_removed(server):
    server.publish(fleet(1), release_id="one")
    server.publish([phone(0, {"a.cfg": "a"})], release_id="two")
    # As if the run had been killed between finishing the release and switching to it.
    server.store.switch(server.store.release("one"))
    server.publish([phone(0, {"a.cfg": "b"})], release_id="three")
    assert [release.id for release in server.store.releases()] == ["three", "one"]


def test_missing_file_of_another_phone_does_not_stop_a_run_and_is_told(server):
    server.publish(fleet(2))
    os.unlink(os.path.join(server.root, "current", "phones", mac_of(1), "common.cfg"))
    result = server.publish([phone(0, {"a.cfg": "a"})])
    assert result["damaged"] == [mac_of(1)]
    row = server.rows()[mac_of(1)]
    assert (row["key"], list(row["files"])) == (None, [f"{mac_of(1)}.cfg"])


def test_damaged_manifest_is_named(server):
    server.publish(fleet(2))
    path = server.store.current().manifest
    with open(path, "r+b") as stream:
        stream.truncate(40)
    with pytest.raises(ReleaseError, match=r"manifest\.json\.gz: the manifest is damaged"):
        server.publish(fleet(1), base="0")


def test_current_pointed_to_an_older_release_gets_over_a_damaged_manifest(server):
    first = server.publish(fleet(2), release_id="one")["release"]
    server.publish(fleet(2, "two"), release_id="two")
    with open(server.store.current().manifest, "r+b") as stream:
        stream.truncate(40)
    os.unlink(server.store.link)
    os.symlink(f"releases/{first}", server.store.link)
    server.publish(fleet(2, "three"), release_id="three")
    assert server.text(1, f"{mac_of(1)}.cfg") == "three 1"
    assert [release.id for release in server.store.releases()] == ["three", "one"]


def test_manifest_missing_beside_phones_is_refused(server):
    server.publish(fleet(2))
    os.unlink(server.store.current().manifest)
    with pytest.raises(ReleaseError, match="is missing beside published phones"):
        server.publish(fleet(1), base="")


def test_empty_release_of_the_servers_role_counts_as_nothing_published(server):
    server.store.prepare()
    os.makedirs(os.path.join(server.store.releases_path, "empty", "gate"))
    os.symlink("releases/empty", server.store.link)
    assert server.publish(fleet(1))["previous"] == "empty"


def test_link_that_points_to_nowhere_is_named_with_what_there_is(server):
    server.publish(fleet(1))
    known = server.store.current().id
    os.unlink(server.store.link)
    os.symlink("releases/lost", server.store.link)
    with pytest.raises(ReleaseError, match=f"points to releases/lost, which is no release; there are: {known}"):
        server.store.current()


def test_damaged_archive_is_refused_and_changes_nothing(server):
    server.publish(fleet(1))
    before = server.store.current().id
    path = server.archive(fleet(2, "two"))
    with open(path, "r+b") as stream:
        stream.truncate(os.path.getsize(path) // 2)
    with pytest.raises(ReleaseError):
        server.publisher.apply(path)
    assert server.store.current().id == before


def test_release_notes_say_who_and_when(server):
    server.publish(fleet(1))
    with open(os.path.join(server.root, "current", "release.json"), encoding="utf-8") as stream:
        info = json.load(stream)
    assert (info["kind"], info["phones"], info["serial"]) == ("publish", 1, 1)


def test_same_phones_give_the_same_manifest_on_every_server(tmp_path):
    one, other = Server(tmp_path / "one"), Server(tmp_path / "other")
    one.publish(fleet(3))
    other.publish(fleet(1))
    other.publish(fleet(3)[1:])
    assert one.digest() == other.digest()
