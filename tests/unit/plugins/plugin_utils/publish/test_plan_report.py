# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from types import SimpleNamespace

from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import Change
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan_report import PlanReport


def plan(*changes: Change):
    kinds = [change.kind for change in changes]
    counts = {kind: kinds.count(kind) for kind in ("new", "changed", "removed")}
    return SimpleNamespace(changes=list(changes), counts={**counts, "files": len(changes)})


def change(number: int, kind: str = "changed", site: str = "berlin") -> Change:
    return Change(kind, f"phone{number}", f"001565{number:06x}", "yealink", site, {"a.cfg": ("1", "2")}, False)


def test_nothing_to_do_is_said(tmp_path):
    report = PlanReport(str(tmp_path / "plan"))
    report.add("prov1", plan(), [], [], False)
    report.write()
    assert "Nothing changes." in (tmp_path / "plan.md").read_text()
    assert json.loads((tmp_path / "plan.json").read_text())["servers"][0]["phones"] == []


def test_each_server_stands_once_even_if_it_was_planned_again(tmp_path):
    report = PlanReport(str(tmp_path / "plan"))
    report.add("prov1", plan(change(1)), [], [], True)
    report.add("prov2", plan(change(1)), [], [], True)
    report.add("prov1", plan(change(1), change(2)), [], [], True)
    report.write()
    servers = json.loads((tmp_path / "plan.json").read_text())["servers"]
    assert [(entry["server"], len(entry["phones"])) for entry in servers] == [("prov2", 1), ("prov1", 2)]


def test_markdown_fits_into_a_comment_and_closes_its_fence(tmp_path):
    report = PlanReport(str(tmp_path / "plan"))
    diff = {"before_header": "a", "after_header": "b", "before": "", "after": "x = 1\n" * 20000}
    report.add("prov1", plan(*[change(number) for number in range(600)]), [diff], [], True)
    report.write()
    text = (tmp_path / "plan.md").read_text()
    assert len(text) < 65536
    assert text.count("```") % 2 == 0
    assert text.endswith("The rest is in the JSON file beside this one.\n")
    assert "| and 100 more | | | |" in text
    assert len(json.loads((tmp_path / "plan.json").read_text())["servers"][0]["phones"]) == 600


def test_text_of_a_file_can_not_end_the_fence_nor_leave_its_cell(tmp_path):
    report = PlanReport(str(tmp_path / "plan"))
    diff = {"before_header": "a", "after_header": "b", "before": "", "after": "```\n# Approved\n"}
    report.add("prov1", plan(change(1, site="a|b<script>`x`")), [diff], ["note\nwith a line"], True)
    report.write()
    text = (tmp_path / "plan.md").read_text()
    assert "+` ` `" in text
    assert "| a\\|b&lt;script>\\`x\\` |" in text
    assert "> note with a line" in text
