# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems of an input, collected so that all of them are told at once."""

from __future__ import annotations

import difflib
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

SHOWN = 50
# Names that stand before what is wrong with all of them.
_NAMED = 5


class Problem(NamedTuple):
    """One thing that is wrong: where it stands, and a clause that says what was got and what is wanted."""

    where: str
    what: str

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.what}")


class Notes:
    """What the operator is told beside problems: all are counted, the first are kept.

    :param limit: how many to keep; None: all.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.kept: list[str] = []
        self.count = 0

    def tell(self, texts: Iterable[str]) -> None:
        """Add texts, each once."""
        for text in dict.fromkeys(map(printable, texts)):
            self.count += 1
            if self.limit is None or len(self.kept) < self.limit:
                self.kept.append(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return self.count


class ProblemsError(Exception):
    """An input is refused; the message is the whole report, one line a problem."""

    def __init__(self, problems: Sequence[Problem], done: str = "nothing was written") -> None:
        super().__init__(report(problems, done))
        self.problems = list(problems)


def report(problems: Sequence[Problem], done: str = "nothing was written") -> str:
    """Return all problems, one a line, at most :data:`SHOWN` lines.

    Where there are more, what is wrong in many places alike takes one line, and every variable gets one before any gets a second: a fault of a group
    must not hide those of single phones.
    """
    count = len(problems)
    lines = [f"{count} problem{'s' if count != 1 else ''} found, {done}:"]
    if count <= SHOWN:
        return "\n".join([*lines, *(f"  {problem}" for problem in problems)])
    alike: dict[tuple[str, str], list[str]] = {}
    for where, what in problems:
        name, _colon, place = where.partition(": ")
        alike.setdefault((place, what), []).append(name)
    seen: Counter[str] = Counter()
    ranked = []
    for number, ((place, what), names) in enumerate(alike.items()):
        kind = re.sub(r"\[[0-9]+\]|\(.*", "", place) or what
        ranked.append((seen[kind], number, place, what, names))
        seen[kind] += 1
    left = count
    for _rank, _number, place, what, names in sorted(sorted(ranked)[:SHOWN], key=lambda each: each[1]):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"  {Problem(': '.join(filter(None, (', '.join(names[:_NAMED]) + more, place))), what)}")
        left -= len(names)
    if left:
        lines.append(f"  … and {left} more")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Return a text that stands on one line and shows what it holds: what a terminal obeys or hides is escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def did_you_mean(name: str, known: Iterable[str], wrap: str = ", did you mean {}?") -> str:
    """Return a clause with the near misses of a name, empty when nothing is near."""
    near = _near(name, tuple(known))
    return wrap.format(" or ".join(near)) if near else ""


# A fault of a group comes once for every phone.
@functools.lru_cache(maxsize=1024)
def _near(name: str, known: tuple[str, ...]) -> list[str]:
    return difflib.get_close_matches(name[:256], known, n=3, cutoff=0.75)


def shown(value: object, limit: int = 60) -> str:
    """Return a value as a message may show it: on one line, control characters escaped, not longer than a glance.

    Of a list or dictionary only the kind is told: what is inside of it may be a secret.
    """
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, list | tuple | set | frozenset):
        return f"a list of {len(value)}"
    try:
        text = repr(value[:limit] if isinstance(value, str) else value)
    except ValueError:  # Python refuses to write integers of thousands of digits
        return "a huge number"
    # No lone surrogates: an output in UTF-8 cannot write them.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
