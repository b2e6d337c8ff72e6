# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which phones can be asked for their screen, where, and with what login."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.context import admin_password_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone, PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec, split_hostport
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.client import Screen

_PLACE = compile_spec({"type": "hostport"})


class Screens(NamedTuple):
    """Whom to ask, and by host why others can't be."""

    screens: list[Screen]
    left_out: dict[str, str]


def find_screens(fleet: Fleet, settings: Any, args: Mapping[str, Any], places: Mapping[str, Any]) -> Screens:
    """Return the phones of the run as the capture sees them.

    :param settings: the run's, for its packs and what passwords derive from.
    :param places: where phones are, by host, as the inventory says it.
    :raises ProblemsError: a phone is described wrongly; all problems at once.
    """
    problems: list[Problem] = []
    result = Screens([], {})
    batch = set(fleet.batch)
    # A name such as 1001 is a number to YAML.
    addresses = {str(host): place for host, place in args["addresses"].items()}
    for host in [*(args["hosts"] or ()), *addresses]:
        if host not in batch:
            problems.append(Problem("hosts", f"{host} is no phone of this play{did_you_mean(host, batch)}"))
    builder = PhoneBuilder()
    wanted = set(args["hosts"] or batch)
    for host, variables, unresolved in fleet.stream([host for host in fleet.batch if host in wanted]):
        phone, found = builder.build(host, variables)
        if found or unresolved:
            problems += [*unresolved, *(problem for problem in found if not unresolved)]
            continue
        known = settings.packs.model_of(host, phone, problems)
        if known is None:
            continue
        pack, model = known
        place = addresses.get(host) or places.get(host)
        faults: list[Problem] = []
        if place:
            _PLACE(f"{host}: {'addresses' if host in addresses else 'ansible_host'}", str(place), faults)
        problems += faults
        if not faults:
            screen = _screen(phone, pack, model, str(place or ""), settings, args)
            if isinstance(screen, str):
                result.left_out[host] = screen
            else:
                result.screens.append(screen)
    if problems:
        raise ProblemsError(problems, "no phone was asked")
    return result


def _screen(phone: Phone, pack: Pack, model: Model, place: str, settings: Any, args: Mapping[str, Any]) -> Screen | str:
    rule = pack.data.get("screen_capture") or {}
    needs = str(rule.get("needs") or "")
    paths = rule.get("path") or []
    if not paths or not re.fullmatch(rule.get("models", ".*"), model.name):
        return f"how the screen of {pack.vendor} {model.name} is fetched is not known{f'; {needs}' if needs and not paths else ''}"
    if not phone["enabled"]:
        return "is not enabled"
    if phone["web_ui"] == "off":
        return "its web page is switched off (phone_web_ui)"
    if not place:
        return "has no address: set its ansible_host, or name it in addresses"
    host, port = split_hostport(place)
    scheme = "http" if phone["web_ui"] == "http" else "https"
    netloc = f"[{host}]" if ":" in host else host
    return Screen(
        phone["host"],
        pack.vendor,
        model.name,
        f"{scheme}://{netloc}{f':{port}' if port else ''}",
        tuple([paths] if isinstance(paths, str) else paths),
        args["username"] or str(rule.get("user") or phone["admin_user"]),
        args["password"] or admin_password_of(phone, pack, settings.deriver),
        needs,
    )
