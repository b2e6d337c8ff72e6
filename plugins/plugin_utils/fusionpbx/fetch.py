# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches what a running FusionPBX serves to a phone, as the phone itself would."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import printable

_MOST = 4 * 1024 * 1024
_ABSENT = (403, 404)
# What an answer that is longer than any configuration is taken for: something, but none.
_TOO_LONG = b"\0"
_PIECE = 65536
# Whole answers may take so many times the seconds of one silence.
_PATIENCE = 6


class FetchError(Exception):
    """FusionPBX can't be asked; the message is one sentence without a password."""


class Site(NamedTuple):
    """Where a FusionPBX serves phones, and how to prove who asks.

    ``url``: with ``{domain}`` for the tenant, ending in its provisioning folder.
    """

    url: str
    username: str = ""
    password: str = ""
    ca_path: str | None = None
    validate_certs: bool = True
    timeout: int = 10


def check(site: Site) -> None:
    """Check the address.

    :raises FetchError: it is none.
    """
    parts = urllib.parse.urlsplit(site.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"url: {site.url!r} is no address such as https://{{domain}}/app/provision/")
    if parts.username or parts.password:
        raise FetchError("url: holds a user or a password; they belong into username and password")
    if parts.query or parts.fragment:
        raise FetchError("url: holds a question mark or a number sign; only the folder is wanted, such as https://{domain}/app/provision/")


class Fetcher:
    """Asks one FusionPBX; may be used by several threads."""

    def __init__(self, site: Site) -> None:
        """Prepare.

        :raises FetchError: the certificate authority can't be read.
        """
        check(site)
        self._site = site
        try:
            context = ssl.create_default_context(cafile=site.ca_path)
        except (OSError, ssl.SSLError) as exc:
            raise FetchError(f"ca_path: {site.ca_path} cannot be read ({getattr(exc, 'strerror', None) or exc})") from None
        if not site.validate_certs:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._context = context

    def fetch(self, domain: str, mac: str, agent: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return the files that are served to a phone, by name; the one that FusionPBX chooses by itself is called ``(its own)``.

        :param domain: tenant.
        :param agent: what the phone is, as its User-Agent says it: FusionPBX keeps it, and finds models by it.
        :raises FetchError: it does not answer, or wants another login.
        """
        base = self._site.url.replace("{domain}", domain).rstrip("/") + "/"
        # A manager for each phone: logins are kept by address in it.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=self._context), _NoRedirect()]
        if self._site.username or self._site.password:
            passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, base, self._site.username, self._site.password)
            handlers += [urllib.request.HTTPDigestAuthHandler(passwords), urllib.request.HTTPBasicAuthHandler(passwords)]
        # Without a proxy of the environment: the phones have none, and it would see their passwords.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
        opener.addheaders = [("User-Agent", agent)]
        found = {}
        for name, address in [("(its own)", f"{base}?mac={mac}"), *((name, base + urllib.parse.quote(name)) for name in names)]:
            data = self._get(opener, address, base)
            if data is not None:
                found[name] = data
        return found

    def _get(self, opener: urllib.request.OpenerDirector, address: str, base: str) -> bytes | None:
        try:
            with opener.open(address, timeout=self._site.timeout) as answer:
                data = self._body(answer, base)
        except urllib.error.HTTPError as exc:
            exc.close()
            if exc.code in _ABSENT:
                return None
            what = (
                "wants another login (settings http_auth_username and http_auth_password)" if exc.code == 401 else "is no answer to a phone"
            )
            raise FetchError(f"{base}: status {exc.code} {what}") from None
        except ValueError as exc:
            # What the standard library raises for a scheme of login that it does not know, after five tries, or for a header that can't be sent: that
            # one it quotes, with the proof of our password. What the server chose is not for a terminal.
            why = "asks for a login that cannot be answered" if "header" in str(exc) else printable(str(exc)[:300])
            raise FetchError(f"{base}: {why}") from None
        except (OSError, http.client.HTTPException) as exc:
            why = getattr(exc, "reason", None) or exc
            raise FetchError(f"{base}: {' '.join(str(why).split()) or type(exc).__name__}") from None
        return data or None

    def _body(self, answer: http.client.HTTPResponse, base: str) -> bytes:
        """Return what is sent; a server that drips byte after byte must not hold the run for hours."""
        patience = self._site.timeout * _PATIENCE
        until = time.monotonic() + patience
        data = bytearray()
        while piece := answer.read1(_PIECE):
            data += piece
            if len(data) > _MOST:
                return _TOO_LONG
            if time.monotonic() > until:
                raise FetchError(f"{base}: has not sent a whole file within {patience} seconds")
        if answer.length:
            raise FetchError(f"{base}: breaks off in the middle of a file")
        return bytes(data)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets every redirect be an error: the login is for this server only."""

    def redirect_request(self, *_args: object) -> None:
        return None


def agent_of(vendor: str, model: str) -> str:
    """Return a User-Agent in which FusionPBX, and our own inventory plugin after it, find the model."""
    return re.sub(r"[^\x20-\x7e]", "", f"{vendor.capitalize()} {model} dialtone.phones")
