# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, format_mac, is_locally_administered, normalize_mac

SPELLINGS = ["001565AABBCC", "00:15:65:aa:bb:cc", "00-15-65-AA-BB-CC", "0015.65aa.bbcc", "00 15 65 aa bb cc", " 001565aabbcc "]
REFUSED = {
    "eleven digits": "001565aabbc",
    "thirteen digits": "001565aabbccd",
    "not hexadecimal": "00:15:65:aa:bb:zz",
    "mixed separators": "00:15-65:aa:bb:cc",
    "number": 1565112233,
    "null": "000000000000",
    "broadcast": "ff:ff:ff:ff:ff:ff",
    "multicast": "01:00:5e:00:00:01",
    "line feed inside": "00:15:65\n:aa:bb:cc",
    "empty": "",
    "other digits": "٠٠1565aabbcc",
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_gives_the_same_inner_form(text):
    assert normalize_mac(text) == "001565aabbcc"


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_device_address_is_refused(text):
    with pytest.raises(MacError, match="address"):
        normalize_mac(text)


def test_spellings_for_vendors():
    assert format_mac("001565aabbcc", "upper") == "001565AABBCC"
    assert format_mac("001565aabbcc", "lower", "colon") == "00:15:65:aa:bb:cc"
    assert format_mac("001565aabbcc", "upper", "dash") == "00-15-65-AA-BB-CC"


def test_locally_administered_addresses_are_told_apart():
    assert is_locally_administered("021565aabbcc")
    assert not is_locally_administered("001565aabbcc")
