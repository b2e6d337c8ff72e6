# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils import gate_state
from ansible_collections.dialtone.phones.plugins.module_utils.claims import StoreError
from ansible_collections.dialtone.phones.plugins.modules.gate_state import read_store

from tests.unit.server_world import ServerWorld, mac, run_command, token


@pytest.fixture
def world(tmp_path):
    return ServerWorld(tmp_path)


def test_what_a_phone_fetched_is_recognised_by_its_etag(world):
    world.publish(1)
    world.arm(1)
    world.contact(1)
    state = world.state()
    assert state["store"]["contacts"][mac(1)]["print"] in state["served"][mac(1)]["prints"]
    world.publish(1, text="another")
    assert world.state()["store"]["contacts"][mac(1)]["print"] not in world.state()["served"][mac(1)]["prints"]


def test_nothing_in_a_state_is_secret(world):
    world.publish(1)
    world.arm(1)
    world.contact(1)
    text = json.dumps(world.state())
    assert token(1)[:8] not in text and "token" not in text


def test_no_release_and_no_store_are_answers(tmp_path):
    assert gate_state.releases(str(tmp_path)) == {"release": None, "served": {}}
    assert read_store(str(tmp_path / "claims.db"), 30) is None


def test_a_store_of_an_older_gate_is_left_alone(world):
    world.store.set_meta("schema", "2")
    with pytest.raises(StoreError, match="older gate; run the role provisioning_server first"):
        read_store(world.path, 30)
    assert world.store.meta("schema") == "2"


def test_refusals_are_counted_by_reason_and_day(world):
    world.arm(1)
    for reason in ("spent", "spent", "address"):
        world.store.add_event(mac(1), "refused", detail=reason)
    state = world.state()["store"]
    assert state["refused"] == {"address": 1, "spent": 2}
    assert [day["refused"] for day in state["activity"].values()] == [3]


def test_certificates_are_those_of_the_site(tmp_path):
    for name, days in (("server", 30), ("ca", 365)):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(tmp_path / "key"),
             "-out", str(tmp_path / f"{name}.crt"), "-days", str(days), "-subj", f"/CN={name}, Ümlaut"], check=True, capture_output=True,
        )  # fmt: skip
    (tmp_path / "site.conf").write_text(f"    ssl_certificate {tmp_path}/server.crt;\n    ssl_client_certificate {tmp_path}/bad.crt;\n")
    (tmp_path / "bad.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    found = gate_state.certificates(str(tmp_path / "site.conf"), [str(tmp_path / "ca.crt"), str(tmp_path / "none.crt")], run_command)
    assert [(row["use"], bool(row["not_after"])) for row in found] == [("server", True), ("clients", False), ("authority", True)]
    assert found[2]["not_after"] - found[0]["not_after"] == pytest.approx(335 * 86400, abs=60)
    assert found[1]["msg"]


@pytest.mark.parametrize("text", ["", "x", "é", gate_state.pack({"format": 0}), gate_state.pack([])])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(ValueError):
        gate_state.unpack(text)
