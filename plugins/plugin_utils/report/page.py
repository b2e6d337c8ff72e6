# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: data, style and programs are inside, and its policy lets nothing else run or load."""

from __future__ import annotations

import base64
import calendar
import hashlib
import html
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.report.data import FLAGS, STAGES

FILES = Path(__file__).resolve().parents[3] / "roles" / "fleet_report" / "files"
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def render(made: Mapping[str, Any], unlock: str) -> str:
    """Return the page.

    :param unlock: the command that unlocks a host, without the host.
    """
    style = _read("uplot/uPlot.min.css") + _read("page/page.css")
    scripts = [_read("uplot/uPlot.iife.min.js"), _read("page/page.js")]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src {' '.join(_quoted(_hash(script)) for script in scripts)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    page = _read("page/page.html")
    parts = {
        "POLICY": html.escape(policy),
        "TITLE": html.escape(made["title"]),
        "STYLE": style,
        "CHARTS": scripts[0],
        "PROGRAM": scripts[1],
        "DATA": _data(made, unlock),
    }
    # In one pass, so that no part is looked through for another's mark.
    return re.sub("%%([A-Z]+)%%", lambda mark: parts[mark[1]], page)


def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8").strip("\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _quoted(text: str) -> str:
    return f"'{text}'"


def _data(made: Mapping[str, Any], unlock: str) -> str:
    """Return the data: ASCII without a character that HTML knows, phones as rows, since names repeated 10,000 times are most of a document."""
    names = {"stages": STAGES, "flag_names": FLAGS, "unlock": unlock, "generated": _at(made["generated_at"])}
    data = {**made, **names, "phones": [_row(phone) for phone in made["phones"]]}
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text


def _row(phone: Mapping[str, Any]) -> list[Any]:
    """Return a phone as the page's program reads it; both know the order."""
    claim, contact = phone["claim"], phone["last_contact"] or {}
    return [
        phone["host"],
        phone["mac"],
        phone["vendor"],
        phone["model"],
        phone["site"],
        phone["tenant"],
        STAGES.index(phone["stage"]),
        [FLAGS.index(flag) for flag in phone["flags"]],
        claim["state"],
        claim["generation"],
        [_at(claim["armed_at"]), _at(claim["claimed_at"]), claim["claimed_from"], _at(claim["ended_at"]), claim["ended_by"]],
        _at(contact.get("at")),
        contact.get("address", ""),
        contact.get("user_agent", ""),
        _at(phone["published_at"]),
        [[entry["account"], entry["state"], _at(entry["at"]), entry["msg"], entry["drift"]] for entry in phone["redirect"]],
        [
            [entry["text"], entry["requests"], _at(entry["last_at"]), entry["address"], entry["detail"], int(entry["open"])]
            for entry in phone["errors"]
        ],
        0 if phone["unlock"] is None else 1,
    ]


def _at(text: str | None) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) if text else 0
