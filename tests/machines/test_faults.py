# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a gate must survive: races and faults, on one server with SQLite and on three with PostgreSQL. Nothing opens that was closed.

GATE_ROUNDS (50) and GATE_CLAIMANTS (200) say how long the races are.
"""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from .machine import Machine, wait_for
from .servers import CLIENTS, PORT, STORE, TOP, Servers

ROUNDS = int(os.environ.get("GATE_ROUNDS", "50"))
CLAIMANTS = int(os.environ.get("GATE_CLAIMANTS", "200"))
ADDRESSES = [f"10.99.{2 + number // 200}.{number % 200 + 1}" for number in range(CLAIMANTS)]
FEW = max(1, ROUNDS // 10)
SPENT, LOCKED = 0x78, 0x79
DAEMON = "/etc/init.d/dialtone-gate"
CLOCK = "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1) FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
_numbers = iter([*range(0x40, 0x78)] * 100)


class Race:
    """Clients on a machine of their own, and what the store says of the phones they want to be."""

    def __init__(self, servers: Servers, clients: Machine) -> None:
        self.servers, self.clients = servers, clients
        self.tokens: dict[int, str] = {}
        clients.sh("".join(f"ip addr add {address}/16 dev eth0; " for address in ADDRESSES))
        for machine in servers.machines:
            servers.python(machine, "-c", "from tests.gate import release; release.write()")
        self.arm(SPENT, LOCKED)
        self.ask(f"[release.verb('spend', [release.mac_of({SPENT})]), release.verb('lock', [release.mac_of({LOCKED})])]")

    def ask(self, expression: str):
        """Evaluate an expression over tests.gate.release on the first server."""
        code = f"import json; from tests.gate import release; print(json.dumps({expression}))"
        return json.loads(self.servers.python(self.servers.machines[0], "-c", code).stdout)

    def arm(self, *numbers: int, window: int = 900) -> None:
        for number, token in self.ask(f"release.arm({list(numbers)}, window={window})").items():
            self.tokens[int(number)] = token

    def next(self, window: int = 900) -> int:
        """Return a phone with a fresh one-time URL."""
        number = next(_numbers)
        self.arm(number, window=window)
        return number

    def path(self, number: int) -> str:
        mac = f"0015650000{number:02x}"
        return f"/c/{self.tokens[number]}/{mac}.boot"

    def state(self, number: int) -> dict:
        return self.ask(f"release.state({number})")

    def start(self, *numbers: int, addresses: list[str] = ADDRESSES) -> subprocess.Popen:
        host = self.servers.host
        command = ["python3", str(TOP / "tests/machines/race.py"), host, str(PORT), ",".join(addresses), *map(self.path, numbers)]
        return subprocess.Popen(self.clients.command(command), stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finish(process: subprocess.Popen) -> list[list[int]]:
        text, _errors = process.communicate(timeout=600)
        return [json.loads(line) for line in text.splitlines() if line.startswith("[")]

    def run(self, *numbers: int, addresses: list[str] = ADDRESSES) -> list[list[int]]:
        return self.finish(self.start(*numbers, addresses=addresses))

    def get(self, number: int, address: str = ADDRESSES[0]) -> int:
        """Return the status of one client's request."""
        return self.run(number, addresses=[address])[0][0]

    def broken(self, number: int, fault) -> list[int]:
        """Race while something breaks."""
        process = self.start(number)
        assert process.stdout.readline() == "go\n"
        fault()
        return self.finish(process)[0]

    def check_owner(self, number: int, before: list[int] = ()) -> str:
        """Hold that a phone has one owner, the one that was served before if there was one, and that closed ones are closed."""
        served = [ADDRESSES[place] for place, status in enumerate(before) if status == 200]
        assert len(served) <= 1, served
        statuses = self.run(number)[0]
        now = [ADDRESSES[place] for place, status in enumerate(statuses) if status == 200]
        assert len(now) == 1, (statuses, before)
        assert set(statuses) == {200, 404}, statuses
        facts = self.state(number)
        assert (facts["state"], [facts["claim_ip"]]) == ("claimed", now)
        assert not served or served == now
        self.check_closed()
        return now[0]

    def check_closed(self) -> None:
        for number in (SPENT, LOCKED):
            assert set(self.run(number, addresses=ADDRESSES[:3])[0]) == {404}


@pytest.fixture(scope="module")
def race(servers, tmp_path_factory):
    clients = Machine("clients", CLIENTS, tmp_path_factory.mktemp("clients"))
    try:
        yield Race(servers, clients)
    finally:
        clients.stop()


def everywhere(servers: Servers, script: str) -> None:
    for machine in servers.machines:
        machine.sh(script)


def wait_until_served(race: Race) -> None:
    """Return when claims are answered by whatever server the balancer picks: it needs a moment to notice that one is back."""
    wait_for(lambda: all(race.get(SPENT) == 404 for _try in range(4)), what="claims that are answered")
    # A daemon tries a store that failed anew after a second.
    time.sleep(1.2)


def test_each_round_has_one_winner(race):
    numbers = [race.next() for _round in range(min(ROUNDS, 56))]
    for number, statuses in zip(numbers, race.run(*numbers), strict=True):
        assert (statuses.count(200), statuses.count(404)) == (1, CLAIMANTS - 1), statuses
        assert race.state(number)["claim_ip"] == ADDRESSES[statuses.index(200)]


@pytest.mark.parametrize("victim", ["nginx", "daemon", "database"])
def test_a_kill_in_the_middle_of_a_race_leaves_one_owner(race, servers, victim):
    if victim == "database" and not servers.database:
        pytest.skip("SQLite has no process of its own")
    for number in [race.next() for _round in range(FEW)]:

        def fault(number=number):
            time.sleep(0.01 * (number % 5))
            if victim == "database":
                servers.database.kill()
            for machine in servers.machines if victim != "database" else ():
                machine.kill("nginx: " if victim == "nginx" else "serve.py")

        before = race.broken(number, fault)
        if victim == "database":
            servers.database.start()
        else:
            everywhere(servers, "nginx" if victim == "nginx" else f"{DAEMON} start")
        wait_until_served(race)
        race.check_owner(number, before)


def test_a_daemon_that_died_is_back_by_itself(race, servers):
    number = race.next()
    everywhere(servers, "pkill -KILL -P $(cat /run/dialtone-gate.pid)")
    wait_until_served(race)
    race.check_owner(number)


def test_homes_go_on_without_the_store_and_claims_do_not(race, servers):
    number = race.next()
    # Each server has a CA of its own here.
    code = (
        "import ssl; from tests.gate.client import basic, fetch; from tests.gate.release import *; mac = mac_of(BASIC);"
        "path, own = f'/p/{home_token(mac)}/{mac}.cfg', basic(*credentials(mac));"
        "print(fetch(path, headers=own, tls=ssl._create_unverified_context()).status)"
    )
    if servers.database:
        servers.database.stop()
    else:
        servers.machines[0].sh(f"{DAEMON} stop")
    try:
        assert race.get(number) == 503
        assert int(servers.python(servers.machines[0], "-c", code).stdout) == 200
    finally:
        if servers.database:
            servers.database.start()
        else:
            servers.machines[0].sh(f"{DAEMON} start")
    wait_until_served(race)
    race.check_owner(number)


def test_a_full_disk_opens_nothing(race, servers):
    machine = servers.database.machine if servers.database else servers.machines[0]
    folder = servers.database.folder if servers.database else os.path.dirname(STORE)
    size = "160m" if servers.database else "1m"
    stop = servers.database.stop if servers.database else lambda: machine.sh(f"{DAEMON} stop")
    start = servers.database.start if servers.database else lambda: machine.sh(f"{DAEMON} start")

    def move(mount: str) -> None:
        stop()
        machine.sh(
            f"cp -a {folder} /run/kept && {mount} && cp -a /run/kept/. {folder}/ && chown --reference=/run/kept {folder} && rm -rf /run/kept"
        )
        machine.sh(f"chmod --reference={folder} {folder}")
        start()
        wait_until_served(race)

    move(f"mount -t tmpfs -o size={size},mode=0700 tmpfs {folder}")
    number = race.next()
    machine.sh(f"dd if=/dev/zero of={folder}/filler bs=4k 2>/dev/null; cat /dev/zero >>{folder}/filler", check=False)
    before = race.run(number)[0]
    assert before.count(200) <= 1 and set(before) <= {200, 404, 503}, before
    race_owner = before.count(200)
    machine.sh(f"rm {folder}/filler")
    if servers.database:
        # A database that could not write its log stops; what it has answered must still be there.
        servers.database.kill()
        servers.database.start()
    else:
        assert race_owner == 0
    wait_until_served(race)
    race.check_owner(number, before)
    move(f"umount -l {folder}")


def test_a_read_only_store_opens_nothing(race, servers):
    number = race.next()
    if servers.database:
        servers.database.sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
    else:
        folder = os.path.dirname(STORE)
        servers.machines[0].sh(f"{DAEMON} stop; mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && {DAEMON} start")
    time.sleep(1)
    statuses = race.run(number, addresses=ADDRESSES[:5])[0]
    if servers.database:
        servers.database.sql("SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only", "postgres")
        servers.database.sql("SELECT pg_reload_conf()")
    else:
        servers.machines[0].sh(f"{DAEMON} stop; umount {folder}; {DAEMON} start")
    assert set(statuses) <= {404, 503}, statuses
    wait_until_served(race)
    assert race.state(number)["state"] == "armed"
    race.check_owner(number)


class Clock:
    """The wall clock of whoever keeps the store's time, moved without moving this machine's."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._machine = servers.database.machine if servers.database else servers.machines[0]

    def fake(self, on: bool) -> None:
        self.set(0)
        before = f"env {CLOCK}" if on else ""
        if self._servers.database:
            self._servers.database.stop()
            self._servers.database.start(before)
        else:
            self._machine.sh(f"{before} {DAEMON} restart")

    def set(self, seconds: int) -> None:
        self._machine.sh(f"echo {seconds:+d} >/run/clock.new && mv /run/clock.new /run/clock")

    @property
    def now(self) -> float:
        """The time that counts, less the real one."""
        if self._servers.database:
            found = self._servers.database.sql("SELECT extract(epoch FROM clock_timestamp())")
            return float(found) - time.time()
        return float("nan")


@pytest.fixture
def clock(race, servers):
    made = Clock(servers)
    made.fake(True)
    wait_until_served(race)
    yield made
    made.fake(False)
    wait_until_served(race)


@pytest.mark.parametrize("day", [86400, -86400], ids=["a day on", "a day back"])
def test_a_clock_that_jumps_opens_nothing(race, servers, clock, day):
    number, other = race.next(), race.next()
    owner = race.check_owner(number)
    clock.set(day)
    if servers.database:
        assert abs(clock.now - day) < 60
    stranger = ADDRESSES[0] if owner != ADDRESSES[0] else ADDRESSES[1]
    assert race.get(number, stranger) == 404
    # One boot's time is its uptime; the database has only its clock, and a window whose age makes no sense is closed.
    assert race.get(number, owner) == (404 if servers.database else 200)
    race.check_closed()
    if servers.database:
        wait_for(lambda: race.ask(f"release.verb('row', release.mac_of({number}))[3]") == "spent", what="the sweep")
    clock.set(0)
    assert race.get(number, stranger) == 404
    assert race.get(number, owner) == (404 if servers.database else 200)
    race.check_owner(other)


def reboot(servers: Servers, boot: str) -> None:
    """Stop everything at once, and start it with another boot id."""
    for machine in servers.machines:
        machine.kill("nginx: ")
        machine.kill("serve.py")
        machine.write("/run/boot_id", boot + "\n")
        machine.sh("mount --bind /run/boot_id /proc/sys/kernel/random/boot_id")
    if servers.database:
        servers.database.kill()
        servers.database.start()
    everywhere(servers, f"rm -rf /run/dialtone-gate; {DAEMON} start && nginx")


def test_a_reboot_keeps_owners_and_what_was_closed(race, servers):
    number = race.next()
    owner = race.check_owner(number)
    reboot(servers, "00000000-0000-4000-8000-000000000001")
    wait_until_served(race)
    assert race.check_owner(number) == owner


def test_a_reboot_with_a_clock_that_went_back_closes(race, servers, clock):
    if servers.database:
        pytest.skip("the database's clock counts, whatever the servers do")
    number = race.next()
    owner = race.check_owner(number)
    machine = servers.machines[0]
    machine.write("/run/boot_id.next", "00000000-0000-4000-8000-000000000002\n")
    machine.sh(f"{DAEMON} stop; mount --bind /run/boot_id.next /proc/sys/kernel/random/boot_id")
    clock.set(-86400)
    machine.sh(f"env {CLOCK} {DAEMON} start")
    wait_until_served(race)
    assert race.get(number, owner) == 404
    race.check_closed()


def test_a_restored_store_is_closed_until_it_is_confirmed(race, servers):
    used, fresh = race.next(), race.next()
    machine = servers.machines[0]
    if servers.database:
        servers.database.sql("SELECT 1")
        servers.database.machine.sh(f"{servers.database.programs}/pg_dump -h /run/postgresql -U postgres -Fc dialtone >/run/backup")
    else:
        machine.sh("gatectl backup /root/backup")
    race.check_owner(used)
    # Long enough that every server has noted how far the store had come.
    time.sleep(12)
    if servers.database:
        restore = f"{servers.database.programs}/pg_restore -h /run/postgresql -U postgres --clean --if-exists -d dialtone /run/backup"
        servers.database.machine.sh(restore)
    else:
        machine.sh("gatectl restore /root/backup; rm /root/backup")
    wait_for(lambda: race.ask("release.verb('is_closed')"), what="a store that is closed")
    assert race.state(used)["state"] == "armed"
    for number in (used, fresh):
        assert set(race.run(number)[0]) <= {404, 503}
    wait_until_served(race)
    machine.sh(f"gatectl lock 0015650000{used:02x} && gatectl confirm")
    assert set(race.run(used)[0]) == {404}
    race.check_owner(fresh)


def test_an_emptied_store_opens_nothing_and_a_new_one_knows_no_old_url(race, servers):
    number = race.next()
    if servers.database:
        servers.database.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO dialtone")
    else:
        servers.machines[0].sh(f"rm -f {STORE} {STORE}-wal {STORE}-shm")
    assert set(race.run(number, addresses=ADDRESSES[:5])[0]) <= {404, 503}
    # The role makes no store beside a published release.
    servers.play("tests/machines/server.yml")
    assert set(race.run(number, addresses=ADDRESSES[:5])[0]) <= {404, 503}
    code = "from tests.gate.release import *; from ansible_collections.dialtone.phones.plugins.module_utils.claims import create_store\n"
    servers.python(servers.machines[0], "-c", f"{code}with acting_as_owner(STORE): create_store(STORE)")
    time.sleep(2)
    assert set(race.run(number, addresses=ADDRESSES[:5])[0]) <= {404, 503}
