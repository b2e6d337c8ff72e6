# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated services are as strict as the real ones: what the tests of the client prove depends on it."""

from __future__ import annotations

import base64
import hashlib
import json
import time

import pytest
import requests
from ansible_collections.dialtone.phones.plugins.module_utils.redirect import hawk, xca
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import Running, simulator
from redirect.base import parse_faults

KEY = ("lab-key", "lab-secret")


def ymcs_headers(token="", **more):
    basic = base64.b64encode(":".join(KEY).encode()).decode()
    headers = {
        "Content-Type": "application/json",
        "timestamp": str(int(time.time() * 1000)),
        "nonce": hashlib.md5(str(time.time_ns()).encode()).hexdigest(),
    }
    return {**headers, "Authorization": f"Bearer {token}" if token else f"Basic {basic}", **more}


@pytest.fixture
def ymcs():
    with Running(simulator("yealink_ymcs")) as lab:
        yield lab


def token(lab):
    reply = requests.post(lab.base + "/v2/token", data='{"grant_type":"client_credentials"}', headers=ymcs_headers(), timeout=5)
    return reply.json()["access_token"]


def post(lab, path, data, **more):
    reply = requests.post(f"{lab.base}/v2/rps/{path}", data=data, headers=ymcs_headers(token(lab), **more), timeout=5)
    return reply.status_code, reply.json().get("code")


@pytest.mark.parametrize(
    ("path", "data", "more", "answer"),
    [
        ("listDevices", "", {}, (412, "900444")),
        ("listDevices", '{"skip":0,"limit":501}', {}, (400, "900400")),
        ("listDevices", '{"skip":0,"limit":500}', {}, (200, None)),
        ("listDevices", '{"skip":0,"limit":500}', {"nonce": "x" * 33}, (401, "500401")),
        ("listDevices", '{"skip":0,"limit":500}', {"timestamp": "1"}, (401, "500401")),
        ("listDevices", '{"skip":0,"limit":500}', {"Authorization": "Bearer x"}, (401, "900401")),
        ("listDevices", '{"skip":0,"limit":500}', {"Content-Type": "text/plain"}, (415, "900415")),
        ("addDevices", '{"devices":[]}', {}, (412, "900412")),
        ("addDevices", json.dumps([{"mac": f"0015650000{number:02x}", "sn": "1"} for number in range(101)]), {}, (400, "800006")),
        ("deleteDevices", "{}", {}, (404, "900404")),
    ],
)
def test_the_management_cloud_refuses_what_the_real_one_does(ymcs, path, data, more, answer):
    assert post(ymcs, path, data, **more) == answer


def test_a_repeated_nonce_is_refused(ymcs):
    headers = ymcs_headers(token(ymcs))
    body = '{"skip":0,"limit":1}'
    first, second = (requests.post(f"{ymcs.base}/v2/rps/listDevices", data=body, headers=headers, timeout=5) for _number in range(2))
    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 403, "500403")


def test_a_repeated_signature_of_the_json_service_is_refused():
    with Running(simulator("yealink_rps_json")) as lab:
        url, body = f"{lab.base}/api/open/v1/device/list", b'{"skip":0,"limit":1}'
        headers = xca.headers("POST", url, *KEY, nonce="n", timestamp=int(time.time() * 1000), body=body)
        rets = [requests.post(url, data=body, headers=headers, timeout=5).json()["ret"] for _number in range(2)]
        other = xca.headers("POST", url, *KEY, nonce="m", timestamp=int(time.time() * 1000), body=b"{}")
        rets.append(requests.post(url, data=body, headers=other, timeout=5).json()["ret"])
    assert rets == [1, -1, -1]


def test_a_repeated_or_spoilt_hawk_signature_is_refused():
    with Running(simulator("snom_sraps")) as lab:
        url = f"{lab.base}/api/v1/tokens/lab-key"
        header = hawk.header("GET", url, *KEY, timestamp=int(time.time()), nonce="n")
        late = hawk.header("GET", url, *KEY, timestamp=int(time.time()) - 600, nonce="m")
        other = hawk.header("PUT", url, *KEY, timestamp=int(time.time()), nonce="o")
        seen = [requests.get(url, headers={"Authorization": value}, timeout=5).status_code for value in (header, header, late, other, "")]
    assert seen == [200, 401, 401, 401, 401]


def test_a_phone_is_sent_to_what_is_registered(ymcs):
    ymcs.seed("001565aabbcc", url="https://p.example.com/c/x/")
    told = requests.get(f"{ymcs.base}/phone/001565AABBCC", allow_redirects=False, timeout=5)
    assert (told.status_code, told.headers["Location"]) == (302, "https://p.example.com/c/x/")
    assert requests.get(f"{ymcs.base}/phone/001565000000", timeout=5).status_code == 404


def test_the_control_paths_seed_count_and_fault(ymcs):
    root = ymcs.base + "/_lab/"
    requests.post(root + "seed", json=[{"mac": "00-15-65-AA-BB-CC", "owner": "them", "url": "https://x/"}], timeout=5)
    assert requests.get(root + "mac/001565aabbcc", timeout=5).json()["owner"] == "them"
    requests.post(root + "faults", data="status:token:1:503", timeout=5)
    assert requests.post(ymcs.base + "/v2/token", timeout=5).status_code == 503
    assert requests.get(root + "calls", timeout=5).json() == {"total": 1, "writes": 0, "calls": {"token": 1}}
    requests.post(root + "reset", timeout=5)
    assert requests.get(root + "calls", timeout=5).json()["total"] == 0


def test_faults_are_written_in_one_line():
    faults = parse_faults("lost:addDevices,429:listDevices:2:1,slow")
    assert [(fault.kind, fault.call, fault.times, fault.arg) for fault in faults] == [
        ("lost", "addDevices", 1, ""),
        ("429", "listDevices", 2, "1"),
        ("slow", "", 1, ""),
    ]
    with pytest.raises(ValueError, match="known: status"):
        parse_faults("explode")
