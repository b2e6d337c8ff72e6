# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The XML-RPC dialect that Yealink began and others copied: an array of a boolean and a text, where the text is what counts.

Sources disagree on what the boolean says next to a state word, so a decision is only ever made on the text where there is a known one.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, format_mac, normalize_mac
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, DeviceError, LostReply
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import ABSENT, FOREIGN, OURS, UNKNOWN, Found, Outcome
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Reply
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import Fault, basic, call, strings

ONE_BY_ONE = 5  # up to so many MACs a call each is cheaper than the whole list
_ACCOUNT_FAULT = re.compile(r"auth|login|log in|password|credential|permission|denied|forbidden|account|method|session", re.IGNORECASE)
_STATES = {"registered": OURS, "unregistered": ABSENT, "unknown": ABSENT, "registered elsewhere": FOREIGN}
_SERVER_NAME = re.compile(r"\A[A-Za-z0-9 _.-]{1,20}\Z")


def truth(value: Any) -> bool:
    """The boolean of an envelope, which some write as a number or as text."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("1", "true"))


def pair(value: Any) -> Tuple[bool, Any]:
    """Boolean and payload of an envelope; a bare value is taken for a payload with a good boolean."""
    if (
        isinstance(value, list)
        and len(value) >= 2
        and (isinstance(value[0], (bool, int)) or str(value[0]).strip().lower() in ("0", "1", "true", "false"))
    ):
        return truth(value[0]), value[1]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], bool):
        return value[0], ""
    if isinstance(value, bool):
        return value, ""
    return True, value


def agreed(value: Any) -> bool:
    """An envelope says yes in so many words; an answer of another shape proves nothing."""
    explicit = value[:1] if isinstance(value, list) else [value]
    return bool(explicit) and pair(value)[0] and (isinstance(explicit[0], bool) or str(explicit[0]).strip().lower() in ("1", "true"))


def macs_in(value: Any) -> List[str]:
    """Every MAC in an answer, whether it is a list or one text with separators."""
    found = []
    for text in strings(value):
        for part in re.split(r"[,;\s]+", text) if len(text) > 17 else [text]:
            try:
                found.append(normalize_mac(part))
            except MacError:
                continue
    return found


def server_name_problem(name: str) -> str:
    """What is wrong with a server name, or an empty text."""
    if _SERVER_NAME.match(name):
        return ""
    return f"server_name: {name!r} is not a server name (1 to 20 letters, digits, blanks, '-', '_' or '.')"


def classify(good: bool, text: str, mac: str) -> Tuple[str, str]:
    """Kind and sentence of an answer to a write; kind ``done`` for success, ``server`` for an unknown server name."""
    flat = re.sub(r"\s+", " ", text).strip()
    low = flat.lower()
    if low in ("ok", "ok."):
        return "done", ""
    if "existing mac" in low:
        return "exists", "is registered in this account already"
    if "invalid server" in low:
        return "server", "the service does not know the server name"
    if "invalid mac" in low:
        return "invalid", "the service calls the MAC invalid"
    if "overrid" in low or "elsewhere" in low or "another user" in low or "other user" in low:
        return "foreign", "belongs to another account"
    if low.startswith("error:") and mac and mac in re.sub(r"[^0-9a-z]", "", low):
        return "foreign", "belongs to another account, and the service does not let it be overridden"
    if good and not low.startswith("error"):
        return "done", ""
    return "failed", flat


class DialectService(Service):
    """Calls and readings that every service of the dialect shares."""

    prefix = "redirect."

    def _rpc(self, method: str, *params: Any, repeatable: bool = True, secrets: Tuple[str, ...] = ()) -> Any:
        """The decoded value of one call.

        :raises AccountError: refused at HTTP level, or by a fault about the account.
        :raises DeviceError: any other fault.
        """
        authorization = basic(self.account.username, self._password())
        reply = call(self.client, self.client.base_url, authorization, self.prefix + method, *params, repeatable=repeatable)
        if isinstance(reply.value, Fault):
            raise self._fault(reply.value, method, secrets)
        if reply.status >= 400:
            raise self._http(reply)
        return reply.value

    def _password(self) -> str:
        return self.account.password

    def _http(self, reply: Reply) -> AccountError:
        if reply.status in (401, 403):
            return self.refused(f"HTTP {reply.status}")
        return AccountError(
            f"{self.client.host}: HTTP {reply.status}; api_url is not the address of {self.name}, or the service refuses the call"
        )

    def _fault(self, fault: Fault, method: str, secrets: Tuple[str, ...]) -> Exception:
        said = self.client.scrub(fault.text, *secrets)
        if _ACCOUNT_FAULT.search(fault.text):
            return AccountError(f"{self.client.host}: refuses {method} (fault {fault.code}: {said}){self.client.skew_note()}")
        return DeviceError("failed", f"the service answers with fault {fault.code}: {said}")

    def _judge(self, value: Any, mac: str, *secrets: str) -> None:
        """Return on success; raise what the answer to a write means otherwise."""
        good, payload = pair(value)
        text = " ".join(strings(payload))
        if not good and not text:
            raise DeviceError("failed", "the service refuses without a reason")
        if not text and not agreed(value):
            raise LostReply(f"{self.client.host}: an answer that says neither yes nor no")
        kind, message = classify(good, text, mac)
        if kind == "failed":
            message = f"refused: {self.client.scrub(message, *secrets)}"
        if kind != "done":
            raise DeviceError(kind, message)

    def _state(self, mac: str) -> str:
        """ours, foreign or absent, by checkDevice.

        :raises DeviceError: the service does not answer with a word it is known to use.
        """
        _good, payload = pair(self._rpc("checkDevice", self.spell(mac)))
        text = " ".join(strings(payload)).strip()
        state = _STATES.get(text.lower())
        if state:
            return state
        if "invalid mac" in text.lower():
            raise DeviceError("invalid", "the service calls the MAC invalid")
        raise DeviceError("failed", f"the service answers checkDevice with {self.client.scrub(text)!r}")

    def spell(self, mac: str) -> str:
        """The MAC as this service likes it."""
        return mac

    def _held(self) -> Set[str]:
        value = self._rpc("listDevices")
        good, payload = pair(value)
        macs = macs_in(value)
        if not macs and not isinstance(payload, (list, str)):
            raise AccountError(f"{self.client.host}: answers listDevices with something that is not a list")
        if not good and not macs:
            text = " ".join(strings(payload)).strip()
            low = text.lower()
            # An empty account is said with a false boolean by some, and with no text at all.
            if text and (low.startswith("error") or ("no " not in low and "not " not in low)):
                raise AccountError(f"{self.client.host}: refuses listDevices: {self.client.scrub(text)}")
        return set(macs)


class RedirectDialect(DialectService):
    """The verbs that Yealink's service and its copies have alike: list, check and removal."""

    def spell(self, mac: str) -> str:
        return format_mac(mac, "upper", "dash")

    def list(self) -> Iterator[Found]:
        for mac in sorted(self._held()):
            yield Found(mac, OURS, key=mac)

    def lookup(self, macs: Sequence[str], deep: bool = False) -> Dict[str, Found]:
        result: Dict[str, Found] = {}
        many = len(macs) > ONE_BY_ONE
        held = self._held() if many else set()
        for mac in macs:
            if mac in held:
                result[mac] = Found(mac, OURS, key=mac)
            elif many and not deep:
                result[mac] = Found(mac, UNKNOWN)
            else:
                try:
                    result[mac] = Found(mac, self._state(mac), key=mac)
                except DeviceError as exc:
                    result[mac] = Found(mac, UNKNOWN, problem=str(exc))
        return result

    def deregister(self, found: Sequence[Found]) -> Dict[str, Outcome]:
        macs = [item.mac for item in found]
        if len(macs) == 1:
            return self.each(found, lambda item: item.mac, self._remove_one)
        return self.whole(macs, lambda: self._remove(macs))

    def _remove_one(self, item: Found) -> None:
        try:
            self._judge(self._rpc("deRegisterDevice", self.spell(item.mac)), item.mac)
        except DeviceError as exc:
            # An unknown MAC is called invalid here; it was ours a moment ago, so look again.
            raise DeviceError("lost" if exc.kind == "invalid" else exc.kind, str(exc)) from None

    def _remove(self, macs: Sequence[str]) -> Dict[str, Outcome]:
        """One call for many. Its answer names at most the bad ones, so anything but success is read back."""
        value = self._rpc("deRegisterDevices", [self.spell(mac) for mac in macs])
        try:
            self._judge(value, "")
        except DeviceError as exc:
            return {mac: Outcome("lost", str(exc)) for mac in macs}
        return {mac: Outcome("done") for mac in macs}
