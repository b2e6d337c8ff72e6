# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to one service: pinned origin, bounded retries, a fresh signature at every attempt, and no secret in any message or log."""

from __future__ import annotations

import collections
import datetime
import email.utils
import json
import logging
import re
import threading
import time
import warnings
from typing import Any, Callable, Deque, Iterable, Mapping, Optional, Tuple
from urllib.parse import urljoin, urlsplit

try:
    import requests
    import urllib3
    from requests import exceptions as rex
except ImportError:  # said in a sentence when a client is made
    requests = urllib3 = rex = None

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError, LostReply, RedirectError, ServiceDown

MAX_BODY = 64 * 1024 * 1024  # bytes; a list of 50,000 devices is a few million
SKEW = 45  # seconds; signed services allow 60 or more
_LOOPBACK = re.compile(r"\A(localhost|127(\.\d{1,3}){3}|::1)\Z")
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[^\s\"'<>]+", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_=+-]{20,}")
_BUSY = threading.local()

Prepare = Callable[[str, str, bytes], Tuple[str, Mapping[str, str]]]


class _Silence(logging.Filter):
    """urllib3 writes request paths at debug level, and a path may hold a token: drop its records while we are inside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_BUSY, "on", False)


def _silence() -> None:
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "urllib3.response", "requests"):
        logger = logging.getLogger(name)
        if not any(isinstance(item, _Silence) for item in logger.filters):
            logger.addFilter(_Silence())


def check_api_url(url: str, allow_http: bool) -> str:
    """Return what is wrong with an API address, or an empty text."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "is not an https URL"
    if parts.username is not None or parts.password is not None:
        return "holds credentials; they have options of their own"
    if parts.query or parts.fragment:
        return "has a query or a fragment, which no service here uses"
    if parts.scheme == "http" and not _LOOPBACK.match(parts.hostname) and not allow_http:
        return "is plain http, which would show credentials and URLs to the network; https is wanted (http only for loopback, or with allow_http)"
    return ""


class Reply:
    """One answer: status, headers, body, and ``value`` as the caller's parser made it."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.value: Any = None


class Malformed(ValueError):
    """A body that is not what the protocol says; raised by parsers."""


def parse_json(reply: Reply) -> Any:
    """The JSON value of a body, None for an empty one.

    :raises Malformed: not JSON. Only for answers that are not refusals: an error page of a 4xx is no JSON and need not be.
    """
    if not reply.content.strip():
        return None
    try:
        return json.loads(reply.content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        if reply.status >= 400:
            return None
        raise Malformed("the body is not JSON") from None


def parse_object(reply: Reply) -> Any:
    """The JSON object of an answer that has to be one.

    :raises Malformed: something else, an empty body too. A refusal may be anything.
    """
    value = parse_json(reply)
    if reply.status < 400 and not isinstance(value, dict):
        raise Malformed("the body is not a JSON object")
    return value


def number(value: Any) -> Optional[int]:
    """Return a count, which some write as text; nothing where it is none."""
    try:
        return None if isinstance(value, (bool, float)) else int(value)
    except (TypeError, ValueError):
        return None


class _NotSent(Exception):
    pass


class _Broken(Exception):
    pass


class Client:
    """Requests to one origin.

    :param base_url: scheme, host, port and path prefix of the service.
    :param secrets: texts that must never appear in a message.
    :param throttle_wait: seconds to wait on 429 without Retry-After.
    :param rate: calls per second that the service allows, None for unknown.
    :raises AccountError: requests is missing, or the address is refused.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        validate_certs: bool = True,
        ca_path: str = "",
        retries: int = 4,
        retry_wait: Optional[float] = None,
        retry_limit: float = 300.0,
        throttle_wait: float = 5.0,
        rate: Optional[int] = None,
        allow_http: bool = False,
        secrets: Iterable[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if requests is None:
            raise AccountError("the Python library requests is missing on the controller (pip install requests)")
        problem = check_api_url(base_url, allow_http)
        if problem:
            raise AccountError(f"api_url: {problem}")
        self.base_url = base_url
        parts = urlsplit(base_url)
        self.origin = _origin(base_url)
        self.host = parts.hostname or ""
        self.timeout = timeout
        self.verify: Any = (ca_path or True) if validate_certs else False
        self.retries = retries
        self.retry_wait = retry_wait
        self.retry_limit = retry_limit
        self.throttle_wait = throttle_wait
        self.calls = 0
        self._secrets = sorted({text for text in secrets if text and len(text) > 3}, key=len, reverse=True)
        self._skew: Optional[float] = None
        self._waited = 0.0
        self._rate = rate
        self._recent: Deque[float] = collections.deque(maxlen=rate or 1)
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": "dialtone.phones", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"})
        if _LOOPBACK.match(self.host):
            self._session.trust_env = False  # a proxy cannot reach what only this machine sees
        self._session.cookies.set_policy(_no_cookies())
        _silence()

    def close(self) -> None:
        self._session.close()

    def resolve(self, link: str, base: str = "") -> str:
        """The absolute form of a link that the service handed out.

        :param base: the address that the link was found at; empty for that of the service.
        :raises AccountError: it leads to another origin, which must not see the credentials.
        """
        try:
            # As it will be sent: requests spells some escapes anew, and a signature covers what the service sees.
            url = requests.Request("GET", urljoin(base or self.base_url, link)).prepare().url or ""
            same = _origin(url) == self.origin
        except (ValueError, rex.RequestException):
            same = False
        if not same:
            raise AccountError(f"{self.host}: the service hands out a link to another host, which is not followed")
        return url

    def scrub(self, text: object, *secrets: str) -> str:
        """What a service said, fit to be shown: one line, short, without URLs, long tokens or known secrets."""
        line = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in str(text))).strip()
        for secret in [item for item in secrets if item and len(item) > 3] + self._secrets:
            line = line.replace(secret, "***")
        line = _TOKEN.sub("***", _URL.sub("<url>", line))
        return line if len(line) <= 160 else line[:160] + "..."

    def skew_note(self) -> str:
        """A clause that names a wrong clock, for an authentication failure; empty when the clocks agree."""
        if self._skew is None or abs(self._skew) < SKEW:
            return ""
        way = "behind" if self._skew > 0 else "ahead of"
        return f"; the clock of this machine is {abs(round(self._skew))} s {way} that of the service, which makes signatures and time stamps fail"

    def request(
        self,
        method: str,
        url: str,
        *,
        prepare: Prepare,
        body: bytes = b"",
        parse: Callable[[Reply], Any] = parse_json,
        repeatable: bool,
    ) -> Reply:
        """Send one request until there is an answer to judge.

        :param prepare: returns the URL and the headers of an attempt; called anew for each, so that nonces and times are fresh.
        :param repeatable: a read, or a write that may happen twice without harm. Others are not sent again once they may have arrived.
        :returns: an answer below 500 other than 429 and redirects; the caller judges it.
        :raises LostReply: a write was sent and its fate is unknown.
        :raises ServiceDown: nothing useful after all retries, or the service asks for more patience than allowed.
        :raises AccountError: the certificate is not trusted, or the service redirects.
        """
        url = self.resolve(url)
        attempt, arrived = 0, False
        while True:
            wait: Optional[float] = None
            try:
                reply = self._once(method, url, prepare, body)
            except _NotSent as exc:
                sent, reason = False, str(exc)
            except _Broken as exc:
                sent, reason = True, str(exc)
            else:
                wait = _retry_after(reply.headers.get("Retry-After"), reply.headers.get("Date"))
                if reply.status == 429:
                    sent, reason = False, f"the service is throttling (HTTP {reply.status})"
                    if wait is None:
                        wait = self.throttle_wait if self.retry_wait is None else self.retry_wait
                elif 300 <= reply.status < 400:
                    raise AccountError(
                        f"{self.host}: HTTP {reply.status} leads elsewhere and is not followed; set api_url to the service itself"
                    )
                elif reply.status >= 500 or reply.status == 408:
                    # A gateway says so of calls that were made, too.
                    sent, reason = True, f"HTTP {reply.status}" if wait is None else f"the service is throttling (HTTP {reply.status})"
                else:
                    try:
                        reply.value = parse(reply)
                    except Malformed as exc:
                        sent, reason = True, str(exc)
                    else:
                        self._waited = 0.0
                        return reply
            if sent and not repeatable:
                if wait is not None and self._waited + wait <= self.retry_limit:
                    self._waited += wait
                    self._sleep(wait)
                raise LostReply(f"{self.host}: {reason}")
            attempt += 1
            arrived = arrived or sent
            if wait is None:
                wait = (1.0 if self.retry_wait is None else self.retry_wait) * 2 ** (attempt - 1)
            if attempt > self.retries:
                raise ServiceDown(f"{self.host}: {reason}, {attempt} attempts", arrived)
            if self._waited + wait > self.retry_limit:
                raise ServiceDown(
                    f"{self.host}: {reason}; waiting {wait:.0f} s more would pass retry_limit ({self.retry_limit:.0f} s)", arrived
                )
            self._waited += wait
            self._sleep(wait)

    def _pace(self) -> None:
        if self._rate and len(self._recent) == self._rate:
            early = 1.0 - (time.monotonic() - self._recent[0])
            if early > 0:
                self._sleep(early)
        self._recent.append(time.monotonic())

    def _once(self, method: str, url: str, prepare: Prepare, body: bytes) -> Reply:
        self._pace()
        target, headers = prepare(method, url, body)
        self.calls += 1
        _BUSY.on = True
        try:
            with warnings.catch_warnings():
                if self.verify is False:  # the operator's choice, not worth a warning for every call
                    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                return self._send(method, target, headers, body)
        except rex.SSLError as exc:
            if "CERTIFICATE_VERIFY_FAILED" in repr(exc) or "certificate verify failed" in repr(exc).lower():
                raise AccountError(f"{self.host}: its TLS certificate is not trusted (ca_path names a CA of your own)") from None
            raise _NotSent("TLS failed") from None
        except rex.ProxyError:
            raise _NotSent("the proxy cannot be reached or refuses") from None
        except rex.ConnectTimeout:
            raise _NotSent(f"no connection within {self.timeout:g} s") from None
        except rex.Timeout:
            raise _Broken(f"no answer within {self.timeout:g} s") from None
        except rex.ConnectionError as exc:
            if _never_connected(exc):
                raise _NotSent("cannot connect") from None
            raise _Broken("the connection broke") from None
        except (rex.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            if isinstance(exc, OSError) and "TLS CA certificate bundle" in str(exc):
                raise AccountError("ca_path: no such file on the controller") from None
            raise _Broken("the answer cannot be read") from None
        finally:
            _BUSY.on = False

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        deadline = time.monotonic() + 4 * self.timeout
        with self._session.request(
            method,
            url,
            data=body if body or method in ("POST", "PUT", "PATCH") else None,
            headers=dict(headers),
            timeout=self.timeout,
            allow_redirects=False,
            verify=self.verify,
            auth=_unchanged,  # else requests would look into .netrc
            stream=True,
        ) as response:
            chunks = []
            size = 0
            for chunk in response.iter_content(65536):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY:
                    raise RedirectError(f"{self.host}: an answer of more than {MAX_BODY} bytes is refused")
                if time.monotonic() > deadline:
                    raise _Broken("the answer trickles in too slowly")
            self._note_time(response.headers.get("Date"))
            return Reply(response.status_code, response.headers, b"".join(chunks))

    def _note_time(self, date: Optional[str]) -> None:
        if not date:
            return
        try:
            self._skew = _seconds(date) - time.time()
        except (TypeError, ValueError, OverflowError):
            return


def _origin(url: str) -> Tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or (443 if parts.scheme.lower() == "https" else 80)


def _unchanged(request: Any) -> Any:
    return request


def _no_cookies() -> Any:
    from http.cookiejar import DefaultCookiePolicy

    return DefaultCookiePolicy(allowed_domains=[])


def _never_connected(exc: BaseException) -> bool:
    inner = exc.args[0] if exc.args else None
    reason = getattr(inner, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _seconds(date: str) -> float:
    when = email.utils.parsedate_to_datetime(date)
    return (when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)).timestamp()


def _retry_after(text: Optional[str], date: Optional[str] = None) -> Optional[float]:
    """Seconds, from a number or an HTTP date; None when absent or unreadable.

    :param date: the answer's own Date: the service's clock counts, not ours.
    """
    if not text:
        return None
    if text.strip().isdigit():
        return float(text.strip())
    try:
        until = _seconds(text)
    except (TypeError, ValueError, OverflowError):
        return None
    try:
        now = _seconds(date) if date else time.time()
    except (TypeError, ValueError, OverflowError):
        now = time.time()
    return max(0.0, until - now)
