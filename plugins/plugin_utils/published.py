# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server publishes now, as the controller knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import Digests, NumberMap

_WORD = (1 << 64) - 1


class Published:
    """The manifest of one server.

    :param server: its inventory name.
    :param digest: the manifest's digest; empty when nothing was ever published.
    :param rows: encoded rows by MAC, a digest in place of each gate record.
    :param edited: by MAC, names of files that are not as they were published.
    """

    def __init__(self, server: str, digest: str, rows: Mapping[str, bytes], edited: Mapping[str, list[str]] | None = None) -> None:
        self.server = server
        self.digest = digest
        self.rows = rows
        self.edited = dict(edited or {})
        self._lacking: set[str] = set()
        self._contents: Digests | None = None
        self._spoilt: set[str] = set()
        # By the hash of a host's name, its MAC; what that does not tell, by name.
        self._macs: NumberMap | None = None
        self._named: dict[str, str] = {}

    def row(self, mac: str) -> dict[str, Any] | None:
        """Return a phone's row."""
        line = self.rows.get(mac)
        return None if line is None else json.loads(line)

    def lacks(self, digests: list[str]) -> None:
        """The server found that contents of its manifest are not there."""
        self._lacking.update(digests)
        self._spoilt.update(digests)

    def has(self, digest: str) -> bool:
        """Tell whether the server holds a content, so that it need not be sent."""
        if self._contents is None:
            self._contents = Digests()
            for mac in self.rows:
                row = self.row(mac) or {"files": {}}
                bad = self.edited.get(mac, ())
                self._spoilt.update(entry[0] for name, entry in row["files"].items() if name in bad)
                for entry in row["files"].values():
                    self._contents.add(bytes.fromhex(entry[0]))
        return self._contents.find(bytes.fromhex(digest)) >= 0 and digest not in self._spoilt

    def unspoilt(self, host: str) -> dict[str, Any] | None:
        """Return the row of a host, nothing when the server does not hold its files as they were published."""
        if self._macs is None:
            self._macs = NumberMap()
            for mac, line in self.rows.items():
                name, number = json.loads(line)["host"], int(mac, 16)
                if self._macs.setdefault(hash(name) & _WORD, number) != number:
                    # A host that had another phone before: the last counts.
                    self._named[name] = mac
        mac = self._named.get(host) or f"{self._macs.get(hash(host) & _WORD, 0):012x}"
        row = self.row(mac)
        return None if row is None or row["host"] != host or self.must_render(row["mac"], row["key"]) else row

    def must_render(self, mac: str, key: str | None) -> bool:
        """Tell whether a phone's files have to be rendered to know whether they changed."""
        row = self.row(mac)
        if row is None or key is None or row["key"] != key or mac in self.edited:
            return True
        return bool(self._lacking) and any(entry[0] in self._lacking for entry in row["files"].values())
