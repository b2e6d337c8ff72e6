# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs


@pytest.mark.parametrize(
    ("paths", "folders"),
    [(None, []), ("", []), ([], []), (["", "mine"], ["mine"]), ("mine", ["mine"]), (("mine", "theirs"), ["mine", "theirs"])],
)
def test_folders_of_packs_are_named_alone_or_in_a_list_relative_to_the_playbook(tmp_path, paths, folders):
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
    assert Packs.below(tmp_path, paths).folders == tuple(str(tmp_path / name) for name in folders)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (5, "phone_template_path: got 5, wanted a folder or a list of folders"),
        ([None], "phone_template_path: got .*, wanted a folder or a list of folders"),
        ({"mine": "x"}, "phone_template_path: got .*, wanted a folder or a list of folders"),
        ("nowhere", "phone_template_path: .*/nowhere is not a folder"),
    ],
)
def test_what_names_no_folder_is_refused(tmp_path, paths, words):
    with pytest.raises(PackError, match=words):
        Packs.below(tmp_path, paths)
