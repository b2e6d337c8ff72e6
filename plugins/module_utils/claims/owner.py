# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever runs as root acts as the store's owner while it touches it: files that SQLite makes beside the store must stay writable for the daemon."""

from __future__ import annotations

import contextlib
import os
from typing import Iterator


@contextlib.contextmanager
def acting_as_owner(path: str) -> Iterator[None]:
    """Take the identity of the owner of the store's folder, when root calls and the folder is another user's."""
    folder = os.path.dirname(path)
    try:
        found = os.stat(folder) if path.startswith("/") else None
    except OSError:
        found = None
    if found is None or os.geteuid() != 0 or found.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
