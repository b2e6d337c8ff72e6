# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Notes


@pytest.mark.parametrize(("limit", "kept"), [(None, ["a", "b", "c"]), (2, ["a", "b"]), (0, [])])
def test_notes_beyond_the_limit_are_counted(limit, kept):
    notes = Notes(limit)
    notes.tell(["a", "b", "a"])
    notes.tell(iter(["c"]))
    assert (list(notes), len(notes)) == (kept, 3)
