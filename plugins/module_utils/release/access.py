# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns what is published, and who may read it."""

from __future__ import annotations

import grp
import os
import pwd

from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError

WEB = "nginx"
GATE = "gate"
_KEEP = -1  # what chown(2) takes for "leave it as it is"


class Access:
    """Applies owner, group and mode: phones' files hold SIP passwords, so only root and the one reader of a file get at it.

    :param owner: user that owns everything; empty leaves the user that runs this.
    :param web_group: group of the web server's workers; empty leaves the group.
    :param gate_group: group of the gate daemon; empty leaves the group.
    :raises ReleaseError: an unknown name, or names given without being root.
    """

    def __init__(self, owner: str = "", web_group: str = "", gate_group: str = "") -> None:
        if (owner or web_group or gate_group) and os.geteuid() != 0:
            raise ReleaseError("publishing sets owners and groups, so it must run as root on the server: set become: true for the task")
        try:
            self.uid = pwd.getpwnam(owner).pw_uid if owner else _KEEP
        except KeyError:
            raise ReleaseError(f"owner: the server has no user {owner!r}") from None
        self.gids = {WEB: _group("web_group", web_group), GATE: _group("gate_group", gate_group)}
        self.wanted_uid = os.geteuid() if self.uid == _KEEP else self.uid

    def give_file(self, descriptor: int, reader: str) -> None:
        """Let one reader read an open file (0640)."""
        if self.uid != _KEEP or self.gids[reader] != _KEEP:
            os.fchown(descriptor, self.uid, self.gids[reader])
        os.fchmod(descriptor, 0o640)

    def folder(self, path: str, reader: str | None, mode: int = 0o750) -> None:
        """Make a folder, for one reader's group or (None) for the owner's."""
        os.mkdir(path, mode)
        gid = self.gids[reader] if reader else (0 if self.uid != _KEEP else _KEEP)
        if self.uid != _KEEP or gid != _KEEP:
            os.chown(path, self.uid, gid)
        os.chmod(path, mode)

    def is_right(self, status: os.stat_result, reader: str) -> bool:
        """Tell whether a published file has the owner, group and mode that it was given."""
        gid = self.gids[reader]
        return status.st_uid == self.wanted_uid and gid in (_KEEP, status.st_gid) and status.st_mode & 0o7777 == 0o640


def _group(option: str, name: str) -> int:
    if not name:
        return _KEEP
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ReleaseError(f"{option}: the server has no group {name!r}; run the role dialtone.phones.provisioning_server first") from None
