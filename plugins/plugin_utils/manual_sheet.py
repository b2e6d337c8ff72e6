# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sheet tells about one phone: where to click, what to type, the URL with its QR code."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import SHIPPED, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.sandbox import make_environment

# Optional: only those who print sheets need it.
try:
    import segno
except ImportError:
    segno = None

FORMATS = ("html", "md")
MISSING = "QR codes are drawn by the Python library segno, which the controller lacks: pip install segno, or set qr: false"


class Access(NamedTuple):
    """What is typed into a phone. ``once``: the URL serves one start; else it is the phone's own for good. ``pin``: the phone asks for it."""

    url: str
    user: str = ""
    password: str = ""
    pin: str = ""
    once: bool = True


class Card(NamedTuple):
    """One phone of a sheet."""

    host: str
    mac: str
    serial: str
    access: Access
    steps: list[dict[str, Any]]
    qr: str


def card(host: str, mac: str, serial: str, access: Access, pack: Pack, with_qr: bool) -> Card:
    """Return what a sheet tells of a phone."""
    return Card(host, format_mac(mac, "lower", "colon"), serial, access, steps_of(pack, access), qr_code(access.url) if with_qr else "")


def steps_of(pack: Pack, access: Access) -> list[dict[str, Any]]:
    """Return the pack's steps with this phone's values: ``at`` (where), ``enter`` (field and value), ``do`` (a sentence)."""
    parts = urlsplit(access.url)
    words = {
        "url": access.url,
        "bare": parts.netloc + parts.path,
        "scheme": parts.scheme,
        "SCHEME": parts.scheme.upper(),
        "user": access.user,
        "password": access.password,
        "rule": f"[--uid {access.user} --pwd {access.password}]{access.url}" if access.user else access.url,
    }
    manual = pack.data.get("manual")
    if not manual:
        # Packs of vendors whose menus are not told field by field.
        return [{"at": "", "enter": [], "do": text} for text in pack.data.get("manual_steps") or ()]
    return [
        {
            "at": step.get("at", ""),
            "enter": [(field, value.format(**words)) for field, value in (step.get("enter") or {}).items()],
            "do": step.get("do", ""),
        }
        for step in manual["steps"]
    ]


def qr_code(text: str) -> str:
    """Return a QR code as SVG that scales, with the quiet zone that readers need."""
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False, boost_error=False).save(
        stream, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None
    )
    return stream.getvalue().decode("ascii").strip()


def markdown(text: object) -> str:
    """Return a text that Markdown shows as it is."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+.!|~<>-])", r"\\\1", str(text).replace("&", "&amp;"))
    return escaped.replace("\n", " ")


class Sheets:
    """Writes pages from the templates in ``_sheets``, those of the user's folders first."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._env = make_environment([*(Path(folder) / "_sheets" for folder in folders), SHIPPED / "_sheets"])
        self._env.filters["markdown"] = markdown

    def page(self, kind: str, title: str, pack: Pack, model: str, cards: list[Card]) -> bytes:
        """Return one page.

        :param kind: one of :data:`FORMATS`.
        :raises jinja2.TemplateError: a template of the user's failed.
        """
        manual = {"login": "", "address": "", "own_ca": "", "reset": "", "sure": False, **(pack.data.get("manual") or {})}
        vendor = pack.data.get("title") or pack.vendor.replace("_", " ").capitalize()
        template = self._env.get_template(f"sheet.{kind}.j2")
        return template.render(title=title, vendor=vendor, model=model, manual=manual, cards=cards).encode("utf-8")
