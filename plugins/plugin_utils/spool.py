# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run keeps on the controller while it lasts: rendered contents and archives, gone when the run is, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator

from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Digests

_PREFIX = "dialtone-spool-"
_LOCK = "lock"


class ContentError(Exception):
    """A local file is no longer what it was when it was read first; the message is a whole sentence."""


class Contents:
    """Contents by their SHA-256: rendered ones in a file that has no name (the kernel frees it with the process, a killed one too), local files
    where they are."""

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as the run
        self._known = Digests()
        self._ends = array("Q")
        self._local: dict[bytes, tuple[str, int]] = {}

    def __contains__(self, digest: str) -> bool:
        key = bytes.fromhex(digest)
        return self._known.find(key) >= 0 or key in self._local

    def add_file(self, digest: str, path: str, size: int) -> None:
        """Remember where a local file is."""
        self._local.setdefault(bytes.fromhex(digest), (path, size))

    def number(self, digest: str) -> int:
        """Return the place of a rendered content in the order in which they came, -1 where it is none."""
        return self._known.find(bytes.fromhex(digest))

    def described(self, number: int) -> tuple[str, int]:
        """Return digest and size of a rendered content by its place."""
        begin = self._ends[number - 1] if number else 0
        return self._known[number].hex(), self._ends[number] - begin

    def is_local(self, digest: str) -> bool:
        """Tell whether a content is a local file's."""
        return bytes.fromhex(digest) in self._local

    def add(self, digest: str, content: bytes) -> None:
        """Keep a content, unless it is kept already."""
        if self._known.add(bytes.fromhex(digest)):
            begin = self._ends[-1] if self._ends else 0
            self._file.seek(begin)
            self._file.write(content)
            self._ends.append(begin + len(content))

    def get(self, digest: str) -> bytes:
        """Return a rendered content that is kept."""
        number = self._known.find(bytes.fromhex(digest))
        if number < 0:
            raise KeyError(digest)
        begin = self._ends[number - 1] if number else 0
        self._file.seek(begin)
        return self._file.read(self._ends[number] - begin)

    def each(self, digests: Iterable[str]) -> Iterator[bytes]:
        """Yield contents one after the other, large ones in pieces.

        :raises ContentError: a local file changed meanwhile.
        """
        for digest in digests:
            if self._known.find(bytes.fromhex(digest)) >= 0:
                yield self.get(digest)
            else:
                yield from self._pieces(digest)

    def _pieces(self, digest: str) -> Iterator[bytes]:
        path, size = self._local[bytes.fromhex(digest)]
        found = hashlib.sha256()
        left = size
        try:
            with open(path, "rb") as stream:
                while left:
                    piece = stream.read(min(left, 1 << 20))
                    if not piece:
                        break
                    found.update(piece)
                    left -= len(piece)
                    yield piece
        except OSError as exc:
            raise ContentError(f"{path}: {exc.strerror}; nothing was published") from None
        if found.hexdigest() != digest:
            raise ContentError(f"{path}: was changed while it was published; run again")

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def transfer_folder(parent: str) -> Iterator[str]:
    """Give a folder for files that need a name while they are transferred; removed at the end, and by a later run if this one is killed.

    :param parent: the folder of Ansible's local temporary files.
    """
    sweep(parent)
    path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    # The lock says that the owner lives, in whichever container or process namespace it does.
    lock = os.open(os.path.join(path, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep(parent: str) -> None:
    """Remove folders of runs that were killed."""
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if not name.startswith(_PREFIX):
            continue
        with contextlib.suppress(OSError):
            if os.lstat(path).st_uid != os.getuid() or not _is_abandoned(path):
                continue
            shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: str) -> bool:
    try:
        lock = os.open(os.path.join(path, _LOCK), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        # Killed, or just being made, between making the folder and its lock: only the first stays so.
        return os.lstat(path).st_mtime + 60 < _now(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _now(path: str) -> float:
    """Return the time as the folder's file system tells it, which on a network share is another machine's."""
    with tempfile.TemporaryFile(dir=os.path.dirname(path)) as probe:
        return os.fstat(probe.fileno()).st_mtime
