# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares, phone by phone, what FusionPBX serves with what is rendered here: what M(dialtone.phones.fusionpbx_compare) documents."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.compare_report import compare, counts_of, write
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.fetch import Fetcher, FetchError, Site, agent_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.read import SourceFileError, merged, read_source
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.served_parameters import parameters_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.production import PhoneRow, Production, prepare
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderError

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "url": {"type": "str"},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 10},
    "concurrency": {"type": "int", "default": 4},
    "source": {"type": "path"},
    "report": {"type": "path", "required": True},
}
# Phones whose files are at hand at one time.
_CHUNK = 64
# Who and where a phone is, not what it gets; of phonebooks only the names.
_NO_PARAMETERS = frozenset({"host", "generation", "redirect_account", "claim_window", "onboarding"})


class ActionModule(ActionBase):
    """Runs on the controller; no secret is in its result or its report."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        if bool(args["url"]) == bool(args["source"]):
            raise AnsibleActionFail("either url (what FusionPBX serves) or source (what its database says) is wanted, not both")
        for name, most in (("timeout", 86_400), ("concurrency", 1000)):
            if not 1 <= args[name] <= most:
                raise AnsibleActionFail(f"{name}: got {args[name]:,}, wanted 1 to {most:,}")
        report = os.path.abspath(args["report"])
        if not os.path.isdir(os.path.dirname(report)):
            raise AnsibleActionFail(f"report: the folder {os.path.dirname(report)} is not there")
        try:
            production = prepare(self, task_vars or {})
            rows = list(production.rows())
            production.finish()
            phones, notes = self._served(rows, args) if args["url"] else self._stored(production, rows, args["source"])
        except ProblemsError as exc:
            raise AnsibleActionFail(str(exc)) from None
        except (FetchError, RenderError, SourceFileError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        title = (
            "Phones as FusionPBX serves them and as they are rendered here" if args["url"] else "Phones in FusionPBX's database and here"
        )
        try:
            write(report, title, phones, notes)
        except OSError as exc:
            raise AnsibleActionFail(f"report: {report} cannot be written ({exc.strerror or exc})") from None
        counts = counts_of(phones)
        differing = [
            host
            for host, entry in phones.items()
            if entry["side"] != "both" or any(entry[kind] for kind in ("only_theirs", "only_ours", "different"))
        ]
        result.update(changed=False, counts=counts, differing=differing, report=[f"{report}.md", f"{report}.json"], notes=notes)
        return result

    def _served(self, rows: list[PhoneRow], args: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        site = Site(args["url"], args["username"], args["password"], args["ca_path"], args["validate_certs"], args["timeout"])
        fetcher = Fetcher(site)

        def fetch(row: PhoneRow, names: list[str]) -> dict[str, bytes]:
            return fetcher.fetch(row.phone["tenant"], row.mac, agent_of(row.vendor, row.phone["model"]), names)

        phones: dict[str, Any] = {}
        # The first one alone: a wrong address or login is then told at once, and not tried for all.
        chunks = [rows[:1], *(rows[at : at + _CHUNK] for at in range(1, len(rows), _CHUNK))]
        with ThreadPoolExecutor(args["concurrency"]) as pool:
            for chunk in chunks:
                rendered = [{file.name: file.content for file in row.render()} for row in chunk]
                for row, ours, theirs in zip(chunk, rendered, pool.map(fetch, chunk, map(list, rendered)), strict=True):
                    phones[row.host] = _entry(row, theirs, ours, Masker([*row.secrets, args["password"]], row.secret_parameters))
        return phones, []

    def _stored(self, production: Production, rows: list[PhoneRow], source: str) -> tuple[dict[str, Any], list[str]]:
        """Compare variable by variable with what the database says now, each fitted to its model."""
        inventory = read_source(self._loader, os.path.abspath(source))
        settings = production.settings
        builder = PhoneBuilder(settings.preset.phones, settings.server_networks)
        theirs: dict[str, tuple[str, dict[str, Any]]] = {}
        for name in inventory.hosts:
            phone, _problems = builder.build(name, merged(inventory, name))
            theirs[phone["mac"]] = (name, phone)
        phones: dict[str, Any] = {}
        for row in rows:
            _name, phone = theirs.pop(row.mac, ("", None))
            entry: dict[str, Any] = {**_about(row), "side": "both" if phone else "ours"}
            masker = Masker([*row.secrets, *_secrets(phone or {})], row.secret_parameters)
            flat, ours = {}, {}
            if phone:
                flat, ours = _flat(row.fitted(phone)), _flat(row.phone)
            phones[row.host] = {**entry, **compare(flat, ours, masker)}
        notes = []
        if production.complete:
            for mac, (name, phone) in theirs.items():
                empty = {"only_theirs": {}, "only_ours": {}, "different": {}, "same": 0}
                phones[name] = {"mac": mac, "vendor": phone["vendor"], "model": phone["model"], "side": "theirs", **empty}
        elif theirs:
            notes.append(f"{len(theirs)} phones of the database are not in this run")
        return phones, notes


def _entry(row: PhoneRow, theirs: dict[str, bytes], ours: dict[str, bytes], masker: Masker) -> dict[str, Any]:
    entry = {**_about(row), **compare(_merged(theirs), _merged(ours), masker)}
    entry["side"] = "both" if bool(theirs) == bool(ours) else "theirs" if theirs else "ours"
    entry["files"] = {"theirs": sorted(theirs), "ours": sorted(ours)}
    odd = sorted(name for name, data in theirs.items() if parameters_of(data) is None)
    if odd:
        entry["note"] = f"FusionPBX's {', '.join(odd)} can't be read as parameters (XML that is not well-formed, or another kind of file)"
    return entry


def _about(row: PhoneRow) -> dict[str, Any]:
    return {"mac": row.mac, "vendor": row.vendor, "model": row.phone["model"]}


def _merged(files: dict[str, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for data in files.values():
        found.update(parameters_of(data) or {})
    return found


def _secrets(phone: dict[str, Any]) -> list[str]:
    found = [phone.get("admin_password"), phone.get("user_password"), *(line.get("password") for line in phone.get("lines") or ())]
    return [text for text in [*found, *map(str, (phone.get("parameters") or {}).values())] if text]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Return the values of a phone by their paths; what is not set is left out."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, item in value.items():
            if path or key not in _NO_PARAMETERS:
                found.update(_flat(item, f"{path}.{key}" if path else str(key)))
        return found
    if isinstance(value, list):
        return {name: text for index, item in enumerate(value, 1) for name, text in _flat(item, f"{path}[{index}]").items()}
    return {} if value is None or value == "" else {path: str(value)}
