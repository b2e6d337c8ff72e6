# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the rows of a FusionPBX database to inventory hosts and groups. Nothing is dropped in silence: what has no counterpart is in ``left``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.books import TABLES as BOOK_TABLES
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.lines import Keys, clean, lines_of, needs_line
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.settings import Settings, in_domain, settings_of, variables_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.shelves import Shelf, in_order
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row, Tables
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.words import Handsets, KeyTypes, is_true, vendor_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.columns import ascii_words

HOST_FIELDS = ("domain", "number", "label", "mac", "vendor", "model")
LEVELS = ("tenant", "vendor", "model", "profile")
LEFT = "_phone_left_behind"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_FIRMWARE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SERIAL = re.compile(r"[A-Za-z0-9._/-]{1,128}")
_MAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_TAKEN = frozenset({"all", "ungrouped", "phones", "localhost"})
_BOOK_NAME = 32
# Characters of a name of a host or a group.
_LONGEST = 120
# Characters of a sentence of the report.
_TOLD = 1000


class Options(NamedTuple):
    """How the rows are to be taken; see the options of the inventory plugin."""

    domains: tuple[str, ...] = ()
    host_format: str = "{domain}-{number}"
    models: Mapping[str, str] = {}
    phonebooks: bool = True
    pack_folders: tuple[str, ...] = ()


class Host(NamedTuple):
    """A phone: its name, its variables, and the group it is in at each level."""

    name: str
    variables: dict[str, Any]
    groups: dict[str, str]


class Fleet(NamedTuple):
    """What a database gives."""

    hosts: list[Host]
    groups: dict[str, dict[str, Any]]  # group -> variables
    common: dict[str, Any]  # variables of all phones
    left: list[Problem]


def for_domains(data: Tables, names: Collection[str]) -> Tables:
    """Return the rows of some tenants, and those that belong to none; all rows where no tenant is named."""
    if not names:
        return data
    wanted = {name.lower() for name in names}
    kept = {row["domain_uuid"] for row in data["v_domains"] if (row.get("domain_name") or "").lower() in wanted}
    tables = {}
    for table, rows in data.items():
        if rows and "domain_uuid" in rows[0]:
            # Domains themselves are in the table of domains: none of theirs is without one.
            rows = [row for row in rows if row["domain_uuid"] in kept or row["domain_uuid"] is None]
        tables[table] = rows
    # Keys of a device whose own domain column is empty belong to the device.
    devices = {row["device_uuid"] for row in tables.get("v_devices", ())}
    for table in ("v_device_lines", "v_device_keys", "v_device_settings", "device_keys", "device_phonebook"):
        tables[table] = [row for row in tables.get(table, ()) if row.get("device_uuid") in devices]
    templates = {row["device_key_template_uuid"] for row in tables.get("device_key_templates", ()) if row.get("device_key_template_uuid")}
    tables["device_key_template_keys"] = [
        row for row in tables.get("device_key_template_keys", ()) if row.get("device_key_template_uuid") in templates
    ]
    return tables


def index(rows: Iterable[Row], column: str) -> dict[str | None, list[Row]]:
    """Return the rows by the value of a column."""
    found: dict[str | None, list[Row]] = {}
    for row in rows:
        found.setdefault(row.get(column), []).append(row)
    return found


def slug(text: str, joint: str = "_") -> str:
    """Return a text in lower-case ASCII letters and digits, with a joint for whatever stands between words."""
    return re.sub("[^a-z0-9]+", joint, ascii_words(text).lower()).strip(joint)


def _as_key(row: Row, prefix: str) -> Row:
    """Return one of FS PBX's keys as FusionPBX has them."""
    names = {"category": "key_area", "id": "key_index", "type": "key_type", "value": "key_value", "label": "key_label"}
    return {f"{prefix}_{name}": row.get(column) for name, column in names.items()}


def build(data: Tables, options: Options) -> Fleet:
    """Return the fleet that the rows describe."""
    return _Builder(data, options).build()


class _Builder:
    def __init__(self, data: Tables, options: Options) -> None:
        self._data = data = for_domains(data, options.domains)
        self._options = options
        self._left: list[Problem] = []
        self._domains = {row["domain_uuid"]: (row.get("domain_name") or "").strip() for row in data["v_domains"]}
        self._devices = {row["device_uuid"]: row for row in data["v_devices"]}
        self._lines = index(data["v_device_lines"], "device_uuid")
        self._device_keys = index(data.get("v_device_keys", ()), "device_uuid")
        self._profile_keys = index(data.get("v_device_profile_keys", ()), "device_profile_uuid")
        # A role that may read a table's names but not its keys gets nothing of it.
        self._profiles = {row["device_profile_uuid"]: row for row in data.get("v_device_profiles", ()) if row.get("device_profile_uuid")}
        self._add_fs_pbx(data)
        # Phone -> domain, user and device, for its phonebooks.
        self._owners: dict[str, tuple[str | None, str | None, str | None]] = {}
        self._users = {row["user_uuid"]: row for row in data.get("v_users", ()) if row.get("user_uuid")}
        self._settings = settings_of(data)
        self._handsets = Handsets(Packs(options.pack_folders), options.models)
        self._keys = Keys(KeyTypes(data.get("v_device_vendors", ()), data.get("v_device_vendor_functions", ())))
        self._passwords: dict[str | None, dict[str, str]] = {}
        for row in data.get("v_extensions", ()):
            if row.get("password") and row.get("extension"):
                self._passwords.setdefault(row.get("domain_uuid"), {})[str(row["extension"])] = str(row["password"])
        self._cached: dict[Any, Any] = {}
        self._names: dict[tuple[str, str | None], str] = {}
        self._taken: set[str] = set()
        self._counts: dict[tuple[str, str], int] = {}
        self._hosts: dict[str, Host] = {}
        self._macs: dict[str, str] = {}
        self._groups: dict[str, dict[str, Any]] = {}

    def _add_fs_pbx(self, data: Tables) -> None:
        """Take FS PBX's keys as those of devices, and its key templates as profiles: a device has one or the other."""
        for device, rows in index(data.get("device_keys", ()), "device_uuid").items():
            self._device_keys[device] = [*self._device_keys.get(device, ()), *(_as_key(row, "device_key") for row in rows)]
        for row in data.get("device_key_templates", ()):
            if not row.get("device_key_template_uuid"):
                continue
            self._profiles[row["device_key_template_uuid"]] = {
                "device_profile_name": row.get("name"),
                "device_profile_enabled": row.get("enabled"),
            }
        for template, rows in index(data.get("device_key_template_keys", ()), "device_key_template_uuid").items():
            self._profile_keys[template] = [_as_key(row, "profile_key") for row in rows]

    def build(self) -> Fleet:
        for name in sorted({name.lower() for name in self._options.domains} - {name.lower() for name in self._domains.values()}):
            self._left.append(Problem("domains", f"{name!r} is no domain of this database"))
        for row in self._data["v_domains"]:
            if not is_true(row.get("domain_enabled"), empty=True):
                self._left.append(Problem(f"domain {row.get('domain_name')}", "is switched off; its phones were taken as they are"))
        for device in sorted(self._devices.values(), key=lambda row: (row.get("device_address") or "", row["device_uuid"] or "")):
            self._add(device)
        self._mark_shared()
        common: dict[str, Any] = {}
        used = {host.variables["phone_tenant"]: host.groups["tenant"] for host in self._hosts.values()}
        if self._options.phonebooks:
            common = self._add_books(used)
        self._tenant_settings(used)
        # On one line, whatever the database has in names.
        told = [Problem(clean(problem.where, _TOLD), clean(problem.what, _TOLD)) for problem in self._left]
        return Fleet(list(self._hosts.values()), self._groups, common, told)

    def _add(self, device: Row) -> None:
        where = (
            " ".join(part for part in (self._domains.get(device.get("domain_uuid"), ""), device.get("device_address")) if part) or "device"
        )
        try:
            mac = normalize_mac(device.get("device_address") or "")
        except MacError:
            self._left.append(Problem(f"device {where}", "its address is no MAC address, so no phone can ask for it"))
            return
        domain = self._domains.get(device.get("domain_uuid"))
        if not domain:
            self._left.append(Problem(f"device {where}", "belongs to no domain"))
            return
        if mac in self._macs:
            self._left.append(Problem(f"device {where}", f"has the address of {self._macs[mac]} too, and was left out"))
            return
        pack, model, why = self._handsets.find(device)
        if pack is None or why:
            self._left.append(Problem(f"device {where}", why))
            return
        # Whose lines, keys and settings it shows; template and vendor stay its own.
        source = self._devices.get(device.get("device_uuid_alternate")) if device.get("device_uuid_alternate") else device
        left: list[str] = []
        if source is None:
            left.append("its alternate device is not there, its own lines were taken")
            source = device
        elif source is not device:
            left.append(f"has the lines of its alternate device {source.get('device_address') or ''}, as of now".replace("  ", " "))
        lines, positions = lines_of(self._lines.get(source["device_uuid"], ()), self._passwords.get(source.get("domain_uuid"), {}), left)
        if not any(line.get("enabled", True) for line in lines):
            self._left.append(Problem(f"device {where}", "; ".join(["has no line that is on", *left])))
            return
        variables: dict[str, Any] = {
            "phone_mac": mac,
            "phone_vendor": pack.vendor,
            "phone_model": model,
            "phone_tenant": self._name("tenant", domain),
            "phone_lines": lines,
        }
        if not is_true(device.get("device_enabled")):
            variables["phone_enabled"] = False
        groups = {
            "tenant": self._group("tenant", domain, variables["phone_tenant"]),
            "vendor": self._group("vendor", pack.vendor),
            "model": self._group("model", model.lower()),
        }
        self._describe(variables, device, source, left)
        vendor = vendor_of(device)
        profile = source.get("device_key_template_uuid") or source.get("device_profile_uuid")
        row = self._profiles.get(profile) if profile else None
        if row is not None and is_true(row.get("device_profile_enabled"), empty=True):
            groups["profile"] = self._group("profile", str(profile), clean(row.get("device_profile_name")) or "unnamed")
            keys, missing = self._keys_of_profile(str(profile), vendor, pack, lines, positions, domain)
            left += missing
            if keys:
                variables["phone_keys_profile"] = keys
        elif profile:
            left.append("its profile is switched off, and counts for nothing here")
            profile = None
        keys, missing = self._keys.of(
            self._device_keys.get(source["device_uuid"], ()), "device_key", vendor, pack, lines, positions, domain
        )
        left += missing
        if keys:
            variables["phone_keys"] = keys
        self._set_settings(variables, source, profile, pack, left)
        name = self._host_name(variables, domain, source)
        self._macs[mac] = name
        self._owners[name] = (source.get("domain_uuid"), source.get("device_user_uuid"), source["device_uuid"])
        if left:
            variables[LEFT] = [clean(what, _TOLD) for what in left]
            self._left += [Problem(name, what) for what in left]
        self._hosts[name] = Host(name, variables, groups)

    def _describe(self, variables: dict[str, Any], device: Row, source: Row, left: list[str]) -> None:
        for name, row, column, pattern in (
            ("phone_firmware_version", device, "device_firmware_version", _FIRMWARE),
            ("phone_serial", device, "device_serial_number", _SERIAL),
            ("phone_email", self._users.get(source.get("device_user_uuid"), {}), "user_email", _MAIL),
        ):
            text = clean(row.get(column))
            if text and pattern.fullmatch(text):
                variables[name] = text
            elif text:
                left.append(f"{column} {text[:64]!r} is not fit for {name}")
        for name, row, column in (
            ("phone_site", source, "device_location"),
            ("_phone_label", source, "device_label"),
            ("_phone_description", source, "device_description"),
        ):
            if text := clean(row.get(column), 64 if name == "phone_site" else 512):
                variables[name] = text

    def _keys_of_profile(
        self, profile: str, vendor: str, pack: Pack, lines: list[dict[str, Any]], positions: Mapping[int, int], domain: str
    ) -> tuple[list[dict[str, Any]], list[str]]:
        rows = self._profile_keys.get(profile, ())
        key = ("keys", profile, vendor, pack.vendor)
        found = self._cached.get(key)
        if found is None:
            # What many phones share is made once.
            if needs_line(rows, "profile_key"):
                return self._keys.of(rows, "profile_key", vendor, pack, lines, positions, domain)
            found = self._cached[key] = self._keys.of(rows, "profile_key", vendor, pack, [], {1: 1}, domain)
        return found

    def _set_settings(self, variables: dict[str, Any], source: Row, profile: str | None, pack: Pack, left: list[str]) -> None:
        """Set what users, profiles and devices set; later ones win. What tenants set is in their groups."""
        domain = source.get("domain_uuid")
        below: Settings = self._below(domain)
        parameters: dict[str, str] = {}
        for level, owner in (("user", source.get("device_user_uuid")), ("profile", profile), ("device", source["device_uuid"])):
            settings = self._settings[level].get(owner) if owner else None
            if not settings:
                continue
            settings = in_domain(settings, self._domains.get(domain, ""))
            below = {**below, **settings}
            # What many phones share is made once.
            key = ("settings", domain, source.get("device_user_uuid"), owner, pack.vendor)
            made = self._cached.get(key)
            if made is None:
                problems: list[Problem] = []
                made = self._cached[key] = (variables_of(settings, pack, level, problems, below), problems)
            found, problems = made
            parameters.update(found.get("phone_parameters", {}))
            variables.update({name: value for name, value in found.items() if name != "phone_parameters"})
            left += [f"{problem.where} {problem.what}" if level != "device" else problem.what for problem in problems]
        if parameters:
            variables["phone_parameters"] = parameters

    def _below(self, domain: str | None) -> Settings:
        key = ("below", domain)
        if key not in self._cached:
            found = {**self._settings["default"].get(None, {}), **self._settings["domain"].get(domain, {})}
            self._cached[key] = in_domain(found, self._domains.get(domain, ""))
        return self._cached[key]

    def _tenant_settings(self, used: Mapping[str, str]) -> None:
        default = self._settings["default"].get(None, {})
        shared: list[Problem] = []
        # A name that fits wherever one may stand: what is wrong with it in one tenant only is told there.
        usual = in_domain(default, "example.com")
        everywhere = variables_of(usual, None, "default settings", shared)
        self._left += shared
        told = {problem.what for problem in shared}
        for uuid, domain in self._domains.items():
            group = used.get(self._names.get(("tenant", domain), ""))
            if group:
                problems: list[Problem] = []
                found = dict(everywhere)
                if usual is not default:
                    found = variables_of(in_domain(default, domain), None, f"domain {domain}", problems)
                    problems = [problem for problem in problems if problem.what not in told]
                own = in_domain(self._settings["domain"].get(uuid, {}), domain)
                found.update(variables_of(own, None, f"domain {domain}", problems, self._below(uuid)))
                self._groups[group].update(found)
                self._left += problems

    def _add_books(self, used: Mapping[str, str]) -> dict[str, Any]:
        split = {table: index(self._data.get(table, ()), "domain_uuid") for table in BOOK_TABLES}
        assigned = index(self._data.get("device_phonebook", ()), "device_uuid")
        shelves: dict[str | None, Shelf] = {}
        for uuid, domain in self._domains.items():
            group = used.get(self._names.get(("tenant", domain), ""))
            if group:
                rows = {table: found.get(uuid, []) for table, found in split.items()}
                shelf = shelves[uuid] = Shelf(rows, domain, self._below(uuid), self._book_name, self._left)
                if shelf.common:
                    self._groups[group]["phone_phonebooks"] = shelf.common
        for host in self._hosts.values():
            domain, user, device = self._owners[host.name]
            books = shelves[domain].of(user, in_order(assigned.get(device, []))) if domain in shelves else None
            if books is not None:
                host.variables["phone_phonebooks"] = books
        books = {name: book for shelf in shelves.values() for name, book in shelf.books.items()}
        return {"phone_configs_phonebooks": books} if books else {}

    def _book_name(self, key: str, title: str) -> str:
        return self._unique("book", key, slug(title[:_LONGEST], "-")[:_BOOK_NAME].strip("-") or "book", "-", _BOOK_NAME)

    def _mark_shared(self) -> None:
        """Mark lines that several phones register: FusionPBX lets them, here they have to say so."""
        users: dict[tuple[str, str, int], list[tuple[Host, dict[str, Any]]]] = {}
        for host in self._hosts.values():
            for line in host.variables["phone_lines"]:
                if line.get("enabled", True):
                    server = line.get("sip_server") or line["sip_servers"][0]
                    user = line.get("number") or line["user"]
                    users.setdefault((user.casefold(), server.casefold(), line.get("port", 0)), []).append((host, line))
        for (user, server, _port), places in users.items():
            if len({host.name for host, _line in places}) > 1:
                for host, line in places:
                    if not line.get("shared"):
                        line["shared"] = True
                        what = f"{user} at {server} is on several phones, so its line is marked as shared"
                        host.variables.setdefault(LEFT, []).append(what)
                        self._left.append(Problem(host.name, what))

    def _host_name(self, variables: dict[str, Any], domain: str, source: Row) -> str:
        line = variables["phone_lines"][0]
        values = {
            "domain": domain.partition(".")[0],
            "number": line.get("number") or line["user"],
            "label": clean(source.get("device_label")),
            "mac": variables["phone_mac"],
            "vendor": variables["phone_vendor"],
            "model": variables["phone_model"],
        }
        name = slug(_PLACEHOLDER.sub(lambda match: values.get(match[1], ""), self._options.host_format)[:_LONGEST], "-")
        mac = variables["phone_mac"]
        tries = [name, f"{name}-{mac[6:]}".strip("-"), f"{name}-{mac}".strip("-")]
        return next((text for text in tries if text and text not in _TAKEN and text not in self._hosts), mac)

    def _name(self, kind: str, text: str) -> str:
        """Return a tenant's name: the domain's, as far as a name of a tenant may be that."""
        key = (kind, text)
        if key not in self._names:
            plain = text if re.fullmatch("[A-Za-z0-9._-]{1,64}", text) else slug(text[:_LONGEST], "-")[:64] or kind
            self._names[key] = self._unique(f"{kind} name", text, plain, "-", 64)
            if self._names[key] != text:
                self._left.append(Problem(f"domain {text}", f"is tenant {self._names[key]} here"))
        return self._names[key]

    def _group(self, kind: str, key: str, text: str | None = None) -> str:
        cached = self._names.get((f"{kind} group", key))
        if cached is None:
            cached = self._unique(f"{kind} group", key, f"{kind}_{slug((text or key)[:_LONGEST])}".strip("_")[:_LONGEST], "_", _LONGEST)
            self._groups.setdefault(cached, {})
        return cached

    def _unique(self, kind: str, key: str, wanted: str, joint: str, most: int) -> str:
        """Return a name for a thing that no other thing of its kind has."""
        known = self._names.get((kind, key))
        if known is None:
            # Thousands of names may be alike: it is not begun anew for each.
            known, count = wanted, self._counts.get((kind, wanted), 1)
            while f"{kind}\0{known}" in self._taken:
                count += 1
                known = f"{wanted[: most - 1 - len(str(count))]}{joint}{count}"
            self._counts[(kind, wanted)] = count
            self._taken.add(f"{kind}\0{known}")
            self._names[(kind, key)] = known
        return known
