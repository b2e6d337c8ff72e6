# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks one phone for what its display shows. A phone's answer is not to be trusted: it may be huge, slow, broken, or lead elsewhere."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.image import ImageError, Picture, read_picture

try:
    import requests
    from requests.auth import HTTPBasicAuth, HTTPDigestAuth
    from requests.utils import parse_dict_header
except ImportError:  # told by the action plugin
    requests = None
    HTTPDigestAuth = object

_REDIRECTS = 3
_PIECE = 16 * 1024


class CaptureError(Exception):
    """There is no picture of a phone; the message is a clause that fits behind its name."""


class Screen(NamedTuple):
    """Whom to ask: ``base`` is scheme, host and port; ``paths`` are tried in turn; ``needs`` says what the phone wants for it to work."""

    host: str
    vendor: str
    model: str
    base: str
    paths: tuple[str, ...]
    user: str
    password: str
    needs: str

    def __repr__(self) -> str:
        return f"Screen({self.host})"


class Limits(NamedTuple):
    timeout: float  # seconds for a connection, and for each piece of an answer
    size: int  # bytes of an answer
    verify: bool | str  # as requests takes it


class _Digest(HTTPDigestAuth):
    """Answers a challenge that is known already. The library's own class would ask once more, and read whatever body a phone sends with its refusal."""

    def __init__(self, user: str, password: str, challenge: str) -> None:
        super().__init__(user, password)
        self.init_per_thread_state()
        self._thread_local.chal = parse_dict_header(challenge)

    def __call__(self, request: Any) -> Any:
        try:
            header = self.build_digest_header(request.method, request.url)
        except KeyError:
            header = None
        if header is None:
            raise CaptureError("wants a Digest login of a kind that is not known here")
        request.headers["Authorization"] = header
        return request


def _session() -> Any:
    class Session(requests.Session):
        def get_redirect_target(self, resp: Any) -> None:
            """Follow nothing: the library would read a redirect's whole body even when told not to follow."""

    return Session()


def fetch_screen(screen: Screen, limits: Limits) -> Picture:
    """Return what the phone's display shows.

    :raises CaptureError: it does not tell.
    """
    with _session() as session:
        # Neither the environment's proxies nor its .netrc have a say.
        session.trust_env = False
        session.verify = limits.verify
        if not limits.verify:
            # Who asked for it knows, and a warning for each phone would hide what phones say. The process ends with the task.
            requests.packages.urllib3.disable_warnings()
        session.headers["Accept"] = "image/png, image/bmp, image/*"
        failure = CaptureError("has no address for its screen")
        for path in screen.paths:
            try:
                return _picture(session, screen, screen.base + path, limits)
            except _NotHere as exc:
                failure = exc
        raise failure


class _NotHere(CaptureError):
    """Not at this path; the next one may do."""


def _picture(session: requests.Session, screen: Screen, url: str, limits: Limits) -> Picture:
    content, kind = _content(session, screen, url, limits)
    try:
        return read_picture(content)
    except ImageError as exc:
        told = f" ({kind})" if kind and kind.isprintable() else ""
        raise CaptureError(f"its answer {exc}{told}{_hint(screen)}") from None


def _content(session: requests.Session, screen: Screen, url: str, limits: Limits) -> tuple[bytes, str]:
    auth = None
    for _step in range(2 + _REDIRECTS):
        try:
            with session.get(url, auth=auth, stream=True, allow_redirects=False, timeout=limits.timeout) as reply:
                if reply.status_code == 401 and auth is None:
                    auth = _login(reply, screen)
                    continue
                if reply.status_code in (301, 302, 303, 307, 308):
                    url = _next(url, reply.headers.get("Location", ""))
                    continue
                _check_status(reply, screen, url)
                return _body(reply, limits.size), reply.headers.get("Content-Type", "").split(";")[0][:60]
        except requests.RequestException as exc:
            raise CaptureError(_reason(exc, screen.base, limits)) from None
        except ValueError:  # raised by the library for addresses
            raise CaptureError("sends something that is no HTTP") from None
    raise CaptureError("sends from one address to the next, without end")


def _login(reply: requests.Response, screen: Screen) -> requests.auth.AuthBase:
    """Return how the phone wants the password; Digest goes first, since it does not carry it."""
    offered = reply.headers.get("WWW-Authenticate", "")
    digest = re.search(r"\bdigest\s+", offered, re.IGNORECASE)
    if digest:
        return _Digest(screen.user, screen.password, offered[digest.end() :])
    if re.search(r"\bbasic\b", offered, re.IGNORECASE):
        return HTTPBasicAuth(screen.user.encode(), screen.password.encode())
    raise CaptureError("wants a login that is neither Basic nor Digest")


def _next(url: str, location: str) -> str:
    """Return where a redirect leads, if that is the same phone."""
    try:
        there, here = urlsplit(urljoin(url, location)), urlsplit(url)
        same = there.hostname == here.hostname and (
            (there.scheme, there.port) == (here.scheme, here.port) or (here.scheme, there.scheme) == ("http", "https")
        )
    except ValueError:
        raise CaptureError("sends to something that is no address") from None
    if not location or not same or there.username:
        raise CaptureError("sends to another address than its own, which is not followed")
    return there.geturl()


def _check_status(reply: requests.Response, screen: Screen, url: str) -> None:
    status = reply.status_code
    if status == 200:
        return
    if status == 401:
        raise CaptureError(f"refuses the login of {screen.user}: the password of its web page is not the inventory's")
    if status == 403:
        raise CaptureError(f"refuses (403){_hint(screen)}")
    if status == 404:
        raise _NotHere(f"knows no screen at {urlsplit(url).path} (404){_hint(screen)}")
    raise CaptureError(f"answers {status}")


def _body(reply: requests.Response, limit: int) -> bytes:
    if reply.headers.get("Content-Length", "").isdigit() and int(reply.headers["Content-Length"]) > limit:
        raise CaptureError(f"answers with {int(reply.headers['Content-Length']):,} bytes, more than {limit:,}")
    content = bytearray()
    for piece in reply.iter_content(_PIECE):
        content += piece
        if len(content) > limit:
            raise CaptureError(f"answers with more than {limit:,} bytes")
    wanted = reply.headers.get("Content-Length", "")
    if wanted.isdigit() and not reply.headers.get("Content-Encoding") and len(content) < int(wanted):
        raise CaptureError(f"ends its answer after {len(content):,} of {int(wanted):,} bytes")
    return bytes(content)


def _reason(exc: Exception, base: str, limits: Limits) -> str:
    place = base.split("://", 1)[1]
    if isinstance(exc, requests.exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(exc) or "doesn't match" in str(exc):
            return f"shows a certificate at {place} that is not trusted here: name the CA of the phones in ca_path, or set validate_certs: false"
        return f"speaks no TLS at {place} that is understood here (phone_web_ui says which way its web page is open)"
    if isinstance(exc, requests.exceptions.ConnectTimeout):
        return f"does not answer at {place} within {limits.timeout:g} s: it is off, elsewhere, or behind a firewall"
    if isinstance(exc, requests.exceptions.Timeout):
        return f"stops answering for more than {limits.timeout:g} s"
    text = str(exc)
    if "refused" in text:
        return f"has no web page open at {place} (connection refused; phone_web_ui opens it)"
    if "resolve" in text or "Name or service" in text:
        return f"has an address that can't be resolved: {place}"
    if "unreachable" in text or "No route" in text:
        return f"can't be reached at {place}: there is no way to it from here"
    return f"breaks off the connection to {place}"


def _hint(screen: Screen) -> str:
    return f"; {screen.needs}" if screen.needs else ""
