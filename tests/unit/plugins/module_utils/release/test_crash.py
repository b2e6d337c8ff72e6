# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Killed at any moment, disturbed at any moment: what serves is always whole."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.tests.unit.collections_root import COLLECTIONS_ROOT
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import Server, mac_of, phone

PHONES = 60
KILLS = 30
_fork = multiprocessing.get_context("fork")


def fleet(text: str) -> list:
    return [phone(number, {"a.cfg": f"{text} a {number}", "b.cfg": f"{text} b {number}", "common.cfg": text}) for number in range(PHONES)]


def keep_publishing(root: str, rounds: int) -> None:
    """Publish two contents in turns until killed."""
    server = Server(root)
    for number in range(rounds):
        server.publish(fleet("old" if number % 2 else "new"), release_id=f"r{os.getpid()}-{number}")


class Reader(threading.Thread):
    """Reads a phone's files through ``current`` again and again, as one release each time."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._end = threading.Event()
        self.torn: list = []
        self.reads = 0

    def run(self) -> None:
        while not self._end.is_set():
            number = random.randrange(PHONES)
            release = os.path.join(self._server.root, os.readlink(self._server.store.link))
            folder = os.path.join(release, "phones", mac_of(number))
            try:
                texts = [open(os.path.join(folder, name), encoding="utf-8").read() for name in ("a.cfg", "b.cfg", "common.cfg")]  # noqa: SIM115
            except FileNotFoundError:
                # The release went away between reading the link and the file; the link itself must always lead somewhere.
                if not os.path.exists(os.path.join(self._server.store.link, "phones", mac_of(number), "a.cfg")):
                    self.torn.append("current leads nowhere")
                continue
            self.reads += 1
            word = texts[2]
            if word not in ("old", "new") or texts != [f"{word} a {number}", f"{word} b {number}", word]:
                self.torn.append(repr(texts))

    def stop(self) -> None:
        self._end.set()
        self.join()


def assert_whole(server: Server) -> None:
    """Every phone of the manifest has its files, all of one release, and the gate knows every phone."""
    rows = server.rows()
    assert len(rows) == PHONES
    words = set()
    for number in range(PHONES):
        texts = [server.text(number, name) for name in ("a.cfg", "b.cfg", "common.cfg")]
        words.add(texts[2])
        assert texts[:2] == [f"{texts[2]} a {number}", f"{texts[2]} b {number}"]
    assert len(words) == 1
    with open(os.path.join(server.root, "current", "gate", "tokens.map"), encoding="utf-8") as stream:
        assert len(stream.readlines()) == PHONES


def test_publishing_killed_at_random_moments_never_leaves_a_half_release(tmp_path):
    server = Server(tmp_path / "root")
    server.publish(fleet("old"))
    reader = Reader(server)
    reader.start()
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    half_built = 0
    try:
        # On a busy machine more kills may be needed until one meets a release half built.
        for number in range(KILLS * 10):
            if number >= KILLS and half_built:
                break
            process = _fork.Process(target=keep_publishing, args=(server.root, 50))
            process.start()
            time.sleep(dice.uniform(0.0, 0.12))
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            assert_whole(server)
            half_built += any(name.endswith((".staging", ".gone")) for name in os.listdir(server.store.releases_path))
    finally:
        reader.stop()
    assert reader.torn == [], f"seed {seed}"
    assert reader.reads > 0
    # Else the kills came too early or too late to tell anything.
    assert half_built > 0
    result = server.publish(fleet("last") if server.text(0, "common.cfg") != "last" else fleet("old"))
    assert result["changed"] is True
    assert [
        name
        for name in os.listdir(server.store.releases_path)
        if not os.path.exists(os.path.join(server.store.releases_path, name, "release.json"))
    ] == []
    assert len(server.store.releases()) <= 3


def publish_one(root: str, number: int, gate: object) -> None:
    """Add one phone, again when somebody else was faster, as the action does."""
    server = Server(root, lock_timeout=30)
    gate.wait()  # type: ignore[attr-defined]
    while server.publish([phone(number, {"a.cfg": str(number)})], release_id=f"c{number}").get("stale"):
        pass


def test_controllers_at_the_same_time_lose_nothing(tmp_path):
    server = Server(tmp_path / "root")
    server.publish([phone(0, {"a.cfg": "0"})])
    gate = _fork.Event()
    processes = [_fork.Process(target=publish_one, args=(server.root, number, gate)) for number in range(1, 7)]
    for process in processes:
        process.start()
    gate.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    assert sorted(server.rows()) == [mac_of(number) for number in range(7)]


def test_second_controller_is_refused_with_the_first_ones_name(tmp_path):
    server = Server(tmp_path / "root")
    server.publish([phone(0, {"a.cfg": "0"})])
    other = Server(tmp_path / "root", lock_timeout=0)
    busy = r"alice on laptop \(since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\) is publishing to this server; waited 0 s"
    with server.publisher._alone(), pytest.raises(ReleaseError, match=busy):
        other.publish([phone(0, {"a.cfg": "1"})])
    assert server.text(0, "a.cfg") == "0"


def test_lock_of_a_killed_run_is_free(tmp_path):
    server = Server(tmp_path / "root", lock_timeout=0)
    server.publish([phone(0, {"a.cfg": "0"})])
    code = (
        "import sys, time; sys.path.append(sys.argv[2]);"
        "from ansible_collections.dialtone.phones.plugins.module_utils.release.lock import PublishLock\n"
        "with PublishLock(sys.argv[1], 'dead', 0):\n    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, server.store.lock, COLLECTIONS_ROOT], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(ReleaseError, match="dead"):
        server.publish([phone(0, {"a.cfg": "1"})])
    process.kill()
    process.wait()
    process.stdout.close()
    assert server.publish([phone(0, {"a.cfg": "1"})])["changed"] is True


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system takes root")
    path = tmp_path / "disk"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_full_disk_leaves_the_release_and_no_leftovers(small_disk, tmp_path):
    server = Server(small_disk / "root")
    server.publish([phone(0, {"a.cfg": "0"})])
    before = server.tree()
    archive = Server(tmp_path / "elsewhere").archive([phone(0, {"a.cfg": "x" * (3 << 20)})], base=server.digest())
    with pytest.raises(ReleaseError, match=f"{os.strerror(errno.ENOSPC)}; the published release was not changed"):
        server.publisher.apply(archive)
    assert server.text(0, "a.cfg") == "0"
    assert set(server.tree()) == set(before)
    assert server.publish([phone(0, {"a.cfg": "1"})])["changed"] is True
