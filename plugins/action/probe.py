# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the boot plan of a phone from its vendor's pack, then runs the module where the phone would stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, format_mac, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import holders
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import GROUP, FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack, PackError, Packs

PROBE_GROUP = "probe_phones"


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = dict(self._task.args)
        for name in ("vendor", "model", "mac"):
            if not args.get(name):
                raise AnsibleActionFail(f"{name}: is missing")
        try:
            mac = normalize_mac(args["mac"])
            packs = Packs.below(Path(self._loader.get_basedir()), self._templar.template(task_vars.get("phone_template_path")))
        except (MacError, PackError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        try:
            pack = packs.wanted(str(args["vendor"]))
        except PackError as exc:
            raise AnsibleActionFail(f"vendor: {exc}") from None
        model = pack.model(str(args["model"]))
        if model is None:
            raise AnsibleActionFail(f"model: {pack.model_problem(str(args['model']))}")
        try:
            # The module reads the text "no" as false, and would then ask with GET.
            for name in ("force", "as_observer"):
                args[name] = boolean(args.get(name) or False)
        except TypeError:
            raise AnsibleActionFail(f"{name}: {args[name]!r} is neither yes nor no") from None
        if not (args["force"] or args["as_observer"]):
            self._refuse_phone_in_use(mac, task_vars)
        args["plan"] = boot_plan(pack, model, mac, str(args.get("firmware") or "1.0.0.0"), str(args.get("serial") or ""))
        return {**result, **self._execute_module(module_name="dialtone.phones.probe", module_args=args, task_vars=task_vars)}

    def _refuse_phone_in_use(self, mac: str, task_vars: dict[str, Any]) -> None:
        groups = task_vars.get("groups") or {}
        if not groups.get(GROUP):
            return
        try:
            host = holders(read_fleet(task_vars, self._templar, names=frozenset({"phone_mac"}))).get(mac)
        except FleetError as exc:
            raise AnsibleActionFail(str(exc)) from None
        if host is not None and host not in groups.get(PROBE_GROUP, ()):
            raise AnsibleActionFail(
                f"mac: {format_mac(mac, 'lower', 'colon')} is {host}, a phone in use, and probing would spend its one-time URL; "
                f"put it into the group {PROBE_GROUP}, or set force: true to ask with HEAD only"
            )


def boot_plan(pack: Pack, model: Model, mac: str, firmware: str, serial: str) -> dict[str, Any]:
    """Return what a phone of this model asks for, as :class:`module_utils.boot.Plan` takes it."""
    boot = pack.data.get("boot") or {}
    specs = [spec for spec in pack.files if spec.for_model(model) and spec.kind != "resource"]
    agent = pack.data.get("user_agent") or "{vendor} {model}"
    words = {"model": model.name, "MODEL": model.name.upper(), "firmware": firmware, "serial": serial, "vendor": pack.vendor}
    colons = {"mac": mac, "MAC": format_mac(mac, "upper"), "mac_colon": format_mac(mac, "lower", "colon")}
    home = {name: [rule] if isinstance(rule, str) else list(rule) for name, rule in (boot.get("home") or {}).items()}
    includes = boot.get("includes") or []
    return {
        "mac": mac,
        "user_agent": agent.format(**{**model.attributes, **words, **colons}),
        "files": [(pack.file_name(spec.name, mac, model), bool(spec.template) or None) for spec in specs],
        "stop_after": [pack.file_name(name, mac, model) for name in boot.get("stop_after", ())],
        "includes": [includes] if isinstance(includes, str) else list(includes),
        "home": home,
        "contact": [pack.file_name(spec.name, mac, model).lower() for spec in specs if spec.contact],
        "uploads": [pack.file_name(name, mac, model) for name in boot.get("uploads", ())],
        "books": _books(pack, model, mac),
    }


def _books(pack: Pack, model: Model, mac: str) -> dict[str, Any] | None:
    """Return how phones of this model come to their phonebooks: by URLs in their files, or by a name they know."""
    rule = pack.data.get("phonebook")
    if not rule or "phonebooks" in [*pack.data["unsupported"], *(model.unsupported or ())]:
        return None
    name = pack.file_name(rule["file"], mac, model, book="{book}")
    words = re.escape(name).replace(re.escape("{book}"), r"[A-Za-z0-9_.-]+?")
    return {
        "pattern": rf"""https?://[^\s<>"']+/(?:p[0-9]+-)?{words}(?![A-Za-z0-9_.-])""",
        "names": [] if "{book}" in rule["file"] else [name],
        "entry": rule.get("entry", "DirectoryEntry"),
    }
