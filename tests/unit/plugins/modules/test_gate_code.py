# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.dialtone.phones.plugins.modules.gate_code import install, unwanted_names

FILES = {"serve.py": "import gate.app\n", "gate/__init__.py": "", "gate/app.py": "# grüße {{ x }}\r\n"}


def held(folder) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()}


def test_a_new_server_gets_every_file_and_a_second_run_changes_nothing(tmp_path):
    assert install(str(tmp_path / "code"), FILES) == {"changed": True, "written": sorted(FILES), "removed": []}
    assert held(tmp_path / "code") == FILES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "code").rglob("*.py")} == {0o644}
    assert install(str(tmp_path / "code"), FILES, diff=True) == {"changed": False, "written": [], "removed": [], "diff": []}


def test_only_what_differs_is_written(tmp_path):
    install(str(tmp_path), FILES)
    before = (tmp_path / "serve.py").stat().st_ino
    (tmp_path / "gate/app.py").write_text("# older\n")
    assert install(str(tmp_path), FILES)["written"] == ["gate/app.py"]
    assert held(tmp_path) == FILES
    assert (tmp_path / "serve.py").stat().st_ino == before


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o755])
def test_a_file_that_others_may_write_or_nobody_read_is_written_anew(tmp_path, mode):
    install(str(tmp_path), FILES)
    (tmp_path / "serve.py").chmod(mode)
    assert install(str(tmp_path), FILES)["written"] == ["serve.py"]
    assert (tmp_path / "serve.py").stat().st_mode & 0o777 == 0o644


def test_a_link_in_the_place_of_a_file_is_replaced_and_where_it_leads_stays_as_it_is(tmp_path):
    install(str(tmp_path / "code"), FILES)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(FILES["serve.py"])
    (tmp_path / "code/serve.py").unlink()
    (tmp_path / "code/serve.py").symlink_to(elsewhere)
    assert install(str(tmp_path / "code"), {**FILES, "serve.py": "# new\n"})["written"] == ["serve.py"]
    assert elsewhere.read_text() == FILES["serve.py"] and not (tmp_path / "code/serve.py").is_symlink()


def test_what_an_older_version_left_in_a_package_goes_and_what_lies_beside_stays(tmp_path):
    install(str(tmp_path), {**FILES, "gate/claims.py": "# old\n"})
    (tmp_path / "lab-ca").write_text("#!/bin/sh\n")
    (tmp_path / "own.py").write_text("# somebody's\n")
    os.makedirs(tmp_path / "gate/__pycache__")
    assert install(str(tmp_path), FILES) == {"changed": True, "written": [], "removed": ["gate/claims.py"]}
    assert sorted(held(tmp_path)) == sorted([*FILES, "lab-ca", "own.py"])


def test_check_mode_tells_the_same_and_touches_nothing(tmp_path):
    folder = tmp_path / "code"
    assert install(str(folder), FILES, check=True)["written"] == sorted(FILES)
    assert not folder.exists()
    install(str(folder), {**FILES, "gate/old.py": "x = 1\n"})
    (folder / "serve.py").write_text("# older\n")
    before = held(folder)
    told = install(str(folder), FILES, check=True, diff=True)
    assert (told["written"], told["removed"]) == (["serve.py"], ["gate/old.py"])
    assert [(part["before"], part["after"]) for part in told["diff"]] == [("# older\n", FILES["serve.py"]), ("x = 1\n", "")]
    assert held(folder) == before


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/b/c.py", "x.sh", "gate/", ""])
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert unwanted_names({name: "", "serve.py": ""}) == [f"{name!r} is not NAME.py or PACKAGE/NAME.py"]


def test_a_content_that_is_no_text_is_refused():
    assert unwanted_names({"serve.py": 7}) == ["the content of 'serve.py' is not text"]
