# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small JSON files and names that have to be on the disk."""

from __future__ import annotations

import ctypes
import json
import os
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError


def read_json(path: str) -> dict[str, t.Any] | None:
    """Return what a small JSON file holds; None when there is none or it was never finished."""
    try:
        with open(path, "rb") as stream:
            value = json.load(stream)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: str, value: dict[str, t.Any]) -> None:
    """Write a small JSON file for root alone: whole or not at all, on disk when this returns."""
    fresh = path + ".new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(manifest.encode(value) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(fresh, path)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(path: str) -> None:
    """Put everything written to a file system on disk: one call, where fsync of 40,000 files takes minutes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            error = ctypes.get_errno()
            raise ReleaseError(f"{path}: could not be written to disk ({os.strerror(error)})")
    except (AttributeError, OSError):
        os.sync()
    finally:
        os.close(descriptor)
