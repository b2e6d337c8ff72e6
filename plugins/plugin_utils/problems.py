# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems of an input, collected so that all of them are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

SHOWN = 50


class Problem(NamedTuple):
    """One thing that is wrong: where it stands, and a clause that says what was got and what is wanted."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


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
        for text in dict.fromkeys(texts):
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
    """Return all problems, one a line, the first :data:`SHOWN` in full."""
    count = len(problems)
    lines = [f"{count} problem{'s' if count != 1 else ''} found, {done}:"]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if count > SHOWN:
        lines.append(f"  … and {count - SHOWN} more")
    return "\n".join(lines)


def did_you_mean(name: str, known: Iterable[str], wrap: str = ", did you mean {}?") -> str:
    """Return a clause with the near misses of a name, empty when nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.75)
    return wrap.format(" or ".join(near)) if near else ""


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
