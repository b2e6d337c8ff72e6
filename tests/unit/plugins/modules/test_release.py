# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import zlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release import access, manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.modules.release import ARGUMENT_SPEC, Commands
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import Server, mac_of, phone, run_command

OWN = {"owner": "", "web_group": "", "gate_group": "", "nginx_site": "", "gate_config": "/nonexistent/gate.json"}


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path / "root")


def run(server, command, check_mode=False, **options):
    params = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    params.update(OWN, root=server.root, command=command)
    params.update(options)
    return Commands(params, check_mode, run_command).run()


def two(text: str) -> list:
    return [phone(number, {"a.cfg": f"{text} {number}"}) for number in (1, 2)]


@pytest.mark.parametrize("command", ["status", "list", "verify", "read"])
def test_looking_works_where_nothing_was_published(server, command):
    result = run(server, command)
    assert (result["changed"], result["release"]) == (False, None)
    assert not os.path.exists(server.root)


def test_status_gives_rows_without_secrets(server):
    server.publish(two("one"))
    rows = dict(manifest.unslim(base64.b64decode(run(server, "status", manifest=True)["rows"])))
    row = json.loads(rows[mac_of(1)])
    assert row["gate"] == manifest.gate_digest(server.rows()[mac_of(1)]["gate"])
    assert server.rows()[mac_of(1)]["gate"]["home"][0]["token"] not in rows[mac_of(1)].decode()


def test_status_does_not_repeat_a_manifest_that_is_known(server):
    server.publish(two("one"))
    digest = run(server, "status")["digest"]
    assert "rows" not in run(server, "status", manifest=True, known=["other", digest])


def test_list_names_kept_releases_newest_first(server):
    for text in ("one", "two", "three"):
        server.publish(two(text), release_id=text)
    result = run(server, "list")
    assert [(entry["id"], entry["current"], entry["phones"]) for entry in result["releases"]] == [
        ("three", True, 2),
        ("two", False, 2),
        ("one", False, 2),
    ]
    assert result["previous"] == "two"


def test_verify_names_what_was_edited(server):
    server.publish(two("one"))
    path = os.path.join(server.root, "current", "phones", mac_of(1), "a.cfg")
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("x")
    with open(path + ".bak", "w", encoding="utf-8") as stream:
        stream.write("x")
    os.mkdir(os.path.join(server.root, "current", "phones", "stray"))
    os.unlink(os.path.join(server.root, "current", "gate", "names.map"))
    result = run(server, "verify")
    assert (result["edited"], result["strangers"], result["gate_edited"]) == (
        {mac_of(1): ["a.cfg", "a.cfg.bak"]},
        ["stray"],
        ["gate/names.map"],
    )


def test_file_replaced_by_a_link_counts_as_edited(server):
    server.publish(two("one"))
    path = os.path.join(server.root, "current", "phones", mac_of(1), "a.cfg")
    os.rename(path, os.path.join(server.root, "kept"))
    os.symlink(os.path.join(server.root, "kept"), path)
    assert run(server, "verify")["edited"] == {mac_of(1): ["a.cfg"]}


def test_read_returns_texts_and_only_digests_of_what_is_large_or_no_text(server):
    files = {"a.cfg": "text", "large.xml": "x" * 100_001, "../../../../etc/passwd": ""}
    server.publish([phone(1, {name: text for name, text in files.items() if "/" not in name})])
    with open(os.path.join(server.root, "current", "phones", mac_of(1), "ring.wav"), "wb") as stream:
        stream.write(b"\xff\xfe\x00")
    names = [f"{mac_of(1)}/{name}" for name in (*files, "ring.wav", "gone.cfg")]
    texts = json.loads(zlib.decompress(base64.b64decode(run(server, "read", files=names)["texts"])))
    assert texts.pop(f"{mac_of(1)}/a.cfg") == "text"
    assert list(texts.pop(f"{mac_of(1)}/large.xml")) == ["sha256"]
    assert list(texts.pop(f"{mac_of(1)}/ring.wav")) == ["sha256"]
    assert texts == {f"{mac_of(1)}/gone.cfg": None}


def test_rollback_in_check_mode_says_what_it_would_do(server):
    server.publish(two("one"), release_id="one")
    server.publish(two("two"), release_id="two")
    before = server.tree()
    result = run(server, "rollback", check_mode=True)
    assert (result["changed"], result["target"], result["counts"]) == (True, "one", {"restored": 2, "refused": 0, "absent": 0})
    assert server.tree() == before


def test_rollback_is_done_and_told(server):
    server.publish(two("one"), release_id="one")
    server.publish(two("two"), release_id="two")
    result = run(server, "rollback", release="one", holder="bob")
    assert (result["changed"], result["restored"]) == (True, ["phone1", "phone2"])
    assert server.store.current().info["by"] == "bob"
    assert server.text(1, "a.cfg") == "one 1"


@pytest.mark.parametrize("release", ["../one", "one/..", ".hidden", "one.staging"])
def test_odd_release_id_is_refused(server, release):
    with pytest.raises(ReleaseError, match="is not the id of a release"):
        run(server, "rollback", release=release)


def test_unknown_group_is_refused_with_what_to_do(server, monkeypatch):
    monkeypatch.setattr(access.os, "geteuid", lambda: 0)
    with pytest.raises(
        ReleaseError, match="web_group: the server has no group 'no-such-group'; run the role dialtone.phones.provisioning_server first"
    ):
        run(server, "rollback", web_group="no-such-group")


def test_publishing_as_another_user_than_root_is_refused(server, monkeypatch):
    monkeypatch.setattr(access.os, "geteuid", lambda: 1000)
    with pytest.raises(ReleaseError, match="must run as root on the server: set become: true"):
        run(server, "apply", owner="root", archive="/nonexistent")


def test_documented_options_are_those_of_the_module():
    import yaml
    from ansible_collections.dialtone.phones.plugins.doc_fragments._release_server import ModuleDocFragment
    from ansible_collections.dialtone.phones.plugins.modules import release

    options = {**yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"], **yaml.safe_load(release.DOCUMENTATION)["options"]}
    assert {name: (option["type"], option.get("default")) for name, option in options.items()} == {
        name: (option["type"], option.get("default")) for name, option in ARGUMENT_SPEC.items()
    }
