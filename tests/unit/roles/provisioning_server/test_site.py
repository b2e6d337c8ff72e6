# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's site, as far as its text tells: what it does is for tests/gate."""

from __future__ import annotations

import re
from pathlib import Path

SITE = Path(__file__).resolve().parents[4] / "roles/provisioning_server/templates/dialtone.conf.j2"
# 421 comes where another site shares the port, and the host is not the one of the TLS handshake.
REFUSED = {400, 403, 404, 405, 412, 413, 414, 415, 416, 421, 494, 495, 496, 497, 501, 505}


def test_every_list_of_refusals_is_whole():
    """A list in a location replaces the one of the server."""
    lists = [set(map(int, found.split())) for found in re.findall(r"error_page ([\d ]+) = /_dialtone/(?:404|refused);", SITE.read_text())]
    assert [found for found in lists if found not in (REFUSED, {403}, REFUSED - {403})] == []
    assert lists.count(REFUSED) == 2 and lists.count(REFUSED - {403}) == lists.count({403}) == 1
