# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pack's templates see beside the phone: the server it comes back to, its books, its firmware, and a few functions."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import JOINT, Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import split_hostport
from ansible_collections.dialtone.phones.plugins.plugin_utils.timezone import timezone


class Server(NamedTuple):
    """The phone's own URL space and credentials, split into the parts that vendors want apart."""

    url: str  # https://host[:port]/p/<token>/
    scheme: str
    host: str
    port: int
    netloc: str  # host[:port] as in the URL
    path: str  # /p/<token>/
    user: str  # empty when the phone needs none
    password: str
    scheme_auth: str  # basic, digest or none

    @property
    def url_with_credentials(self) -> str:
        """The URL with user and password in it, for vendors that know no other place for them."""
        if not self.user:
            return self.url
        return f"{self.scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{self.netloc}{self.path}"


class HostPort(NamedTuple):
    host: str
    port: int | None


def hostport(text: str | None) -> HostPort | None:
    """Split a checked host with an optional port; None stays None."""
    return HostPort(*split_hostport(text)) if text else None


class Base(NamedTuple):
    """``provisioning_url``, checked."""

    scheme: str
    host: str
    port: int
    netloc: str


class BaseError(ValueError):
    """``provisioning_url`` is not usable; the message is a whole sentence."""


def parse_base(url: object) -> Base:
    """Return the parts of ``provisioning_url``.

    :raises BaseError: missing, not http or https, or with a path, a query or credentials in it.
    """
    wanted = "wanted https://host or https://host:port, without a path"
    if not url:
        raise BaseError(f"provisioning_url: is not set; {wanted}")
    # What stands before an @ may be a password.
    got = "a URL with credentials" if isinstance(url, str) and "@" in url else shown(url)
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        raise BaseError(f"provisioning_url: got {got}; {wanted}") from None
    strange = parts.scheme not in ("https", "http") or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
    if strange or not re.fullmatch(r"[A-Za-z0-9.:-]+", parts.hostname or "") or re.search(r"\s", url):
        raise BaseError(f"provisioning_url: got {got}; {wanted}")
    standard = 443 if parts.scheme == "https" else 80
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port in (None, standard) else f"{host}:{port}"
    return Base(parts.scheme, parts.hostname, port or standard, netloc)


def server_of(phone: Phone, base: Base, deriver: Deriver, pack: Pack) -> Server:
    """Return where the phone comes back to, with the credentials of its generation."""
    mac, generation = phone["mac"], phone["generation"]
    path = f"/p/{deriver.home_token(mac, generation)}/"
    auth = phone["http_auth"] != "none"
    return Server(
        url=f"{base.scheme}://{base.netloc}{path}",
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        netloc=base.netloc,
        path=path,
        user=deriver.http_user(mac, generation) if auth else "",
        password=deriver.http_password(mac, generation, pack.http_password_length) if auth else "",
        scheme_auth=phone["http_auth"],
    )


def admin_password_of(phone: Phone, pack: Pack, deriver: Deriver) -> str:
    """Return the password of the phone's web interface, derived in a form that its vendor takes when the inventory has none."""
    return phone["admin_password"] or deriver.admin_password(phone["mac"], phone["generation"], pack.data.get("admin_password") == "digits")


def firmware_of(phone: Phone, pack: Pack, model: Model) -> int:
    """Return the firmware generation as one number, by the pack's pattern; the pack's current one when the inventory does not say.

    :raises ValueError: the version does not look like this vendor's.
    """
    rule = pack.data.get("firmware")
    if not rule:
        return 0
    given = phone["firmware_version"]
    text = given or (phone["firmware"] or {}).get("version")
    if not text or not rule.get("pattern"):
        return model.firmware or rule["default"]
    found = re.fullmatch(rule["pattern"], text)
    if not found:
        name = "phone_firmware_version" if given else "phone_firmware.version (or phone_firmwares)"
        raise ValueError(f"{name}: got {shown(text)}, which does not look like a version of {pack.vendor}")
    return int(next(group for group in found.groups() if group))


def books_of(phone: Phone, pack: Pack, model: Model, server: Server, books: Phonebooks | None) -> list[dict[str, Any]]:
    """Return the phone's books as templates name them: ``name``, ``title``, ``file``, ``url`` and ``url_with_credentials``.

    Where the phone has fewer places than it has books, the last place takes the rest, merged. ``entries`` is how many fit into one file.
    """
    rule = pack.data.get("phonebook")
    names = phone["phonebooks"] or []
    if not rule or books is None or not names:
        return []
    places = max(rule.get("books", 5), 1)
    if len(names) > places:
        names = [*names[: places - 1], JOINT.join(names[places - 1 :])]
    result = []
    for name in names:
        # Names that are joined may be longer than a file name.
        word = name if JOINT not in name else "all-" + hashlib.sha256(name.encode()).hexdigest()[:8]
        file = pack.file_name(rule["file"], phone["mac"], model, book=word)
        with_credentials = server.url_with_credentials + file
        result.append(
            {
                "name": name,
                "title": books.title(name),
                "file": file,
                "entries": model.book_entries or rule.get("entries"),
                "url": server.url + file,
                "url_with_credentials": with_credentials,
            }
        )
    return result


def context_of(phone: Phone, pack: Pack, model: Model, server: Server, books: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the variables of a pack's templates, ``phone``, ``model`` and the pack's tables excepted."""
    names: dict[str, str] = {}
    for spec in pack.files:
        if spec.template and spec.for_model(model):
            names.setdefault(spec.template.split(".")[0], pack.file_name(spec.name, phone["mac"], model))
    return {
        "server": server,
        "books": books,
        "names": names,
        "firmware": firmware_of(phone, pack, model),
        "timezone": timezone,
        "hostport": hostport,
    }
