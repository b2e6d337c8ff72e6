# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The password policy: which SIP passwords are too weak to be served to anyone.

Levels: ``off``; ``basic`` (length, character classes, not the number, no single repeated character); ``strong`` (``basic``, longer, and not
guessable by the estimator zxcvbn, which knows dictionaries, keyboards, dates and their usual disguises).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LEVELS = ("off", "basic", "strong")
_BASIC_LENGTH, _STRONG_LENGTH = 8, 12
# Offline guessing of a captured SIP digest is what the estimate is held against: score 4 of zxcvbn, 10^10 guesses.
_GUESSES_LOG10 = 10
# What people write for a letter.
_LEET = str.maketrans("013457@$!", "oleastasi")
# All that the estimator knows of it: one sign may stand for two letters.
_LEETS = [{}, *(str.maketrans("48({[<3690$5+%2@!1|7", f"abcccceggosstxzai{one}{one}{seven}") for one in "il" for seven in "lt")]


def weakness(password: str, level: str, about: Iterable[str] = ()) -> str | None:
    """Return why a password fails a level, as a clause that does not show it; None when it passes.

    :param password: the password.
    :param level: one of :data:`LEVELS`.
    :param about: words an attacker would try first, such as the extension and the name.
    """
    if level == "off":
        return None
    words = [word.casefold() for word in about if word]
    length = _STRONG_LENGTH if level == "strong" else _BASIC_LENGTH
    if len(password) < length:
        return f"is too short for policy {level}: wanted at least {length} characters"
    plain = password.casefold()
    if plain in words or any(len(word) >= 3 and plain.replace(word, "", 1).strip("0123456789-_.") == "" for word in words):
        return f"is too weak for policy {level}: it is made of the line's own number or name"
    if len(set(password)) < 5:
        return f"is too weak for policy {level}: it repeats a few characters"
    if _classes(password) < 2:
        return f"is too weak for policy {level}: wanted characters of two kinds (lower case, upper case, digits, others)"
    if (
        level == "strong"
        and not _surely_random(password)
        and not _surely_long(password, words)
        and _guesses_log10(password, tuple(words)) < _GUESSES_LOG10
    ):
        return "is too weak for policy strong: it can be guessed (words, keyboard runs, dates or repeats)"
    return None


def about_line(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what an attacker would try first for a line's password."""
    return (line["number"], line["user"], line["auth_user"], *line["name"].split())


def line_levels(phone: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for every enabled line with a password the highest level that it passes, and why it passes no higher one; never the password."""
    found = []
    for line in phone["lines"]:
        if not line["enabled"] or line["password"] is None:
            continue
        level, why = LEVELS[0], ""
        for wanted in LEVELS[1:]:
            why = weakness(line["password"], wanted, about_line(line)) or ""
            if why:
                break
            level = wanted
        found.append({"line": line["index"], "number": line["number"], "level": level, "why": why})
    return found


def _classes(password: str) -> int:
    return sum(1 for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]") if re.search(kind, password))


def _surely_random(password: str) -> bool:
    """Tell whether the estimator need not be asked (it takes milliseconds): long, varied, and nothing in it that it could know.

    Without a known word of five letters or more, a sequence or a repeat, 16 characters are far beyond the limit even when short words are in
    them, as they are in most random texts.
    """
    if len(password) < 16 or len(set(password)) < 11 or _classes(password) < 3:
        return False
    plain = password.casefold()
    steps = [ord(after) - ord(before) for before, after in zip(plain, plain[1:], strict=False)]
    if any(one == other and one in (-1, 0, 1) for one, other in zip(steps, steps[1:], strict=False)):
        return False
    known = _known_words()
    for text in (plain, plain.translate(_LEET)):
        for start in range(len(text) - 4):
            for end in range(start + 5, min(start + 10, len(text)) + 1):
                if text[start:end] in known:
                    return False
    return True


def _surely_long(password: str, about: Iterable[str]) -> bool:
    """Tell whether the estimator need not be asked because too much is left beside everything that it could know.

    It cuts a password into pieces. Four pieces are at least 10^12 guesses. With fewer, a known piece counts 50 at least and every other character
    ten: so one known piece with eight characters beside it, or two with six, reach the limit as well. Here the known pieces are taken as long as
    they can be, and four characters long where nothing is known.
    """
    plain = password[:40].casefold()
    size = len(plain)
    if size < 16 or size != len(password[:40]) or "|" in plain:
        return False
    ends = [min(start + 4, size) for start in range(size)]
    for start, end in _pieces(plain, about):
        for at in range(start, end):
            ends[at] = max(ends[at], end)
    covered = [0] * (size + 1)
    for beside in (8, 6, 1):
        # The most characters that one more piece can cover, up to each end.
        more = [0] * (size + 1)
        for at in range(1, size + 1):
            best = max(more[at - 1], covered[at])
            for start in range(at):
                if ends[start] >= at:
                    best = max(best, covered[start] + at - start)
            more[at] = best
        covered = more
        if size - covered[size] < beside:
            return False
    return True


def _pieces(plain: str, about: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield start and end of what the estimator could know, when it is longer than four characters: words, keyboard walks, runs, repeats, dates."""
    size = len(plain)
    known = _known_words()
    own = [word for word in about if len(word) > 4]
    for text in {plain.translate(table) for table in _LEETS}:
        for start in range(size - 4):
            for end in range(start + 5, size + 1):
                word = text[start:end]
                if word in known or word[::-1] in known or word in own or word[::-1] in own:
                    yield start, end
    walks = _neighbours()
    for is_next in (
        lambda one, other: (one, other) in walks,
        lambda one, other: 0 < ord(other) - ord(one) <= 5,
        lambda one, other: 0 < ord(one) - ord(other) <= 5,
    ):
        start = 0
        for at in range(1, size + 1):
            if at == size or not is_next(plain[at - 1], plain[at]):
                if at - start > 4:
                    yield start, at
                start = at
    for pattern in (r"(?=((.+?)\2+))", r"(?=((.+)\2+))", r"(?=([0-9\s/\\_.-]{5,}))"):
        for found in re.finditer(pattern, plain):
            if len(found[1]) > 4:
                yield found.start(), found.start() + len(found[1])


@functools.lru_cache(maxsize=1)
def _neighbours() -> frozenset[tuple[str, str]]:
    """Return all pairs of characters that are beside each other on a keyboard that the estimator knows."""
    from zxcvbn.adjacency_graphs import ADJACENCY_GRAPHS

    pairs = set()
    for graph in ADJACENCY_GRAPHS.values():
        for key, beside in graph.items():
            pairs.update((key.casefold(), char) for keys in beside if keys for char in keys.casefold())
    return frozenset(pairs)


@functools.lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    rows = (
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwertzuiop",
        "yxcvbnm",
        "azertyuiop",
        "1qaz2wsx3edc4rfv5tgb6yhn",
        "789456123",
        "147258369",
    )
    runs = {row[start : start + 5] for line in rows for row in (line, line[::-1]) for start in range(len(row) - 4)}
    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words if len(word) >= 5) | runs


@functools.lru_cache(maxsize=4096)
def _guesses_log10(password: str, about: tuple[str, ...]) -> float:
    from zxcvbn import zxcvbn

    # The estimator grows with the square of the length; what is strong in its first 40 characters is strong.
    return float(zxcvbn(password[:40], user_inputs=list(about))["guesses_log10"])
