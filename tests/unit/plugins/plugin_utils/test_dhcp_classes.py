# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.dhcp_classes import dhcp_classes
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs

URL = "https://prov.example.com:8443"


def classes(*vendors: str) -> list[dict]:
    made, problems = dhcp_classes(vendors, URL, Packs([]))
    assert not problems
    return made


def test_phones_are_told_by_their_class_or_else_by_their_mac():
    yealink, grandstream, snom = classes("yealink", "grandstream", "snom")
    assert (yealink["vendor_class"], yealink["ouis"]) == ("yealink", [])
    assert grandstream["vendor_class"] == "Grandstream "
    assert (snom["vendor_class"], snom["ouis"]) == ("", ["000413"])


def test_phones_of_another_make_are_not_told_by_the_class_of_whom_they_resemble():
    sangoma, flyingvoice = classes("sangoma", "flyingvoice")
    assert (sangoma["vendor_class"], sangoma["ouis"]) == ("", ["005058", "001fc1"])
    assert (flyingvoice["vendor_class"], flyingvoice["ouis"]) == ("", ["0021f2", "789912"])
    assert dhcp_classes(["spectralink"], URL, Packs([]))[1]


@pytest.mark.parametrize(
    ("vendor", "codes"), [("yealink", [66]), ("polycom", [160, 66]), ("mitel", [66, 159, 160]), ("grandstream", [66, 150, 160, 161])]
)
def test_the_options_are_those_of_the_pack(vendor, codes):
    assert [option["code"] for option in classes(vendor)[0]["options"]] == codes
    assert {option["text"] for option in classes(vendor)[0]["options"]} == {URL + "/b/"}


def test_option_43_holds_what_the_pack_says_and_nothing_where_it_does_not_say():
    snom, yealink = classes("snom", "yealink")
    value = bytes.fromhex(snom["encapsulated_hex"])
    assert (value[0], value[1], value[2:]) == (66, len(URL) + 3, f"{URL}/b/".encode())
    assert yealink["encapsulated"] == []


@pytest.mark.parametrize(
    ("vendors", "url", "said"),
    [
        (["yealink"], "http://prov.example.com", "plain HTTP"),
        (["yealink"], "", "provisioning_url: is not set"),
        ([], URL, "dhcp_options_vendors: is empty"),
        (["cisco"], URL, "cisco phones cannot be told"),
        (["yealnk"], URL, "did you mean yealink"),
    ],
)
def test_what_is_wrong_is_told(vendors, url, said):
    assert said in "; ".join(dhcp_classes(vendors, url, Packs([]))[1])
