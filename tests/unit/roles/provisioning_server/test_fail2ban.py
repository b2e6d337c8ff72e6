# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of the access log count against an address."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import pytest

_FILTER = Path(__file__).resolve().parents[4] / "roles/provisioning_server/files/fail2ban/dialtone-gate.conf"


def banned(**change) -> str:
    """Return the address that the filter finds in a line, as fail2ban reads it: the date cut out, <HOST> an address."""
    parser = configparser.RawConfigParser()
    parser.read(_FILTER)
    values = {
        "ip": "192.0.2.7",
        "peer": "192.0.2.7",
        "method": "GET",
        "uri": "/p/*/x",
        "status": 404,
        "bytes": 10,
        "device": "-",
        "reason": "",
        "agent": "-",
    }
    line = json.dumps({**values, **change}, separators=(",", ":")).replace("{", ",", 1)
    found = re.search(parser["Definition"]["failregex"].replace("<HOST>", "(?P<host>[0-9a-f.:]+)"), line)
    return found["host"] if found else ""


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"uri": "-"},
        {"status": 429},
        {"uri": "/c/*/x", "reason": "unknown"},
        {"reason": "limited", "status": 429},
        {"method": "-"},
        {"ip": "2001:db8::7"},
    ],
    ids=str,
)
def test_strangers_are_counted(change):
    assert banned(**change) == change.get("ip", "192.0.2.7")


@pytest.mark.parametrize(
    "change",
    [
        {"device": "001565aabbcc"},
        {"status": 401},
        {"status": 200},
        {"status": 503},
        {"reason": "spent", "uri": "/c/*/x"},
        {"reason": "other-address", "uri": "/c/*/x"},
    ],
    ids=str,
)
def test_phones_are_not(change):
    assert banned(**change) == ""


def test_a_user_agent_cannot_name_another_address():
    assert (
        banned(
            agent='","ip":"198.51.100.1","peer":"","method":"GET","uri":"-","status":404,"bytes":1,"device":"-","reason":"",', status=200
        )
        == ""
    )
