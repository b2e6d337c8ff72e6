# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder for what only its owner may read: made so, or refused when it is anything else.

All files are opened below the folder's descriptor, so nobody can put another folder in its place halfway.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderError(Exception):
    """The folder or a file in it can't be used; one line for each."""


class PrivateFolder:
    """An open folder of mode 0700 (or less) of this user."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor  # None: check mode, and there is none yet

    def read(self, name: str) -> bytes | None:
        """Return a file's content, nothing when there is none.

        :raises FolderError: it is not a file of this user alone.
        """
        if self._descriptor is None:
            return None
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise FolderError(f"{self.path / name}: is no file that can be replaced ({exc.strerror})") from None
        with os.fdopen(file, "rb") as stream:
            known = os.fstat(stream.fileno())
            if not stat.S_ISREG(known.st_mode):
                raise FolderError(f"{self.path / name}: is no regular file; move it away")
            if known.st_uid != os.geteuid() or known.st_nlink > 1:
                raise FolderError(f"{self.path / name}: belongs to somebody else, or has a second name; move it away")
            return stream.read() if stat.S_IMODE(known.st_mode) & 0o077 == 0 else b""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place at once, readable by this user alone."""
        if self._descriptor is None:
            raise FolderError(f"{self.path}: is not there")
        temporary = f".{secrets.token_hex(8)}.new"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._descriptor)
        try:
            with os.fdopen(file, "wb") as stream:
                os.fchmod(stream.fileno(), 0o600)
                stream.write(content)
            os.rename(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self._descriptor)
            raise

    def remove(self, name: str) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._descriptor)


@contextlib.contextmanager
def private_folder(path: Path, dry: bool) -> Iterator[PrivateFolder]:
    """Open a folder, making its last part where it is missing.

    :param dry: change nothing; a folder that is missing is then empty.
    :raises FolderError: it is a link, somebody else's, open to others, or no folder.
    """
    descriptor = _open(path, dry)
    try:
        yield PrivateFolder(path, descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(path: Path, dry: bool) -> int | None:
    try:
        above = os.stat(path.parent)
    except OSError as exc:
        raise FolderError(f"{path.parent}: can't be used ({exc.strerror}); make it first") from None
    if above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
        raise FolderError(f"{path.parent}: may be written by everybody, who could put another folder in place of {path.name}")
    if not dry:
        with contextlib.suppress(FileExistsError):
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:
                raise
            except OSError as exc:
                raise FolderError(f"{path}: can't be made ({exc.strerror})") from None
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise FolderError(f"{path}: is a symbolic link; name the folder itself")
        descriptor = os.open(path, _OPEN)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise FolderError(f"{path}: is no folder that can be used ({exc.strerror})") from None
    known = os.fstat(descriptor)
    problem = ""
    if known.st_uid != os.geteuid():
        problem = f"belongs to user {known.st_uid}, not to the one who runs the play"
    elif stat.S_IMODE(known.st_mode) & 0o077:
        problem = f"is open to others (mode {stat.S_IMODE(known.st_mode):04o}); sheets hold secrets: chmod 700"
    if problem:
        os.close(descriptor)
        raise FolderError(f"{path}: {problem}")
    return descriptor
