# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon's entry: the folder of this file holds the packages dialtone_gate and claims."""

from __future__ import annotations

import sys

from dialtone_gate.main import main

if __name__ == "__main__":
    sys.exit(main())
