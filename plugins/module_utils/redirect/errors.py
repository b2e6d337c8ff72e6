# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong between us and a redirect service; no message ever holds a URL of a phone or a secret."""

from __future__ import annotations


class RedirectError(Exception):
    """The base of all; the message is one sentence for the operator."""


class AccountError(RedirectError):
    """The account cannot work at all: credentials, permissions, certificate, clock. Nothing further is tried."""


class ServiceDown(RedirectError):
    """The service did not answer usefully; the rest of the run is not tried.

    :param sent: what was asked may have happened all the same.
    """

    def __init__(self, message: str, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class LostReply(RedirectError):
    """A write was sent and its fate is unknown; the service must be read back before it is written again."""


class DeviceError(RedirectError):
    """One device was refused.

    :param kind: ``foreign`` (another account has it), ``exists`` (ours already), ``absent``, ``invalid`` or ``failed``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
