# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the fleet to what is published: every phone of the run checked, fitted and ready to be rendered, one after the other.

Phones are streamed, since a fleet does not fit into memory twice. What is wrong with any of them is known when the stream has ended, and only
then may anything be written: :meth:`Production.finish` raises with all problems at once.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dialtone.phones.plugins.module_utils.mac import is_locally_administered
from ansible_collections.dialtone.phones.plugins.plugin_utils import fingerprint
from ansible_collections.dialtone.phones.plugins.plugin_utils.assets import (
    Asset,
    Place,
    assets_of,
    local_files,
    place_urls,
    without_files,
)
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.check import check_books
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import contradictions
from ansible_collections.dialtone.phones.plugins.plugin_utils.compact import NumberMap
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import (
    Server,
    admin_password_of,
    books_of,
    context_of,
    firmware_of,
    server_of,
)
from ansible_collections.dialtone.phones.plugins.plugin_utils.firmware import choose_firmware
from ansible_collections.dialtone.phones.plugins.plugin_utils.fit import fit, refusals
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.gate_record import gate_record
from ansible_collections.dialtone.phones.plugins.plugin_utils.oui import owner_of, vendors_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack, PackError
from ansible_collections.dialtone.phones.plugins.plugin_utils.passwords import about_line, weakness
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import MODEL_FILE, Phone, PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Notes, Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import PackRenderer, RenderedFile, RenderError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings, read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.unchanged import About, UnchangedRow, User, about_of, users_of

ProductionError = ProblemsError
_WORD = (1 << 64) - 1


class PhoneRow:
    """One phone of the run, checked. Rendering is left to whoever needs the files, since an unchanged phone need not be rendered."""

    __slots__ = (
        *("_listed", "_model", "_pack", "_phone", "_places", "_production", "_server"),
        *("about", "gate", "host", "key", "mac", "site", "vendor"),
    )

    def __init__(
        self, production: Production, phone: Phone, pack: Pack, model: Model, key: str | None, places: list[Place] | None = None
    ) -> None:
        """
        :param phone: as ``fit`` left it.
        :param places: the local files that it names.
        """
        self._production, self._phone, self._pack, self._model = production, phone, pack, model
        settings = production.settings
        self.host: str = phone["host"]
        self.mac: str = phone["mac"]
        self.vendor = pack.vendor
        self.site: str = phone["site"]
        self.key = key
        self._server: Server = server_of(phone, settings.base, settings.deriver, pack)
        self._places = places or []
        place_urls(phone, self._places, self._server)
        self._listed = books_of(phone, pack, model, self._server, settings.books)
        self.gate = gate_record(phone, pack, model, settings, [listing["file"] for listing in self._listed])
        # What later runs need of the phone while it stays as it is; the production fills it.
        self.about: About = {}

    def describe(self, given: Phone, warnings: list[str]) -> None:
        """Note what later runs need of the phone while it stays as it is.

        :param given: the phone before it was fitted.
        """
        self.about = about_of(given, self._listed, warnings)

    def render(self) -> list[RenderedFile]:
        """Return the phone's own files, its phonebooks excepted.

        :raises RenderError: a template failed.
        """
        if not self._phone["enabled"]:
            return []
        try:
            context = context_of(self._phone, self._pack, self._model, self._server, self._listed)
        except ValueError as exc:
            raise RenderError(self.host, "all files", f"{self.vendor}/pack.yml", None, str(exc)) from exc
        return self._production.renderer(self._pack).render(self._phone, self._model, context)

    def assets(self) -> list[Asset]:
        """Return the local files that are published beside the phone's own."""
        return assets_of(self._places) if self._phone["enabled"] else []

    @property
    def phone(self) -> Phone:
        """The neutral phone, fitted to its model."""
        return self._phone

    def fitted(self, phone: Phone) -> Phone:
        """Return another description of this phone, fitted as its own is.

        :param phone: what another source says of it, of the same vendor and model.
        """
        other = fit(phone, self._pack, self._model)[0]
        # Where none is set it is derived, for both alike.
        other["admin_password"] = admin_password_of(other, self._pack, self._production.settings.deriver)
        return other

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The phonebooks of the phone, known from the start; what is in them is known after the whole group was read."""
        return self._listed if self._phone["enabled"] else []

    @property
    def secret_parameters(self) -> list[str]:
        """Name patterns of the vendor's parameters whose values are secret."""
        return self._pack.data["secret_parameters"]

    @property
    def secrets(self) -> list[str]:
        """Every secret value in this phone's files, for masking."""
        phone = self._phone
        found = [phone["admin_password"], phone["user_password"], self._server.user, self._server.password, self._server.path]
        found += [line["password"] for line in phone["lines"]]
        found += [(phone[name] or {}).get("password") for name in ("ldap", "dot1x")]
        return [value for value in found if value]


class Production:
    """The phones of a run on their way to the servers."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self.fleet = fleet
        self.settings = settings
        self.hosts_all = len(fleet.hosts)
        self.complete = fleet.complete
        self.scope = settings.scope
        self._only: frozenset[str] | None = None
        self.warnings = Notes()
        self.problems: list[Problem] = []
        self._renderers: dict[int, PackRenderer] = {}
        self._builder = PhoneBuilder(settings.preset.phones, settings.server_networks)
        self._told: list[str] = []  # what is told of the phone at hand
        self._book_notes: set[str] = set()
        self._macs = NumberMap()  # MAC -> the first host that has it, by its place in the fleet
        self._users = NumberMap()  # user at a server -> the first host twice, one more where the line is shared
        self._input_key = settings.deriver.key("input")

    def narrow(self, hosts: Collection[str]) -> None:
        """Hand out these phones of the run only; the others are still checked. None stand for all."""
        if hosts:
            self._only = frozenset(map(str, hosts))
            self.complete = False

    def renderer(self, pack: Pack) -> PackRenderer:
        """Return the renderer of a pack, made once a run."""
        if id(pack) not in self._renderers:
            self._renderers[id(pack)] = PackRenderer(pack)
        return self._renderers[id(pack)]

    def shelf_key(self, vendor: str, listed: list[dict[str, Any]]) -> str:
        """Return the digest of all that the files of some phonebooks depend on; to be asked after the whole group was read."""
        pack = self.settings.packs.get(vendor)
        total = hashlib.sha256(self._run_digest(pack) + vendor.encode())
        for listing in listed:
            total.update(repr((listing["file"], listing["entries"], self.settings.books.digest(listing["name"]))).encode())
        return hmac.digest(self._input_key, total.digest(), "sha256").hex()

    def render_book(self, vendor: str, listing: dict[str, Any]) -> list[RenderedFile]:
        """Return a phonebook as phones of a vendor read it, and note what they had no room for.

        :raises RenderError: a template failed.
        :raises ProblemsError: the book can't be read, or not be written for them.
        """
        renderer = self.renderer(self.settings.packs.get(vendor))
        files = renderer.render_book(self.settings.books, listing)
        notes = [f"phonebook {listing['name']}: phones of {vendor} {note}" for note in renderer.book_notes[listing["name"]]]
        if notes and self.settings.strict:
            raise ProblemsError([Problem(*note.split(": ", 1)) for note in notes], "nothing was published")
        self.warnings.tell(note for note in notes if note not in self._book_notes)
        self._book_notes.update(notes)
        return files

    def rows(self, published: Callable[[str], dict[str, Any] | None] | None = None) -> Iterator[PhoneRow | UnchangedRow]:
        """Yield the phones of this run that are in order; what is wrong with the others is told by :meth:`finish`.

        :param published: gives the manifest's row of a host, nothing where the phone has to be built whatever its inputs.
        """
        batch = None if self.fleet.complete else set(self.fleet.batch)
        self.warnings, self.problems, self._macs, self._users = Notes(self.warnings.limit), [], NumberMap(), NumberMap()
        self._book_notes.clear()
        self.settings.books.clear()
        self.problems += [] if not self.settings.strict else self.fleet.unordered()
        if not self.settings.strict:
            self.warnings.tell(str(problem) for problem in self.fleet.unordered())
        for number, host in enumerate(self.fleet.hosts):
            same = self._unchanged(host, published(host)) if published else None
            if same is not None:
                self._check_unique(number, same.mac, same.users)
                self.settings.books.add(same.listing)
                if batch is None or host in batch:
                    self.warnings.tell(same.about["warnings"])
                    if self._is_asked_for(host):
                        yield same
                continue
            variables, unresolved = self._variables(host)
            phone, problems = self._builder.build(host, variables)
            self._check_unique(number, phone["mac"], users_of(phone))
            if not problems and not unresolved:
                self.settings.books.add(phone)
            if batch is not None and host not in batch:
                # Another run's business, as long as it does not collide with this one's phones.
                continue
            # A variable that could not be resolved is not missing as well.
            named = {re.split(r"[.\[]| \(", problem.where.removeprefix(f"{host}: "))[0] for problem in unresolved}
            named = {f"{host}: {name}" for name in named}
            self.problems += unresolved + [problem for problem in problems if problem.where not in named]
            row = None if problems or unresolved else self._row(phone)
            self.warnings.tell(self._told)
            self._told.clear()
            if row is not None and self._is_asked_for(host):
                yield row
        # Nobody asks any more, and what follows needs the room.
        self._macs, self._users = NumberMap(), NumberMap()

    def _is_asked_for(self, host: str) -> bool:
        return self._only is None or host in self._only

    def row(self, host: str) -> PhoneRow:
        """Return a phone that :meth:`rows` yielded as unchanged, built."""
        told = len(self.problems)
        phone, _problems = self._builder.build(host, self._variables(host)[0])
        row = self._row(phone)
        del self.problems[told:]
        self._told.clear()
        if row is None:
            raise KeyError(host)
        return row

    def _variables(self, host: str) -> tuple[dict[str, Any], list[Problem]]:
        _host, variables, unresolved = next(self.fleet.stream([host]))
        return variables, unresolved

    def _unchanged(self, host: str, row: dict[str, Any] | None) -> UnchangedRow | None:
        """Return a phone as it was published, nothing when anything that decides about it may be another now."""
        if not row or not row.get("about") or any(name not in self.settings.books for name in row["about"]["asked"]):
            return None
        try:
            pack = self.settings.packs.get(row["vendor"])
        except PackError:
            return None
        if pack is None or row["key"] is None or self.fleet.strays(host):
            return None
        if self._key(host, pack, row["about"]["asked"], row["about"].get("local", ())) != row["key"]:
            return None
        return UnchangedRow(self, row)

    def _key(self, host: str, pack: Pack, asked: list[str], local: Iterable[str] = ()) -> str | None:
        """Return the digest of all that decides about a phone; nothing when something does that has no digest.

        :param asked: names of its phonebooks, whose titles are in its own files.
        :param local: paths of the local files it names, whose content is told by nothing else.
        """
        digest = self.fleet.input_digest(host, self._input_key)
        titles = repr([self.settings.books.title(name) for name in asked]).encode()
        titles += "".join(self.settings.assets.digest(path) for path in local).encode()
        return hmac.digest(self._input_key, digest + self._run_digest(pack) + titles, "sha256").hex() if digest else None

    def finish(self) -> None:
        """Raise when any phone of the run is not in order.

        :raises ProductionError: with all problems of all phones.
        """
        if self.problems:
            error = ProductionError(self.problems)
            error.args = (self.fleet.scrub(str(error)),)
            raise error

    def _row(self, phone: Phone) -> PhoneRow | None:
        host = phone["host"]
        known = self.settings.packs.model_of(host, phone, self.problems)
        if known is None:
            return None
        pack, model = known
        before = len(self.problems)
        phone = dict(phone)
        self.problems += choose_firmware(phone, pack, model)
        fitted, notes = fit(phone, pack, model)
        for note in notes:
            self._say(phone, note, phone["unsupported"] == "error")
        self.problems += refusals(without_files(fitted), pack)
        self._check(phone, pack, model)
        places, problems, notes = self.settings.assets.place(fitted, pack, model)
        self.problems += problems
        for note in notes:
            self._say(phone, note, False)
        if len(self.problems) > before:
            return None
        fitted["admin_password"] = admin_password_of(fitted, pack, self.settings.deriver)
        local = local_files(fitted)
        row = PhoneRow(self, fitted, pack, model, self._key(host, pack, phone["phonebooks"] or [], local), places)
        row.describe(phone, list(self._told))
        if local:
            row.about["local"] = local
        return row

    def _say(self, phone: Phone, text: str, wrong: bool) -> None:
        if wrong or self.settings.strict:
            self.problems.append(Problem(phone["host"], text))
        else:
            self._told.append(f"{phone['host']}: {text}")

    def _check(self, phone: Phone, pack: Pack, model: Model) -> None:
        host = phone["host"]
        try:
            firmware_of(phone, pack, model)
        except ValueError as exc:
            self.problems.append(Problem(f"{host}: {str(exc).partition(': ')[0]}", str(exc).partition(": ")[2]))
        problems, notes = check_books(phone, pack, self.settings.books)
        self.problems += problems
        for note in notes:
            self._say(phone, note, False)
        for name in phone["parameters"]:
            if pack.parameters and name not in pack.parameters:
                self._say(phone, f"phone_parameters: {name} is not known for {pack.vendor}{pack.parameters.near(name)}", False)
        for name in self.fleet.untrusted_templates(host):
            self._say(phone, f"{name} holds {{{{ }}}} but comes from data, so it is written as it stands", False)
        for line in phone["lines"]:
            if line["enabled"] and line["password"] is not None:
                why = weakness(line["password"], self.settings.password_policy, about_line(line))
                if why:
                    self.problems.append(
                        Problem(f"{host}: phone_lines[{line['index'] - 1}].password", f"{why} (phone_configs_password_policy)")
                    )
        auth = pack.data.get("http_auth") or {}
        self.problems += contradictions(host, phone, pack)
        if self.settings.preset.networks and not phone["networks"] and not self.settings.server_networks:
            what = f"is empty, and so is provisioning_server_networks: provisioning_preset {self.settings.preset.name} serves known networks only"
            self.problems.append(Problem(f"{host}: phone_networks", what))
        if phone["http_auth"] == "digest" and "digest" not in auth.get("schemes", ["basic"]):
            self.problems.append(Problem(f"{host}: phone_http_auth", f"is digest, which phones of {pack.vendor} do not answer"))
        if phone["client_certificate"] != "off" and not (pack.data.get("certificate") or {}).get("subject"):
            wanted = "it is not known how its certificates name the MAC"
            self.problems.append(
                Problem(f"{host}: phone_client_certificate", f"is {phone['client_certificate']}, but for {pack.vendor} {wanted}")
            )
        if pack.data["ouis"] and not is_locally_administered(phone["mac"]):
            vendors = vendors_of(phone["mac"], self.settings.packs.folders)
            if pack.vendor not in vendors:
                owner = ", ".join(sorted(vendors)) or owner_of(phone["mac"]) or "nobody known"
                self._say(phone, f"phone_mac: its first half belongs to {owner}, but phone_vendor is {pack.vendor}", False)

    def _check_unique(self, number: int, mac: str | None, users: Iterable[User]) -> None:
        host = self.fleet.hosts[number]
        if mac:
            other = self._macs.setdefault(int(mac, 16), number)
            if other != number:
                what = f"{mac} is that of {self.fleet.hosts[other]} too, wanted one phone per MAC in the whole group"
                self.problems.append(Problem(f"{host}: phone_mac", what))
        own: dict[int, int] = {}
        for index, user, server, port, is_shared in users:
            # A 64-bit number instead of the text: the whole fleet's users are remembered.
            slot = hash((user.casefold(), server.casefold(), port)) & _WORD
            if own.setdefault(slot, index) != index:
                what = f"user {user} at {server} is on line {own[slot]} of this phone already"
                self.problems.append(Problem(f"{host}: phone_lines[{index - 1}]", what))
                continue
            other, shared = divmod(self._users.setdefault(slot, 2 * number + is_shared), 2)
            if other != number and not (shared and is_shared):
                what = f"user {user} at {server} is registered by {self.fleet.hosts[other]} too; a line of several phones needs shared: true on each"
                self.problems.append(Problem(f"{host}: phone_lines[{index - 1}]", what))

    def _run_digest(self, pack: Pack) -> bytes:
        settings = self.settings
        previous = settings.previous.key("input") if settings.previous else b""
        return _pack_digest(
            pack,
            settings.base,
            previous,
            settings.scope,
            settings.password_policy,
            settings.strict,
            bool(settings.books.names()),
            settings.preset.name,
            settings.server_networks,
            settings.books.readers(),
        )


@functools.lru_cache(maxsize=128)
def _pack_digest(pack: Pack, *settings: Any) -> bytes:
    """Return a digest of all that decides about a phone beside its variables: templates, code, libraries, settings of the run."""
    total = hashlib.sha256(repr(settings).encode())
    total.update(fingerprint.environment())
    total.update(MODEL_FILE.read_bytes())
    total.update(fingerprint.tree_digest(pack.folders))
    return total.digest()


def prepare(action: Any, task_vars: Mapping[str, Any]) -> Production:
    """Return the production of the running task.

    :param action: the action plugin, for its templar and its loader.
    :param task_vars: its variables.
    :raises ProductionError: the settings of the run are wrong.
    """
    try:
        fleet = read_fleet(task_vars, action._templar)
        settings = read_settings(fleet, Path(action._loader.get_basedir()), task_vars.get("inventory_dir"))
    except FleetError as exc:
        raise ProductionError([Problem("inventory", str(exc))]) from exc
    return Production(fleet, settings)
