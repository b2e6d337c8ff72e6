# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.dialtone.phones.plugins.action.probe import boot_plan
from ansible_collections.dialtone.phones.plugins.module_utils.boot import Boot, Plan, Reply
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import parse_base
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack_check import _bootstrap
from ansible_collections.dialtone.phones.plugins.plugin_utils.stubs import bootstrap_record, stub_files

MAC = "001565aabbcc"
BASE = parse_base("https://prov.example.com:8443")
CLAIM = "https://prov.example.com:8443/c/" + "0" * 40 + "/"
PHONES = [
    ("yealink", "T54W"),
    ("snom", "D735"),
    ("polycom", "VVX 450"),
    ("grandstream", "GXP2170"),
    ("grandstream", "GRP2614"),
    ("htek", "UC926"),
]


class Server:
    """Answers /b/ as the gate would, and remembers what was asked."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files, self.asked = files, []

    def fetch(self, url, credentials=("", ""), method="GET", data=None, digested=False) -> Reply:
        self.asked.append(url)
        folder, _slash, name = url.rpartition("/")
        text = self.files.get(name.lower()) if folder.endswith("/b") else None
        if text is None:
            return Reply(404, b"", "", "", "")
        return Reply(200, text.replace("{url}", CLAIM).replace("{path}", CLAIM.partition(":8443")[2].rstrip("/")).encode(), "", "", "")


@pytest.mark.parametrize(("vendor", "name"), PHONES)
def test_a_phone_that_reads_its_stub_goes_on_to_the_one_time_url(vendor, name):
    pack = Packs([]).get(vendor)
    model = pack.model(name)
    server = Server(stub_files(pack, model, MAC, BASE))
    Boot(Plan(**boot_plan(pack, model, MAC, "1.0.0.0", "")), server).run("https://prov.example.com:8443/b/")
    assert any(url.startswith(CLAIM) for url in server.asked), server.asked


@pytest.mark.parametrize(("vendor", "name"), PHONES)
def test_a_stub_names_nothing_but_the_one_time_url(vendor, name):
    pack = Packs([]).get(vendor)
    record = bootstrap_record(pack, pack.model(name), MAC, BASE)
    assert record["server"] == "https://prov.example.com:8443"
    for text in record["files"].values():
        assert not re.search(r"\{(?!url\}|path\})", text)
        assert not re.search(r"/[pc]/|pass(?!.*=\"\")|P1361|user_name", text.lower())


def test_a_vendor_whose_first_file_has_no_mac_has_no_stub():
    pack = Packs([]).get("cisco")
    assert bootstrap_record(pack, pack.model("SPA504G"), MAC, BASE) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"bootstrap": [{"name": "common.cfg", "text": "x"}]}, "does not hold the MAC"),
        ({"bootstrap": [{"name": "{mac}.cfg"}]}, "wanted a dictionary of name, text"),
        ({"dhcp": {"options": ["66"]}}, "dhcp.options"),
        ({"dhcp": {"encapsulated": [0]}}, "dhcp.encapsulated"),
    ],
)
def test_a_pack_that_says_it_wrongly_is_told(data, said):
    assert said in "".join(_bootstrap(data))
