# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that a vendor counts, names or rounds in a way of its own, as its guides have them."""

from __future__ import annotations

import pytest

from .harness import render

PHONE = {
    "phone_mac": "00:15:65:00:0a:0b",
    "phone_sip_server": "pbx.example.com",
    "phone_lines": [{"number": "101", "password": "Plain-pass-101"}],
}


def text_of(vendor: str, model: str, variables: dict) -> tuple[str, list[str]]:
    """Return all files of a phone as one text, and what was left out."""
    files, notes = render(vendor, model, {**PHONE, **variables})
    return "\n".join(files.values()), notes


CASES = {
    # Rings of six seconds, 0 to 20.
    "yealink no answer": ("yealink", "T54W", {"phone_forward": {"no_answer": "9"}}, ["forward.no_answer.timeout = 3"]),
    "yealink no answer, short": (
        "yealink",
        "T54W",
        {"phone_forward": {"no_answer": "9", "no_answer_timeout": 1}},
        ["forward.no_answer.timeout = 1"],
    ),
    "yealink no answer, long": (
        "yealink",
        "T54W",
        {"phone_forward": {"no_answer": "9", "no_answer_timeout": 300}},
        ["forward.no_answer.timeout = 20"],
    ),
    "yealink no answer of a base": (
        "yealink",
        "W70B",
        {"phone_forward": {"no_answer": "9", "no_answer_timeout": 30}},
        ["account.1.timeout_fwd.timeout = 5"],
    ),
    "yealink books": (
        "yealink",
        "T54W",
        {"phone_reprovision": {"interval": 30}},
        ["features.remote_phonebook.flash_time = 3600", "directory.update_time_interval = 60"],
    ),
    "yealink books, seldom": (
        "yealink",
        "T54W",
        {"phone_reprovision": {"interval": 43200}},
        ["features.remote_phonebook.flash_time = 2592000", "directory.update_time_interval = 43200"],
    ),
    "yealink light": ("yealink", "T54W", {"phone_backlight": 45}, ["phone_setting.backlight_time = 60"]),
    "yealink light, as listed": ("yealink", "T54W", {"phone_backlight": 15}, ["phone_setting.backlight_time = 15"]),
    "yealink light, long": ("yealink", "T54W", {"phone_backlight": 7200}, ["phone_setting.backlight_time = 1800"]),
    "yealink light, on": ("yealink", "T54W", {"phone_backlight": 0}, ["phone_setting.backlight_time = 0"]),
    "yealink tones": ("yealink", "T54W", {"phone_country": "PT"}, ["voice.tone.country = Portugal"]),
    "yealink handset": ("yealink", "W70B", {"phone_language": "es"}, ["custom.handset.language = 6", "lang.wui = Spanish"]),
    "yealink codecs": (
        "yealink",
        "T54W",
        {"phone_codecs": ["pcma", "g722"]},
        ["account.1.codec.pcma.priority = 1", "account.1.codec.g722.priority = 2", "account.1.codec.pcmu.enable = 0"],
    ),
    "yealink codecs until V81": (
        "yealink",
        "CP860",
        {"phone_codecs": ["pcma", "g722"]},
        [
            *("account.1.codec.1.enable = 1", "account.1.codec.1.payload_type = PCMA", "account.1.codec.1.rtpmap = 8"),
            *("account.1.codec.2.payload_type = G722", "account.1.codec.2.priority = 2", "account.1.codec.3.enable = 0"),
        ],
    ),
    "polycom 802.1X": (
        "polycom",
        "VVX 450",
        {"phone_dot1x": {"mode": "peap-mschapv2", "identity": "x", "password": "secret-1x"}},
        ['device.net.dot1x.method="EAP-PEAPv0-MSCHAPv2"'],
    ),
    "cisco digits": (
        "cisco",
        "CP-8841",
        {"phone_dtmf": "rfc2833+info"},
        ["<DTMF_Tx_Method_1_>AVT+INFO</DTMF_Tx_Method_1_>"],
    ),
    # The registrar's own transport goes before the line's.
    "cisco transport": (
        "cisco",
        "CP-8841",
        {"phone_sip_servers": [{"host": "a.example.com", "transport": "tls"}]},
        ["<SIP_Transport_1_>TLS</SIP_Transport_1_>", "<Proxy_1_>a.example.com:5061</Proxy_1_>"],
    ),
    "cisco_enterprise transport": (
        "cisco_enterprise",
        "CP-8841",
        {"phone_sip_servers": [{"host": "a.example.com", "transport": "tcp"}]},
        ["<transportLayerProtocol>4</transportLayerProtocol>"],
    ),
    # The priority counts where the switch tells the VLAN, too.
    "yealink priority": ("yealink", "T54W", {"phone_vlan_priority": 5}, ["static.network.vlan.internet_port_priority = 5"]),
    "snom priority": ("snom", "D785", {"phone_vlan_priority": 5}, ['<vlan_qos perm="RW">5</vlan_qos>']),
    "fanvil priority": ("fanvil", "X5U", {"phone_vlan_priority": 5}, ["<VoicePriority>5</VoicePriority>"]),
    # A switch on multiplatform phones, a word on others.
    "cisco shared": (
        "cisco",
        "CP-8841",
        {"phone_lines": [{**PHONE["phone_lines"][0], "shared": True}]},
        ["<Share_Ext_1_>Yes</Share_Ext_1_>", "<Share_Call_Appearance_1_>shared</Share_Call_Appearance_1_>"],
    ),
    "cisco shared, SPA": (
        "cisco",
        "SPA504G",
        {"phone_lines": [{**PHONE["phone_lines"][0], "shared": True}]},
        ["<Share_Ext_1_>shared</Share_Ext_1_>"],
    ),
    "cisco forward": (
        "cisco",
        "CP-8841",
        {"phone_forward": {"always": "", "busy": "8", "no_answer": "9"}},
        [
            *("<Cfwd_All>No</Cfwd_All>", "<Cfwd_Busy>Yes</Cfwd_Busy>", "<Cfwd_Busy_Dest>8</Cfwd_Busy_Dest>"),
            *(
                "<Cfwd_No_Answer>Yes</Cfwd_No_Answer>",
                "<Cfwd_No_Ans_Dest>9</Cfwd_No_Ans_Dest>",
                "<Cfwd_No_Ans_Delay>20</Cfwd_No_Ans_Delay>",
            ),
        ],
    ),
    "cisco adapter": (
        "cisco",
        "SPA112",
        {"phone_forward": {"always": "7"}, "phone_dnd": False, "phone_call_waiting": True, "phone_srtp": "optional"},
        [
            *("<Cfwd_All_Dest_1_>7</Cfwd_All_Dest_1_>", "<DND_Setting_1_>No</DND_Setting_1_>", "<CW_Setting_1_>Yes</CW_Setting_1_>"),
            *("<Secure_Call_Serv_1_>Yes</Secure_Call_Serv_1_>", "<Secure_Call_Setting_1_>Yes</Secure_Call_Setting_1_>"),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_is_told_in_the_vendors_way(case):
    vendor, model, variables, wanted = CASES[case]
    text, notes = text_of(vendor, model, variables)
    lines = [line.strip() for line in text.split("\n")]
    assert [line for line in wanted if line not in lines] == []
    assert notes == []


@pytest.mark.parametrize(
    ("vendor", "model", "variables", "absent", "told"),
    [
        ("yealink", "T54W", {"phone_country": "PL"}, "voice.tone.country", "country PL has no counterpart, the phone's default stays"),
        (
            "yealink",
            "W70B",
            {"phone_language": "nl"},
            "custom.handset.language",
            "language nl has no counterpart, the phone's default stays",
        ),
        ("yealink", "T28P", {"phone_codecs": ["opus", "pcma"]}, "opus", "codecs opus has no counterpart, left out"),
    ],
)
def test_what_the_vendor_has_no_word_for_is_told(vendor, model, variables, absent, told):
    text, notes = text_of(vendor, model, variables)
    assert absent not in text
    assert [note for note in notes if told in note]


def test_a_registrars_transport_that_the_vendor_lacks_leaves_the_lines_own_as_is_told():
    servers = [{"host": "a.example.com", "transport": "tls"}]
    text, notes = text_of("cisco_enterprise", "CP-8841", {"phone_sip_transport": "tcp", "phone_sip_servers": servers})
    assert notes == ["cisco_enterprise CP-8841: line 1: transport tls of server a.example.com has no counterpart, line's own taken"]
    assert "<transportLayerProtocol>4</transportLayerProtocol>" in text
