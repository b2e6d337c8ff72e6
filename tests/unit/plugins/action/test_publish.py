# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.dialtone.phones.plugins.action.publish import ARGUMENT_SPEC
from ansible_collections.dialtone.phones.plugins.doc_fragments._release_server import ModuleDocFragment
from ansible_collections.dialtone.phones.plugins.modules.publish import DOCUMENTATION
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.tests.unit.plugins.action.controller import Action, Controller
from ansible_collections.dialtone.phones.tests.unit.plugins.action.fake_production import FakePhone, FakeProduction


def phones(count: int, **options) -> list:
    return [FakePhone(number, **options) for number in range(count)]


def publish(root, fleet, complete=True, **options):
    return Controller(FakeProduction(fleet, complete=complete), **options).run(root)


def published(root, number: int, name: str = "") -> str:
    mac = FakePhone(number).mac
    with open(os.path.join(root, "current", "phones", mac, name or f"{mac}.cfg"), encoding="utf-8") as stream:
        return stream.read()


def macs(root) -> list:
    return sorted(os.listdir(os.path.join(root, "current", "phones")))


def tree(root) -> dict:
    return {
        os.path.join(folder, name): (os.lstat(os.path.join(folder, name)).st_ino, os.lstat(os.path.join(folder, name)).st_mtime_ns)
        for folder, folders, files in os.walk(root)
        for name in folders + files
    }


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "root")


@pytest.fixture(autouse=True)
def local_tmp(tmp_path, monkeypatch):
    folder = tmp_path / "ansible" / "local"
    folder.mkdir(parents=True)
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(folder))
    return folder.parent


def test_new_phones_are_published_and_counted(root):
    result = publish(root, phones(3))
    assert result["changed"] is True
    counts = {"phones": 3, "rendered": 3, "skipped": 0, "new": 3, "changed": 0, "removed": 0, "files": 9}
    assert {name: result["counts"][name] for name in counts} == counts
    assert result["changed_hosts"] == ["phone00000", "phone00001", "phone00002"]
    assert "account.1.label = 1" in published(root, 2)


def test_file_names_are_lower_case_on_disk(root):
    publish(root, [FakePhone(0xABCDEF)])
    assert "001565abcdef.cfg" in os.listdir(os.path.join(root, "current", "phones", "001565abcdef"))


def test_unchanged_run_renders_nothing_and_writes_nothing(root):
    publish(root, phones(3))
    before = tree(root)
    controller = Controller(FakeProduction(phones(3)))
    result = controller.run(root)
    assert (result["changed"], result["counts"]["skipped"], controller.calls) == (False, 3, ["status"])
    assert tree(root) == before


def test_phone_without_a_key_is_rendered_and_unchanged_if_its_files_are(root):
    publish(root, phones(3, cached=False))
    before = tree(root)
    result = publish(root, phones(3, cached=False))
    assert (result["changed"], result["counts"]["rendered"]) == (False, 3)
    assert tree(root) == before


def test_force_renders_everything_and_changes_nothing(root):
    publish(root, phones(3))
    result = publish(root, phones(3), force=True)
    assert (result["changed"], result["counts"]["rendered"]) == (False, 3)


def test_one_changed_phone_is_rendered_and_sent_alone(root):
    publish(root, phones(3))
    result = publish(root, [*phones(2), FakePhone(2, text="2")])
    assert (result["counts"]["rendered"], result["counts"]["files"], result["changed_hosts"]) == (1, 1, ["phone00002"])
    assert "account.1.label = 2" in published(root, 2)


def test_several_servers_get_the_same_from_one_rendering(tmp_path):
    fleet = phones(3)
    rendered = []
    for phone in fleet:
        phone.render = lambda phone=phone: rendered.append(phone.host) or FakePhone.render(phone)
    controller = Controller(FakeProduction(fleet))
    results = [controller.run(tmp_path / name, server=name) for name in ("prov1", "prov2", "prov3")]
    assert rendered == ["phone00000", "phone00001", "phone00002"]
    assert len({result["release"] for result in results}) == 1
    assert published(tmp_path / "prov3", 1) == published(tmp_path / "prov1", 1)


def test_server_that_lags_behind_gets_what_the_first_did_not_need(tmp_path):
    publish(tmp_path / "prov1", phones(3))
    controller = Controller(FakeProduction(phones(3)))
    assert controller.run(tmp_path / "prov1", server="prov1")["changed"] is False
    result = controller.run(tmp_path / "prov2", server="prov2")
    assert (result["changed"], result["counts"]["new"]) == (True, 3)
    assert published(tmp_path / "prov2", 2) == published(tmp_path / "prov1", 2)


def test_books_reach_phones_whose_own_files_did_not_change(root):
    publish(root, phones(2, book="<a/>"))
    result = publish(root, phones(2, book="<b/>"))
    assert (result["counts"]["skipped"], result["counts"]["files"]) == (2, 2)
    assert published(root, 1, "book.xml") == "<b/>"
    assert published(root, 1)


def test_phone_that_lost_its_book_loses_the_file(root):
    publish(root, phones(2, book="<a/>"))
    publish(root, [FakePhone(0, book="<a/>"), FakePhone(1, text="2")])
    assert "book.xml" not in os.listdir(os.path.join(root, "current", "phones", FakePhone(1).mac))


# Refusals


def test_all_problems_are_told_and_nothing_is_published(root):
    publish(root, phones(2))
    before = tree(root)
    fleet = [*phones(2, text="2"), *[FakePhone(number, fails=True) for number in range(10, 40)]]
    with pytest.raises(AnsibleActionFail) as caught:
        publish(root, fleet)
    lines = str(caught.value).splitlines()
    assert lines[0] == "30 files can't be rendered, nothing was published:"
    assert lines[1].startswith("  phone00010: 00156500000a.cfg: yealink/device.j2, line 7: ")
    assert (len(lines), lines[-1]) == (22, "  … and 10 more")
    assert "pw-10" not in str(caught.value)
    assert tree(root) == before


def test_phones_that_are_not_in_order_are_refused_with_their_report(root):
    production = FakeProduction(phones(2))
    production.problems = [Problem("reception: phone_mac", "'zz' is not a MAC address")]
    with pytest.raises(AnsibleActionFail, match="reception: phone_mac: 'zz' is not a MAC address"):
        Controller(production).run(root)
    assert not os.path.exists(root)


def test_second_server_does_not_repeat_the_report(tmp_path):
    controller = Controller(FakeProduction([FakePhone(1, fails=True)]))
    with pytest.raises(AnsibleActionFail, match="can't be rendered"):
        controller.run(tmp_path / "a")
    with pytest.raises(AnsibleActionFail, match="see the report of the first server"):
        controller.run(tmp_path / "b")


def test_two_files_of_one_name_in_any_case_are_refused(root):
    phone = FakePhone(1)
    phone.render = lambda: [*FakePhone.render(phone), FakePhone.render(phone)[2]._replace(name="Y000000000000.CFG")]
    with pytest.raises(AnsibleActionFail, match=r"phone00001: Y000000000000\.CFG: two files of the phone have this name on disk"):
        publish(root, [phone])


@pytest.mark.parametrize("strategy", ["free", "host_pinned", "ansible.builtin.free"])
def test_strategy_that_ignores_run_once_is_refused(root, strategy):
    with pytest.raises(AnsibleActionFail, match="ignores run_once"):
        publish(root, phones(1), strategy=strategy)


def test_task_on_every_phone_is_refused(root):
    with pytest.raises(AnsibleActionFail, match="set run_once: true"):
        publish(root, phones(1), run_once=False)
    assert publish(root, phones(1), run_once=False, batch=["one"])["changed"] is True


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"keep": 1}, "keep: 1 is too few; at least 2 releases stay"),
        ({"max_change_percent": 150}, "max_change_percent: 150 is no share; 0 to 100 is wanted"),
        ({"max_change_percent": -1}, "0 to 100 is wanted"),
    ],
)
def test_option_out_of_range_is_refused(root, option, message):
    with pytest.raises(AnsibleActionFail, match=message):
        publish(root, phones(1), **option)


# Limits, scopes, pruning


def test_limited_run_leaves_all_other_phones(root):
    publish(root, phones(5))
    result = publish(root, [FakePhone(2, text="2")], complete=False)
    assert (result["counts"]["changed"], result["counts"]["removed"]) == (1, 0)
    assert len(macs(root)) == 5


def test_run_over_the_whole_group_removes_what_is_gone(root):
    publish(root, phones(5))
    result = publish(root, phones(4))
    assert (result["counts"]["removed"], result["removed_hosts"], len(macs(root))) == (1, ["phone00004"], 4)


def test_prune_off_removes_nothing(root):
    publish(root, phones(5))
    assert publish(root, phones(4), prune=False)["changed"] is False
    assert len(macs(root)) == 5


def test_limited_run_removes_the_old_handset_of_a_host_that_got_a_new_one(root):
    publish(root, phones(3))
    result = publish(root, [FakePhone(99, label="phone00001")], complete=False)
    assert (result["counts"]["new"], result["counts"]["removed"]) == (1, 1)
    assert macs(root) == [FakePhone(0).mac, FakePhone(2).mac, FakePhone(99).mac]


def test_scopes_never_touch_each_others_phones(root):
    publish(root, phones(3), scope="north")
    publish(root, [FakePhone(10), FakePhone(11)], scope="south")
    result = publish(root, [FakePhone(10)], scope="south")
    assert result["removed_hosts"] == ["phone00011"]
    assert len(macs(root)) == 4


def test_two_shards_never_undo_each_others_phones(root):
    north, south = phones(4), [FakePhone(number) for number in range(10, 14)]
    publish(root, north, scope="north")
    publish(root, south, scope="south")

    def files(number: int) -> dict:
        return {
            name.rpartition("/")[2]: found for name, found in tree(os.path.join(root, "current", "phones", FakePhone(number).mac)).items()
        }

    before = files(10)
    for turn in range(2, 5):
        assert publish(root, [FakePhone(0, text=str(turn)), *north[1:]], scope="north")["counts"]["removed"] == 0
        # What the other shard published is as it was, file by file, and it has nothing to do.
        assert files(10) == before
        assert publish(root, south, scope="south")["changed"] is False
        assert "label = " + str(turn) in published(root, 0)
    assert publish(root, north[:-1], scope="north", max_change_percent=100)["removed_hosts"] == ["phone00003"]
    assert publish(root, south, scope="south")["changed"] is False
    assert len(macs(root)) == 7


def test_slices_of_one_inventory_publish_side_by_side_with_pruning_off(root):
    """A slice takes its part for the whole group."""
    one, two = phones(4)[:2], phones(4)[2:]
    publish(root, one, prune=False)
    publish(root, two, prune=False)
    assert publish(root, one, prune=False)["changed"] is False
    assert publish(root, [FakePhone(0, text="2"), one[1]], prune=False)["counts"]["removed"] == 0
    assert len(macs(root)) == 4
    # The run over everything takes what left.
    assert publish(root, [FakePhone(0, text="2"), *phones(3)[1:]])["removed_hosts"] == ["phone00003"]


def test_phone_of_another_scope_is_refused_with_both_names(root):
    publish(root, phones(30), scope="north")
    before = tree(root)
    with pytest.raises(AnsibleActionFail) as caught:
        publish(root, phones(25), scope="south")
    text = str(caught.value)
    assert "25 phones belong to another scope on prov1, nothing was published" in text
    assert (
        f"phone00000: MAC {FakePhone(0).mac} is published there by scope 'north' as host 'phone00000'; this run's scope is 'south'" in text
    )
    assert text.endswith("… and 5 more")
    assert tree(root) == before


def test_named_phones_are_removed_by_a_run_that_covers_others_or_nobody(root):
    publish(root, phones(4))
    publish(root, [FakePhone(9)], scope="south", complete=False)
    named = ["00:15:65:00:00:01", FakePhone(9).mac, "0015650000ff"]
    assert publish(root, [FakePhone(0)], complete=False, remove=named, check=True)["removed_hosts"] == ["phone00001"]
    assert publish(root, [FakePhone(0)], complete=False, remove=named)["removed_hosts"] == ["phone00001"]
    assert publish(root, [FakePhone(0)], complete=False, remove=named)["changed"] is False
    assert publish(root, [], complete=False, remove=[FakePhone(2).mac])["removed_hosts"] == ["phone00002"]
    assert macs(root) == [FakePhone(0).mac, FakePhone(3).mac, FakePhone(9).mac]
    with pytest.raises(AnsibleActionFail, match="remove: '00:15' is not a MAC address"):
        publish(root, [], complete=False, remove=["00:15"])


def test_scope_can_be_adopted_phone_by_phone(root):
    publish(root, phones(3), scope="all")
    publish(root, phones(2), scope="north", adopt_scopes=["all"])
    assert publish(root, [], scope="north", complete=True)["removed_hosts"] == ["phone00000", "phone00001"]
    assert macs(root) == [FakePhone(2).mac]


@pytest.mark.parametrize(
    ("before", "after", "percent", "refused"),
    [
        (30, [*range(30)], 50, True),
        (30, [*range(15)], 50, False),
        (30, [*range(16)], 50, True),
        (30, [*range(30)], 100, False),
        (20, [*range(20)], 50, False),
        (30, [0], 0, True),
    ],
    ids=["all change", "half change", "more than half", "guard off", "small fleet", "none may"],
)
def test_run_that_changes_too_much_is_refused(root, before, after, percent, refused):
    publish(root, phones(before))
    fleet = [FakePhone(number, text="2" if number in after else "1") for number in range(before)]
    if refused:
        with pytest.raises(AnsibleActionFail, match=r"phones would change and 0 be removed of 30 that are published .*allows \(\d+\)"):
            publish(root, fleet, max_change_percent=percent)
        assert "label = 1" in published(root, 0)
    else:
        assert publish(root, fleet, max_change_percent=percent)["changed"] is True


def test_removals_count_for_the_guard_and_new_phones_do_not(root):
    publish(root, phones(30))
    with pytest.raises(AnsibleActionFail, match="0 phones would change and 20 be removed"):
        publish(root, phones(10))
    assert publish(root, phones(90))["counts"]["new"] == 60


def test_guard_is_a_warning_in_check_mode(root):
    publish(root, phones(30))
    result = publish(root, phones(30, text="2"), check=True)
    assert any("a run without --check would be refused" in warning for warning in result["warnings"])


# Check mode, diff, plan


def test_check_mode_works_without_anything_on_the_server_and_writes_nothing(root):
    result = publish(root, phones(3), check=True, diff=True)
    assert (result["changed"], result["counts"]["new"], result["release"]) == (True, 3, None)
    assert not os.path.exists(root)


def test_check_mode_on_a_published_server_writes_nothing(root):
    publish(root, phones(3))
    before = tree(root)
    assert publish(root, phones(3, text="2"), check=True, diff=True)["counts"]["changed"] == 3
    assert tree(root) == before


def test_diff_shows_what_changed_and_no_secret(root):
    publish(root, phones(2))
    result = publish(root, phones(2, text="2"), check=True, diff=True)
    assert len(result["diff"]) == 2
    entry = result["diff"][0]
    assert entry["before_header"] == "prov1: phone00000: 001565000000.cfg (published)"
    assert "account.1.label = 1\n" in entry["before"]
    assert "account.1.label = 2\n" in entry["after"]
    shown = json.dumps(result)
    for number in (0, 1):
        for secret in (FakePhone(number).password, FakePhone(number, text="2").password, FakePhone(number).token):
            assert secret not in shown
            assert json.dumps(secret)[1:-1] not in shown


def test_diff_is_limited_and_says_so(root):
    publish(root, phones(9))
    result = publish(root, phones(9, text="2"), check=True, diff=True, diff_limit=4)
    assert len(result["diff"]) == 5
    assert result["diff"][-1]["prepared"] == "prov1: 5 more differences are not shown (phone_configs_diff_limit is 4)\n"


def test_diff_of_a_removed_phone_lists_its_files(root):
    publish(root, phones(2))
    (entry,) = publish(root, phones(1), check=True, diff=True)["diff"]
    assert (entry["after_header"], entry["after"]) == ("prov1: phone00001 (removed)", "")
    assert "001565000001.boot\n" in entry["before"]


def test_diff_of_a_change_of_the_gate_alone_says_so(root):
    publish(root, phones(1))
    (entry,) = publish(root, phones(1, networks=["10.0.0.0/8"]), check=True, diff=True)["diff"]
    assert "only what the gate knows changes" in entry["prepared"]


def test_plan_is_written_for_programs_and_people_and_holds_no_secret(root, tmp_path):
    publish(root, phones(3))
    fleet = [FakePhone(0, text="2", site="Zürich | A"), *phones(2)[1:], FakePhone(7)]
    publish(root, fleet, check=True, diff=True, plan_path=str(tmp_path / "plan"))
    data = json.loads((tmp_path / "plan.json").read_text())
    (server,) = data["servers"]
    assert (server["counts"]["new"], server["counts"]["changed"], server["counts"]["removed"]) == (1, 1, 1)
    assert server["sites"] == [
        {"name": "Zürich | A", "new": 0, "changed": 1, "removed": 0},
        {"name": "berlin", "new": 1, "changed": 0, "removed": 1},
    ]
    text = (tmp_path / "plan.md").read_text()
    assert "1 new, 1 changed, 1 removed phones" in text
    assert "| Zürich \\| A | 0 | 1 | 0 |" in text
    assert "+account.1.label = 2" in text
    for phone in fleet:
        assert phone.token not in text + json.dumps(data)
        assert phone.password not in text


def test_plan_that_can_not_be_written_is_refused_before_anything_is_published(root, tmp_path):
    with pytest.raises(AnsibleActionFail, match="plan_path: .*No such file or directory"):
        publish(root, phones(1), plan_path=str(tmp_path / "missing" / "plan"))
    assert not os.path.exists(root)


# The server changed meanwhile, or was edited


def test_plan_is_made_again_when_another_run_published_meanwhile(root):
    publish(root, phones(3))
    others = [FakePhone(50)]

    def other():
        if others:
            publish(root, [others.pop()], complete=False)

    controller = Controller(FakeProduction([FakePhone(0, text="2")], complete=False), before_apply=other)
    assert controller.run(root)["changed"] is True
    assert controller.calls == ["status", "apply", "status", "apply"]
    assert "label = 2" in published(root, 0)
    assert FakePhone(50).mac in macs(root)


def test_run_gives_up_when_others_keep_publishing(root):
    publish(root, phones(1))
    numbers = iter(range(100, 200))

    def other():
        publish(root, [FakePhone(next(numbers))], complete=False)

    with pytest.raises(AnsibleActionFail, match="other runs kept publishing"):
        Controller(FakeProduction([FakePhone(0, text="2")], complete=False), before_apply=other).run(root)


def test_file_deleted_by_hand_comes_back_with_the_next_change(root):
    publish(root, phones(3))
    os.unlink(os.path.join(root, "current", "phones", FakePhone(1).mac, f"{FakePhone(1).mac}.cfg"))
    publish(root, [FakePhone(0, text="2"), *phones(3)[1:]])
    assert "label = 1" in published(root, 1)


def test_file_edited_by_hand_is_found_and_published_anew(root):
    publish(root, phones(3))
    path = os.path.join(root, "current", "phones", FakePhone(1).mac, f"{FakePhone(1).mac}.cfg")
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("edited\n")
    assert publish(root, phones(3))["changed"] is False
    checked = publish(root, phones(3), verify=True, check=True)
    assert (checked["changed"], checked["edited"]) == (True, {FakePhone(1).mac: [f"{FakePhone(1).mac}.cfg"]})
    result = publish(root, phones(3), verify=True)
    assert (result["changed"], result["changed_hosts"]) == (True, ["phone00001"])
    assert "edited" not in published(root, 1)
    again = publish(root, phones(3), verify=True)
    assert (again["changed"], again["edited"]) == (False, {})


@pytest.mark.parametrize("what", ["mode", "extra", "missing", "stranger", "gate"])
def test_every_kind_of_hand_edit_is_repaired(root, what):
    publish(root, phones(3))
    folder = os.path.join(root, "current", "phones")
    path = os.path.join(folder, FakePhone(1).mac, f"{FakePhone(1).mac}.cfg")
    if what == "mode":
        os.chmod(path, 0o644)
    elif what == "extra":
        with open(path + ".bak", "w", encoding="utf-8") as stream:
            stream.write("old")
    elif what == "missing":
        os.unlink(path)
    elif what == "stranger":
        os.mkdir(os.path.join(folder, "0015650000ff"))
    else:
        with open(os.path.join(root, "current", "gate", "tokens.map"), "a", encoding="utf-8") as stream:
            stream.write("# all welcome\n")
    assert publish(root, phones(3), verify=True)["changed"] is True
    after = publish(root, phones(3), verify=True)
    assert (after["changed"], after["edited"], after["strangers"], after["gate_edited"]) == (False, {}, [], [])


def test_edited_phone_outside_the_run_is_named_and_left(root):
    publish(root, phones(3))
    path = os.path.join(root, "current", "phones", FakePhone(1).mac, f"{FakePhone(1).mac}.cfg")
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("edited\n")
    result = publish(root, [FakePhone(0)], complete=False, verify=True)
    assert result["changed"] is False
    assert any("1 phones with edited files are not part of this run" in warning for warning in result["warnings"])


# What is kept on the controller


def test_nothing_is_left_on_the_controller(root, local_tmp):
    publish(root, phones(3))
    with pytest.raises(AnsibleActionFail):
        publish(root, [FakePhone(9, fails=True)])
    assert os.listdir(local_tmp) == ["local"]


def test_leftovers_of_a_killed_run_are_removed_at_the_next(root, local_tmp):
    folder = local_tmp / "dialtone-spool-dead"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "release.tar").write_text("secret")
    publish(root, phones(1))
    assert os.listdir(local_tmp) == ["local"]


def test_connection_does_not_log_what_modules_say_of_phones():
    connection = MagicMock()
    connection._play_context.no_log = False
    action = Action(MagicMock(), connection, MagicMock(no_log=False), None, None, None)
    with action.quiet():
        assert connection._play_context.no_log is True
    assert (connection._play_context.no_log, action._play_context.no_log) == (False, False)


def test_many_warnings_are_cut(root):
    result = Controller(FakeProduction(phones(1), warnings=[f"phone{n}: odd" for n in range(80)])).run(root)
    assert (len(result["warnings"]), result["warnings"][-1]) == (51, "and 30 more warnings of this kind")


# New digests for the same files: an update of the collection, of a pack, of a library


class Renewed(FakePhone):
    """A phone whose files are as before, from other code."""

    @property
    def key(self):
        return super().key[::-1]


def test_new_digests_of_the_same_files_are_noted_once_and_nothing_else_is_touched(root):
    publish(root, phones(3))
    before = tree(root)
    fleet = [Renewed(number) for number in range(3)]
    first = Controller(FakeProduction(fleet))
    result = first.run(root)
    assert (result["changed"], result["counts"]["rendered"], first.calls) == (False, 3, ["status", "apply"])
    manifest = os.path.join(root, "current", "manifest.json.gz")
    after = tree(root)
    folder = os.path.dirname(os.path.realpath(manifest))
    assert {path for path in after if after[path] != before.get(path)} <= {
        folder,
        os.path.join(folder, "manifest.json.gz"),
        os.path.join(root, ".publish.lock"),
    }
    assert os.stat(manifest).st_mode & 0o777 == 0o600
    second = Controller(FakeProduction(fleet))
    assert (second.run(root)["counts"]["skipped"], second.calls, tree(root)) == (3, ["status"], after)


def test_check_mode_notes_no_digests(root):
    publish(root, phones(3))
    before = tree(root)
    assert publish(root, [Renewed(number) for number in range(3)], check=True)["changed"] is False
    assert tree(root) == before


def test_noting_digests_gives_way_to_another_run(root):
    publish(root, phones(3))
    others = [FakePhone(50)]

    def other():
        if others:
            publish(root, [others.pop()], complete=False)

    controller = Controller(FakeProduction([Renewed(number) for number in range(3)], complete=False), before_apply=other)
    assert controller.run(root)["changed"] is False
    assert controller.calls == ["status", "apply", "status", "apply"]
    assert FakePhone(50).mac in macs(root)
    assert publish(root, [Renewed(number) for number in range(3)], complete=False)["counts"]["skipped"] == 3


def test_documented_options_are_those_of_the_action():
    options = {**yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"], **yaml.safe_load(DOCUMENTATION)["options"]}
    assert {name: (option["type"], option.get("default")) for name, option in options.items()} == {
        name: (option["type"], option.get("default")) for name, option in ARGUMENT_SPEC.items()
    }
