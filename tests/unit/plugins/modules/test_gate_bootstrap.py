# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible_collections.dialtone.phones.plugins.modules.gate_bootstrap import add_files, missing_files, write_release

GROUPS = {"nginx": os.getgid(), "gate": os.getgid()}


def test_a_release_of_an_older_version_gets_the_files_it_lacks_and_they_name_nobody(tmp_path):
    write_release(str(tmp_path / "releases/r1"), GROUPS)
    (tmp_path / "current").symlink_to("releases/r1")
    gate = tmp_path / "current/gate"
    # As publishing makes them: nobody but root lists what there is.
    assert [os.stat(path).st_mode & 0o777 for path in (tmp_path / "current", gate)] == [0o711, 0o711]
    assert missing_files(str(tmp_path)) == []
    before = (gate / "policies.conf").read_bytes()
    (gate / "policies.conf").unlink()
    (gate / "tokens.map").write_text('"0" "kept";\n')
    assert missing_files(str(tmp_path)) == ["gate/policies.conf"]
    add_files(str(tmp_path), missing_files(str(tmp_path)), GROUPS)
    assert (gate / "policies.conf").read_bytes() == before
    assert (gate / "policies.conf").stat().st_mode & 0o777 == 0o640
    assert (gate / "tokens.map").read_text() == '"0" "kept";\n'
