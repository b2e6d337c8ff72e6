# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hard links: unchanged files cost nothing, up to the number of names that a file system allows one file."""

from __future__ import annotations

import errno
import os
import shutil


class Linker:
    """Gives files further names; makes a new copy when a file has as many names as it may have (65,000 on ext4).

    :param limit: names a file may have; 0 leaves it to the file system.
    """

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._copies: dict[tuple[int, int], str] = {}
        self.copied = 0

    def link(self, source: str, target: str) -> None:
        """Make ``target`` another name of ``source`` (or an equal copy of it, same owner, mode and time).

        :raises FileNotFoundError: the source is gone.
        """
        if self._try(source, target):
            return
        status = os.stat(source)
        inode = (status.st_dev, status.st_ino)
        copy = self._copies.get(inode)
        if copy and self._try(copy, target):
            return
        shutil.copyfile(source, target)
        if os.geteuid() == 0:
            os.chown(target, status.st_uid, status.st_gid)
        shutil.copystat(source, target)
        self._copies[inode] = target
        self.copied += 1

    def _try(self, source: str, target: str) -> bool:
        if self._limit and os.stat(source).st_nlink >= self._limit:
            return False
        try:
            os.link(source, target)
        except OSError as exc:
            if exc.errno == errno.EMLINK:
                return False
            raise
        return True
