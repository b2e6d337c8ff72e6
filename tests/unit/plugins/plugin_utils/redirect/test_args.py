# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and records of the redirect verbs."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import SERVICES, service_class
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.args import ACCOUNT, join, read_account, read_devices
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import is_recorded, record_of

URL = "https://p.example.com/c/c0ffeec0ffeec0ffee/"
DIGEST = hashlib.sha256(URL.encode()).hexdigest()


@pytest.mark.parametrize(
    ("recorded", "known"),
    [
        ({"state": "registered", "url_sha256": DIGEST}, True),
        ({"state": "registered", "url_sha256": DIGEST, "generation": 3}, True),
        ({"url_sha256": DIGEST}, True),
        ({"url": URL, "state": "registered"}, True),
        (DIGEST, True),
        (URL, True),
        (True, True),
        (False, False),
        ({"state": "intent", "url_sha256": DIGEST}, False),
        ({"state": "failed", "url_sha256": DIGEST}, False),
        ({"state": "absent", "url_sha256": ""}, False),
        ({"state": "registered", "url_sha256": "0" * 64}, False),
        ({}, False),
        (None, False),
        ("", False),
    ],
)
def test_records_are_taken_in_every_documented_form(recorded, known):
    devices, problems = read_devices([{"mac": "001565aabbcc", "url": URL, "recorded": recorded}], "present")
    assert problems == []
    assert is_recorded(devices[0], "present") is known
    assert "c0ffee" not in repr(devices[0].recorded)


def test_a_record_of_an_absent_phone_is_known_as_such():
    devices, _problems = read_devices([{"mac": "001565aabbcc", "recorded": {"state": "absent"}}], "absent")
    assert is_recorded(devices[0], "absent")


def test_a_record_round_trips():
    devices, _problems = read_devices([{"mac": "001565aabbcc", "url": URL, "username": "u", "password": "p", "generation": 2}], "present")
    again = {"mac": "001565aabbcc", "url": URL, "username": "u", "password": "p", "recorded": record_of(devices[0], "present")}
    assert is_recorded(read_devices([again], "present")[0][0], "present")
    assert not is_recorded(read_devices([{**again, "password": "q"}], "present")[0][0], "present")


def test_a_device_never_shows_its_secrets():
    devices, _problems = read_devices([{"mac": "001565aabbcc", "url": URL, "username": "u", "password": "hunter22"}], "present")
    assert "c0ffee" not in repr(devices)
    assert "hunter22" not in repr(devices)


@pytest.mark.parametrize(
    "url", ["https://p.example.com/a b", "https://p.example.com/\n", "gopher://p/", "https:///x", "https://u:p@p.example.com/", 50505]
)
def test_an_unfit_url_is_told_without_being_shown(url):
    _devices, problems = read_devices([{"mac": "001565aabbcc", "url": url}], "present")
    assert len(problems) == 1
    assert str(url) not in problems[0]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_which_credentials_it_lacks(service):
    _account, problems = read_account({"service": service})
    for name in service_class(service).credentials:
        assert f"{name}: is wanted by {service}" in problems


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_states_its_limits_in_sentences(service):
    kind = service_class(service)
    assert kind.name == service
    assert kind.limits
    assert all(text.endswith(".") for text in kind.limits)


def test_an_account_never_shows_its_secrets():
    account, problems = read_account({"service": "snom_xml", "username": "u", "password": "hunter22"})
    assert problems == []
    assert "hunter22" not in repr(account)


def test_options_of_an_account_are_documented():
    import yaml
    from ansible_collections.dialtone.phones.plugins.doc_fragments._redirect_account import ModuleDocFragment

    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert sorted(documented) == sorted(ACCOUNT)
    assert documented["service"]["choices"] == list(SERVICES)


def test_more_than_fifty_problems_are_counted():
    assert join([str(number) for number in range(60)]).endswith("; and 10 more")
