# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as artifacts for a review: JSON for programs, Markdown for a merge request."""

from __future__ import annotations

import difflib
import json
import os
from collections import Counter
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import Plan

# A comment of a merge request holds about a megabyte on one host and 65,536 characters on another.
_MARKDOWN_LIMIT = 60_000
_LISTED = 500


class PlanReport:
    """Collects the plans of all servers of a run and writes them after each.

    :param path: where to write, without ``.json`` and ``.md``.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._servers: list[dict[str, Any]] = []

    def add(self, server: str, plan: Plan, diffs: list[dict[str, str]], notes: list[str], changed: bool) -> None:
        """Add a server's plan; diffs must be masked already. ``changed`` covers what is none of a phone's, such as edits of the gate's files."""
        self._servers = [other for other in self._servers if other["server"] != server]
        self._servers.append(
            {
                "server": server,
                "changed": changed,
                "counts": plan.counts,
                "vendors": _table(plan, "vendor"),
                "sites": _table(plan, "site"),
                "notes": notes,
                "phones": [
                    {
                        "host": change.host,
                        "mac": change.mac,
                        "change": change.kind,
                        "vendor": change.vendor,
                        "site": change.site,
                        "files": list(change.files),
                        "gate": change.gate,
                    }
                    for change in plan.changes
                ],
                "diffs": [_unified(entry) for entry in diffs],
            }
        )

    def write(self) -> None:
        """Write both files, each whole or not at all."""
        _write(self._path + ".json", json.dumps({"format": 1, "servers": self._servers}, ensure_ascii=False, indent=1) + "\n")
        _write(self._path + ".md", self._markdown())

    def _markdown(self) -> str:
        lines = ["# Phone configurations: what this run changes", ""]
        for entry in self._servers:
            counts = entry["counts"]
            lines += [f"## {_cell(entry['server'])}", ""]
            if not entry["phones"]:
                lines += ["Nothing changes.", ""]
            else:
                lines += [
                    f"{counts['new']:,} new, {counts['changed']:,} changed, {counts['removed']:,} removed phones; {counts['files']:,} files.",
                    "",
                ]
                for title in ("vendors", "sites"):
                    lines += [f"| {title[:-1]} | new | changed | removed |", "|---|---:|---:|---:|"]
                    lines += [
                        f"| {_cell(row['name'] or '-')} | {row['new']} | {row['changed']} | {row['removed']} |" for row in entry[title]
                    ]
                    lines.append("")
            lines += [f"> {_cell(note)}" for note in entry["notes"]] + [""]
            lines += (
                ["<details><summary>Phones</summary>", "", "| phone | MAC | change | files |", "|---|---|---|---|"]
                if entry["phones"]
                else []
            )
            for phone in entry["phones"][:_LISTED]:
                what = ", ".join(phone["files"]) or ("gate only" if phone["gate"] else "")
                lines.append(f"| {_cell(phone['host'])} | {phone['mac']} | {phone['change']} | {_cell(what)} |")
            if len(entry["phones"]) > _LISTED:
                lines.append(f"| and {len(entry['phones']) - _LISTED:,} more | | | |")
            lines += ["", "</details>", ""] if entry["phones"] else []
            for text in entry["diffs"]:
                lines += ["```diff", text.replace("```", "` ` `").rstrip("\n"), "```", ""]
        return _cut(lines)


def _table(plan: Plan, attribute: str) -> list[dict[str, Any]]:
    counts = Counter((getattr(change, attribute), change.kind) for change in plan.changes)
    names = sorted({name for name, _kind in counts})
    return [{"name": name, **{kind: counts[(name, kind)] for kind in ("new", "changed", "removed")}} for name in names]


def _unified(entry: dict[str, str]) -> str:
    if "prepared" in entry:
        return entry["prepared"]
    before, after = entry["before"].splitlines(keepends=True), entry["after"].splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, entry["before_header"], entry["after_header"])
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _cell(text: str) -> str:
    """Return a text that stays in its cell of a table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`").replace("\n", " ")


def _cut(lines: list[str]) -> str:
    size = 0
    open_fence = False
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > _MARKDOWN_LIMIT:
            closing = ["```"] if open_fence else []
            return "\n".join([*lines[:number], *closing, "", "The rest is in the JSON file beside this one.", ""])
        if line.startswith("```"):
            open_fence = not open_fence
    return "\n".join(lines).rstrip("\n") + "\n"


def _write(path: str, text: str) -> None:
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(fresh, path)
