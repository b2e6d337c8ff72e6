# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services where a MAC hangs on a server object, or that name things their own way."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.fanvil_fdps import server_fields
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.htek_rps import server_name
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.record import record_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.run import run_accounts
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Fault, Running, account, device, mac, simulator, url
from redirect.rpc import fault, typed


def row(service):
    return next(item for item in ROWS if item.service == service)


def go(lab, devices, state="present", **more):
    return run_accounts(account(row(lab.name), lab), devices, state, **more)


@pytest.fixture
def fanvil():
    with Running(simulator("fanvil_fdps")) as lab:
        yield lab


def test_fanvil_removes_the_server_object_with_the_phone(fanvil):
    one = device(row("fanvil_fdps"), 1)
    go(fanvil, [one])
    assert list(fanvil.servers) == [one.mac]
    go(fanvil, [one], "absent")
    assert (fanvil.servers, fanvil.devices) == ({}, {})


def test_fanvil_changes_a_url_without_letting_the_mac_go(fanvil):
    go(fanvil, [device(row("fanvil_fdps"), 1)])
    assert go(fanvil, [device(row("fanvil_fdps"), 1, 2)]).counts()["updated"] == 1
    assert fanvil.calls["deRegisterDevice"] == 0
    assert len(fanvil.servers) == 1
    assert go(fanvil, [device(row("fanvil_fdps"), 1, 3)]).counts()["updated"] == 1
    assert list(fanvil.servers) == [mac(row("fanvil_fdps"), 1)]


def test_fanvil_registers_anew_where_moving_is_refused(fanvil):
    go(fanvil, [device(row("fanvil_fdps"), 1)])
    fanvil.may_edit = False
    assert go(fanvil, [device(row("fanvil_fdps"), 1, 2)]).counts()["updated"] == 1
    assert fanvil.url_of(mac(row("fanvil_fdps"), 1)) == url(1, 2)


@pytest.mark.parametrize("listing", ["nonsense", "[]", '[{"id": 1}]'])
def test_fanvil_changes_a_url_where_server_objects_cannot_be_listed(fanvil, listing):
    one = device(row("fanvil_fdps"), 1)
    go(fanvil, [one])
    fanvil.rpc_listServers = lambda: typed([True, listing])
    for generation in (2, 3):
        recorded = record_of(device(row("fanvil_fdps"), 1, generation - 1), "present")
        assert go(fanvil, [device(row("fanvil_fdps"), 1, generation, recorded=recorded)]).counts()["updated"] == 1
        assert fanvil.url_of(one.mac) == url(1, generation)
    assert len(fanvil.servers) == 1


def test_fanvil_cleans_up_after_a_foreign_mac(fanvil):
    fanvil.seed(mac(row("fanvil_fdps"), 1), owner="them")
    results = go(fanvil, [device(row("fanvil_fdps"), 1)])
    assert results.rows[0].state == "foreign"
    assert fanvil.servers == {}


def test_fanvil_takes_a_server_object_left_over_from_a_run_that_died(fanvil):
    fanvil.servers[mac(row("fanvil_fdps"), 1)] = {"cfgName": mac(row("fanvil_fdps"), 1)}
    assert not go(fanvil, [device(row("fanvil_fdps"), 1)]).failed
    assert fanvil.url_of(mac(row("fanvil_fdps"), 1)) == url(1)


def test_fanvil_refuses_a_query(fanvil):
    results = go(fanvil, [device(row("fanvil_fdps"), 1, url="https://p.example.com/c?t=1")])
    assert "query" in results.rows[0].msg


def test_fanvil_fields_have_a_path_without_its_slash():
    assert server_fields("m", "https://p.example.com:8443/c/t/") == [
        "cfgName=m",
        "cfgPfMode=1",
        "cfgDhcpOpt=false",
        "cfgPnpEnable=false",
        "cfgPfSrv=p.example.com:8443",
        "cfgPfName=c/t/",
        "cfgPfProt=5",
    ]


def test_htek_names_are_new_for_a_new_url_and_fit():
    names = {server_name("001fc1000001", url(1, generation)) for generation in (1, 2)}
    assert len(names) == 2
    assert all(len(name) == 20 for name in names)


def test_htek_overrides_only_a_mac_that_is_named():
    with Running(simulator("htek_rps")) as lab:
        for number in (1, 2):
            lab.seed(mac(row("htek_rps"), number), owner="them")
        results = go(lab, [device(row("htek_rps"), number) for number in (1, 2)], override=[mac(row("htek_rps"), 1)])
        assert [item.state for item in results.rows] == ["registered", "foreign"]
        assert lab.devices[mac(row("htek_rps"), 2)].owner == "them"


@pytest.fixture
def yealink():
    with Running(simulator("yealink_rps_xml")) as lab:
        yield lab


def test_yealink_refuses_an_override_and_that_is_a_foreign_mac(yealink):
    yealink.seed("001565000001", owner="them")
    results = go(yealink, [device(row("yealink_rps_xml"), 1)], override=["001565000001"])
    assert results.rows[0].state == "foreign"


def test_yealink_server_name_is_added_once_and_holds_no_token(yealink):
    go(yealink, [device(row("yealink_rps_xml"), number) for number in range(3)])
    assert yealink.servers == {"dialtone": "https://prov.example.com/"}
    assert yealink.calls["addServer"] == 1


def test_yealink_leaves_an_unreadable_entry_alone_and_says_so(yealink):
    yealink.seed("001565000001", url="https://elsewhere.example.com/")
    results = go(yealink, [device(row("yealink_rps_xml"), 1)])
    assert not results.changed
    assert "does not tell where it points" in results.rows[0].msg


def test_yealink_rewrites_an_unreadable_entry_that_override_names(yealink):
    yealink.seed("001565000001", url="https://elsewhere.example.com/")
    assert go(yealink, [device(row("yealink_rps_xml"), 1)], override=["001565000001"]).changed
    assert yealink.url_of("001565000001") == url(1)


def test_yealink_verify_keeps_what_is_recorded_and_registered(yealink):
    one = device(row("yealink_rps_xml"), 1)
    go(yealink, [one])
    results = go(yealink, [device(row("yealink_rps_xml"), 1, recorded=record_of(one, "present"))], verify=True)
    assert not results.changed


def test_yealink_check_mode_names_a_foreign_mac(yealink):
    yealink.seed("001565000001", owner="them")
    results = go(yealink, [device(row("yealink_rps_xml"), 1)], check_mode=True)
    assert results.rows[0].state == "foreign"
    assert yealink.write_calls() == 0


def test_gigaset_says_what_is_wrong_with_a_mac_id():
    with Running(simulator("gigaset_xml")) as lab:
        results = go(lab, [device(row("gigaset_xml"), 1, mac_id="7C2F80000002-ABCD"), device(row("gigaset_xml"), 2)])
        assert [item.failed for item in results.rows] == [True, False]
        assert "MAC-ID" in results.rows[0].msg


def test_gigaset_takes_bare_macs_where_the_account_is_exempt():
    with Running(simulator("gigaset_xml")) as lab:
        lab.exempt = True
        assert not go(lab, [device(row("gigaset_xml"), 1, mac_id="")]).failed


@pytest.mark.parametrize("shape", [dict, list, "pairs", "structs"])
def test_panasonic_states_are_read_in_every_shape(shape):
    with Running(simulator("panasonic_rcs")) as lab:
        lab.seed(mac(row("panasonic_rcs"), 1), owner="them")

        def states(macs):
            codes = [lab._code(mac) for mac in macs]
            both = dict(zip(macs, codes))
            shapes = {
                dict: both,
                list: codes,
                "pairs": [list(item) for item in both.items()],
                "structs": [{"mac": m, "code": c} for m, c in both.items()],
            }
            return typed(shapes[shape])

        lab.rpc_checkPhones = states
        results = go(lab, [device(row("panasonic_rcs"), number) for number in (1, 2)])
        assert [item.state for item in results.rows] == ["foreign", "registered"]


def test_auerswald_compares_the_url_where_it_is_shown():
    with Running(simulator("auerswald")) as lab:
        lab.shows_url = True
        lab.seed(mac(row("auerswald"), 1), url="https://elsewhere.example.com/")
        assert go(lab, [device(row("auerswald"), 1)]).counts()["updated"] == 1


def test_grandstream_names_a_serial_number_that_does_not_fit():
    with Running(simulator("grandstream_gdms")) as lab:
        lab.wrong_serials = {mac(row("grandstream_gdms"), 1)}
        results = go(lab, [device(row("grandstream_gdms"), number) for number in (1, 2)] + [device(row("grandstream_gdms"), 3, serial="")])
        assert [item.failed for item in results.rows] == [True, False, True]
        assert "serial" in results.rows[0].msg
        assert "serial" in results.rows[2].msg


def test_grandstream_renews_a_token_and_pushes_the_server_path():
    with Running(simulator("grandstream_gdms")) as lab:
        lab.faults = [Fault("expire", "device/config/xml")]
        assert not go(lab, [device(row("grandstream_gdms"), 1)]).failed
        assert lab.url_of(mac(row("grandstream_gdms"), 1)) == url(1)


def test_the_older_json_service_names_the_newer_one():
    ymcs = simulator("yealink_ymcs")
    with Running(ymcs) as lab:
        results = run_accounts(account(row("yealink_rps_json"), lab), [device(row("yealink_rps_json"), 1)])
        assert "yealink_ymcs" in results.messages[0]


def test_the_older_json_service_is_read_with_either_name_of_the_error():
    with Running(simulator("yealink_rps_json")) as lab:
        lab.error_key = "errors"
        lab.seed(mac(row("yealink_rps_json"), 2), owner="them")
        results = go(lab, [device(row("yealink_rps_json"), number) for number in range(6)])
        assert [item.mac for item in results.rows if item.state == "foreign"] == [mac(row("yealink_rps_json"), 2)]


def test_grandstream_reads_counts_as_text_and_macs_with_dashes():
    this = row("grandstream_gdms")
    with Running(simulator("grandstream_gdms")) as lab:
        original = lab._add

        def add(body):
            data = original(body)
            rows = [{**item, "mac": item["mac"].replace(":", "-").lower()} for item in data["errorDeviceList"]]
            return {**{name: str(data[name]) for name in ("total", "success", "failure")}, "errorDeviceList": rows}

        lab._add = add
        lab.wrong_serials = {mac(this, 1)}
        results = go(lab, [device(this, number) for number in range(4)])
    assert [item.failed for item in results.rows] == [False, True, False, False]
    assert mac(this, 1) not in lab.devices


@pytest.mark.parametrize("data", [None, {}, {"failure": "2", "errorDeviceList": None}, {"failure": 1, "errorDeviceList": ["x"]}])
def test_grandstream_believes_no_enrolment_that_is_not_counted(data):
    this = row("grandstream_gdms")
    with Running(simulator("grandstream_gdms")) as lab:
        lab._add = lambda body: data
        results = go(lab, [device(this, number) for number in range(2)])
    assert [(item.failed, item.changed) for item in results.rows] == [(True, False)] * 2


def test_grandstream_renews_a_token_whatever_the_words():
    this = row("grandstream_gdms")
    with Running(simulator("grandstream_gdms")) as lab:
        original = lab._signed

        def signed(request):
            refusal = original(request)
            return (refusal[0], "refused") if refusal else None

        lab._signed = signed
        lab.faults = [Fault("expire", "device/add")]
        assert not go(lab, [device(this, number) for number in range(2)]).failed


@pytest.mark.parametrize("service", ["yealink_rps_xml", "htek_rps"])
@pytest.mark.parametrize("text", ["Existing server", "Error:Duplicate name", "Error:The server name is used already"])
def test_a_server_entry_whose_reply_got_lost_is_used(service, text):
    this = row(service)
    with Running(simulator(service)) as lab:
        original = lab.rpc_addServer
        lab.rpc_addServer = lambda name, url: lab.say(False, text) if name in lab.servers else original(name, url)
        lab.faults = [Fault("lost", "addServer")]
        assert go(lab, [device(this, number) for number in range(3)]).counts()["registered"] == 3


@pytest.mark.parametrize("text", ["Error:Server not exist", "Error:the server is not there"])
def test_yealink_adds_its_server_however_a_missing_one_is_told(yealink, text):
    original = yealink.rpc_registerDeviceWithUniqueUrl
    yealink.rpc_registerDeviceWithUniqueUrl = lambda mac, server, *more: (
        original(mac, server, *more) if server in yealink.servers else yealink.say(False, text)
    )
    this = row("yealink_rps_xml")
    assert go(yealink, [device(this, number) for number in range(3)]).counts()["registered"] == 3
    assert yealink.calls["addServer"] == 1


def test_an_error_in_place_of_a_list_is_no_empty_account(yealink):
    yealink.rpc_listDevices = lambda: yealink.say(False, "Error:User does not exist")
    this = row("yealink_rps_xml")
    results = go(yealink, [device(this, number) for number in range(7)], "absent")
    assert all(item.failed for item in results.rows)


@pytest.mark.parametrize("owner", ["us", "them", ""])
def test_snom_asks_otherwise_where_the_redirection_is_refused_in_unknown_words(owner):
    this = row("snom_xml")
    with Running(simulator("snom_xml")) as lab:
        lab.rpc_getPhoneRedirection = lambda mac: typed([False, "Error:internal"])
        if owner:
            lab.seed(mac(this, 1), owner=owner, url=url(1))
        results = go(lab, [device(this, 1)], "absent")
    assert results.rows[0].state == ("foreign" if owner == "them" else "absent")
    assert (results.changed, mac(this, 1) in lab.devices) == (owner == "us", owner == "them")


def test_grandstream_sends_a_site_as_it_is_listed():
    sent = []
    with Running(simulator("grandstream_gdms")) as lab:
        original = lab._add
        lab._add = lambda body: sent.extend(item["siteId"] for item in body) or original(body)
        go(lab, [device(row("grandstream_gdms"), 1)])
    assert sent == [7]


def test_fanvil_keeps_the_server_object_of_a_phone_that_another_run_registered(fanvil):
    this = row("fanvil_fdps")
    go(fanvil, [device(this, 1)])
    original = fanvil.rpc_listDevices
    answers = [typed([True, []])]
    fanvil.rpc_listDevices = lambda: answers.pop() if answers else original()
    before = fanvil.calls["deleteServer"]
    results = go(fanvil, [device(this, 1)])
    assert (results.failed, results.changed) == (False, False)
    assert fanvil.url_of(mac(this, 1)) == url(1)
    assert fanvil.calls["deleteServer"] == before


def test_fanvil_deletes_no_server_object_that_it_cannot_tell_the_phones_of(fanvil):
    this = row("fanvil_fdps")
    fanvil.seed(mac(this, 1), owner="them")
    fanvil.rpc_listDevicesByServer = lambda name: fault(-32601, "unknown method")
    assert go(fanvil, [device(this, 1)]).rows[0].state == "foreign"
    assert fanvil.calls["deleteServer"] == 0
