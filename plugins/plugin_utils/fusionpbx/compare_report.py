# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phone by phone, what two sides would serve: compared by parameters, without any secret, as Markdown and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file

MASK = "***"
_NUMBERED = re.compile(r"\[secret [0-9]+\]")
# Names that tell nothing: of a parameter that we do not write nobody knows whether it is a secret.
_OPAQUE = re.compile(r"P[0-9]+")
_LONGEST = 200
_ROWS = 2000
KINDS = ("only_theirs", "only_ours", "different")


def compare(theirs: Mapping[str, str], ours: Mapping[str, str], masker: Masker) -> dict[str, Any]:
    """Return the parameters that only one side has, and those that differ (theirs, ours); secrets are masked, though compared as they are."""

    def shown(name: str, value: str, known: bool) -> str:
        last = name.partition("#")[0]
        if not value:
            return ""
        if masker.looks_secret(last) or (not known and _OPAQUE.fullmatch(last)):
            return MASK
        # As part of a line, so that whatever looks like one inside of it is seen too.
        text = _NUMBERED.sub(MASK, masker.mask(value))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    return {
        "only_theirs": {name: shown(name, value, False) for name, value in sorted(theirs.items()) if name not in ours},
        "only_ours": {name: shown(name, value, True) for name, value in sorted(ours.items()) if name not in theirs},
        "different": {
            name: [shown(name, value, True), shown(name, ours[name], True)]
            for name, value in sorted(theirs.items())
            if name in ours and ours[name] != value
        },
        "same": sum(1 for name, value in theirs.items() if ours.get(name) == value),
    }


def counts_of(phones: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return how many phones there are, how many are the same on both sides, and how many are on one side only."""
    counts = {"phones": len(phones), "same": 0, "different": 0, "only_theirs": 0, "only_ours": 0}
    for entry in phones.values():
        if entry["side"] != "both":
            counts[f"only_{entry['side']}"] += 1
        elif any(entry[kind] for kind in KINDS):
            counts["different"] += 1
        else:
            counts["same"] += 1
    return counts


def markdown(title: str, phones: Mapping[str, Mapping[str, Any]], notes: list[str]) -> str:
    """Return the report for people."""
    counts = counts_of(phones)
    lines = [f"# {title}", ""]
    lines.append(
        f"{counts['phones']:,} phones: {counts['same']:,} the same, {counts['different']:,} different, "
        f"{counts['only_theirs']:,} only in FusionPBX, {counts['only_ours']:,} only here."
    )
    lines += ["", *(f"> {_cell(note)}" for note in notes), ""]
    rows = 0
    for host, entry in phones.items():
        if entry["side"] == "both" and not any(entry[kind] for kind in KINDS):
            continue
        lines += [f"## {_cell(host)} ({entry['mac']}, {_cell(entry['vendor'])} {_cell(entry['model'])})", ""]
        if entry["side"] != "both":
            lines += ["Served by FusionPBX only." if entry["side"] == "theirs" else "Served from here only.", ""]
        if entry.get("note"):
            lines += [_cell(entry["note"]), ""]
        table = [(name, theirs, ours) for name, (theirs, ours) in entry["different"].items()]
        table += [(name, theirs, None) for name, theirs in entry["only_theirs"].items()]
        table += [(name, None, ours) for name, ours in entry["only_ours"].items()]
        rows += len(table)
        if table and rows <= _ROWS:
            lines += ["| parameter | FusionPBX | here |", "|---|---|---|"]
            lines += [f"| {_cell(name)} | {_value(theirs)} | {_value(ours)} |" for name, theirs, ours in table]
            lines.append("")
        elif table:
            lines += [f"{len(table)} parameters, listed in the JSON file.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def write(path: str, title: str, phones: Mapping[str, Any], notes: list[str]) -> None:
    """Write ``path.json`` and ``path.md``, for their owner only.

    :raises OSError: one of them cannot be written.
    """
    document = {"format": 1, "title": title, "counts": counts_of(phones), "notes": notes, "phones": phones}
    for suffix, text in (("json", json.dumps(document, ensure_ascii=False, indent=1) + "\n"), ("md", markdown(title, phones, notes))):
        replace_file(f"{path}.{suffix}", text.encode("utf-8", "backslashreplace"))


def _value(text: str | None) -> str:
    return "" if text is None else _cell(text) or "(empty)"


def _cell(text: str) -> str:
    """Return a text that stays in its cell of a table and means nothing to Markdown."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"([\\|`*_\[\]<>])", r"\\\1", plain)
