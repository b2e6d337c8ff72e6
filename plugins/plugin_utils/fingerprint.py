# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What decides about a phone's files beside its variables: code, templates, tables and the libraries they ask.

All of it is told by content or version, never by time or path: two controllers that would write the same files have the same digest.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import zoneinfo
from collections.abc import Iterable
from pathlib import Path

import jinja2
from ansible import __version__ as ansible_version
from ansible_collections.dialtone.phones.plugins.plugin_utils.timezone import zone_footer

_PLUGINS = Path(__file__).resolve().parents[1]
# Phones are read, checked and rendered by these; the code of servers beside them costs one more rendering after an update, no more.
_CODE = ("plugin_utils", "module_utils")
# netaddr names owners of MAC addresses in warnings, zxcvbn guesses passwords.
_LIBRARIES = ("netaddr", "zxcvbn")


@functools.lru_cache(maxsize=1)
def environment() -> bytes:
    """Return a digest of the code and of what it is run with."""
    versions = [ansible_version, jinja2.__version__, *map(_version, _LIBRARIES)]
    total = hashlib.sha256(repr(versions).encode())
    for name in _CODE:
        total.update(tree_digest([_PLUGINS / name]))
    total.update(time_zones())
    return total.digest()


def tree_digest(folders: Iterable[Path]) -> bytes:
    """Return a digest of all files below some folders."""
    total = hashlib.sha256()
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            total.update(str(file.relative_to(folder)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.digest()


@functools.lru_cache(maxsize=1)
def time_zones() -> bytes:
    """Return a digest of the rules of all time zones; what they were in former years decides about nothing."""
    total = hashlib.sha256()
    for name in sorted(zoneinfo.available_timezones()):
        total.update(f"{name} {zone_footer(name)}\n".encode())
    return total.digest()


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
