# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.served_parameters import parameters_of

GOLDEN = Path(__file__).resolve().parents[3] / "packs" / "golden"
CASES = {
    "lines": (
        b"#!version:1.0.0.1\n## time\nlocal_time.time_zone = +1\naccount.1.label =  A = B \n",
        {"local_time.time_zone": "+1", "account.1.label": "A = B"},
    ),
    "quoted lines": (b'\xef\xbb\xbf# c\r\nADMIN_ID="admin"\r\nEMPTY=""\r\n', {"ADMIN_ID": "admin", "EMPTY": ""}),
    "colons": (
        b"<<VOIP CONFIG FILE>>Version:2.0002\nTime Zone     :0\nSIP  Port :5060\nTime Zone :1\n",
        {"Time Zone": "0", "SIP  Port": "5060", "Time Zone#2": "1"},
    ),
    "old snom": (b"user_name1!: 1001\nuser_pass1&: x\n", {"user_name1": "1001", "user_pass1": "x"}),
    "attributes": (b'<?xml version="1.0"?><P><ALL a.b="1" c.d=""/></P>', {"a.b": "1", "c.d": ""}),
    "elements": (b"<gs><config version='1'><P212>2</P212><P2/></config></gs>", {"config@version": "1", "P212": "2", "P2": ""}),
    "index": (b"<s><fkey idx='0' perm=''>line</fkey><fkey idx='1'>blf</fkey></s>", {"fkey[0]": "line", "fkey[1]": "blf"}),
    "a name and a value": (b'<p><param name="A.B" value="1"/></p>', {"A.B": "1"}),
    "its own name": (b'<p><P1 para="P1">x</P1></p>', {"P1": "x"}),
    "a list": (b"<l><e>1</e><e>2</e></l>", {"e": "1", "e#2": "2"}),
    "a page": (b"<html><body>404</body></html>", None),
    "entities": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', None),
    "another encoding": ('<?xml version="1.0" encoding="ISO-8859-1"?><s><a>ü</a></s>'.encode(), {"a": "ü"}),
    "an encoding that is none": (b'<?xml version="1.0" encoding="nonsense"?><s><a>1</a></s>', {"a": "1"}),
    "not well-formed": (b"<a><b></a>", None),
    "binary": (b"\x00\x01", None),
    "nothing": (b"", None),
}  # fmt: skip


@pytest.mark.parametrize(("data", "wanted"), CASES.values(), ids=CASES.keys())
def test_parameters_are_found(data, wanted):
    assert parameters_of(data) == wanted


@pytest.mark.parametrize("vendor", [path.name for path in sorted(GOLDEN.iterdir()) if path.is_dir()])
def test_files_of_every_pack_are_understood(vendor):
    file = min(GOLDEN.joinpath(vendor).glob("*.full.txt"))
    sections = re.split(r"^===== .*?: \d+ bytes\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert max(len(parameters_of(text.replace("\\r\n", "\r\n").encode()) or {}) for text in sections if text) >= 10
