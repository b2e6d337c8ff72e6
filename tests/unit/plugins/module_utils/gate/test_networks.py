# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CIDR lookup that nginx gets says the same as asking every network of a set."""

from __future__ import annotations

import ipaddress
import random
import re

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.networks import NetworkSets, parse_network, render_list

_BLOCK = re.compile(r'^(geo|map) (?:"?([^"{]*?)"? )?\$(\w+) \{$')


class Nginx:
    """Evaluates the geo and map blocks that were rendered, as nginx does for one client."""

    def __init__(self, text: str) -> None:
        self.blocks: dict[str, tuple[str, str, list[tuple[str, str]]]] = {}
        name = ""
        for line in text.splitlines():
            head = _BLOCK.match(line)
            if head:
                name = head[3]
                self.blocks[name] = (head[1], head[2] or "", [])
            elif line != "}":
                key, value = line.strip().rstrip(";").rsplit(" ", 1)
                self.blocks[name][2].append((key.strip('"'), value.strip('"')))

    def value(self, name: str, address: str, **given: str) -> str:
        if name in given:
            return given[name]
        kind, source, entries = self.blocks[name]
        default = dict(entries)["default"]
        if kind == "geo":
            client = ipaddress.ip_address(address)
            hits = [(net.prefixlen, v) for k, v in entries if k != "default" and client in (net := ipaddress.ip_network(k))]
            return max(hits)[1] if hits else default
        text = re.sub(r"\$(\w+)", lambda m: self.value(m[1], address, **given), source)
        for key, value in entries:
            if key == text or (key.startswith("~") and re.search(key[1:], text)):
                return value
        return default


def admitted(sets: NetworkSets, identity: str, address: str) -> bool:
    return Nginx(sets.render()).value("dialtone_in_set", address, dialtone_set=identity) == "1"


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "10.0.0.1", False),
        (["0.0.0.0/0"], "203.0.113.9", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "2001:db8::1", True),
    ],
)
def test_a_set_admits_exactly_its_networks(networks, address, expected):
    sets = NetworkSets()
    assert admitted(sets, sets.add(networks), address) is expected


def test_a_wide_network_admits_clients_whose_most_specific_prefix_belongs_to_another_set():
    sets = NetworkSets()
    wide = sets.add(["10.0.0.0/8"])
    narrow = sets.add(["10.1.2.0/24"])
    sets.add(["10.1.0.0/16", "10.1.2.3/32"])
    assert admitted(sets, wide, "10.1.2.3")
    assert admitted(sets, narrow, "10.1.2.3")
    assert not admitted(sets, narrow, "10.1.3.3")


def test_the_same_networks_in_another_order_or_spelling_are_one_set():
    sets = NetworkSets()
    assert sets.add(["10.0.0.0/8", "192.0.2.1"]) == sets.add(["192.0.2.1/32", "10.0.0.0/8"])


def test_no_networks_is_no_rule():
    assert NetworkSets().add([]) == ""


def test_random_sets_agree_with_asking_each_network():
    draw = random.Random(7)
    sets = NetworkSets()
    known = []
    for _number in range(60):
        networks = []
        for _item in range(draw.randint(1, 4)):
            length = draw.choice([0, 1, 4, 7, 8, 9, 16, 24, 30, 31, 32])
            base = (draw.choice([0x0A000000, 0x0A010000, 0x0A0100F0, 0xC0000200]) + draw.randint(0, 7)) >> (32 - length) << (32 - length)
            networks.append(f"{ipaddress.ip_address(base)}/{length}")
        known.append((sets.add(networks), [parse_network(n) for n in networks]))
    nginx = Nginx(sets.render())
    for _number in range(40):
        client = ipaddress.ip_address(draw.choice([0x0A000000, 0x0A010000, 0x0A0100F0, 0xC0000200, 0x7F000000]) + draw.randint(0, 9))
        for identity, networks in known:
            expected = any(client in network for network in networks)
            assert (nginx.value("dialtone_in_set", str(client), dialtone_set=identity) == "1") is expected, (client, networks)


def test_sets_that_share_a_wide_network_do_not_multiply_entries():
    sets = NetworkSets()
    for number in range(2000):
        sets.add(["10.0.0.0/8", f"10.{number >> 8}.{number & 255}.0/24"])
    assert sets.render().count("\n") < 5 * 2000 + 100


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "", "phones", "10.0.0.0/8; deny all", "fe80::%a;deny all/64", None, 7])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match="is not a network"):
        parse_network(text)


def test_an_empty_list_admits_everybody_and_a_filled_one_only_its_own():
    assert Nginx(render_list("ok", [])).value("ok", "192.0.2.1") == "1"
    nginx = Nginx(render_list("ok", ["192.0.2.0/24", "::/0"]))
    assert [nginx.value("ok", a) for a in ("192.0.2.1", "198.51.100.1", "2001:db8::1")] == ["1", "", "1"]
