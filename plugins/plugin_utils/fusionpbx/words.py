# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What FusionPBX's words mean: vendors, models and functions of keys. The tables are in ``templates/fusionpbx.yml``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx.source import Row
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import SHIPPED, Pack, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs

# A pack is a folder: whatever else a vendor is called is none.
_PACK = re.compile("[a-z][a-z0-9_]{0,63}")


@functools.lru_cache(maxsize=1)
def tables() -> dict[str, Any]:
    """Return what ``templates/fusionpbx.yml`` holds."""
    with (SHIPPED / "fusionpbx.yml").open(encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def is_true(text: str | None, empty: bool = False) -> bool:
    """Tell what a boolean column says: text or boolean, by version."""
    return empty if not text else text.strip().lower() in ("true", "t", "1", "yes", "on")


@functools.lru_cache(maxsize=4096)
def number(text: str | None) -> int | None:
    """Return the integer of a numeric or text column, None where there is none."""
    match = re.fullmatch(r"\s*([0-9]{1,9})(?:\.0*)?\s*", text or "", re.ASCII)
    return int(match[1]) if match else None


def _template(device: Row) -> str:
    return (device.get("device_template") or "").strip().strip("/").lower()


def vendor_of(device: Row) -> str:
    """Return FusionPBX's name of a device's vendor; one that is not filled in is that of its template."""
    return (device.get("device_vendor") or "").strip().lower() or _template(device).partition("/")[0]


class Handsets:
    """Finds the pack and the model of a device."""

    def __init__(self, packs: Packs, models: Mapping[str, str]) -> None:
        """Remember where to look.

        :param models: the user's own: template, such as ``grandstream/gxp21xx``, to model.
        """
        self._packs = packs
        self._models = {str(name).strip().lower(): str(model) for name, model in models.items()}
        self._known: dict[tuple[str, str, str, str], tuple[Pack | None, str, str]] = {}

    def find(self, device: Row) -> tuple[Pack | None, str, str]:
        """Return pack, model and, where either is missing, what is wrong."""
        template, vendor = _template(device), vendor_of(device)
        key = (vendor, template, device.get("device_model") or "", device.get("device_provisioned_agent") or "")
        if key not in self._known:
            self._known[key] = self._find(*key)
        return self._known[key]

    def _find(self, vendor: str, template: str, model: str, agent: str) -> tuple[Pack | None, str, str]:
        names = tables()["vendors"].get(vendor, [re.sub("[^a-z0-9]+", "_", vendor).strip("_")])
        packs = [pack for pack in map(self._packs.get, filter(_PACK.fullmatch, names)) if pack]
        if not packs:
            return None, "", f"has vendor {vendor[:64]!r}, for which there is no pack" if vendor else "has no vendor"
        base = template.rpartition("/")[2]
        given = self._models.get(template) or self._models.get(base)
        # What the phone itself said last is surer than a template that serves a family.
        words = [given] if given else [model, *_words(agent), base]
        for word in words:
            for pack in packs:
                if word and pack.model(word):
                    return pack, word, ""
        wanted = given or model or base
        # Of the models that are known, the message of a whole pack would be too long here.
        return (
            packs[0],
            "",
            f"has model {wanted[:64]!r}, which is no {packs[0].vendor} model; set it in FusionPBX or map {template[:64]!r} under models",
        )


def _words(agent: str) -> Iterable[str]:
    """Yield the parts of a User-Agent that may be a model, longest first: ``SIP-T54W``, ``T54W``, ``VVX_411``."""
    for word in re.split(r"[\s/;,()]+", agent):
        if len(word) > 2 and re.search("[0-9]", word) and not re.fullmatch(r"[0-9.]+|(?:[0-9A-Fa-f]{2}[:-]?){6}", word):
            yield word
            yield from (part for part in word.split("-") if part != word and len(part) > 2 and not part.isdigit())


class KeyTypes:
    """Turns a vendor's code of a key into a type of ``phone_keys``."""

    def __init__(self, vendors: Iterable[Row], functions: Iterable[Row]) -> None:
        names = {row["device_vendor_uuid"]: (row.get("name") or "").lower() for row in vendors if row.get("device_vendor_uuid")}
        self._functions: dict[tuple[str, str], list[str]] = {}
        for row in functions:
            vendor = names.get(row.get("device_vendor_uuid"))
            if vendor and row.get("value") is not None and row.get("name"):
                self._functions.setdefault((vendor, str(row["value"]).lower()), []).append(str(row["name"]))
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._choices = frozenset(model_specs()["phone_keys"]["elements"]["options"]["type"]["choices"])

    def find(self, vendor: str, code: str, pack: Pack) -> str | None:
        """Return the type, None where there is no counterpart.

        :param vendor: FusionPBX's name of the vendor.
        """
        key = (vendor, code, pack.vendor)
        if key not in self._known:
            self._known[key] = self._find(vendor, code.strip().lower(), pack)
        return self._known[key]

    def _find(self, vendor: str, code: str, pack: Pack) -> str | None:
        functions = self._functions.get((vendor, code), [])
        for word in [*functions, code]:
            plain = re.sub("[^a-z0-9]+", "_", word.lower()).strip("_")
            plain = tables()["key_types"].get(plain, plain)
            if plain in self._choices and plain != "custom":
                return plain
        # A function with a name that means nothing here is not to be taken for another that has its code in our pack.
        if functions:
            return None
        same = [kind for kind, value in pack.key_types.items() if str(value).lower() == code]
        return same[0] if len(same) == 1 else None
