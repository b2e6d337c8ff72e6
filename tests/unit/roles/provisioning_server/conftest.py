# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon's packages as they lie on a server: dialtone_gate and claims side by side on the path."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[4]
for _folder in (_ROOT / "roles/provisioning_server/files", _ROOT / "plugins/module_utils"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))
