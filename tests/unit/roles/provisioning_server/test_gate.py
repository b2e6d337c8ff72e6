# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon's answers, with a real store and a real release in a folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import compile_gate
from claims import create_store, open_store
from dialtone_gate.config import Config, ConfigError, load
from dialtone_gate.contacts import Contacts
from dialtone_gate.devices import Devices
from dialtone_gate.gate import Gate
from dialtone_gate.keeper import Keeper

from tests.unit.plugins.module_utils.test_gate_compile import RULE, record

MAC = "001565000001"
TOKEN = "c" * 40


class Lab:
    """A server without nginx: a release, a store, and the daemon's gate over both."""

    def __init__(self, root, store: str = "") -> None:
        self.root, self.store = root, store or str(root / "claims.db")
        create_store(self.store)
        self.devices = Devices(str(root))
        self.config = Config(root=str(root), store=self.store, refusals_per_minute=1000)
        self.releases = 0
        self.publish(record(1))
        self.arm()

    def publish(self, *records: dict, networks: tuple[str, ...] = ()) -> None:
        self.releases += 1
        folder = self.root / "releases" / str(self.releases)
        for item in compile_gate(records, list(networks)):
            (folder / item.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / item.path).write_bytes(item.content)
        link = self.root / "current.new"
        link.symlink_to(folder)
        os.replace(link, self.root / "current")

    def arm(self, **more) -> None:
        store = open_store(self.store)
        store.arm([{"mac": MAC, "claim_generation": 1, "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), **more}])
        store.close()

    def state(self) -> str:
        store = open_store(self.store)
        try:
            return store.status([MAC])["devices"][MAC]["state"]
        finally:
            store.close()

    def run(self, *questions: tuple[str, dict]) -> list:
        async def work() -> list:
            keeper = Keeper(self.store)
            gate = Gate(self.config, self.devices, keeper)
            try:
                return [await getattr(gate, name)(asked) for name, asked in questions]
            finally:
                await gate.settle()
                keeper.close()

        return asyncio.run(work())

    def claim(self, **change):
        return self.run(("claim", asked(**change)))[0]


def asked(**change) -> dict[str, str]:
    usual = {
        "token": TOKEN,
        "file": f"{MAC}.boot",
        "method": "GET",
        "scheme": "https",
        "address": "192.0.2.1",
        "agent": "Phone",
        "verify": "NONE",
    }
    return {**usual, **change}


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


def test_a_claim_names_the_phone_and_the_file(lab):
    answer = lab.claim(file=f"{MAC.upper()}.BOOT")
    assert answer.status == 204
    assert dict(answer.headers)["x-gate-device"] == MAC
    assert dict(answer.headers)["x-gate-file"] == f"{MAC}.boot"
    assert lab.state() == "claimed"


@pytest.mark.parametrize(
    "change",
    [
        {"token": "d" * 40},
        {"token": ""},
        {"method": "HEAD"},
        {"method": "POST"},
        {"method": "-"},
        {"file": "other"},
        {"address": ""},
        {"address": "rubbish"},
    ],
    ids=str,
)
def test_refusals_leave_the_claim_armed(lab, change):
    if change.get("address") is not None:
        lab.publish(record(1, networks=["192.0.2.0/24"]))
    assert lab.claim(**change).status == 403
    assert lab.state() == "armed"


@pytest.mark.parametrize("address", ["", "unix:", "rubbish"])
def test_clients_whose_addresses_cannot_be_told_are_not_one_client(lab, address):
    assert lab.claim(address=address).status == 403
    assert lab.state() == "armed"


@pytest.mark.parametrize("networks", [["192.0.2.0/24"], ["192.0.2.0/24", "2001:db8::/32"]], ids=len)
def test_an_ipv4_client_behind_a_balancer_on_ipv6_is_in_its_network(lab, networks):
    lab.publish(record(1, networks=networks))
    assert lab.claim(address="::ffff:198.51.100.1").status == 403
    assert lab.state() == "armed"
    assert lab.claim(address="::ffff:192.0.2.1").status == 204
    assert lab.claim(address="192.0.2.1").status == 204
    assert lab.claim(address="::ffff:192.0.2.2").status == 403


@pytest.mark.parametrize(
    ("changes", "networks"),
    [
        ({"networks": ["198.51.100.0/24"]}, ()),
        ({}, ("198.51.100.0/24",)),
        ({"enabled": False}, ()),
        ({"onboarding": "off"}, ()),
        ({"client_certificate": "require", "certificate_rule": RULE}, ()),
        ({"claim_files": []}, ()),
    ],
    ids=["own networks", "global networks", "disabled", "no onboarding", "certificate", "no first file"],
)
def test_the_release_decides_before_the_store(lab, changes, networks):
    lab.publish(record(1, **changes), networks=networks)
    assert lab.claim().status == 403
    assert lab.state() == "armed"
    lab.publish(record(1))
    assert lab.claim().status == 204


def test_networks_of_the_server_itself_count(lab):
    path = lab.root / "gate.json"
    path.write_text(json.dumps({"root": str(lab.root), "store": lab.store, "networks": ["198.51.100.0/24"]}))
    lab.config = load(str(path))
    assert lab.claim().status == 403
    assert lab.claim(address="198.51.100.7").status == 204


def test_plain_http_needs_networks(lab):
    assert lab.claim(scheme="http").status == 403
    lab.publish(record(1, networks=["192.0.2.0/24"]))
    assert lab.claim(scheme="http").status == 204


@pytest.mark.parametrize(
    ("verify", "subject", "status"),
    [
        ("SUCCESS", f"CN={MAC.upper()},O=x", 204),
        ("SUCCESS", "CN=001565000002,O=x", 403),
        ("FAILED:expired", f"CN={MAC}", 403),
        ("NONE", "", 403),
        ("SUCCESS", rf"O=x\,CN={MAC}", 403),
    ],
)
def test_a_required_certificate_names_the_phone(lab, verify, subject, status):
    lab.publish(record(1, client_certificate="require", certificate_rule=RULE))
    assert lab.claim(verify=verify, subject=subject, issuer="CN=x,O=Vendor").status == status


@pytest.mark.parametrize(
    ("verify", "scheme", "status"), [("NONE", "https", 204), ("", "http", 204), ("FAILED:expired", "https", 403), ("SUCCESS", "https", 403)]
)
def test_a_preferred_certificate_may_be_missing_with_tls_and_without(lab, verify, scheme, status):
    lab.publish(record(1, client_certificate="prefer", certificate_rule=RULE, networks=["192.0.2.0/24"]))
    assert lab.claim(verify=verify, scheme=scheme, subject="CN=001565000002", issuer="CN=x,O=Vendor").status == status


def test_a_required_certificate_cannot_be_shown_without_tls(lab):
    lab.publish(record(1, client_certificate="require", certificate_rule=RULE, networks=["192.0.2.0/24"]))
    assert lab.claim(verify="", scheme="http").status == 403


def test_a_phone_that_left_the_release_cannot_claim(lab):
    lab.publish(record(2))
    assert lab.claim().status == 403


@pytest.mark.parametrize("damage", ["store", "release", "database"])
def test_what_cannot_be_read_is_closed_for_known_and_unknown_alike(lab, damage):
    if damage == "store":
        os.unlink(lab.store)
    elif damage == "release":
        shutil.rmtree(lab.root / "releases")
    else:
        (lab.root / "current/gate/devices.db").write_bytes(b"rubbish" * 100)
    assert lab.claim().status == 500


def test_a_store_that_was_put_back_is_closed(lab):
    copy = lab.store + ".copy"
    store = open_store(lab.store)
    store.backup(copy)
    store.close()
    assert lab.claim().status == 204

    async def remember() -> None:
        keeper = Keeper(lab.store)
        await keeper.write(keeper.mark_seen)
        keeper.close()

    asyncio.run(remember())
    for tail in ("-wal", "-shm"):
        if os.path.exists(lab.store + tail):
            os.unlink(lab.store + tail)
    os.replace(copy, lab.store)
    asyncio.run(remember())
    assert lab.claim(address="192.0.2.66").status == 403
    store = open_store(lab.store)
    assert store.is_closed() and store.confirm("ops")
    store.close()
    asyncio.run(remember())
    assert lab.claim(address="192.0.2.66").status == 204


def copied_before_more_happened(lab) -> str:
    """Return a copy of the store, which lives on for longer than restoring and confirming write: else the restored one would not look older."""
    copy = lab.store + ".copy"
    store = open_store(lab.store)
    store.backup(copy)
    for _number in range(5):
        with store.transaction():
            store.add_event(MAC, "locked", by="ops")
    store.close()
    return copy


def test_a_restored_store_that_was_confirmed_at_once_stays_open(lab):
    copy = copied_before_more_happened(lab)

    async def live_through_it() -> None:
        keeper = Keeper(lab.store)
        await keeper.write(keeper.mark_seen)
        # What gatectl restore and confirm do, before the daemon next looks.
        restored = open_store(copy)
        restored.close_claims("restored", "ops")
        restored.execute("PRAGMA journal_mode=DELETE")
        restored.close()
        for tail in ("-wal", "-shm", ".seen"):
            if os.path.exists(lab.store + tail):
                os.unlink(lab.store + tail)
        os.replace(copy, lab.store)
        restored = open_store(lab.store)
        assert restored.confirm("ops")
        restored.close()
        await keeper.write(keeper.mark_seen)
        keeper.close()

    asyncio.run(live_through_it())
    store = open_store(lab.store)
    assert not store.is_closed()
    store.close()


def test_one_confirmation_is_enough_for_all_servers_of_a_restored_store(lab):
    copy = copied_before_more_happened(lab)

    async def look(name: str) -> None:
        keeper = Keeper(lab.store, lab.store + name)
        await keeper.write(keeper.mark_seen)
        keeper.close()

    for name in ("one", "two"):
        asyncio.run(look(name))
    for tail in ("-wal", "-shm"):
        if os.path.exists(lab.store + tail):
            os.unlink(lab.store + tail)
    os.replace(copy, lab.store)
    # The second server next looks only after the operator has confirmed what the first one closed.
    asyncio.run(look("one"))
    store = open_store(lab.store)
    assert store.confirm("ops")
    store.close()
    asyncio.run(look("two"))
    store = open_store(lab.store)
    assert not store.is_closed()
    store.close()


def test_too_many_refusals_of_one_address_say_so_whatever_the_reason(lab):
    lab.config = lab.config._replace(refusals_per_minute=3)
    questions = [("claim", asked(token="d" * 40)) for _number in range(6)] + [
        ("claim", asked(token="d" * 40, address="192.0.2.2")),
        ("claim", asked()),
    ]
    answers = lab.run(*questions)
    reasons = [dict(answer.headers)["x-gate-reason"] for answer in answers]
    assert reasons[:3] == ["unknown"] * 3 and reasons[5] == "limited"
    assert reasons[6] == "unknown"
    assert answers[7].status == 204


def test_refusals_of_a_known_phone_are_noted_once_each_and_not_without_end(lab):
    lab.claim()
    lab.run(*(("claim", asked(address=f"198.51.100.{n % 40}")) for n in range(80)), ("claim", asked(token="d" * 40)))
    store = open_store(lab.store)
    refused = [event for event in store.events([MAC], 1000) if event["event"] == "refused"]
    store.close()
    assert len(refused) == 20
    assert {event["detail"] for event in refused} == {"other-address"}


def test_an_old_generation_is_closed_once_the_phone_was_seen_on_the_new_one(lab):
    old = {**record(1)["home"][0], "token": "b" * 40, "current": False}
    lab.publish(record(1, home=[record(1)["home"][0], old]))
    question = ("home", {"mac": MAC, "token": "b" * 40})
    assert lab.run(question)[0].status == 204
    store = open_store(lab.store)
    store.contacts([(MAC, "192.0.2.1", "", "0" * 8)])
    store.close()
    assert lab.run(question)[0].status == 403


@pytest.mark.parametrize(
    "question", [{}, {"mac": "", "token": "b" * 40}, {"mac": MAC, "token": "x"}, {"mac": "001565000009", "token": "b" * 40}]
)
def test_an_unknown_home_is_refused(lab, question):
    assert lab.run(("home", question))[0].status == 403


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ({"device": MAC, "file": f"{MAC}.cfg", "status": "200", "ip": "192.0.2.1", "agent": "x", "token_id": "00000000"}, True),
        ({"device": MAC, "file": f"{MAC}.cfg", "status": "304", "ip": "192.0.2.1", "agent": "x", "token_id": "00000000"}, True),
        (
            {
                "device": MAC,
                "file": f"{MAC}-v0123456789abcdef.cfg",
                "status": "200",
                "ip": "192.0.2.1",
                "agent": "x",
                "token_id": "00000000",
            },
            True,
        ),
        ({"device": MAC, "file": f"{MAC}-v0123.cfg", "status": "200"}, False),
        ({"device": MAC, "file": f"{MAC}.boot", "status": "200"}, False),
        ({"device": MAC, "file": f"{MAC}.cfg", "status": "401"}, False),
        ({"device": "001565000009", "file": f"{MAC}.cfg", "status": "200"}, False),
        ({"device": "../x", "file": f"{MAC}.cfg", "status": "200"}, False),
        ({"file": "x"}, False),
        ([], False),
    ],
)
def test_contact_is_a_whole_per_device_file(lab, line, counts):
    contacts = Contacts(lab.devices, Keeper(lab.store))
    assert (contacts._parse(b"<190>Nov 22 15:00:00 dialtone: " + json.dumps(line).encode()) is not None) is counts


@pytest.mark.parametrize("data", [b"", b"<190>", b"{", b"\xff{\xff}", b'{"device": 7}'])
def test_rubbish_in_the_log_is_ignored(lab, data):
    assert Contacts(lab.devices, Keeper(lab.store))._parse(data) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ('{"stroe": ""}', "unknown stroe"),
        ('{"networks": "x"}', "wanted a list"),
        ('{"networks": ["x"]}', "networks"),
        ('{"claim_prefix_v4": true}', "wanted a int"),
        ('{"claim_prefix_v4": 33}', "claim_prefix_v4 is 33, wanted 1 to 32"),
        ('{"claim_prefix_v4": 0}', "claim_prefix_v4 is 0, wanted 1 to 32"),
        ('{"claim_prefix_v6": 129}', "claim_prefix_v6 is 129, wanted 1 to 128"),
        ('{"store": "host=db"}', "store: claim store: neither"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, text, words):
    path = tmp_path / "gate.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load(str(path))
