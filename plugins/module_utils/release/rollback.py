# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Going back: files of an older release for phones that could still use them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.staging import Changes, parse_row
from ansible_collections.dialtone.phones.plugins.module_utils.release.store import Release, Store


class Rollback:
    """Works out what going back to a kept release means now.

    Only configs come back. Tokens, credentials and networks stay as they are, phones that were removed stay away, and a phone whose generation or
    credentials changed since keeps its present files: the old ones hold a URL and a password that no longer open anything.

    :param target: the release's id; empty takes the one before the current.
    :param scope: only phones of this scope; empty takes all.
    :param macs: only these phones; empty takes all.

    After :meth:`find`: ``target``, ``restored``, ``refused`` and ``absent`` (hosts).
    """

    def __init__(self, store: Store, target: str, scope: str, macs: t.Collection[str]) -> None:
        self._store = store
        self._wanted = target
        self._scope = scope
        self._macs = set(macs)
        self.target = ""
        self.restored: list[str] = []
        self.refused: list[str] = []
        self.absent: list[str] = []

    def find(self, current: Release) -> Changes:
        """Return the changes against the current release.

        :raises ReleaseError: there is no such release, or a phone named in ``macs`` isn't published.
        """
        target = self._choose(current)
        self.target = target.id
        _header, lines = target.rows()
        then = {row["mac"]: row for row in map(parse_row, lines)}
        changes: dict[str, dict[str, t.Any]] = {}
        elsewhere: dict[str, str] = {}
        missing = set(self._macs)
        _header, lines = current.rows()
        for row in map(parse_row, lines):
            missing.discard(row["mac"])
            if (self._scope and row["scope"] != self._scope) or (self._macs and row["mac"] not in self._macs):
                continue
            old = then.get(row["mac"])
            if old is None:
                self.absent.append(row["host"])
            elif old["files"] == row["files"]:
                continue
            elif _credentials(old) != _credentials(row):
                self.refused.append(row["host"])
            else:
                self.restored.append(row["host"])
                # With its old key the phone is rendered anew by the next publish: the inventory stays the truth.
                changes[row["mac"]] = {"set": {**row, "files": old["files"], "key": old["key"], "about": {}}}
                for name, (digest, _size) in old["files"].items():
                    elsewhere.setdefault(digest, os.path.join(target.path, "phones", row["mac"], name))
        if missing:
            raise ReleaseError(f"{', '.join(sorted(missing))}: not published on this server")
        return Changes(changes, elsewhere=elsewhere)

    def _choose(self, current: Release) -> Release:
        if self._wanted:
            return self._store.release(self._wanted)
        older = [release for release in self._store.releases() if release.serial < current.serial and os.path.exists(release.manifest)]
        if not older:
            raise ReleaseError(f"{self._store.releases_path}: there is no release before the current one ({current.id})")
        return older[0]


def _credentials(row: dict[str, t.Any]) -> tuple[t.Any, ...]:
    """Return what a phone's file must agree with to work: where it lives and how it logs in."""
    gate = row["gate"]
    home = sorted(
        (str(entry.get("token")), str(entry.get("user")), str(entry.get("ssha"))) for entry in gate.get("home", ()) if entry.get("current")
    )
    return gate.get("generation"), tuple(home)
