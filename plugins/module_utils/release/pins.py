# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pinned names: what a phone's first file names stays fetchable across a switch, so that its files are of one release.

The names lie outside of the releases, in ``pinned/phones/<mac>/``, as further names of the releases' own files. A name tells its content, so
releases never disagree about one, and an unchanged phone costs nothing. A name that no phone's first file tells any more goes when the last release
goes whose files did. Each release notes in a journal what it added and what it retired.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import pin_name
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import WEB, Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.files import read_json, write_json
from ansible_collections.dialtone.phones.plugins.module_utils.release.links import Linker

_JOURNAL = "pins.json"
Names = t.Dict[str, t.List[str]]


def pins_of(row: dict[str, t.Any] | None) -> dict[str, str]:
    """Return a manifest row's pinned names, and the file of the release that each is a further name of."""
    if not row:
        return {}
    files = row["files"]
    return {pin_name(name, files[name][0]): name for name in row["gate"].get("pinned", ()) if name in files}


class PinShelf:
    """The folder of pinned names.

    :param root: the folder of the releases and of this.
    """

    def __init__(self, root: str, access: Access) -> None:
        self._top = os.path.join(root, "pinned")
        self._path = os.path.join(self._top, "phones")
        self._access = access

    def put(self, staged: str, pins: dict[str, dict[str, str]], retired: Names, linker: Linker) -> None:
        """Give the files of a staged release their pinned names.

        :param pins: by MAC, what :func:`pins_of` gives for the phones that this release changes.
        :param retired: by MAC, pinned names that phones had in the release before and have no more.
        """
        fresh = {mac: [name for name in sorted(names) if not os.path.lexists(self._file(mac, name))] for mac, names in pins.items()}
        # Told before it is done, so that a killed run leaves nothing that nobody knows of.
        write_json(os.path.join(staged, _JOURNAL), {"fresh": _filled(fresh), "added": _filled(pins), "retired": _filled(retired)})
        for mac, names in pins.items():
            for name, plain in names.items():
                self._link(os.path.join(staged, "phones", mac, plain), mac, name, linker)

    def _link(self, source: str, mac: str, name: str, linker: Linker) -> None:
        target = self._file(mac, name)
        try:
            if os.path.samefile(source, target):
                return
        except FileNotFoundError:
            pass
        for folder in (self._top, self._path, os.path.dirname(target)):
            if not os.path.isdir(folder):
                self._access.folder(folder, WEB)
        fresh = target + ".new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        linker.link(source, fresh)
        os.rename(fresh, target)

    def forget(self, release: str) -> None:
        """Take back what a release that never served brought."""
        for mac, names in (read_json(os.path.join(release, _JOURNAL)) or {}).get("fresh", {}).items():
            self._drop(mac, names)

    def expire(self, gone: t.Iterable[str], kept: t.Iterable[str]) -> None:
        """Remove names that no kept release has, before the releases that had them go.

        :param gone: paths of the releases that go, oldest first.
        :param kept: paths of those that stay, oldest first.
        """
        kept = list(kept)
        waiting: set[tuple[str, str]] = set()
        for path in [*gone, *kept]:
            journal = read_json(os.path.join(path, _JOURNAL)) or {}
            # What the oldest that stays has retired was of those that go; what a later one retired is of one that stays.
            if path not in kept[1:]:
                waiting.update((mac, name) for mac, names in journal.get("retired", {}).items() for name in names)
            waiting.difference_update((mac, name) for mac, names in journal.get("added", {}).items() for name in names)
        for mac, name in sorted(waiting):
            self._drop(mac, [name])

    def is_right(self, release: str, mac: str, name: str, plain: str, digest: t.Callable[[str], str]) -> bool:
        """Tell whether a pinned name is there and leads to its file."""
        target = self._file(mac, name)
        try:
            source = os.path.join(release, "phones", mac, plain)
            return os.path.samefile(source, target) or digest(target) == digest(source)
        except OSError:
            return False

    def _drop(self, mac: str, names: t.Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._file(mac, name))
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(self._path, mac))

    def _file(self, mac: str, name: str) -> str:
        return os.path.join(self._path, mac, name)


def _filled(names: t.Mapping[str, t.Iterable[str]]) -> Names:
    return {mac: sorted(found) for mac, found in names.items() if found}
