# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim store: which one-time URLs are armed, who claimed them, and everything that ever happened to them.

The package imports only itself and the standard library, and only by relative imports: the same files run inside Ansible modules and, copied
to the server, inside the gate's daemon and ``gatectl``.
"""

from __future__ import annotations

from .backends import create_store, open_store
from .model import ClaimRequest, Decision, Row, StoreError, StoreMissing
from .store import Store

__all__ = ["ClaimRequest", "Decision", "Row", "Store", "StoreError", "StoreMissing", "create_store", "open_store"]
