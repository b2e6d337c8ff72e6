# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where programs that tests start find the collection, when it is not in their own Python's site-packages, as under ansible-test."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.dialtone.phones.plugins.module_utils import mac

# The folder that holds ansible_collections/dialtone/phones/plugins/module_utils/mac.py.
COLLECTIONS_ROOT = str(Path(mac.__file__).parents[5])
