# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes pages for people who set up phones by hand. Secrets go into files of the operator's folder and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils import manual_sheet
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_client import ClaimClient
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import VARIABLES, ClaimPhone, claim_url, read_batch, token_sha256
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import server_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet, FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.manual_sheet import FORMATS, Access, Card, Sheets, card
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.private_folder import FolderError, PrivateFolder, private_folder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import Settings, read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "dest": {"type": "path", "required": True},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": list(FORMATS)},
    "per": {"type": "str", "choices": ["phone", "model"], "default": "phone"},
    "qr": {"type": "bool", "default": True},
    "store": {"type": "str", "default": ""},
}
# What the credentials of a phone without a one-time URL come from.
_HOME = ("generation", "http_auth")
_STATES = {
    "new": "was never armed: run the onboarding first, or the playbook with sheets_arm=true",
    "claimed": "its one-time URL is being used; unlock it if that was not the phone",
    "spent": "its one-time URL was used; unlock it for a new one",
    "locked": "its one-time URL is locked; unlock it for a new one",
    "retired": "left the inventory once; unlock it for a new URL",
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        if args["qr"] and manual_sheet.segno is None:
            raise AnsibleActionFail(manual_sheet.MISSING)
        variables = task_vars or {}
        try:
            fleet = read_fleet(variables, self._templar, names=VARIABLES | {f"phone_{name}" for name in _HOME})
            settings = read_settings(fleet, Path(self._loader.get_basedir()))
            phones = read_batch(fleet, settings).phones
            homes = home_values(fleet, settings, {phone.host for phone in phones})
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        status = ClaimClient(self, variables, {"path": args["store"]}).status() if any(phone.once for phone in phones) else {"devices": {}}
        cards: dict[tuple[str, ...], list[Card]] = {}
        without_page: dict[str, str] = {}
        titles: dict[tuple[str, str], str] = {}
        for phone in phones:
            access, why = access_of(phone, settings, status, homes[phone.host])
            pack = settings.packs.get(phone.vendor)
            model = homes[phone.host]["model"]
            if access is None:
                without_page[phone.host] = why
                continue
            # However people write it, a model has one page.
            known = pack.model(model)
            title = titles.setdefault((phone.vendor, known.name if known else model), model)
            slot = (phone.vendor, model, phone.host) if args["per"] == "phone" else (phone.vendor, title)
            cards.setdefault(slot, []).append(card(phone.host, phone.mac, phone.serial, access, pack, args["qr"]))
        sheets = Sheets(settings.packs.folders)
        pages: dict[str, bytes] = {}
        try:
            for slot, found in cards.items():
                name = file_name(slot[2], found[0].mac) if args["per"] == "phone" else file_name(f"{slot[0]}-{slot[1]}", "")
                title = slot[2] if args["per"] == "phone" else f"{slot[0]} {slot[1]}"
                for kind in args["formats"]:
                    pages[f"{name}.{kind}"] = sheets.page(kind, title, settings.packs.get(slot[0]), slot[1], found)
        except jinja2.TemplateError as exc:
            # Only the kind and the line: a template's message may quote a value.
            raise AnsibleActionFail(f"_sheets: {type(exc).__name__} in line {getattr(exc, 'lineno', '?')} of a template") from None
        # A sheet whose URL is no longer good would only leave secrets about.
        stale = [f"{file_name(phone.host, phone.mac)}.{kind}" for phone in phones if phone.host in without_page for kind in FORMATS]
        stale = [name for name in stale if args["per"] == "phone" and name not in pages]
        dest = Path(self._loader.path_dwim(args["dest"]))
        try:
            with private_folder(dest, self._task.check_mode) as folder:
                written, removed = write(folder, pages, stale, self._task.check_mode)
        except FolderError as exc:
            raise AnsibleActionFail(str(exc)) from None
        result.update(
            changed=bool(written or removed),
            dest=str(dest),
            sheets=sorted(pages),
            written=written,
            removed=removed,
            without_page=without_page,
        )
        if self._task.diff and (written or removed):
            # Names only: every page holds secrets.
            before = "".join(f"{name}\n" for name in removed)
            result["diff"] = [
                {"before_header": str(dest), "after_header": str(dest), "before": before, "after": "".join(f"{n}\n" for n in written)}
            ]
        return result


def home_values(fleet: Fleet, settings: Settings, hosts: set[str]) -> dict[str, Any]:
    """Return generation, authentication and model of phones, by host.

    :raises ProblemsError: a variable is wrong.
    """
    specs = model_specs()
    checks = {name: compile_spec(specs[f"phone_{name}"]) for name in _HOME}
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for host, variables, _unresolved in fleet.stream([host for host in fleet.hosts if host in hosts]):
        values: dict[str, Any] = {"model": str(variables.get("phone_model") or "")}
        for name, check in checks.items():
            given = variables.get(f"phone_{name}")
            default = settings.preset.phones.get(name, specs[f"phone_{name}"].get("default"))
            values[name] = default if given is None else check(f"{host}: phone_{name}", given, problems)
        found[host] = values
    if problems:
        raise ProblemsError(problems, "nothing was written")
    return found


def access_of(phone: ClaimPhone, settings: Settings, status: dict[str, Any], home: dict[str, Any]) -> tuple[Access | None, str]:
    """Return what is typed into a phone, or why there is nothing to type."""
    pack = settings.packs.get(phone.vendor)
    if not phone.once:
        if phone.why_not == "is not enabled":
            return None, phone.why_not
        server = server_of({"mac": phone.mac, **home}, settings.base, settings.deriver, pack)
        model = pack.model(home["model"])
        file = pack.file_name(model.claim_path or pack.data["claim_path"], phone.mac, model)
        return Access(server.url + file, server.user, server.password, once=False), ""
    row = status["devices"].get(phone.mac) or {}
    state = row.get("state") or "new"
    if state != "armed":
        return None, _STATES.get(state, state)
    if status.get("closed"):
        return None, "the claim store was restored from a backup; confirm it first"
    token = settings.deriver.claim_token(phone.mac, status["epoch"], row["claim_generation"])
    if token_sha256(token) != row["token_sha256"]:
        return None, "provisioning_secret has changed since the phone was armed; run the onboarding"
    pin = settings.deriver.claim_pin(phone.mac, status["epoch"], row["claim_generation"]) if row.get("pin") else ""
    return Access(claim_url(settings.base, token, phone.claim_path), pin=pin), ""


def file_name(text: str, mac: str) -> str:
    """Return a name for files; one that had to be changed gets the MAC behind it, so that two phones never share one."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".")[:100]
    return plain if plain == text or not mac else f"{plain}-{mac.replace(':', '')}"


def write(folder: PrivateFolder, pages: dict[str, bytes], stale: list[str], dry: bool) -> tuple[list[str], list[str]]:
    """Write what differs and take away what is stale; return both lists of names.

    :raises FolderError: files in the way, all of them, before anything is written.
    """
    problems: list[str] = []
    written, removed = [], []
    for name in [*sorted(pages), *stale]:
        try:
            before = folder.read(name)
        except FolderError as exc:
            problems.append(str(exc))
            continue
        if name in pages and before != pages[name]:
            written.append(name)
        elif name not in pages and before is not None:
            removed.append(name)
    if problems:
        raise FolderError("\n".join(problems))
    if not dry:
        for name in written:
            folder.write(name, pages[name])
        for name in removed:
            folder.remove(name)
    return written, removed
