# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where releases live on the server, which one serves, and the one step that changes it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release import manifest
from ansible_collections.dialtone.phones.plugins.module_utils.release.access import WEB, Access
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.files import read_json, sync_file_system, sync_folder, write_json
from ansible_collections.dialtone.phones.plugins.module_utils.release.pins import PinShelf

RELEASE_ID = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_INFO = "release.json"
_STAGING = ".staging"
_GONE = ".gone"


class Release:
    """One release on disk. ``serial`` counts up on this server, whatever the controllers' clocks say."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.id = os.path.basename(path)
        self.manifest = os.path.join(path, manifest.NAME)
        self.info = read_json(os.path.join(path, _INFO)) or {}
        self.serial = int(self.info.get("serial", 0))

    def rows(self) -> tuple[dict[str, t.Any], t.Iterator[bytes]]:
        """Return the manifest's header and encoded rows; none for the empty release that the server's role starts with.

        :raises ReleaseError: the manifest is missing beside published phones, or damaged.
        """
        if os.path.exists(self.manifest):
            return manifest.read(self.manifest)
        with contextlib.suppress(FileNotFoundError):
            if os.listdir(os.path.join(self.path, "phones")):
                raise ReleaseError(f"{self.manifest}: is missing beside published phones; let current point to another release")
        return {"format": manifest.FORMAT, "networks": []}, iter(())

    def digest(self) -> str:
        """Return the manifest's digest; empty when nothing was ever published."""
        return manifest.digest(self.manifest) if os.path.exists(self.manifest) else ""

    def write_info(self, info: dict[str, t.Any]) -> None:
        """Write what is known about the release beside its content."""
        write_json(os.path.join(self.path, _INFO), info)
        self.info = info
        self.serial = int(info["serial"])


class Store:
    """The folder ``root`` with ``releases/<id>``, ``uploads/<mac>``, ``pinned/phones/<mac>`` and the link ``current``."""

    def __init__(self, root: str, access: Access) -> None:
        self.root = root
        self.access = access
        self.pins = PinShelf(root, access)
        self.releases_path = os.path.join(root, "releases")
        self.uploads_path = os.path.join(root, "uploads")
        self.link = os.path.join(root, "current")
        self.lock = os.path.join(root, ".publish.lock")
        self._pending = os.path.join(root, ".reload-pending.json")

    def prepare(self) -> None:
        """Make the folders that are missing; the gate's daemon and the web server pass through, but list nothing."""
        if not os.path.isdir(self.root):
            os.makedirs(self.root, 0o755)
        for path, reader, mode in ((self.releases_path, None, 0o711), (self.uploads_path, WEB, 0o750)):
            if not os.path.isdir(path):
                self.access.folder(path, reader, mode)

    def current(self) -> Release | None:
        """Return the release that serves.

        :raises ReleaseError: the link points to nowhere or out of ``releases``.
        """
        try:
            target = os.readlink(self.link)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise ReleaseError(f"{self.link}: is not a symbolic link ({exc.strerror}); move it away") from None
        path = os.path.normpath(os.path.join(self.root, target))
        if os.path.dirname(path) != self.releases_path or not os.path.isdir(path):
            known = ", ".join(release.id for release in self.releases()) or "none"
            raise ReleaseError(f"{self.link}: points to {target}, which is no release; there are: {known}")
        return Release(path)

    def releases(self) -> list[Release]:
        """Return all complete releases, newest first."""
        try:
            names = os.listdir(self.releases_path)
        except FileNotFoundError:
            return []
        found = [Release(os.path.join(self.releases_path, name)) for name in names if RELEASE_ID.match(name)]
        return sorted(found, key=lambda release: (release.serial, release.id), reverse=True)

    def clean(self, current: Release | None) -> list[str]:
        """Remove what a killed run left: half-built or half-deleted releases, and complete ones that never served."""
        removed = []
        try:
            names = sorted(os.listdir(self.releases_path))
        except FileNotFoundError:
            return removed
        for name in names:
            path = os.path.join(self.releases_path, name)
            stale = name.endswith((_STAGING, _GONE))
            # Serials only rise and a rollback makes a new release, so nothing newer than the current one has served.
            newer = RELEASE_ID.match(name) and current is not None and Release(path).serial > current.serial
            if stale or newer:
                if not name.endswith(_GONE):
                    self.pins.forget(path)
                self.discard(path)
                removed.append(name)
        return removed

    def discard(self, path: str) -> None:
        """Delete a release; renamed first, so that a half-deleted one is never taken for a release."""
        if not path.endswith((_STAGING, _GONE)):
            os.rename(path, path + _GONE)
            path += _GONE
        shutil.rmtree(path)

    def free_id(self, wanted: str) -> str:
        """Return the wanted id, with a number behind it when the server has that release already."""
        number, free = 1, wanted
        while os.path.exists(os.path.join(self.releases_path, free)):
            number += 1
            free = f"{wanted}-{number}"
        return free

    def stage(self, release_id: str) -> str:
        """Make the folder in which a release is built and return its path."""
        path = os.path.join(self.releases_path, release_id + _STAGING)
        self.access.folder(path, None, 0o711)
        return path

    def finish(self, staged: str) -> Release:
        """Put a staged release on the disk for good, under its name."""
        sync_file_system(staged)
        path = staged[: -len(_STAGING)]
        os.rename(staged, path)
        sync_folder(self.releases_path)
        return Release(path)

    def switch(self, release: Release | None) -> None:
        """Let ``current`` point to a release by renaming a fresh link over it; None takes the link away."""
        if release is None:
            os.unlink(self.link)
        else:
            fresh = self.link + ".new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            os.symlink(os.path.join("releases", release.id), fresh)
            os.rename(fresh, self.link)
        sync_folder(self.root)

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest releases and return the ids of those deleted."""
        current = self.current()
        releases = self.releases()
        old = [release for release in releases[max(keep, 2) :] if current is None or release.id != current.id]
        if old:
            gone = {release.path for release in old}
            paths = [release.path for release in reversed(releases)]
            self.pins.expire([path for path in paths if path in gone], [path for path in paths if path not in gone])
        for release in old:
            self.discard(release.path)
        return [release.id for release in old]

    def set_pending(self, previous: str | None) -> None:
        """Note, before the switch, that the web server must read its configuration again, and what to go back to."""
        write_json(self._pending, {"previous": previous})

    def pending(self) -> dict[str, t.Any] | None:
        """Return the note of a run that did not come to reloading the web server."""
        return read_json(self._pending)

    def clear_pending(self) -> None:
        """The web server follows ``current`` again."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._pending)

    def release(self, release_id: str) -> Release:
        """Return a release by its id.

        :raises ReleaseError: unknown.
        """
        known = {release.id: release for release in self.releases()}
        if release_id not in known:
            raise ReleaseError(f"release {release_id!r} is not kept in {self.releases_path}; kept: {', '.join(known) or 'none'}")
        return known[release_id]
