# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several gates at one store: 200 claimants at one URL have one winner, also while gates are killed.

SQLite always; PostgreSQL where DIALTONE_TEST_POSTGRESQL names an empty database. DIALTONE_TEST_ROUNDS says how often (3; the promise is tried with 50).
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import random
import signal
import sys
import time

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.claims import ClaimRequest, StoreError, create_store, open_store

from .conftest import empty_postgresql

ROUNDS = int(os.environ.get("DIALTONE_TEST_ROUNDS", "3"))
GATES, CLAIMANTS = 3, 200
MAC = "001565aabbcc"
_HERE = os.path.dirname(os.path.abspath(__file__))


def token(number: int) -> str:
    return hashlib.sha256(f"round {number}".encode()).hexdigest()


def gate(target: str, sha256: str, first: int, start, results) -> None:
    """One server's daemon: its share of the claimants, all at once."""
    for folder in ("../../../../../roles/provisioning_server/files", "../../../../../plugins/module_utils"):
        sys.path.append(os.path.join(_HERE, folder))
    from claims import ClaimRequest as Request
    from dialtone_gate.keeper import Keeper

    async def work() -> None:
        keeper = Keeper(target)
        await keeper.look(sha256)

        async def one(number: int) -> None:
            try:
                decision = await keeper.claim(Request(sha256, f"10.0.{number >> 8}.{number & 255}/32", first_file=True))
            except Exception:
                return
            if decision.allowed:
                results.put(number)

        start.wait()
        await asyncio.gather(*(one(number) for number in range(first, CLAIMANTS, GATES)))
        keeper.close()

    asyncio.run(work())


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path) -> str:
    if request.param == "sqlite":
        made = str(tmp_path / "claims.db")
    else:
        made = empty_postgresql()
    create_store(made)
    return made


def winners(target: str, number: int, kill: bool = False) -> list[int]:
    store = open_store(target)
    verb = store.unlock if number else store.arm
    device = {"mac": MAC, "claim_generation": number + 1, "token_sha256": token(number)}
    assert verb([device], True)[0]["changed"] if number else verb([device])[0]["changed"]
    store.close()
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(GATES + 1, timeout=60), context.SimpleQueue()
    gates = [context.Process(target=gate, args=(target, token(number), first, start, results)) for first in range(GATES)]
    for process in gates:
        process.start()
    start.wait()
    if kill:
        time.sleep(random.uniform(0, 0.05))
        os.kill(gates[number % GATES].pid, signal.SIGKILL)
    for process in gates:
        process.join()
    found = []
    while not results.empty():
        found.append(results.get())
    return found


def test_many_claimants_at_several_gates_have_one_winner(target):
    for number in range(ROUNDS):
        assert len(winners(target, number)) == 1
    store = open_store(target)
    assert [event["event"] for event in store.events([MAC], 10_000)].count("claimed") == ROUNDS
    store.close()


def test_a_gate_that_is_killed_in_the_race_leaves_at_most_one_winner_and_a_sound_store(target):
    for number in range(ROUNDS):
        assert len(winners(target, number, kill=True)) <= 1
        store = open_store(target)
        # Whoever was answered or not: the store has at most one claim, and it is the same one for everybody.
        row = store.row(MAC)
        decisions = store.claim([ClaimRequest(token(number), f"10.1.0.{n}/32", first_file=True) for n in range(5)])
        assert sum(decision.allowed for decision in decisions) == (1 if row.state == "armed" else 0)
        store.close()


def ask_for_stub(target: str, first: int, start, results) -> None:
    """One server's daemon: each of its phones on the LAN asks for the same stub, all at once."""
    for folder in ("../../../../../roles/provisioning_server/files", "../../../../../plugins/module_utils"):
        sys.path.append(os.path.join(_HERE, folder))
    from claims import lan
    from dialtone_gate.keeper import Keeper

    async def work() -> None:
        keeper = Keeper(target)
        await keeper.read(lambda store: store.row(MAC))

        async def one(number: int) -> None:
            handed = await keeper.write(lambda store: lan.hand(store, MAC, f"10.0.{number}.1/32", f"10.0.{number}.1", False))
            if handed.token:
                results.put(number)

        start.wait()
        await asyncio.gather(*(one(number) for number in range(first, 30, GATES)))
        keeper.close()

    asyncio.run(work())


def test_a_stub_that_several_gates_are_asked_for_at_once_goes_to_one_address(target):
    for number in range(ROUNDS):
        store = open_store(target)
        device = {"mac": MAC, "claim_generation": number + 1, "token_sha256": token(number)}
        assert (store.unlock([device], True) if number else store.arm([device]))[0]["changed"]
        assert store.open_window([MAC], 600)[0]["changed"]
        store.close()
        context = multiprocessing.get_context("spawn")
        start, results = context.Barrier(GATES + 1, timeout=60), context.SimpleQueue()
        gates = [context.Process(target=ask_for_stub, args=(target, first, start, results)) for first in range(GATES)]
        for process in gates:
            process.start()
        start.wait()
        for process in gates:
            process.join()
            assert process.exitcode == 0
        found = []
        while not results.empty():
            found.append(results.get())
        assert len(found) == 1


def test_a_full_disk_refuses_and_leaves_the_claim_armed(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    import subprocess

    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], check=False, capture_output=True).returncode:
        pytest.skip("cannot mount here")
    try:
        path = str(folder / "claims.db")
        create_store(path)
        store = open_store(path)
        store.arm([{"mac": MAC, "claim_generation": 1, "token_sha256": token(0)}])
        with open(folder / "filler", "wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(b"x" * 4096)
            except OSError:
                pass
        with pytest.raises(StoreError):
            for number in range(50):
                store.claim([ClaimRequest(token(0), f"10.0.0.{number}/32", first_file=True)])
                store.add_event(MAC, "filler", detail="x" * 400)
                if store.row(MAC).state != "armed":
                    # The log had room for this one: fill it up and ask on.
                    store.unlock([{"mac": MAC, "claim_generation": number + 2, "token_sha256": token(0)}], True)
        os.unlink(folder / "filler")
        state = store.row(MAC).state
        assert state in ("armed", "claimed", "unlocked")
        store.close()
        again = open_store(path)
        assert again.row(MAC).state == state
        again.close()
    finally:
        subprocess.run(["umount", str(folder)], check=False)
