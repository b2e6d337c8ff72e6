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
from collections.abc import Iterable

LEVELS = ("off", "basic", "strong")
_BASIC_LENGTH, _STRONG_LENGTH = 8, 12
# Offline guessing of a captured SIP digest is what the estimate is held against: score 4 of zxcvbn, 10^10 guesses.
_GUESSES_LOG10 = 10
# What people write for a letter.
_LEET = str.maketrans("013457@$!", "oleastasi")


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
    if level == "strong" and not _surely_random(password) and _guesses_log10(password, tuple(words)) < _GUESSES_LOG10:
        return "is too weak for policy strong: it can be guessed (words, keyboard runs, dates or repeats)"
    return None


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
