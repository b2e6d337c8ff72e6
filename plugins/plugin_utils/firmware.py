# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which firmware a phone gets: by its model and its ring, so that a few phones go first."""

from __future__ import annotations

from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem


def choose_firmware(phone: Phone, pack: Pack, model: Model) -> list[Problem]:
    """Give a phone without a firmware of its own the one for its model and ring.

    An entry for the phone's ring goes before one for all rings. Changes ``phone``: its ``firmware`` is set, its ``firmwares`` are emptied.

    :return: what is wrong: an entry of the phone's model without a file or URL or with both, or two entries that fit alike.
    """
    host = phone["host"]
    problems = _source_problems(f"{host}: phone_firmware", phone["firmware"])
    entries, phone["firmwares"] = phone["firmwares"], []
    if phone["firmware"] is not None:
        return problems
    fitting: dict[bool, list[tuple[int, dict[str, Any]]]] = {True: [], False: []}
    for number, entry in enumerate(entries or ()):
        if entry["ring"] in (None, phone["firmware_ring"]) and _is_for(entry, pack, model):
            fitting[entry["ring"] is not None].append((number, entry))
    chosen = fitting[True] or fitting[False]
    if not chosen:
        return problems
    number, entry = chosen[0]
    where = f"{host}: phone_firmwares[{number}]"
    if len(chosen) > 1:
        ring = f"ring {entry['ring']}" if entry["ring"] else "all rings"
        problems.append(Problem(where, f"is for {phone['model']} of {ring}, and so is phone_firmwares[{chosen[1][0]}]; wanted one"))
    problems += _source_problems(where, entry)
    if not problems:
        phone["firmware"] = {name: entry[name] for name in ("url", "file", "sha256", "version")}
    return problems


def _is_for(entry: dict[str, Any], pack: Pack, model: Model) -> bool:
    if entry["vendor"] not in (None, pack.vendor):
        return False
    return any(found is not None and found.name == model.name for found in map(pack.model, entry["models"]))


def _source_problems(where: str, firmware: dict[str, Any] | None) -> list[Problem]:
    if firmware is None:
        return []
    if firmware.get("url") and firmware.get("file"):
        return [Problem(where, "has both url and file; wanted one")]
    if firmware.get("sha256") and not firmware.get("file"):
        return [Problem(f"{where}.sha256", "can be held against a file only; wanted file in place of url")]
    return []
