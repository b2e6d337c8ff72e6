# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory asks of a line or a list reaches the phone's files, or somebody is told that it does not."""

from __future__ import annotations

import copy
import re

import pytest

from .harness import PACKS, Refused, first_models, render

LINE = {"number": "201", "password": "Pass-1234-word", "sip_servers": ["sip.example.com"]}
PHONE = {"phone_mac": "00:15:65:00:0a:0c", "phone_serial": "SN1", "phone_lines": [LINE]}
OPTIONS = {
    "name": "Zoe",
    "label": "Reception",
    "auth_user": "auth9",
    "expires": 600,
    "voicemail": "*97",
    "ringtone": "Ring3",
    "auto_answer": True,
    "dialplan": "[2-9]xx",
    "enabled": False,
    "outbound_proxy": "op.example.com:5077",
    "transport": "tls",
    "srtp": "required",
    "dtmf": "info",
}
SERVERS = {"host": "sip2.example.com", "transport": "tcp"}
LISTS = {
    "ntp_servers": [f"ntp{number}.example.com" for number in range(4)],
    "trusted_certificates": [f"https://pki.example.com/{number}.pem" for number in range(2)],
    "ringtones": [f"https://files.example.com/{number}.wav" for number in range(12)],
}
MODELS = first_models()


def outcome(vendor: str, model: str, variables: dict) -> object:
    """Return all that the operator and the phone get to know."""
    try:
        return render(vendor, model, variables)
    except Refused as refusal:
        return str(refusal)
    except Exception as refusal:  # a template's own refusal
        if type(refusal).__name__ != "RenderError":
            raise
        return str(refusal)


def with_line(**options: object) -> dict:
    return {**PHONE, "phone_lines": [{**copy.deepcopy(LINE), **options}]}


@pytest.mark.parametrize(("vendor", "model"), MODELS, ids=[f"{vendor}-{model}" for vendor, model in MODELS])
def test_nothing_asked_for_is_dropped_without_a_word(vendor, model):
    plain = outcome(vendor, model, PHONE)
    silent = [name for name, value in OPTIONS.items() if outcome(vendor, model, with_line(**{name: value})) == plain]
    told = with_line(voicemail="*97")
    silent += ["mwi"] if outcome(vendor, model, with_line(voicemail="*97", mwi=False)) == outcome(vendor, model, told) else []
    proxied = with_line(outbound_proxy="op.example.com")
    backed = with_line(outbound_proxy="op.example.com", outbound_proxy_backup="ob.example.com")
    silent += ["outbound_proxy_backup"] if outcome(vendor, model, backed) == outcome(vendor, model, proxied) else []
    two = ["sip.example.com", "sip2.example.com"]
    in_turn = outcome(vendor, model, with_line(sip_servers=two))
    asked = {
        "redundancy": with_line(sip_servers=two, redundancy="concurrent"),
        "the second server's transport": with_line(sip_servers=["sip.example.com", SERVERS]),
    }
    silent += [
        name
        for name, variables in asked.items()
        if outcome(vendor, model, variables) == in_turn and in_turn != plain and "left out" not in str(in_turn)
    ]
    for name, items in LISTS.items():
        told = [outcome(vendor, model, {**PHONE, f"phone_{name}": items[:count]}) for count in range(len(items) + 1)]
        silent += (
            [name]
            if any(one == other for one, other in zip(told[1:], told[2:], strict=False)) and f"phone_{name} has no" not in str(told[-1])
            else []
        )
    lone = {name: outcome(vendor, model, {**PHONE, f"phone_{name}": 5}) for name in ("pc_vlan_id", "vlan_priority")}
    silent += [name for name, got in lone.items() if got == plain]
    silent += (
        ["firmware"] if outcome(vendor, model, {**PHONE, "phone_firmware": {"url": "https://files.example.com/fw.rom"}}) == plain else []
    )
    silent += ["timezone"] if outcome(vendor, model, {**PHONE, "phone_timezone": "America/New_York"}) == plain else []
    assert silent == []


@pytest.mark.parametrize("vendor", PACKS.names())
def test_what_a_second_line_wants_otherwise_is_not_dropped_either(vendor):
    model = max(
        (entry for entry in PACKS.get(vendor).data["models"]),
        key=lambda entry: PACKS.get(vendor).model(entry.get("name", entry["match"])).lines,
    )
    model = model.get("name", model["match"])
    both = {**PHONE, "phone_lines": [LINE, {**LINE, "number": "202"}]}
    plain = outcome(vendor, model, both)
    silent = [
        name
        for name, value in OPTIONS.items()
        if outcome(vendor, model, {**both, "phone_lines": [LINE, {**LINE, "number": "202", name: value}]}) == plain
    ]
    assert PACKS.get(vendor).model(model).lines == 1 or silent == []


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("vendor", PACKS.names())
def test_a_registrar_is_spoken_to_in_its_own_way(vendor, transport):
    """One registrar with a transport of its own is what a line with that transport is."""
    entry = PACKS.get(vendor).data["models"][-1]
    model = entry.get("name", entry["match"])
    own = with_line(sip_servers=[{"host": "sip.example.com", "transport": transport}])
    got, wanted = outcome(vendor, model, own), outcome(vendor, model, with_line(transport=transport))
    assert isinstance(got, str) == isinstance(wanted, str)
    assert got[0] == wanted[0]


@pytest.mark.parametrize("vendor", PACKS.names())
def test_a_line_that_is_switched_off_needs_no_password(vendor):
    entry = PACKS.get(vendor).data["models"][-1]
    model = entry.get("name", entry["match"])
    files, _notes = render(vendor, model, with_line(enabled=False, password=None))
    text = "".join(files.values())
    for word in PACKS.get(vendor).data.get("vendor_words", ()):
        text = text.replace(word, "")
    assert not re.search(r"\bNone\b", text)
