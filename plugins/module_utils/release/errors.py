# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with a release, as sentences."""

from __future__ import annotations


class ReleaseError(Exception):
    """The release can't be read, built or switched to; the message is one line and holds no secret."""


class ContentMissing(ReleaseError):
    """The plan relies on content that the server turned out not to hold; the controller sends it in a second attempt."""

    def __init__(self, digests: list[str]) -> None:
        super().__init__(f"{len(digests)} contents that the manifest lists are missing or damaged on the server")
        self.digests = digests
