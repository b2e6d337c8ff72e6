# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a table exported by whatever program: finds out its encoding and delimiter, and keeps line numbers."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

DELIMITERS = {",": ",", ";": ";", "\t": "\t", "|": "|", "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class SheetError(ValueError):
    """The file is no table; the message is a clause that fits behind the file's name."""


class Row(NamedTuple):
    """A record, and the number of the line that it starts on (from 1)."""

    line: int
    cells: list[str]


def detect_encoding(data: bytes) -> str:
    """Return the codec of a text: by its byte order mark, as UTF-16 by its zero bytes, as UTF-8 if it is valid, else the Western code page."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:4096]
    # Without a mark the first character tells: a header's is ASCII, so one of its two bytes is zero.
    if head[:2].count(0) == 1:
        return "utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            data.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "utf-8"


def decode(data: bytes, encoding: str | None = None) -> str:
    """Return the text of a file.

    :param encoding: a codec of Python; nothing: find out.
    :raises SheetError: no such codec, or the bytes do not fit it.
    """
    name = encoding or detect_encoding(data)
    try:
        text = data.decode(name)
    except LookupError as exc:
        raise SheetError(f"encoding {name!r} is not known (utf-8, utf-16, cp1252, latin-1 and Python's other codecs are)") from exc
    except UnicodeError as exc:
        at = getattr(exc, "start", 0)
        raise SheetError(f"line {data.count(10, 0, at) + 1}: is not encoded in {name}") from exc
    if "\0" in text:
        raise SheetError(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a NUL character")
    return text.removeprefix("\ufeff")


def detect_delimiter(text: str, known: Callable[[str], bool]) -> str:
    """Return the delimiter under which most cells of the header are known columns; a tie goes to the one that makes more cells.

    :param known: tells whether a header cell is a known column.
    """
    best = (-1, 0, ",")
    for delimiter in (",", ";", "\t", "|"):
        try:
            header = next((cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cells)), [])
        except csv.Error:
            continue
        score = (sum(1 for cell in header if known(cell)), len(header), delimiter)
        if score[:2] > best[:2]:
            best = score
    return best[2]


def split_rows(text: str, delimiter: str) -> Iterator[Row]:
    """Yield the records that are not blank, the header first.

    :raises SheetError: a quote that never ends, or text behind a closing quote.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells) and any(cell.strip() for cell in cells):
                yield Row(line, cells)
            line = reader.line_num + 1
    except csv.Error as exc:
        raise SheetError(f"line {line}: the quotes of this row do not match ({exc})") from exc


def read_sheet(data: bytes, known: Callable[[str], bool], encoding: str | None = None, delimiter: str | None = None) -> list[Row]:
    """Return the rows of a file, the header first.

    :param delimiter: a character or its name; nothing: find out. A first line ``sep=;``, as spreadsheets write it, decides.
    :raises SheetError: not text, not a table, or empty.
    """
    text = decode(data, encoding)
    first, _end, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) <= 5:
        delimiter = delimiter or first.strip("\r\n")[4:5] or "\t"
        text, skipped = rest, 1
    if delimiter is not None:
        if delimiter not in DELIMITERS:
            raise SheetError(f"delimiter {delimiter!r} is not one of comma, semicolon, tab, pipe")
        mark = DELIMITERS[delimiter]
    else:
        mark = detect_delimiter(text[:65536], known)
    rows = [Row(row.line + skipped, row.cells) for row in split_rows(text, mark)]
    if not rows:
        raise SheetError("is empty")
    return rows
