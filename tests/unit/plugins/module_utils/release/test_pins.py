# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
from unittest import mock

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import is_name, pin_name, plain_name
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.rollback import Rollback
from ansible_collections.dialtone.phones.plugins.module_utils.release.verify import verify

from .server import Server, mac_of, phone


def pin(number: int, text: str) -> str:
    return pin_name(f"{mac_of(number)}.cfg", hashlib.sha256(text.encode()).hexdigest())


def pinned(number: int, text: str, **options) -> tuple:
    """A phone whose boot file names its configuration by content."""
    row, contents = phone(number, {f"{mac_of(number)}.boot": f"include {pin(number, text)}\n", f"{mac_of(number)}.cfg": text}, **options)
    row["gate"]["pinned"] = [f"{mac_of(number)}.cfg"]
    return row, contents


def shelf(server: Server) -> dict:
    """Return the pinned names of a server with what they hold."""
    found = {}
    for folder, _folders, files in os.walk(os.path.join(server.root, "pinned")):
        for name in files:
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                found[name] = stream.read()
    return found


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path / "root")


def test_a_pinned_name_is_a_file_name_and_leads_back():
    name = pin_name("001565aabbcc.cfg", "0123456789abcdef" * 4)
    assert name == "001565aabbcc-v0123456789abcdef.cfg"
    assert is_name(name)
    assert plain_name(name) == "001565aabbcc.cfg"


@pytest.mark.parametrize(
    "name", ["001565aabbcc.cfg", "phone-v1.cfg", "a-v0123456789abcdef", "a-v0123456789abcdef.cfg.bak", "-v0123456789ABCDEF.cfg"]
)
def test_other_names_stand_for_themselves(name):
    assert plain_name(name) == name


def test_a_pinned_name_is_another_name_of_the_phones_file(server):
    server.publish([pinned(1, "one"), phone(2, {"a.cfg": "x"})])
    assert shelf(server) == {pin(1, "one"): "one"}
    path = os.path.join(server.root, "pinned", "phones", mac_of(1), pin(1, "one"))
    assert os.path.samefile(path, os.path.join(server.root, "current", "phones", mac_of(1), f"{mac_of(1)}.cfg"))


def test_names_of_kept_releases_stay_and_those_of_pruned_ones_go(server):
    for number in range(6):
        server.publish([pinned(1, f"text {number}")])
    # Three releases are kept.
    assert sorted(shelf(server).values()) == ["text 3", "text 4", "text 5"]


def test_a_content_that_came_back_is_not_taken_away_with_its_first_release(server):
    for text in ("a", "b", "a", "c", "a", "d", "d2", "a"):
        server.publish([pinned(1, text)])
    assert sorted(shelf(server).values()) == ["a", "d", "d2"]
    server.publish([pinned(2, "other")])
    server.publish([pinned(2, "another")])
    server.publish([pinned(2, "yet another")])
    assert "a" in shelf(server).values()


def test_unchanged_phones_keep_their_names_however_many_releases_come(server):
    server.publish([pinned(1, "one"), pinned(2, "two")])
    before = os.stat(os.path.join(server.root, "pinned", "phones", mac_of(1), pin(1, "one")))
    for number in range(5):
        server.publish([pinned(2, f"text {number}")])
    after = os.stat(os.path.join(server.root, "pinned", "phones", mac_of(1), pin(1, "one")))
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_names_of_a_removed_phone_go_with_the_last_release_that_had_it(server):
    server.publish([pinned(1, "one"), pinned(2, "two")])
    server.publish(remove=[mac_of(1)])
    assert "one" in shelf(server).values()
    server.publish([pinned(2, "three")])
    server.publish([pinned(2, "four")])
    assert sorted(shelf(server).values()) == ["four", "three", "two"]
    assert os.listdir(os.path.join(server.root, "pinned", "phones")) == [mac_of(2)]


def test_a_release_that_fails_leaves_no_names(server):
    server.publish([pinned(1, "one")])
    row, contents = pinned(1, "two")
    with pytest.raises(ReleaseError, match="can't be compiled"):
        server.publish([({**row, "gate": {**row["gate"], "home": [{"token": "short"}]}}, contents)])
    assert list(shelf(server).values()) == ["one"]


def test_what_a_killed_run_linked_is_cleaned_by_the_next(server, monkeypatch):
    server.publish([pinned(1, "one")])
    with monkeypatch.context() as patch:
        patch.setattr(server.store, "switch", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            server.publish([pinned(1, "two")])
    assert sorted(shelf(server).values()) == ["one", "two"]
    server.publish([pinned(1, "three")])
    assert sorted(shelf(server).values()) == ["one", "three"]


def test_going_back_brings_the_old_name_back(server):
    server.publish([pinned(1, "one")])
    server.publish([pinned(1, "two")])
    rollback = Rollback(server.store, "", "", ())
    server.publisher.change("20261122T160000Z-back", rollback.find, {"kind": "rollback"})
    server.publish([pinned(2, "x")])
    server.publish([pinned(2, "y")])
    assert shelf(server)[pin(1, "one")] == "one"
    assert pin(1, "two") not in shelf(server)


@pytest.mark.parametrize("how", ["edited", "deleted"])
def test_a_pinned_name_that_was_tampered_with_is_found_and_repaired(server, how):
    server.publish([pinned(1, "one")])
    path = os.path.join(server.root, "pinned", "phones", mac_of(1), pin(1, "one"))
    os.unlink(path)
    if how == "edited":
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("open for all")
    found = verify(server.store.current(), server.store.access, server.store.pins)
    assert found.phones == {mac_of(1): [f"{mac_of(1)}.cfg"]}
    server.publish([pinned(1, "one")], rebuild=True)
    assert shelf(server) == {pin(1, "one"): "one"}
    assert verify(server.store.current(), server.store.access, server.store.pins).phones == {}


def test_a_site_that_is_older_than_pinned_names_is_refused(tmp_path):
    site = tmp_path / "site.conf"
    site.write_text("server { }\n")
    server = Server(tmp_path / "root", site=str(site), reload="true")
    server.publisher._web._binary = None
    with pytest.raises(ReleaseError, match="can't serve pinned names; run the role dialtone.phones.provisioning_server first"):
        server.publish([pinned(1, "one")])
    assert server.publish([phone(2, {"a.cfg": "x"})])["changed"] is True
    site.write_text("map x $dialtone_shelf { }\n")
    assert server.publish([pinned(1, "one")])["changed"] is True
