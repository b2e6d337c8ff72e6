# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import re
from types import SimpleNamespace

import pytest
from ansible_collections.dialtone.phones.plugins.action.resync import check, summary
from ansible_collections.dialtone.phones.plugins.modules.resync import ARGUMENT_SPEC
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.resync_targets import (
    Event,
    Notices,
    event_of,
    notices,
    parse_address,
    parse_hours,
)
from ansible_collections.dialtone.phones.tests.unit.plugins.plugin_utils.test_fleet import Site

DEFAULTS = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
NOON = datetime.datetime(2026, 1, 15, 12, 0, tzinfo=datetime.timezone.utc)


def phone(number, **more):
    lines = [{"number": str(100 + number), "auth_user": f"auth{number}", "password": "Xw7pQ2zR9k"}]
    return {"phone_mac": f"00156500000{number}", "phone_vendor": "yealink", "phone_model": "T54W", "phone_lines": lines, **more}


@pytest.fixture
def found(tmp_path):
    def find(phones, batch=None, places=None, **args):
        site = Site(tmp_path, {"all": {"children": {"phones": {"hosts": phones}}}}, {"phones": "phone_sip_server: pbx.example.com:5080"})
        return notices(site.fleet(batch), Packs(), {**DEFAULTS, **args}, places or {}, NOON)

    return find


VENDORS = [
    ("yealink", "resync", Event("check-sync;reboot=false")),
    ("yealink", "reboot", Event("check-sync;reboot=true")),
    ("fanvil", "resync", Event("check-sync")),
    ("cisco", "resync", Event("resync")),
    ("cisco", "reboot", Event("reboot")),
    ("cisco_enterprise", "reboot", Event("service-control", "text/plain", "action=restart\n")),
    ("zoiper", "resync", "phones of zoiper know no notification; they look for new files at their next start or poll"),
]


@pytest.mark.parametrize(("vendor", "action", "event"), VENDORS)
def test_every_vendor_has_its_words(vendor, action, event):
    assert event_of(Packs().get(vendor), action) == event


def test_phones_that_know_one_of_the_two_are_told_apart():
    pack = SimpleNamespace(vendor="acme", data={"resync": {"event": "check-sync", "parameters": {"reboot": "reboot=true"}}})
    assert event_of(pack, "resync") == "phones of acme know reboot only"


def test_every_pack_can_be_asked():
    packs = Packs()
    for vendor in packs.names():
        for action in ("resync", "reboot"):
            assert event_of(packs.get(vendor), action)


def test_a_phone_is_notified_as_its_first_line(found):
    target = found({"p1": phone(1)}, places={"p1": "10.0.0.5"}).targets[0]
    assert (target.address, target.port, target.transport) == ("10.0.0.5", 5060, "udp")
    assert (target.user, target.auth_user, target.password, target.domain) == ("101", "auth1", "Xw7pQ2zR9k", "pbx.example.com")


def test_a_listed_address_comes_before_that_of_the_inventory(found):
    result = found({"p1": phone(1)}, places={"p1": "10.0.0.5"}, addresses={"p1": "[2001:db8::5]:5070"}, transport="tcp")
    assert result.targets[0][1:4] == ("2001:db8::5", 5070, "tcp")


def test_a_name_that_is_a_number_to_yaml_is_a_name(found):
    assert found({"1001": phone(1)}, addresses={1001: "10.9.9.9"}).targets[0].address == "10.9.9.9"
    with pytest.raises(ProblemsError, match="addresses.1002: is no phone of the inventory, did you mean 1001?"):
        found({"1001": phone(1)}, addresses={1002: "10.9.9.9"})


@pytest.mark.parametrize("place", [5, True, [], [1], {"a": 1}, "a b", "\ud800", "x" * 5000, 1.5])
def test_places_of_any_kind_are_taken_or_refused(found, place):
    try:
        found({"p1": phone(1)}, addresses={"p1": place})
    except ProblemsError as exc:
        assert "p1: addresses: " in str(exc)


@pytest.mark.parametrize("name", ["rate", "concurrency", "timeout", "wave_size", "wave_pause"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308, 10**30, -1])
def test_numbers_without_an_end_are_refused(name, value):
    with pytest.raises(ProblemsError, match=f"{name}: got .*, wanted at (least|most)"):
        check({**DEFAULTS, name: value})


def test_a_pbx_is_told_no_password_and_needs_no_address(found):
    target = found({"p1": phone(1)}, via="freeswitch").targets[0]
    assert (target.address, target.password, target.user) == ("", "", "101")


def test_a_proxy_is_where_the_request_goes_and_the_line_is_whom_it_names(found):
    target = found({"p1": phone(1)}, places={"p1": "10.0.0.5"}, via="proxy", pbx_host="10.0.0.1", transport="tls").targets[0]
    assert target[1:8] == ("10.0.0.1", 5061, "tls", "101", "pbx.example.com", "auth1", "Xw7pQ2zR9k")
    assert target.routed and not found({"p1": phone(1)}, places={"p1": "10.0.0.5"}).targets[0].routed
    assert found({"p1": phone(1)}, via="proxy", pbx_port=5070).targets[0].port == 5070


def test_an_event_of_ones_own_goes_to_every_vendor(found):
    result = found({"p1": phone(1), "p2": phone(2, phone_vendor="zoiper")}, via="asterisk", event="x;y=1")
    assert [target.event for target in result.targets] == ["x;y=1", "x;y=1"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"phone_enabled": False}, "is not enabled"),
        ({"phone_lines": [{"number": "1", "enabled": False}]}, "has no line that is enabled"),
        ({}, "has no address: set its ansible_host, name it in addresses, or notify through the PBX"),
    ],
)
def test_who_is_left_out_is_told_why(found, more, why):
    assert found({"p1": phone(1, **more)}).left_out == {"p1": ("skipped", why)}


def test_hours_are_those_of_the_phone(found):
    hosts = {"berlin": phone(1, phone_timezone="Europe/Berlin"), "tokyo": phone(2, phone_timezone="Asia/Tokyo")}
    result = found(hosts, via="freeswitch", hours="20:00-06:00")
    assert [target.host for target in result.targets] == ["tokyo"]
    assert result.left_out == {"berlin": ("postponed", "is outside its hours 20:00-06:00 (Europe/Berlin)")}


def test_only_the_named_hosts_of_the_play_are_notified(found):
    hosts = {f"p{number}": phone(number) for number in (1, 2, 3)}
    assert [target.host for target in found(hosts, via="freeswitch", hosts=["p3", "p1"]).targets] == ["p1", "p3"]
    assert found(hosts, via="freeswitch", hosts=[]).targets == []
    with pytest.raises(ProblemsError, match="hosts: 'p3' is no phone of this play"):
        found(hosts, batch=["p1", "p2"], hosts=["p3"])


def test_all_problems_are_told_at_once(found):
    hosts = {"p1": phone(1, phone_vendor="yealnk"), "p2": phone(2), "p3": phone(3, phone_langauge="de")}
    with pytest.raises(ProblemsError) as caught:
        found(hosts, hours="8-9", addresses={"p2": "a b", "p4": "x"})
    text = str(caught.value)
    assert text.startswith("5 problems found, nobody was notified")
    for part in (
        "hours: got '8-9', wanted hours such as 20:00-06:00",
        "addresses.p4: is no phone of the inventory",
        "p1: phone_vendor: 'yealnk' has no pack, did you mean yealink?",
        "p2: addresses: got 'a b', wanted an address or a name",
        "p3: phone_langauge: unknown, did you mean phone_language",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "minutes", "held"),
    [("20:00-06:00", (1200, 0, 359), True), ("20:00-06:00", (360, 720, 1199), False), ("08:00-17:30", (480, 1049), True)],
)
def test_hours_may_reach_over_midnight(text, minutes, held):
    assert {parse_hours(text).hold(minute) for minute in minutes} == {held}


@pytest.mark.parametrize("text", ["24:00-06:00", "8:00-9:00", "night", "08:00-08:00"])
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="got "):
        parse_hours(text)


@pytest.mark.parametrize(
    ("text", "transport", "place"),
    [
        ("10.0.0.5", "udp", ("10.0.0.5", 5060)),
        ("10.0.0.5:5070", "tls", ("10.0.0.5", 5070)),
        ("phone.lan", "tls", ("phone.lan", 5061)),
        ("2001:db8::5", "udp", ("2001:db8::5", 5060)),
        ("[2001:db8::5]", "tcp", ("2001:db8::5", 5060)),
    ],
)
def test_addresses_may_have_a_port(text, transport, place):
    assert parse_address(text, transport) == place


@pytest.mark.parametrize("text", ["", "a b", "x:0", "x:70000", "sip:1@x", "x\r\ny"])
def test_addresses_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="wanted an address"):
        parse_address(text, "udp")


def test_options_that_can_not_work_are_refused_at_once():
    wrong = {
        "rate": 0,
        "concurrency": 0,
        "timeout": 0,
        "wave_size": -1,
        "source_port": 70000,
        "event": "a\nb",
        "via": "asterisk",
        "plan": "x",
    }
    with pytest.raises(ProblemsError, match="9 problems found, nobody was notified"):
        check({**DEFAULTS, **wrong})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"transport": "line"}, "transport: got line, wanted that of the proxy: udp, tcp or tls"),
        ({"pbx_user": "operator"}, "pbx_password: is not set; a proxy's login is both or neither"),
        ({"pbx_password": "x"}, "pbx_user: is not set; a proxy's login is both or neither"),
        ({"pbx_host": "a b"}, "pbx_host: got 'a b', wanted an address or a name"),
        ({"pbx_host": ""}, "pbx_host: got '', wanted an address or a name"),
    ],
)
def test_options_of_a_proxy_that_can_not_work_are_told(wrong, sentence):
    check({**DEFAULTS, "via": "proxy"})
    with pytest.raises(ProblemsError, match=re.escape(sentence)):
        check({**DEFAULTS, "via": "proxy", **wrong})


def outcome(state, msg=""):
    return {"state": state, "status": 0, "msg": msg}


def test_what_was_missed_is_a_warning_or_a_failure():
    phones = {"p1": outcome("accepted"), "p2": outcome("refused", "answered 401"), "p3": outcome("postponed", "later")}
    found = Notices([], {}, {"p1": "never said", "p2": "switch it on"})
    result = summary(dict(phones), found, "", False)
    assert result["warnings"] == result["not_notified"] == ["p2: answered 401 (switch it on)"]
    assert result["changed"]
    assert result["counts"] == {"accepted": 1, "refused": 1, "postponed": 1}
    strict = summary(dict(phones), found, "", True)
    assert strict["msg"] == "1 phones were not notified: p2: answered 401 (switch it on)"


def test_a_long_list_is_cut_in_warnings_only():
    result = summary({f"p{number}": outcome("unreachable", "x") for number in range(30)}, Notices([], {}, {}), "", False)
    assert len(result["not_notified"]) == 30
    assert result["warnings"][20:] == ["and 10 more phones were not notified, see not_notified"]
