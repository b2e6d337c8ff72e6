# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contact sheet: all screens of a run on one page that needs nothing beside itself."""

from __future__ import annotations

import base64
import html
from typing import NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.image import Picture

_STYLE = """
:root{color-scheme:light dark;--paper:#f4f5f7;--card:#fff;--ink:#16181d;--soft:#5b616e;--line:#d9dce3;--warn:#8a3b12}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1f2228;--ink:#eceef2;--soft:#a3a9b5;--line:#343942;--warn:#f0a878}}
*{box-sizing:border-box}
body{margin:0;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
h1{font-size:1.35rem;margin:0}
h2{font-size:1.1rem;margin:2rem 0 .75rem}
p{margin:.25rem 0 0;color:var(--soft)}
ul{list-style:none;margin:1rem 0 0;padding:0;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;overflow:hidden;display:flex;flex-direction:column}
.glass{background:#0b0c0e;height:12rem;padding:.6rem}
.glass img{display:block;width:100%;height:100%;object-fit:contain}
.glass img.small{image-rendering:pixelated}
.words{padding:.6rem .8rem .8rem;overflow-wrap:anywhere}
.words b{display:block}
.words span{color:var(--soft);font-size:.875rem}
dl{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.6rem;overflow-wrap:anywhere}
dl div{padding:.6rem .8rem;border-top:1px solid var(--line)}
dl div:first-child{border-top:0}
dt{font-weight:600}
dd{margin:0;color:var(--warn)}
"""
# A display of fewer pixels is drawn larger, pixel by pixel.
_SMALL = 240


class Card(NamedTuple):
    host: str
    about: str  # vendor and model
    picture: Picture | None
    why: str  # there is none


def contact_sheet(cards: list[Card], when: str) -> str:
    """Return the page.

    :param when: the time the pictures were taken, in words.
    """
    taken = [card for card in cards if card.picture]
    missing = [card for card in cards if not card.picture]
    body = [f"<h1>What {len(taken)} of {len(cards)} phones show</h1>", f"<p>Taken {html.escape(when)}.</p>"]
    if taken:
        body += ["<ul>", *map(_card, taken), "</ul>"]
    if missing:
        body += ["<h2>Without a picture</h2>", "<dl>"]
        for card in missing:
            who = " · ".join(filter(None, (card.host, card.about)))
            body.append(f"<div><dt>{html.escape(who)}</dt><dd>{html.escape(card.why)}</dd></div>")
        body.append("</dl>")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Screens of phones</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _card(card: Card) -> str:
    picture = card.picture
    if picture is None:
        return ""
    kind = "png" if picture.suffix == "png" else "jpeg"
    data = base64.b64encode(picture.content).decode()
    small = ' class="small"' if picture.width < _SMALL else ""
    host = html.escape(card.host)
    return (
        f'<li><div class="glass"><img{small} width="{picture.width}" height="{picture.height}" alt="Screen of {host}" '
        f'src="data:image/{kind};base64,{data}"></div><div class="words"><b>{host}</b>'
        f"<span>{html.escape(card.about)} · {picture.width}×{picture.height}</span></div></li>"
    )
