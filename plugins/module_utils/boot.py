# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a phone does when it starts: ask its redirect service, fetch its files in order, and come back at the URL they hand over.

A plan says what a vendor's phone asks for (it is made from the vendor's pack on the controller); this file acts it out with the standard
library, so that it can run on any host that stands where a phone stands.
"""

from __future__ import annotations

import hashlib
import html
import http.client
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import plain_name

_TOKEN = re.compile(r"(?<=/[pc]/)[0-9a-f]{8,}")
_LARGEST = 8 * 1024 * 1024
MAX_REQUESTS = 60
# Files of phonebooks, pages included.
MAX_BOOKS = 120
# A local file that is published beside the configuration: its name ends in the first digits of its SHA-256.
_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*-([0-9a-f]{16})\.[a-z0-9]{1,8}(?![A-Za-z0-9._-])")


class Plan(NamedTuple):
    """What the phone is and asks for.

    files: names in boot order, each with whether the phone needs it (False: it must get a 404, None: may be there or not).
    books: pattern of the names of phonebooks, names that are asked for without being told, and the element, or the line, that stands for a person.
    stop_after: names after which, when found, only what they include is fetched. includes, home: regular expressions.
    """

    mac: str
    user_agent: str
    files: list[tuple[str, bool | None]]
    stop_after: list[str]
    includes: list[str]
    home: dict[str, list[str]]
    contact: list[str]
    uploads: list[str]
    head_only: bool = False
    books: dict[str, Any] | None = None
    observer: bool = False  # at home only, told to the gate as no phone, storing nothing


class Reply(NamedTuple):
    status: int  # 0: no answer
    body: bytes
    location: str
    error: str
    challenge: str  # scheme that was answered on the way
    size: int = 0
    sha256: str = ""  # of contents that were only digested


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A phone's redirect service answers with a location; it is followed by the plan, not by the library."""

    def redirect_request(self, *_args: Any) -> None:
        return None


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """HTTP Digest with SHA-256 too, which the library knows only in its newer versions."""

    def get_algorithm_impls(self, algorithm: str) -> tuple[Any, Any]:
        if (algorithm or "MD5").upper() == "SHA-256":

            def digest(text: str) -> str:
                return hashlib.sha256(text.encode()).hexdigest()

            return digest, lambda secret, data: digest(f"{secret}:{data}")
        return super().get_algorithm_impls(algorithm)


class Client:
    """Fetches as a phone does: its User-Agent, its credentials when asked, its idea of trust."""

    def __init__(self, user_agent: str, timeout: float, context: ssl.SSLContext, observer: bool = False) -> None:
        self._timeout, self._context = timeout, context
        self._headers = {"User-Agent": user_agent, **({"X-Dialtone-Probe": "1"} if observer else {})}

    def fetch(
        self, url: str, credentials: tuple[str, str] = ("", ""), method: str = "GET", data: bytes | None = None, digested: bool = False
    ) -> Reply:
        """Return the answer to one request, made again with credentials when it is challenged and there are any.

        :param digested: read the whole content, however large, but keep its digest only.
        """
        # What a file includes or hands over may be any address; the library would read files of this machine too.
        if not re.match("https?://", url, re.IGNORECASE):
            return Reply(0, b"", "", "not an http address", "")
        handlers = [urllib.request.HTTPSHandler(context=self._context), _NoRedirect(), urllib.request.ProxyHandler({})]
        user, password = credentials
        if user:
            manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            manager.add_password(None, url, user, password)
            handlers += [_Digest(manager), urllib.request.HTTPBasicAuthHandler(manager)]
        request = urllib.request.Request(url, data=data, method=method, headers=self._headers)
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=self._timeout) as answer:
                sent = request.unredirected_hdrs.get("Authorization") or request.headers.get("Authorization") or ""
                scheme = sent.split(" ")[0].lower()
                if digested:
                    total, size = hashlib.sha256(), 0
                    for piece in iter(lambda: answer.read(1 << 20), b""):
                        total.update(piece)
                        size += len(piece)
                    return Reply(answer.status, b"", "", "", scheme, size, total.hexdigest())
                body = answer.read(_LARGEST)
                return Reply(answer.status, body, "", "", scheme, len(body))
        except urllib.error.HTTPError as exc:
            # On older Pythons a login that was refused too often comes without a body, which can't be closed.
            if exc.fp is not None:
                exc.close()
            return Reply(exc.code, b"", exc.headers.get("Location", ""), "", "")
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", exc)
            return Reply(0, b"", "", type(reason).__name__ + (": " + str(reason) if isinstance(reason, ssl.SSLError) else ""), "")


def masked(url: str) -> str:
    """Return a URL without its token and credentials, for reports."""
    return _TOKEN.sub("***", re.sub(r"//[^/@]*@", "//", url))


def _join(base: str, name: str) -> str:
    """Return where a file lies; the name itself where the two make no address, which is then not asked."""
    try:
        return urllib.parse.urljoin(base, name)
    except ValueError:
        return name


def _without_userinfo(url: str, credentials: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    """Return a URL without the user in it, and that user and password where it has some."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return url, credentials
    if "@" not in parts.netloc:
        return url, credentials
    told = (urllib.parse.unquote(parts.username or ""), urllib.parse.unquote(parts.password or ""))
    return parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]).geturl(), told


def _count(text: str, entry: str) -> int | None:
    """Return how many entries a phonebook has, None when it can't be parsed."""
    if not text.lstrip().startswith("<"):
        return sum(1 for line in text.splitlines() if line == entry)
    try:
        return sum(1 for _element in xml.etree.ElementTree.fromstring(text.encode("utf-8")).iter(entry))
    except xml.etree.ElementTree.ParseError:
        return None


def _search(patterns: list[str], text: str) -> str | None:
    """Return what the last match of the first matching pattern found; a file's later value wins."""
    for pattern in patterns:
        found = re.findall(pattern, text, re.MULTILINE)
        if found:
            last = found[-1]
            value = next((part for part in last if part), "") if isinstance(last, tuple) else last
            return html.unescape(value)
    return None


class Boot:
    """One start of one phone; ``requests`` tells every request, ``verdict`` how it ended."""

    def __init__(self, plan: Plan, client: Client) -> None:
        self._plan, self._client = plan, client
        self.requests: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self._handed: dict[str, str] = {}
        self._told_books: list[str] = []
        self.books: list[dict[str, Any]] = []
        self._assets: dict[str, str] = {}

    def run(self, url: str, credentials: tuple[str, str] = ("", "")) -> str:
        """Start at a URL, come home, and return the verdict.

        ``provisioned``: the per-device file arrived at home. ``refused``: nothing was served at the first URL. ``unreachable``: no answer.
        ``not handed over``: files came, but no home URL in them. ``home refused``: the home URL did not serve the per-device file.
        ``reachable``: with ``head_only``, the first URL serves.
        """
        found = self._fetch_all(url, credentials, "start")
        if not found:
            return "unreachable" if all(row["status"] == 0 for row in self.requests if row["phase"] == "start") else "refused"
        if self._plan.head_only:
            return "reachable"
        home = self._handed.get("url", "")
        if not home:
            # A vendor whose phones are not handed over stays where it started.
            if self._has_contact(found) and not self._plan.home and self._plan.books:
                self._fetch_books(url, credentials)
            return "provisioned" if self._has_contact(found) and not self._plan.home else "not handed over"
        own = (self._handed.get("user") or credentials[0], self._handed.get("password") or credentials[1])
        at_home = self._fetch_all(home, own, "home")
        # A stub hands over a one-time URL, and that one the home: one more step, with what the files on the way brought.
        further = self._handed.get("url", "")
        if at_home and further != home:
            own = (self._handed.get("user") or own[0], self._handed.get("password") or own[1])
            home, at_home = further, self._fetch_all(further, own, "home")
        self._fetch_assets(home, own)
        for name in self._plan.uploads if self._has_contact(at_home) and not self._plan.observer else []:
            reply = self._ask(_join(home, name), own, "upload", "PUT", b"probe\n")
            if reply.status not in (200, 201, 204):
                self.problems.append(f"upload of {name} answered {reply.status}")
        if self._has_contact(at_home) and self._plan.books:
            self._fetch_books(home, own)
        return "provisioned" if self._has_contact(at_home) else "home refused"

    def ask_redirect(self, url: str) -> str | None:
        """Return where a redirect service sends this phone, None when nowhere."""
        reply = self._ask(url, ("", ""), "redirect", "GET")
        return reply.location or None

    def _has_contact(self, found: list[str]) -> bool:
        return any(plain_name(name.lower()) in self._plan.contact for name in found)

    def _fetch_all(self, url: str, credentials: tuple[str, str], phase: str) -> list[str]:
        """Fetch the plan's files below a URL, and what they include; return the names that were found."""
        found: list[str] = []
        is_folder = url.endswith("/")
        base = url if is_folder else _join(url, ".")
        waiting: list[tuple[str, bool | None]] = list(self._plan.files) if is_folder else [(url, True)]
        seen = set()
        while waiting and len(self.requests) < MAX_REQUESTS:
            name, wanted = waiting.pop(0)
            target = _join(base, name)
            if target in seen:
                continue
            seen.add(target)
            reply = self._ask(target, credentials, phase, "HEAD" if self._plan.head_only else "GET")
            if reply.status != 200:
                continue
            short = target.rsplit("/", 1)[-1]
            found.append(short)
            if wanted is False:
                self.problems.append(f"{short} must be answered 404, but was served")
                continue
            text = reply.body.decode("utf-8", "replace")
            self._take(text)
            if self._plan.books and (phase == "home" or not self._plan.home):
                self._told_books += [html.unescape(found) for found in re.findall(self._plan.books["pattern"], text)]
            if phase == "home":
                self._assets.update((found.group(), found.group(1)) for found in _ASSET.finditer(text))
            includes = [html.unescape(item) for pattern in self._plan.includes for item in re.findall(pattern, text, re.MULTILINE)]
            if short in self._plan.stop_after and includes:
                waiting = []
            waiting = [(item, True) for item in includes] + waiting
        return found

    def _fetch_books(self, home: str, own: tuple[str, str]) -> None:
        """Fetch the phonebooks that the files told, and those the phone asks for anyway, with their pages; count who is in them."""
        rule = self._plan.books or {}
        waiting = [(url, own, True) for url in self._told_books]
        waiting += [(_join(home, name), own, False) for name in rule["names"]]
        seen = set()
        while waiting and len(seen) < MAX_BOOKS:
            url, credentials, wanted = waiting.pop(0)
            bare, credentials = _without_userinfo(url, credentials)
            if bare in seen:
                continue
            seen.add(bare)
            reply = self._ask(bare, credentials, "phonebook", "GET")
            name = bare.rsplit("/", 1)[-1]
            if reply.status != 200:
                if wanted or reply.status != 404:
                    self.problems.append(f"phonebook {name} answered {reply.status}")
                continue
            text = reply.body.decode("utf-8", "replace")
            count = _count(text, rule["entry"])
            if count is None:
                self.problems.append(f"phonebook {name} is not well-formed")
            self.books.append({"file": name, "entries": count or 0})
            # Pages name each other.
            waiting += [(found, credentials, True) for found in re.findall(rule["pattern"], text)]

    def _fetch_assets(self, home: str, credentials: tuple[str, str]) -> None:
        """Fetch what the files at home name as firmware, wallpapers and the like, and hold it against the digest in its name."""
        for name, digest in sorted(self._assets.items()):
            if len(self.requests) >= MAX_REQUESTS:
                self.problems.append("not all files beside the configuration were fetched, there are too many")
                return
            reply = self._ask(_join(home, name), credentials, "asset", "GET", None, True)
            if reply.status != 200:
                self.problems.append(f"{name} answered {reply.status}, but the configuration names it")
            elif not reply.sha256.startswith(digest):
                self.problems.append(f"{name} is not what its name says: its SHA-256 is {reply.sha256}")

    def _take(self, text: str) -> None:
        """Remember what a file hands over; a later file's value wins."""
        for name, patterns in self._plan.home.items():
            value = _search(patterns, text)
            if value:
                self._handed[name] = value
        if "url" not in self._handed and self._handed.get("host") and self._handed.get("path"):
            scheme = self._handed.get("scheme", "https").lower()
            self._handed["url"] = "{}://{}/{}".format(scheme, self._handed["host"], self._handed["path"].lstrip("/"))
        url = self._handed.get("url", "")
        if url and "://" not in url:
            url = "{}://{}".format(self._handed.get("scheme", "https").lower(), url)
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError:
            self.problems.append("what is handed over is no address")
            return
        if parts.username:
            self._handed.setdefault("user", urllib.parse.unquote(parts.username))
            self._handed.setdefault("password", urllib.parse.unquote(parts.password or ""))
            url = parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]).geturl()
        if url:
            # A vendor that appends file names to a path without its last slash means the folder.
            self._handed["url"] = url if url.endswith("/") or "." in url.rsplit("/", 1)[-1] else url + "/"

    def _ask(
        self, url: str, credentials: tuple[str, str], phase: str, method: str, data: bytes | None = None, digested: bool = False
    ) -> Reply:
        reply = self._client.fetch(url, credentials, method, data, digested)
        row: dict[str, Any] = {"phase": phase, "method": method, "url": masked(url), "status": reply.status, "bytes": reply.size}
        if reply.challenge:
            row["auth"] = reply.challenge
        if reply.error:
            row["error"] = reply.error
        self.requests.append(row)
        return reply
