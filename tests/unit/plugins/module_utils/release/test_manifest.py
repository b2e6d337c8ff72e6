# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError


@pytest.mark.parametrize("count", [0, 1, 4000])
def test_slim_rows_arrive_one_by_one_without_their_gate_records(count):
    rows = [
        {"mac": f"{number:012x}", "host": f"h{number}", "key": hashlib.sha256(b"%d" % number).hexdigest(), "gate": {"token": "secret"}}
        for number in range(count)
    ]
    packed = manifest.slim(manifest.encode(row) for row in rows)
    wanted = [(row["mac"], manifest.encode({**row, "gate": manifest.gate_digest(row["gate"])})) for row in rows]
    assert list(manifest.unslim(packed)) == wanted
    assert count < 4000 or len(packed) > 65536


@pytest.mark.parametrize("macs", [["001565000002", "001565000001"], ["001565000001", "001565000001"]])
def test_rows_that_somebody_put_in_another_order_are_not_sent(macs):
    rows = [manifest.encode({"mac": mac, "gate": {}}) for mac in macs]
    with pytest.raises(ReleaseError, match="out of order"):
        manifest.slim(rows)
