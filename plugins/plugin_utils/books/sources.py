# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that phonebooks are made of: tables (CSV), address books (vCard) and directory exports (LDIF).

Every fault is told with the line it is in, all faults of a file at once. Files are data: nothing in them is evaluated, and no address in them is
followed.
"""

from __future__ import annotations

import csv
import functools
import importlib.metadata
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import MOST_NUMBERS, TYPES, Entry, Number, made
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown

# Optional: most sites have tables, and these two formats are worth no parser of our own.
try:
    import vobject
except ImportError:
    vobject = None
try:
    import ldif
except ImportError:
    ldif = None

# Photos make address books big; beyond this it is not an address book.
LARGEST = 64 * 1024 * 1024
# People write numbers with these instead of ASCII.
_BLANKS = re.compile("[\u00a0\u2000-\u200b\u202f\u2060\ufeff]+")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
# What address books hold beside people's words; the library's time grows with the square of their length.
_MEDIA = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]", re.IGNORECASE)
_COLUMNS = ("name", "group", "organization", "email")


def read_csv(path: Path, problems: list[Problem]) -> list[Entry]:
    """Return the people of a table with the columns name, number (or work, mobile, home, fax, other), group, organization, email."""
    text = _text(path, problems)
    if text is None:
        return []
    # A quoted cell may hold line ends, so the reader splits the lines, and only at those that programs write.
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip().lower() for cell in next((row for row in reader if row), [])]
        if "name" not in header:
            problems.append(Problem(str(path), "has no column name"))
            return []
        kinds = [kind for kind in TYPES if kind in header]
        others = [key for key in _COLUMNS[1:] if key in header]
        for row in reader:
            if not row:
                continue
            place = f"{path}, line {reader.line_num}"
            if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                problems.append(Problem(place, "has more cells than the header; is a delimiter in a cell without quotes?"))
                continue
            cells = dict(zip(header, map(str.strip, row), strict=False))
            if not any(cells.values()):
                continue
            numbers = [Number(cells["number"], "work")] if cells.get("number") else []
            numbers += [Number(cells[kind], kind) for kind in kinds if cells.get(kind)]
            if not numbers and cells.get("name"):
                problems.append(Problem(place, "has neither number nor numbers"))
                continue
            more = {key: cells[key] for key in others if cells.get(key)}
            found.append(made(place, cells.get("name", ""), numbers, more, problems))
    except csv.Error as exc:
        problems.append(Problem(f"{path}, line {reader.line_num}", f"is no row of a table ({exc})"))
    return [entry for entry in found if entry]


def read_vcard(path: Path, problems: list[Problem]) -> list[Entry]:
    """Return the people of an address book that have a number: vCard 2.1, 3 or 4, several cards in a file."""
    if vobject is None:
        problems.append(
            Problem(str(path), "vCards are read by the Python library vobject, which the controller lacks: pip install vobject")
        )
        return []
    text = _text(path, problems)
    found = []
    # One broken card costs itself, not the others: each is parsed alone.
    with _quiet("vobject"):
        for line, card in _cards(path, text or "", problems):
            place = f"{path}, line {line}"
            try:
                parsed = vobject.readOne(card, allowQP=True)
                name, numbers, more = _person(parsed)
            except Exception as exc:  # the library raises whatever its parsers of values do
                problems.append(Problem(place, f"is no vCard that can be read ({_reason(exc)})"))
                continue
            if numbers:
                found.append(made(place, name, numbers[:MOST_NUMBERS], more, problems))
    return [entry for entry in found if entry]


def _cards(path: Path, text: str, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Yield the cards of a file with the line each begins at."""
    start = 0
    lines: list[str] = []
    number = 0
    is_passed_over = False
    for number, line in enumerate(re.split("\r\n|\n|\r", text), 1):
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if start:
                problems.append(Problem(f"{path}, line {start}", f"begins a vCard that does not end before line {number}"))
            start, lines = number, [line]
        elif start:
            is_passed_over = is_passed_over if line.startswith((" ", "\t")) else bool(_MEDIA.match(line))
            if not is_passed_over:
                lines.append(line)
            if word == "END:VCARD":
                yield start, "\r\n".join(lines) + "\r\n"
                start = 0
        elif word:
            problems.append(Problem(f"{path}, line {number}", f"got {shown(line)}, wanted BEGIN:VCARD"))
            return
    if start:
        problems.append(Problem(f"{path}, line {start}", "begins a vCard that does not end"))


_VCARD_KINDS = {"cell": "mobile", "car": "mobile", "fax": "fax", "home": "home", "work": "work", "pager": "other"}


def _person(card: Any) -> tuple[str, list[Number], dict[str, str]]:
    """Return name, numbers and the rest of a parsed card."""
    contents: dict[str, list[Any]] = card.contents
    numbers: dict[str, tuple[int, Number]] = {}
    for position, phone in enumerate(contents.get("tel", ())):
        # vCard 2.1 writes types without their name.
        words = {str(word).lower() for word in [*phone.params.get("TYPE", ()), *phone.singletonparams]}
        words = {part for word in words for part in word.split(",")}
        kind = next((_VCARD_KINDS[word] for word in ("fax", "cell", "car", "pager", "home", "work") if word in words), "work")
        preferred = "pref" in words or "PREF" in phone.params
        number = _number(str(phone.value))
        if number:
            numbers.setdefault(number, (position - 1000 * preferred, Number(number, kind)))
    ordered = [number for _place, number in sorted(numbers.values())]
    organization = _first(contents, "org")
    name = _first(contents, "fn")
    if not name and "n" in contents:
        whole = contents["n"][0].value
        name = " ".join(str(part) for part in (getattr(whole, "given", whole), getattr(whole, "family", "")) if part)
    more = {"group": _first(contents, "categories"), "organization": organization, "email": _first(contents, "email")}
    return _line(name or organization, 256), ordered, {key: text for key, text in more.items() if text}


def _first(contents: Mapping[str, list[Any]], name: str) -> str:
    values = contents.get(name)
    value = values[0].value if values else ""
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    text = str(value)
    # A 2.1 card and an odd program give the list as one text.
    if name == "categories":
        text = text.split(",", maxsplit=1)[0]
    return _line(text, 128 if name == "categories" else 256)


_LDIF_NUMBERS = {
    "telephonenumber": "work",
    "mobile": "mobile",
    "mobiletelephonenumber": "mobile",
    "homephone": "home",
    "hometelephonenumber": "home",
    "facsimiletelephonenumber": "fax",
    "fax": "fax",
    "othertelephone": "other",
    "othermobile": "mobile",
    "otherhomephone": "home",
    "ipphone": "work",
    "pager": "other",
}
_LDIF_TEXTS = {
    "name": ("displayname", "cn", "commonname"),
    "group": ("department", "departmentnumber", "ou", "organizationalunitname"),
    "organization": ("o", "organizationname", "company"),
    "email": ("mail", "rfc822mailbox"),
}


def read_ldif(path: Path, problems: list[Problem]) -> list[Entry]:
    """Return the people of an LDAP export (RFC 2849) that have a number; other entries are passed over."""
    if ldif is None:
        problems.append(
            Problem(str(path), "LDAP exports are read by the Python library ldif, which the controller lacks: pip install ldif")
        )
        return []
    data = _bytes(path, problems)
    found = []
    for line, record in _records(data or b""):
        place = f"{path}, line {line}"
        try:
            attributes = _attributes(record)
        except (ValueError, TypeError) as exc:
            problems.append(Problem(place, f"is no entry of an LDAP export ({_reason(exc)})"))
            continue
        numbers: dict[str, Number] = {}
        for kind, values in ((_LDIF_NUMBERS[name], values) for name, values in attributes.items() if name in _LDIF_NUMBERS):
            for value in values:
                if number := _number(value):
                    numbers.setdefault(number, Number(number, kind))
        if not numbers:
            continue
        more = {key: next((attributes[name][0] for name in names if attributes.get(name)), "") for key, names in _LDIF_TEXTS.items()}
        name = more.pop("name") or " ".join(attributes[word][0] for word in ("givenname", "sn") if attributes.get(word))
        more = {key: _line(text, 128 if key == "group" else 256) for key, text in more.items() if text}
        found.append(made(place, _line(name, 256), list(numbers.values())[:MOST_NUMBERS], more, problems))
    return [entry for entry in found if entry]


def _records(data: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the records of an export with the line each begins at: blank lines are between them."""
    record: list[bytes] = []
    start = 1
    for number, line in enumerate(data.replace(b"\r\n", b"\n").split(b"\n"), 1):
        if line:
            if not record:
                start = number
            record.append(line)
        elif record:
            yield start, record
            record = []
    if record:
        yield start, record


def _attributes(record: list[bytes]) -> dict[str, list[str]]:
    """Return the attributes of a record by their names in small letters, without options such as ``;lang-de``.

    :raises ValueError: it is no record, or one that tells changes.
    """
    lines = [line for line in record if not line.startswith(b"#")]
    while lines and lines[0].lower().startswith((b"version:", b"search:", b"result:")):
        lines = lines[1:]
    if not lines:
        return {}
    if not lines[0].lower().startswith(b"dn:"):
        raise ValueError("it does not begin with dn:")
    # Nothing needs the name, and the library's pattern for names takes forever over some.
    rest = lines[1:]
    while rest and rest[0].startswith(b" "):
        rest = rest[1:]
    # Only what is asked for: a photo has thousands of lines, and the library's time grows with the square of them.
    kept = [b"dn: cn=x"]
    is_wanted = False
    for line in rest:
        if not line.startswith(b" "):
            if b":" not in line:
                raise ValueError(f"{shown(line.decode('utf-8', 'replace'))} has no colon")
            word = re.split(b"[;:]", line, maxsplit=1)[0].decode("ascii", "replace").lower()
            is_wanted = word in _LDIF_NUMBERS or word in _LDIF_WANTED or word == "changetype" or not re.fullmatch(r"[a-z0-9.-]+", word)
        if is_wanted:
            kept.append(line)
    if len(kept) == 1:
        return {}
    _dn, parsed = next(ldif.LDIFParser(io.BytesIO(b"\n".join(kept) + b"\n"), process_url_schemes=()).parse())
    found: dict[str, list[str]] = {}
    for name, values in parsed.items():
        word = name.split(";", maxsplit=1)[0].lower()
        if word == "changetype":
            raise ValueError("it tells a change, not an entry")
        if word in _LDIF_NUMBERS or word in _LDIF_WANTED:
            for value in values:
                if not isinstance(value, str):
                    raise ValueError(f"{word} is not encoded in UTF-8")
                if value.strip():
                    found.setdefault(word, []).append(value.strip())
    return found


_LDIF_WANTED = {"givenname", "sn", *(name for names in _LDIF_TEXTS.values() for name in names)}


def _number(text: str) -> str:
    """Return a number as it is dialled: without tel:, its parameters and signs that only typographers use."""
    text = re.sub("^(?:tel|callto):", "", _line(text, 256), flags=re.IGNORECASE)
    return _DASHES.sub("-", _BLANKS.sub(" ", text.split(";", maxsplit=1)[0])).strip()


def _line(text: str, longest: int) -> str:
    """Return a text on one line: address books hold line feeds where people pressed Return."""
    return " ".join(text.split())[:longest].strip()


def _reason(exc: Exception) -> str:
    return " ".join(re.sub("^At line [0-9]+: ", "", str(exc)).split())[:160] or type(exc).__name__


def _bytes(path: Path, problems: list[Problem]) -> bytes | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as exc:
        problems.append(Problem(str(path), f"can't be read ({exc.strerror})"))
        return None
    if len(data) > LARGEST:
        problems.append(Problem(str(path), f"is larger than {LARGEST // 1024 // 1024} MiB"))
        return None
    return data


def _text(path: Path, problems: list[Problem]) -> str | None:
    data = _bytes(path, problems)
    try:
        return None if data is None else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "can't be read (it is not UTF-8)"))
        return None


class _quiet:
    """Keeps a library's own log off the operator's terminal: it quotes lines of the file."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def __enter__(self) -> None:
        self._before, self._log.disabled = self._log.disabled, True

    def __exit__(self, *_exc: object) -> None:
        self._log.disabled = self._before


@functools.lru_cache(maxsize=8)
def reader_version(kind: str) -> str:
    """Return the version of the library that reads a kind of files; empty where none is used or installed."""
    name = {"vcard": "vobject", "ldif": "ldif"}.get(kind)
    try:
        return importlib.metadata.version(name) if name else ""
    except importlib.metadata.PackageNotFoundError:
        return ""


READERS: dict[str, Callable[[Path, list[Problem]], list[Entry]]] = {"csv": read_csv, "vcard": read_vcard, "ldif": read_ldif}
