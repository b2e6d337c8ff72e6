# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_has_the_mode_that_was_asked_for_whatever_the_umask_and_the_file_before(tmp_path, mode):
    file = tmp_path / "report.json"
    file.write_bytes(b"old")
    file.chmod(0o666)
    before = os.umask(0o077)
    try:
        replace_file(file, b"new", mode)
    finally:
        os.umask(before)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", mode)


def test_a_link_is_replaced_and_not_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    replace_file(str(link), b"new")
    assert (target.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"old", b"new", False)


def test_a_write_that_fails_leaves_what_was_there_and_nothing_beside(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_bytes(b"")
    with pytest.raises(OSError, match="full"):
        replace_file(tmp_path / "full", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
