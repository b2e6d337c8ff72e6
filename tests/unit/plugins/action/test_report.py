# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: what is in them, who may read them, and when they change."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.dialtone.phones.plugins.action.report import options, write
from ansible_collections.dialtone.phones.plugins.module_utils import gate_state
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.report import metrics
from ansible_collections.dialtone.phones.plugins.plugin_utils.report import page as report_page

from tests.unit.json_schema import faults
from tests.unit.made_up_report import HOSTILE, made_up
from tests.unit.server_world import ServerWorld

from .claim_world import World

TOP = Path(__file__).resolve().parents[4]
FILES = TOP / "roles/fleet_report/files"
RULES = FILES / "monitoring/dialtone.rules.yml"
UNLOCK = "ansible-playbook dialtone.phones.unlock --limit "
USUAL = {"silent_days": 14, "mode": "0640", "unlock_command": ""}


def written(folder: Path, made: dict | None = None, **more) -> list[str]:
    return write(str(folder), made or made_up(20), UNLOCK, more.get("mode", 0o640), more.get("check", False))


def test_the_document_is_as_its_schema_says(tmp_path):
    schema = json.loads((TOP / "docs/report-schema.json").read_text(encoding="utf-8"))
    assert faults(made_up(200, hostile=True), schema) == []
    assert faults({**made_up(1), "more": 1}, schema) == ["$: more is not in the schema"]


@pytest.mark.parametrize("paths", ["packs", ["packs"]])
def test_a_folder_of_packs_may_be_named_alone_or_in_a_list(tmp_path, paths):
    world = World(tmp_path, phone_template_path=paths)
    (tmp_path / "packs").mkdir()
    (tmp_path / "server").mkdir()
    result = world.run("report", states={"prov1": gate_state.pack(ServerWorld(tmp_path / "server").state())}, path="report")
    assert result["funnel"]["listed"] == 3


def test_files_are_for_owner_and_group_only(tmp_path):
    assert written(tmp_path / "new") == ["fleet.json", "fleet.prom", "fleet.html"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o640}
    assert (tmp_path / "new").stat().st_mode & 0o027 == 0
    assert written(tmp_path / "new", mode=0o600) == ["fleet.json", "fleet.prom", "fleet.html"]
    assert written(tmp_path / "new", mode=0o600) == []


def test_unchanged_facts_leave_unchanged_files_of_a_new_time(tmp_path):
    written(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    assert written(tmp_path, {**made_up(20), "generated_at": "2030-01-01T00:00:00Z"}) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert all(path.stat().st_mtime > 1 for path in tmp_path.iterdir())
    assert written(tmp_path, {**made_up(20), "title": "Other", "generated_at": "2030-01-01T00:00:00Z"}) == [
        "fleet.json",
        "fleet.prom",
        "fleet.html",
    ]


def test_check_mode_tells_and_writes_nothing(tmp_path):
    assert written(tmp_path / "new", check=True) == ["fleet.json", "fleet.prom", "fleet.html"]
    assert not (tmp_path / "new").exists()


def test_a_damaged_document_is_replaced(tmp_path):
    (tmp_path / "fleet.json").write_text("[")
    assert "fleet.json" in written(tmp_path)


@pytest.mark.parametrize("change", [{"silent_days": 0}, {"mode": "rw"}, {"mode": "0"}, {"mode": "7777"}, {"unlock_command": "it's"}])
def test_bad_options_are_named(change):
    with pytest.raises(ProblemsError, match=next(iter(change))):
        options({**USUAL, **change}, {})


def test_the_command_that_unlocks_names_the_inventory_of_the_run():
    found = options(USUAL, {"ansible_inventory_sources": ["/srv/my phones"]})
    assert found == (0o640, ["ansible-playbook", "-i", "/srv/my phones", "dialtone.phones.unlock"])


def test_the_page_runs_nothing_but_its_own():
    page = report_page.render(made_up(20, hostile=True), UNLOCK)
    policy = html.unescape(re.search('Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    blocks = re.findall(r"<script>(.*?)</script>", page, re.DOTALL) + re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() in policy
    assert not re.search(r"\son[a-z]+=|style=|javascript:", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    assert not re.search(
        r"(?:src|href)=\"(?!https://github.com/leeoniya/uPlot\"|#|data:,\")", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    )


def test_no_name_leaves_the_data_of_the_page():
    page = report_page.render(made_up(20, hostile=True), UNLOCK)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert data.isascii() and not set(data) & set("<>&")
    hosts = [row[0] for row in json.loads(data)["phones"]]
    assert set(HOSTILE) - {HOSTILE[2]} <= set(hosts)
    assert "evil\ufffdtxt.exe\ufffd" in hosts


def test_a_hostile_title_is_text():
    page = report_page.render({**made_up(1), "title": "<script>&\"'%%DATA%%"}, UNLOCK)
    assert "<title>&lt;script&gt;&amp;&quot;&#x27;%%DATA%%</title>" in page


def test_the_library_is_as_it_was_published():
    table = re.findall(r"`([\w.]+)` \| `([0-9a-f]{64})`", (FILES / "uplot/README.md").read_text(encoding="utf-8"))
    assert {name: hashlib.sha256((FILES / "uplot" / name).read_bytes()).hexdigest() for name, _sum in table} == dict(table)
    assert len(table) == 2 and "MIT License" in (FILES / "uplot/LICENSE").read_text(encoding="utf-8")


def test_metrics_are_named_and_typed_as_prometheus_wants():
    text = metrics.render(made_up(50, hostile=True))
    lines = text.splitlines()
    assert text.endswith("\n")
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) == len([line for line in lines if line.startswith("# HELP")])
    for line in lines:
        if line.startswith("#"):
            continue
        found = re.fullmatch(r'(dialtone_[a-z_]+)(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9.e+]+)', line)
        assert found, line
        assert found[1] in names
        kind = next(each.split()[3] for each in lines if each.startswith(f"# TYPE {found[1]} "))
        assert (kind == "counter") is found[1].endswith("_total")


def test_labels_that_can_grow_are_cut():
    made = made_up(5)
    made["breakdown"]["site"] = [{**made["breakdown"]["site"][0], "name": f"site{number}", "listed": 1} for number in range(500)]
    lines = [line for line in metrics.render(made).splitlines() if line.startswith("dialtone_site_phones_listed{")]
    assert len(lines) == metrics.MAX_VALUES + 1
    assert 'dialtone_site_phones_listed{site="(others)"} 400' in lines
    made["claims_refused"] = {f"reason {number}": 1 for number in range(300)}
    assert 'dialtone_claims_refused_total{reason="other"} 300' in metrics.render(made)


def expressions() -> list[str]:
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    dashboard = json.loads((FILES / "monitoring/dialtone-dashboard.json").read_text(encoding="utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return found + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", expressions())
def test_alerts_and_dashboard_ask_for_what_there_is(expression):
    text = metrics.render(made_up(50))
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    asked = set(re.findall(r"\b(?:dialtone|node)_[a-z_]+", expression))
    # node_exporter's own, for the age of the file.
    assert asked and asked <= names | {"node_textfile_mtime_seconds"}
    for label, value in re.findall(r'(stage|flag|use|reason)[!=]=?~?"([^"]*)"', expression):
        for each in value.split("|"):
            assert f'{label}="{each}"' in text or (label, each) in {("use", "clients"), ("reason", "wrong-pin")}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian's package prometheus) is not installed")
@pytest.mark.parametrize(
    "command", [["check", "rules", "dialtone.rules.yml"], ["test", "rules", "dialtone.rules.test.yml"], ["check", "metrics"]], ids=" ".join
)
def test_promtool_agrees(command):
    text = metrics.render(made_up(50, hostile=True)) if "metrics" in command else ""
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
