# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is handed a stub at /b/, asked of the daemon with a real store and a real release."""

from __future__ import annotations

import re

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate_compile import GateError, compile_gate
from claims import open_store

from tests.unit.plugins.module_utils.claims.conftest import empty_postgresql
from tests.unit.plugins.module_utils.test_gate_compile import RULE, record

from .test_gate import MAC, Lab

TEXT = 'include:config "{url}x.cfg"'
STUB = {"server": "https://prov.example.com:8443", "files": {f"{MAC}.boot": TEXT}}
ASKED = {"file": f"{MAC}.boot", "method": "GET", "address": "192.0.2.5", "scheme": "https"}
CERTIFICATE = {"verify": "SUCCESS", "subject": f"CN={MAC.upper()}", "issuer": "CN=x,O=Vendor"}


def stub_record(**more) -> dict:
    return record(1, networks=["192.0.2.0/24"], certificate_rule=RULE, bootstrap=STUB, **more)


@pytest.fixture(params=["sqlite", "postgresql"])
def lab(request, tmp_path) -> Lab:
    made = Lab(tmp_path, empty_postgresql() if request.param == "postgresql" else "")
    made.publish(stub_record())
    return made


def open_window(lab: Lab) -> None:
    store = open_store(lab.store)
    store.open_window([MAC], 600)
    store.close()


def ask(lab: Lab, **change: str) -> tuple:
    return lab.run(("bootstrap", {**ASKED, **change}))[0]


def test_in_the_window_a_stub_names_a_url_that_claims_for_its_address_alone(lab):
    open_window(lab)
    status, text, _reason = ask(lab, file=f"{MAC.upper()}.boot")
    token = re.fullmatch(r'include:config "https://prov\.example\.com:8443/c/([0-9a-f]{40})/x\.cfg"', text)[1]
    claim = {"token": token, "file": f"{MAC}.boot", "method": "GET", "scheme": "https"}
    foreign, own = lab.run(("claim", {**claim, "address": "192.0.2.6"}), ("claim", {**claim, "address": "192.0.2.5"}))
    assert (status, foreign.status, own.status) == (200, 403, 204)


def test_a_verified_certificate_of_the_phone_needs_no_window(lab):
    assert ask(lab)[0] == 404
    assert ask(lab, **CERTIFICATE)[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"verify": "FAILED:unable"},
        {"verify": "NONE"},
        {"subject": "CN=001565000002"},
        {"issuer": "CN=Somebody"},
        {"subject": f"O=V\\,CN={MAC}"},
    ],
)
def test_a_certificate_that_is_not_the_phones_is_none(lab, change):
    assert ask(lab, **{**CERTIFICATE, **change})[0] == 404


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"address": "198.51.100.1"}, "stub: address"),
        ({"scheme": "http"}, "stub: plain-http"),
        ({"method": "HEAD"}, "stub: method"),
        ({"file": "001565000002.boot"}, "stub: unknown"),
        ({"file": f"{MAC}.cfg"}, "stub: unknown"),
        ({"file": ""}, "stub: unknown"),
    ],
)
def test_refusals_are_told_to_the_log_and_not_to_the_client(lab, change, reason):
    open_window(lab)
    assert ask(lab, **change) == (404, "", reason)


@pytest.mark.parametrize("change", [{"enabled": False}, {"onboarding": "off"}, {"bootstrap": None}])
def test_a_phone_that_may_not_have_one_gets_none(lab, change):
    lab.publish({**stub_record(), **change})
    open_window(lab)
    assert ask(lab)[:2] == (404, "")


def test_a_phone_that_must_show_its_certificate_must_in_the_window_too(lab):
    lab.publish(stub_record(client_certificate="require"))
    open_window(lab)
    assert ask(lab)[0] == 404
    assert ask(lab, **CERTIFICATE)[0] == 200


def test_a_damaged_store_hands_out_nothing(lab):
    open_window(lab)
    if lab.store.startswith("/"):
        damage(lab.store)
    else:
        forget(lab.store)
    assert ask(lab)[:2] == (500, "")


def forget(target: str) -> None:
    import psycopg2

    connection = psycopg2.connect(target)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE stub")
    connection.close()


def damage(path: str) -> None:
    with open(path, "wb") as stream:
        stream.write(b"not a database" * 100)


def test_a_release_without_networks_is_refused():
    with pytest.raises(GateError, match="no networks are in force"):
        list(compile_gate([record(1, networks=[], bootstrap=STUB)], []))
