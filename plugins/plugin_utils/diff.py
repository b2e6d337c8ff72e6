# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diffs of phones' files, masked, as Ansible's ``--diff`` shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import TEXT_LIMIT, Plan

Diff = dict[str, str]


def wanted(plan: Plan, limit: int) -> list[str]:
    """Return ``mac/name`` of the published files that a diff needs."""
    names = []
    for number, (change, name, old, _new) in enumerate(plan.changed_files()):
        if number >= limit:
            break
        if old and not _is_told(plan, old):
            names.append(f"{change.mac}/{name}")
    return names


def diffs(
    plan: Plan, server: str, limit: int, old_texts: Mapping[str, Any], content: Callable[[str], bytes | None], maskers: Mapping[str, Masker]
) -> list[Diff]:
    """Return a diff for each changed file, up to a limit, and a line for what is not shown.

    :param old_texts: by ``mac/name``, the published text, or a dict with its ``sha256`` when it is large or binary.
    :param content: gives a new content by digest, None when it isn't at hand.
    :param maskers: by MAC; a phone without one is masked by names alone.
    """
    found: list[Diff] = []
    shown = total = 0
    for change, name, old, new in plan.changed_files():
        total += 1
        if shown >= limit:
            continue
        shown += 1
        mask = maskers.get(change.mac) or Masker(())
        where = f"{server}: {change.host}: {name}"
        found.append(
            {
                "before_header": f"{where} ({'published' if old else 'not published'})",
                "after_header": f"{where} ({'rendered' if new else 'no longer part of the phone'})",
                "before": _text(plan, old_texts.get(f"{change.mac}/{name}"), old, mask) if old else "",
                "after": _text(plan, content(new), new, mask) if new else "",
            }
        )
    for change in plan.changes:
        if change.kind == "removed" and shown < limit:
            shown += 1
            found.append(
                {
                    "before_header": f"{server}: {change.host} (published)",
                    "after_header": f"{server}: {change.host} (removed)",
                    "before": "".join(f"{name}\n" for name in change.files),
                    "after": "",
                }
            )
        elif change.kind == "changed" and not change.files and shown < limit:
            shown += 1
            found.append({"prepared": f"{server}: {change.host}: only what the gate knows changes (address, login, networks or names)\n"})
    total += sum(1 for change in plan.changes if change.kind == "removed" or (change.kind == "changed" and not change.files))
    if total > shown:
        found.append({"prepared": f"{server}: {total - shown:,} more differences are not shown (phone_configs_diff_limit is {limit})\n"})
    return found


def _is_told(plan: Plan, digest: str) -> bool:
    """Tell whether a content is told by its size and digest: local files, and what is too large for a diff."""
    return digest in plan.told


def _text(plan: Plan, value: Any, digest: str, mask: Masker) -> str:
    if _is_told(plan, digest):
        return f"({plan.told[digest]:,} bytes, SHA-256 {digest})\n"
    if isinstance(value, bytes):
        if len(value) > TEXT_LIMIT:
            value = None
        else:
            try:
                value = value.decode()
            except UnicodeDecodeError:
                value = None
    if isinstance(value, str):
        return mask.mask(value)
    return f"(binary, over 100 kB or not at hand; SHA-256 {digest[:16]}…)\n"
