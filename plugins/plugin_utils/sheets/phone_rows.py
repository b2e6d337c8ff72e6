# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the rows of sheets to inventory hosts: rows of one MAC are the lines of one phone, and everything wrong is collected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.oui import owner_of, vendors_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.columns import (
    PHONE_FIELDS,
    CellError,
    Column,
    ascii_words,
    column_of,
    is_known,
)
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.sheet import Row, SheetError, read_sheet

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z")
_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_NEARLY_MAC = re.compile(r"[0-9A-Fa-f]{11,13}|\w{2}(?:([:-])\w{2})(?:\1\w{1,2}){1,6}|[0-9A-Fa-f]{4}(?:\.\w{1,4}){1,3}")
_TAKEN = frozenset({"all", "ungrouped", "phones", "localhost"})
# People, not devices: a shared phone may well have one for each line, and the first speaks for the phone.
_FIRST_COUNTS = frozenset({"phone_email"})
HOST_FIELDS = ("site", "number", "mac", "vendor", "model", "tenant", "serial", "name", "email")


class Settings(NamedTuple):
    """How sheets are to be read; see the options of the inventory plugin."""

    columns: Mapping[str, str | None] = {}
    encoding: str | None = None
    delimiter: str | None = None
    host_format: str = "{site}-{number}"
    infer_vendor: bool = True
    skip_without_mac: bool = False
    pack_folders: tuple[str, ...] = ()


def _is_mac(cell: str) -> bool:
    try:
        return bool(normalize_mac(cell))
    except MacError:
        return False


class HostEntry:
    """One phone: an inventory host in the making."""

    __slots__ = ("groups", "lines", "mac", "name", "numbers", "place", "told", "variables")

    def __init__(self, mac: str, place: str) -> None:
        self.mac = mac
        self.place = place
        self.name = ""
        self.variables: dict[str, Any] = {"phone_mac": mac}
        self.lines: list[dict[str, Any]] = []
        self.groups: list[str] = []
        # Number -> where it stands; variable -> where it was first set.
        self.numbers: dict[str, str] = {}
        self.told: dict[str, str] = {}


class PhoneRows:
    """Collects phones from any number of sheets; nothing is to be loaded while ``problems`` is not empty."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_mac: dict[str, HostEntry] = {}
        self._by_name: dict[str, HostEntry] = {}
        self.problems: list[Problem] = []
        for field in _PLACEHOLDER.findall(settings.host_format):
            if field not in HOST_FIELDS:
                self._tell("host_format", f"{{{field}}} is none of {', '.join(HOST_FIELDS)}")
        if not _PLACEHOLDER.search(settings.host_format):
            self._tell(
                "host_format", f"{settings.host_format!r} gives every phone the same name; a placeholder such as {{number}} is wanted"
            )

    def add_sheet(self, name: str, data: bytes) -> None:
        """Read a file.

        :param name: how messages call it.
        """
        settings = self._settings
        mapped = {header.strip().casefold() for header in settings.columns}

        def known(header: str) -> bool:
            return header.strip().casefold() in mapped or is_known(header)

        try:
            rows = read_sheet(data, known, settings.encoding, settings.delimiter)
        except SheetError as exc:
            self._tell(name, str(exc))
            return
        columns = self._columns(name, rows[0])
        if columns is None:
            return
        has_lines = any(column.kind == "line" for column in columns)
        for row in rows[1:]:
            self._add_row(name, row, columns, has_lines)

    def finish(self) -> list[HostEntry]:
        """Return the phones in the order of their first rows, named; empty when there are problems."""
        if not self._by_mac and not self.problems:
            self._tell("sheets", "hold no phone")
        for entry in self._by_mac.values():
            self._name(entry)
        return [] if self.problems else list(self._by_mac.values())

    def _tell(self, where: str, what: str) -> None:
        self.problems.append(Problem(where, what))

    def _columns(self, name: str, header: Row) -> list[Column] | None:
        """Return the meaning of each column, nothing when the header cannot be used."""
        where = f"{name} line {header.line}"
        before = len(self.problems)
        columns: list[Column] = []
        first: dict[tuple[str, str], str] = {}
        if any(map(_is_mac, header.cells)):
            # Its cells may be passwords.
            self._tell(where, "is a row of a phone, not the header; the first row has to name the columns")
            return None
        for cell in header.cells:
            text = cell.strip()
            if not text:
                columns.append(Column("", "unnamed", "", str, False))
                continue
            try:
                column = column_of(text, self._settings.columns)
            except CellError as exc:
                self._tell(where, f"column {shown(text)} {exc}")
                continue
            # Two headers of the same meaning: which one counts is the user's to say.
            kind = ("", PHONE_FIELDS.get(column.target, column.target))
            if column.kind != "ignored" and first.setdefault(kind, text) != text:
                self._tell(
                    where,
                    f"columns {shown(first[kind])} and {shown(text)} both mean {column.target}; map or ignore one with the option columns",
                )
            elif column.kind != "ignored" and sum(1 for other in columns if other.header == text):
                self._tell(where, f"column {shown(text)} stands there twice")
            columns.append(column)
        targets = {column.target for column in columns}
        if "mac" not in targets:
            self._tell(where, "no column holds the MAC address (mac); name it with the option columns")
        if any(column.kind == "line" for column in columns) and "number" not in targets:
            self._tell(where, "no column holds the extension number (number), though others describe lines")
        return columns if len(self.problems) == before else None

    def _add_row(self, name: str, row: Row, columns: list[Column], has_lines: bool) -> None:
        place = f"{name} line {row.line}"
        if len(row.cells) > len(columns) and any(cell.strip() for cell in row.cells[len(columns) :]):
            self._tell(place, f"has {len(row.cells)} cells, the header has {len(columns)}; is a delimiter in a cell without quotes?")
            return
        before = len(self.problems)
        fields, line, variables = self._cells(place, row.cells, columns)
        mac = self._mac(place, fields)
        if mac is None:
            return
        if has_lines and "number" not in line:
            self._tell(place, "number: is missing")
        if "first_name" in fields or "last_name" in fields:
            line.setdefault("name", " ".join(filter(None, (fields.get("first_name"), fields.get("last_name")))))
        for field, variable in PHONE_FIELDS.items():
            if field in fields:
                variables[variable] = fields[field]
        if "phone_vendor" in variables:
            variables["phone_vendor"] = re.sub("[^a-z0-9]+", "_", variables["phone_vendor"].lower()).strip("_")
        entry = self._by_mac.get(mac)
        if entry is None:
            entry = self._by_mac[mac] = HostEntry(mac, place)
        self._merge(entry, place, variables)
        self._join_groups(entry, place, fields.get("groups", ()))
        self._claim_name(entry, place, fields.get("host"))
        if entry.place == place and "phone_vendor" not in variables and self._settings.infer_vendor:
            self._infer_vendor(entry, place)
        if "number" in line:
            self._add_line(entry, place, line)
        if len(self.problems) == before and has_lines:
            entry.variables["phone_lines"] = entry.lines

    def _cells(self, place: str, cells: list[str], columns: list[Column]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return the row's own fields, the keys of its line and its variables, with empty cells left out."""
        fields: dict[str, Any] = {}
        line: dict[str, Any] = {}
        variables: dict[str, Any] = {}
        for cell, (header, kind, target, convert, secret) in zip(cells, columns, strict=False):
            text = cell.strip()
            if not text or kind == "ignored":
                continue
            if kind == "unnamed":
                self._tell(place, "a cell under a column without a name is filled")
                continue
            try:
                # A password is taken as it is, blanks at its ends included.
                value = convert(cell if secret and kind == "line" else text)
            except CellError as exc:
                self._tell(place, f"{header}: {'its value does not fit' if secret else exc}")
                continue
            if kind == "line":
                line[target] = value
            elif kind == "variable":
                variables[target] = value
            else:
                fields[target] = value
        return fields, line, variables

    def _mac(self, place: str, fields: dict[str, Any]) -> str | None:
        if "mac" not in fields:
            if not self._settings.skip_without_mac:
                self._tell(place, "mac: is missing")
            return None
        try:
            return normalize_mac(fields["mac"])
        except MacError as exc:
            # Where columns have shifted it may be anything, a password too: only what looks like an address with a fault is shown.
            shown_too = _NEARLY_MAC.fullmatch(fields["mac"])
            what = (
                str(exc)
                if shown_too
                else "its cell is not a MAC address (twelve hexadecimal digits, separators optional); have columns shifted?"
            )
            self._tell(place, f"mac: {what}")
            return None

    def _merge(self, entry: HostEntry, place: str, variables: dict[str, Any]) -> None:
        for variable, value in variables.items():
            earlier = entry.told.setdefault(variable, place)
            if earlier is place:
                entry.variables[variable] = value
            elif entry.variables[variable] != value and variable not in _FIRST_COUNTS:
                if variable == "phone_groups":
                    entry.variables[variable] = list(dict.fromkeys(entry.variables[variable] + value))
                else:
                    self._tell(
                        place, f"{variable} of {entry.mac} differs from that in {earlier}; one phone has one value, or leave the cell empty"
                    )

    def _join_groups(self, entry: HostEntry, place: str, groups: Iterable[str]) -> None:
        for group in groups:
            if not _GROUP.match(group) or group in ("all", "ungrouped"):
                self._tell(place, f"groups: {shown(group)} is no name of a group (letters, digits and underscores, a letter first)")
            elif group not in entry.groups:
                entry.groups.append(group)

    def _claim_name(self, entry: HostEntry, place: str, name: str | None) -> None:
        if name is None:
            return
        if not _HOST.match(name) or name in _TAKEN:
            self._tell(place, f"host: {shown(name)} is no name of a host (letters, digits, dots, dashes and underscores)")
        elif entry.name and entry.name != name:
            self._tell(
                place, f"host of {entry.mac} is {shown(name)}, but {shown(entry.name)} in {entry.told['host']}; one phone is one host"
            )
        elif self._by_name.setdefault(name, entry) is not entry:
            self._tell(place, f"host: {shown(name)} is that of {self._by_name[name].place} too, which is another phone")
        else:
            entry.name = name
            entry.told.setdefault("host", place)

    def _infer_vendor(self, entry: HostEntry, place: str) -> None:
        vendors = vendors_of(entry.mac, self._settings.pack_folders)
        if len(vendors) == 1:
            entry.variables["phone_vendor"] = next(iter(vendors))
            return
        if vendors:
            why = f"{entry.mac} may be of {' or '.join(sorted(vendors))}"
        else:
            owner = owner_of(entry.mac)
            why = f"{entry.mac} belongs to {owner}, for whom there is no vendor pack" if owner else f"nobody is known to own {entry.mac}"
        self._tell(place, f"vendor: is empty, and {why}")

    def _add_line(self, entry: HostEntry, place: str, line: dict[str, Any]) -> None:
        earlier = entry.numbers.setdefault(f"{line['number']}\x1f{line.get('sip_server', '')}", place)
        if earlier is not place:
            self._tell(place, f"number {shown(line['number'])} is on {entry.mac} already, in {earlier}")
            return
        entry.lines.append(line)

    def _name(self, entry: HostEntry) -> None:
        """Name a phone whose sheet does not: by the format; a name that is taken gets the end of the MAC, so that the first row keeps its name."""
        if entry.name:
            return
        first = entry.lines[0] if entry.lines else {}
        values = {field: entry.variables.get(PHONE_FIELDS.get(field, ""), first.get(field, "")) for field in HOST_FIELDS}
        values["mac"] = entry.mac
        text = _PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), self._settings.host_format)
        slug = re.sub(r"[-.]*-[-.]*", "-", re.sub(r"[^a-z0-9_.]+", "-", ascii_words(text).lower())).strip("-.")
        candidates = [slug, f"{slug}-{entry.mac[6:]}".strip("-"), f"{slug}-{entry.mac}".strip("-")]
        name = next((name for name in candidates if name and name not in _TAKEN and name not in self._by_name), entry.mac)
        self._by_name[name] = entry
        entry.name = name
