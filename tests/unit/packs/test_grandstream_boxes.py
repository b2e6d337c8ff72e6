# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adapters and DECT bases know settings by other numbers than phones, as the vendor's own templates for them tell."""

from __future__ import annotations

import re

import pytest

from .harness import render

PHONE = {"phone_mac": "00:0b:82:00:0a:0c", "phone_sip_server": "pbx.example.com", "phone_codecs": ["ilbc", "pcma"]}


def settings(model: str, lines: int = 1, **variables: object) -> dict[str, str]:
    given = [{"number": f"20{n}", "password": "Pass-1234-word", "expires": 600 * n} for n in range(1, lines + 1)]
    files, _notes = render("grandstream", model, {**PHONE, "phone_lines": given, **variables})
    return dict(re.findall(r"<(P\d+)>([^<]*)</", files["cfg000b82000a0c.xml"]))


@pytest.mark.parametrize(("model", "way"), [("HT801", "3"), ("HT702", "3"), ("HT818", "3"), ("DP750", "1")])
def test_asking_every_so_many_minutes_is_another_choice_on_adapters(model, way):
    found = settings(model, phone_reprovision={"interval": 720})
    assert (found["P194"], found["P193"]) == (way, "720")
    assert settings(model, phone_reprovision={"enabled": False})["P194"] == "0"


def test_the_third_and_fourth_profile_of_a_base_have_numbers_of_their_own():
    found = settings("DP750", 4, phone_qos_signalling=24, phone_qos_audio=46)
    assert [found[name] for name in ("P47", "P747", "P547", "P602")] == ["pbx.example.com:5060"] * 4
    assert [found[name] for name in ("P32", "P732", "P532", "P612")] == ["10", "20", "30", "40"]
    assert [found[name] for name in ("P850", "P860", "P560", "P4583")] == ["101"] * 4
    assert [found[name] for name in ("P5046", "P5047", "P5048", "P5049")] == ["24"] * 4
    assert [found[name] for name in ("P57", "P757", "P557", "P651")] == ["98"] * 4
    assert [found[name] for name in ("P98", "P815", "P515", "P658")] == ["8"] * 4
    # The name mode of the third profile, which is the registrar of a phone's third account, and its call features.
    assert (found["P502"], "P551" in found) == ("0", False)


@pytest.mark.parametrize(("model", "ilbc", "last"), [("HT812", "97", "P46"), ("HT702", "98", "P62"), ("HT818", "97", "P46")])
def test_every_place_for_a_codec_is_taken(model, ilbc, last):
    found = settings(model)
    assert (found["P57"], found[last]) == (ilbc, "8")
    assert ("P46" in found) is (last == "P46")


@pytest.mark.parametrize(
    ("model", "names"),
    [("HT812", ["P5038", "P5042", "P2333", "P1650", "P8463"]), ("HT702", ["P87"]), ("DP750", ["P5038", "P5042", "P1650"])],
)
def test_what_the_newer_ones_know(model, names):
    lines = [{"number": "201", "password": "Pass-1234-word", "outbound_proxy": "a.example.com", "outbound_proxy_backup": "b.example.com"}]
    found = settings(model, phone_lines=lines, phone_vlan_priority=5, phone_only_trusted_certificates=True)
    known = {"P87", "P5038", "P5042", "P2333", "P1650", "P8463"}
    assert sorted(known & set(found)) == sorted(names)
