# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.report.unknown import model_of, sheet, unknown_phones
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.phone_rows import PhoneRows, Settings

ROW = {"first_at": 1.7e9, "last_at": 1.7e9, "requests": 3, "ip": "192.0.2.1", "source": "agent"}


@pytest.mark.parametrize(
    ("vendor", "agent", "model"),
    [
        ("yealink", "Yealink SIP-T54W 96.86.0.45 80:5e:c0:00:aa:bb", "T54W"),
        ("snom", "Mozilla/4.0 (compatible; snomD785-SIP 10.1.2 2010.12-00004-g9ba52f5 000413AABBCC SXM:0 UXM:0)", "D785"),
        ("grandstream", "Grandstream Model HW GRP2614 SW 1.0.5.15 DevId c074ad112233", "GRP2614"),
        ("polycom", "FileTransport PolycomVVX-VVX_411-UA/5.9.0 Type/Application", "VVX 411"),
        ("cisco", "Cisco/SPA504G-7.6.2 (001122334455)", "SPA504G"),
        ("fanvil", "Fanvil X5U 2.4.0 0c383e112233", "X5U"),
        ("yealink", "curl/8.0", ""),
        ("", "Yealink SIP-T54W", ""),
    ],
)
def test_the_model_is_the_one_that_the_user_agent_names(vendor, agent, model):
    assert model_of(agent, vendor, Packs([])) == model


def test_the_sheet_is_an_inventory_once_numbers_are_filled_in():
    rows = [{**ROW, "mac": "805ec000aa01", "ua": "Yealink SIP-T54W 96.86.0.45"}, {**ROW, "mac": "000413aabbcc", "ua": "snomD785-SIP 10"}]
    text = sheet(unknown_phones(rows, {}, Packs([])))
    table = list(csv.DictReader(io.StringIO(text)))
    for number, row in enumerate(table):
        row["number"] = str(200 + number)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, table[0])
    writer.writeheader()
    writer.writerows(table)
    read = PhoneRows(Settings())
    read.add_sheet("unknown.csv", stream.getvalue().encode())
    found = read.finish()
    assert not read.problems
    assert [(entry.mac, entry.variables["phone_vendor"], entry.variables["phone_model"]) for entry in found] == [
        ("805ec000aa01", "yealink", "T54W"),
        ("000413aabbcc", "snom", "D785"),
    ]
    assert found[0].variables["_phone_address"] == "192.0.2.1"


def test_a_stranger_is_told_by_the_sites_packs_too(tmp_path):
    (tmp_path / "yealink").mkdir()
    (tmp_path / "yealink" / "pack.yml").write_text('ouis: ["0063fa"]\n')
    row = {**ROW, "mac": "0063fa000001", "ua": "Yealink SIP-T54W 96.86.0.45"}
    assert [(phone["vendor"], phone["model"]) for phone in unknown_phones([row], {}, Packs([str(tmp_path)]))] == [("yealink", "T54W")]


@pytest.mark.parametrize("agent", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(agent):
    text = sheet(unknown_phones([{**ROW, "mac": "805ec000aa01", "ua": agent}], {}, Packs([])))
    cell = list(csv.DictReader(io.StringIO(text)))[0]["_phone_user_agent"]
    assert cell[:1] not in ("=", "+", "-", "@", "\t")
