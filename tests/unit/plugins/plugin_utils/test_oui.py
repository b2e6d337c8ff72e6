# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dialtone.phones.plugins.plugin_utils.oui import owner_of, vendor_of, vendors_of


def test_a_packs_prefix_decides():
    assert vendor_of("001565aabbcc") == "yealink"


def test_the_registry_decides_where_no_pack_claims_the_prefix(tmp_path):
    (tmp_path / "apple").mkdir()
    (tmp_path / "apple" / "pack.yml").write_text("models: []\n")
    assert vendor_of("001b63000001") is None
    assert vendor_of("001b63000001", (str(tmp_path),)) == "apple"


def test_a_shared_prefix_belongs_to_nobody_alone_and_a_longer_one_wins(tmp_path):
    for vendor, prefix in (("one", "00:04:13"), ("two", "000413"), ("three", "0004137")):
        (tmp_path / vendor).mkdir()
        (tmp_path / vendor / "pack.yml").write_text(f"ouis: ['{prefix}']\n")
    folders = (str(tmp_path),)
    assert vendors_of("000413111111", folders) >= {"one", "two"}
    assert vendor_of("000413111111", folders) is None
    assert vendor_of("000413711111", folders) == "three"


def test_the_owner_is_the_registrys():
    assert "YEALINK" in owner_of("001565aabbcc")
    assert owner_of("020000000000") is None
