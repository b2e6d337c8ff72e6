# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences that the pages tell a reader to look for are what the code says."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from .documentation import TOP, identity

PAGES = [Path("docs", name) for name in ("lan.md", "publishing.md", "resync.md", "troubleshooting.md")]
# Values stand between the words of a message, and words of other programs behind them, so not all of it is found in one piece.
PIECE, SHARE = 3, 0.4


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


@functools.cache
def code() -> str:
    kinds = ("plugins/**/*.py", "roles/*/tasks/*.yml", "playbooks/*.yml", "roles/*/files/**/*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for kind in kinds for path in sorted(TOP.glob(kind)))
    # A sentence may be written in several literals, one below the other.
    joined = re.sub(r"[\"']\s*\n\s*f?[\"']", "", text)
    return f" {words(joined)} "


def found_share(message: str) -> float:
    """Return how much of the words of a message stands in the code in pieces that are long enough to be no accident."""
    wanted = words(message).split()
    at = found = 0
    while at < len(wanted):
        end = len(wanted)
        while end > at and f" {' '.join(wanted[at:end])} " not in code():
            end -= 1
        found += end - at if end - at >= PIECE else 0
        at = max(end, at + 1)
    return found / len(wanted)


def messages() -> list[tuple[Path, str]]:
    """Return what stands in backquotes or quotes in the first column of a table, where it is a sentence."""
    found = []
    for page in PAGES:
        for cell in re.findall(r"^\| ([^|]+) \|", (TOP / page).read_text(encoding="utf-8"), re.MULTILINE):
            quoted = re.findall(r"`([^`]+)`", cell) + re.findall(r'"([^"]+)"', cell)
            found += [(page, text) for text in quoted if len(words(text).split()) > PIECE and " " in text]
    return found


@pytest.mark.parametrize(("page", "text"), [pair for pair in messages() if "provisioning failed" not in pair[1]], ids=identity)
def test_a_quoted_message_is_one_of_ours(page, text):
    assert found_share(text) >= SHARE


def test_another_sentence_is_not_taken_for_a_message():
    assert found_share("its display stays dark after lunch, and the handset hums loudly") < SHARE
