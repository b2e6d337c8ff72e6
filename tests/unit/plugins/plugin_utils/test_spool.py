# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys

from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import Contents, sweep, transfer_folder
from ansible_collections.dialtone.phones.tests.unit.collections_root import COLLECTIONS_ROOT


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def test_contents_come_back_by_digest_and_have_no_name(tmp_path):
    contents = Contents(str(tmp_path))
    texts = [b"one", b"two" * 1000, b""]
    for text in texts:
        contents.add(digest_of(text), text)
        contents.add(digest_of(text), text)
    assert [contents.get(digest_of(text)) for text in reversed(texts)] == texts[::-1]
    assert list(contents.each(map(digest_of, texts))) == texts
    assert digest_of(b"three") not in contents
    assert os.listdir(tmp_path) == []


def test_folder_is_private_and_removed_on_failure_too(tmp_path):
    try:
        with transfer_folder(str(tmp_path)) as path:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
            raise RuntimeError
    except RuntimeError:
        pass
    assert os.listdir(tmp_path) == []


def test_folder_of_a_killed_run_is_removed_and_that_of_a_living_one_stays(tmp_path):
    code = (
        "import sys, time; sys.path.append(sys.argv[2])\n"
        "from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import transfer_folder\n"
        "with transfer_folder(sys.argv[1]) as path:\n    print(path, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), COLLECTIONS_ROOT], stdout=subprocess.PIPE, text=True)
    path = process.stdout.readline().strip()
    sweep(str(tmp_path))
    assert os.path.isdir(path)
    process.kill()
    process.wait()
    process.stdout.close()
    assert os.path.isdir(path)
    sweep(str(tmp_path))
    assert not os.path.exists(path)


def test_other_folders_and_fresh_ones_stay(tmp_path):
    (tmp_path / "ansible-local-1").mkdir()
    # Just being made: the lock comes a moment after the folder.
    (tmp_path / "dialtone-spool-new").mkdir()
    sweep(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["ansible-local-1", "dialtone-spool-new"]
    os.utime(tmp_path / "dialtone-spool-new", (1, 1))
    sweep(str(tmp_path))
    assert os.listdir(tmp_path) == ["ansible-local-1"]
