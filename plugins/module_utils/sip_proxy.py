# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifies phones through the SIP proxy that they are registered with, such as Kamailio or OpenSIPS.

The request names the phone's line (RFC 3261, section 16.5: the proxy puts the registered contacts in its place), and the answer is the phone's.
"""

from __future__ import annotations

import ssl
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.pbx import PbxError
from ansible_collections.dialtone.phones.plugins.module_utils.sip import Outcome, Response, SipError, Target, options, reason_of
from ansible_collections.dialtone.phones.plugins.module_utils.sip_client import SipClient, Unreachable, place_of


class ProxyClient(SipClient):
    """Sends all notifications to one proxy; who waits for the answer of whom is as with phones."""

    def __init__(
        self,
        proxy: Target,
        timeout: float,
        source: t.Tuple[str, int] = ("", 0),
        tls: t.Optional[ssl.SSLContext] = None,
        login: t.Tuple[str, str] = ("", ""),
    ) -> None:
        """
        :param proxy: a target that has the address, the port and the transport of the proxy.
        :param login: user and password for a proxy that asks who we are; without a user each phone's line answers for itself.
        """
        super().__init__(timeout, source, tls)
        self._proxy = proxy
        self._login = login

    @property
    def _place(self) -> str:
        return "SIP proxy at " + place_of(self._proxy)

    async def open(self) -> None:
        """Ask for a sign of life, so that a proxy that is away is one sentence and not one for each phone.

        :raises PbxError: nobody who speaks SIP answers there.
        """
        try:
            async with self._way(self._proxy) as (local, exchange):
                await exchange(*options(self._proxy.address, self._proxy.port, self._proxy.transport, local))
        except (Unreachable, SipError) as exc:
            # The clause names the place as it does for phones; here it stands in front already.
            clause = str(exc).replace(f" {self._at(self._proxy)}", "").replace(f" at {place_of(self._proxy)}", "")
            raise PbxError(f"{self._place}: {clause.replace(f'has the address {self._proxy.address}, which ', '')}") from None
        except OSError as exc:
            raise PbxError(f"{self._place}: can't be reached ({reason_of(exc)})") from None

    def _told(self, target: Target, response: Response, refused: str) -> Outcome:
        line = f"{target.user}@{target.domain}"
        if refused == "password" and response.status == 407:
            if self._login[0]:
                raise PbxError(f"{self._place}: does not accept the user {self._login[0]} with this password")
            what = "is not notified by the proxy, which does not accept the password of its line {} (answered 407)"
            return Outcome("refused", 407, what.format(target.auth_user))
        reason = " " + response.reason if response.reason else ""
        if response.status in (404, 480, 410):
            return Outcome(
                "unreachable", response.status, f"is not registered with the proxy as {line} (answered {response.status}{reason})"
            )
        if response.status == 408:
            return Outcome("unreachable", 408, f"is registered with the proxy, and did not answer it (answered 408{reason})")
        if response.status == 403:
            why = "the proxy or the phone does not let us notify; send from an address that both trust"
            return Outcome("refused", 403, f"answered 403{reason}: {why}")
        return super()._told(target, response, refused)

    def _at(self, target: Target) -> str:
        return "through the proxy at " + place_of(target)
