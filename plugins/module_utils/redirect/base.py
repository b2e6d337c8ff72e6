# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one shape of a redirect service: the verbs, and what most services share."""

from __future__ import annotations

from typing import Callable, ClassVar, Collection, Dict, Iterable, Iterator, List, Sequence, Tuple, TypeVar
from urllib.parse import urlsplit

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import (
    AccountError,
    DeviceError,
    LostReply,
    RedirectError,
    ServiceDown,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import (
    ABSENT,
    DONE,
    Account,
    Capabilities,
    Device,
    Found,
    Outcome,
)
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Client

Item = TypeVar("Item")
LOST_IN_A_ROW = 3


class Service:
    """One account at one service. Subclasses state what the service can do and implement the verbs with it.

    default_url: where the service lives; empty where the region has to be chosen. default_path: appended when api_url has no path; one that ends
    in a slash says that calls are made below the address. stores_login: whether a phone's user name and password can be put there too.
    credentials: the options the service needs. throttle_wait: seconds, when it throttles without saying for how long. rate: calls a second.
    max_url: characters, 0 for no known limit. limits: sentences for the operator, shown by redirect_info.
    """

    name: ClassVar[str] = ""
    capabilities: ClassVar[Capabilities] = Capabilities()
    default_url: ClassVar[str] = ""
    default_path: ClassVar[str] = "/"
    credentials: ClassVar[Tuple[str, ...]] = ("username", "password")
    stores_login: ClassVar[bool] = False
    throttle_wait: ClassVar[float] = 5.0
    rate: ClassVar[int] = 0
    max_url: ClassVar[int] = 0
    url_schemes: ClassVar[Tuple[str, ...]] = ("https", "http")
    limits: ClassVar[Tuple[str, ...]] = ()

    def __init__(self, account: Account, client: Client) -> None:
        self.account = account
        self.client = client
        self._lost = 0  # replies lost in a row

    @classmethod
    def base_url(cls, account: Account) -> str:
        """The address to talk to, with the service's own path when the operator gave only the host."""
        url = account.api_url or cls.default_url
        if not url:
            raise AccountError(f"api_url: {cls.name} has regional hosts; the one of the account is wanted")
        if urlsplit(url).path in ("", "/"):
            url = url.rstrip("/") + cls.default_path
        return url.rstrip("/") + "/" if cls.default_path.endswith("/") else url

    @classmethod
    def account_problems(cls, account: Account) -> List[str]:
        """What the account lacks, all at once; no call is made."""
        problems = [f"{name}: is wanted by {cls.name}" for name in cls.credentials if not getattr(account, name)]
        for name in ("username", "access_key_id"):
            if any(not c.isprintable() for c in getattr(account, name)):
                problems.append(f"{name}: holds a control character")
        if not account.api_url and not cls.default_url:
            problems.append(f"api_url: {cls.name} has regional hosts; the one of the account is wanted")
        return problems

    def learn(self, device: Device) -> str:
        """Keep what the calls to come need beside the MAC; returns what is wrong with it, or an empty text. No call is made."""
        return ""

    def check(self, device: Device) -> str:
        """Why this device cannot be registered here, or an empty text; no call is made."""
        if (device.username or device.password) and not self.stores_login:
            return f"{self.name} cannot store a user name or a password for a phone"
        scheme = urlsplit(device.url).scheme.lower()
        if scheme not in self.url_schemes:
            return f"the URL's scheme is not one that {self.name} takes: {', '.join(self.url_schemes)}"
        if self.max_url and len(device.url) > self.max_url:
            return f"the URL has {len(device.url)} characters; {self.name} takes {self.max_url}"
        if self.capabilities.needs_serial == "yes" and not device.serial:
            return f"{self.name} wants the serial number"
        return ""

    # The verbs.

    def ping(self) -> None:
        """Prove the credentials without changing anything, with the first page of what the account holds.

        :raises RedirectError: they are refused, or the service is out of reach.
        """
        next(self.list(), None)

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        """What the service holds for each MAC; never writes.

        :param deep: spend a call per MAC where only that tells a foreign MAC from a free one.
        """
        raise NotImplementedError

    def list(self) -> Iterator[Found]:
        """Everything the account holds, all pages of it."""
        raise RedirectError(f"{self.name} cannot list what an account holds")

    def register(self, devices: Sequence[Device], override: Collection[str]) -> Dict[str, Outcome]:
        """Create entries; never more than ``capabilities.batch`` at once. Claims another account's MAC only if it is in override."""
        raise NotImplementedError

    def update(self, pairs: Sequence[Tuple[Device, Found]]) -> Dict[str, Outcome]:
        """Change entries of our own, in place where the service can."""
        raise NotImplementedError

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        """Remove entries of our own; never more than ``capabilities.remove_batch`` at once."""
        raise NotImplementedError

    # What most services share.

    def refused(self, what: str = "") -> AccountError:
        """The error for refused credentials; names a wrong clock where that is the likelier cause."""
        return AccountError(f"{self.client.host}: refuses the credentials{': ' + what if what else ''}{self.client.skew_note()}")

    def select(self, macs: Sequence[str], held: Iterable[Found], missing: str = ABSENT) -> Dict[str, Found]:
        """From what the account holds, the rows of these MACs; the others get the state in missing."""
        result = {mac: Found(mac, missing) for mac in macs}
        for item in held:
            if item.mac in result:
                result[item.mac] = item
        return result

    def _unanswered(self, exc: RedirectError) -> Outcome:
        """The outcome of a write that got no answer: lost where it may have happened."""
        if isinstance(exc, LostReply):
            self._lost += 1
            return Outcome("lost", str(exc))
        if isinstance(exc, ServiceDown) and exc.sent:
            self._lost = LOST_IN_A_ROW
            return Outcome("lost", str(exc))
        return Outcome("stopped", str(exc))

    def _still_there(self) -> str:
        """Why nothing more is to be written, or an empty text: after some lost replies in a row the service has to answer a read first, which waits for it."""
        if self._lost >= LOST_IN_A_ROW:
            try:
                self.ping()
            except RedirectError as exc:
                return str(exc)
            self._lost = 0
        return ""

    def each(self, items: Sequence[Item], mac: Callable[[Item], str], write: Callable[[Item], None]) -> Dict[str, Outcome]:
        """Write one by one: a refused device never stops the next, a failed service does."""
        outcomes: Dict[str, Outcome] = {}
        stopped = ""
        for item in items:
            if not stopped:
                stopped = self._still_there()
            if stopped:
                outcomes[mac(item)] = Outcome("stopped", f"not tried: {stopped}")
                continue
            try:
                write(item)
                outcomes[mac(item)] = DONE
                self._lost = 0
            except DeviceError as exc:
                outcomes[mac(item)] = Outcome(exc.kind, str(exc))
                self._lost = 0
            except RedirectError as exc:
                outcomes[mac(item)] = self._unanswered(exc)
                stopped = "" if outcomes[mac(item)].kind == "lost" else str(exc)
        return outcomes

    def whole(self, macs: Sequence[str], write: Callable[[], Dict[str, Outcome]]) -> Dict[str, Outcome]:
        """Write a batch in one call; a failure of the call is the failure of each of its MACs."""
        stopped = self._still_there()
        if stopped:
            return {mac: Outcome("stopped", f"not tried: {stopped}") for mac in macs}
        try:
            outcomes = write()
            self._lost = 0
        except DeviceError as exc:
            self._lost = 0
            return {mac: Outcome(exc.kind, str(exc)) for mac in macs}
        except RedirectError as exc:
            outcome = self._unanswered(exc)
            return dict.fromkeys(macs, outcome)
        for mac in macs:
            outcomes.setdefault(mac, Outcome("lost", "the answer does not name this MAC"))
        return outcomes
