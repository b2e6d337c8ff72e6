# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One publisher at a time: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time

from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError

_PAUSE = 0.2


class PublishLock:
    """Held while a release is built and switched to.

    :param path: the lock file; it says who holds it.
    :param holder: who asks, for the sentence that the other one gets.
    :param timeout: seconds to wait for another publisher.
    """

    def __init__(self, path: str, holder: str, timeout: float) -> None:
        self._path = path
        self._holder = holder
        self._timeout = timeout
        self._descriptor = -1

    def __enter__(self) -> PublishLock:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    other = os.pread(self._descriptor, 400, 0).decode("utf-8", "replace").strip() or "another run"
                    os.close(self._descriptor)
                    raise ReleaseError(
                        f"{self._path}: {other} is publishing to this server; waited {self._timeout:g} s for it (lock_timeout)"
                    ) from None
                time.sleep(_PAUSE)
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{self._holder} (since {since})\n".encode(), 0)
        return self

    def __exit__(self, *_error: object) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
