# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vendor packs: the folders of data and templates that know a vendor. Python reads them and knows no vendor by name.

What a pack may declare is written down in docs/add-a-vendor.md. A user's folder (``phone_template_path``) may replace one template, extend a
pack (a ``pack.yml`` of its own is merged over the shipped one) or add a vendor.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.dialtone.phones.plugins.module_utils.mac import format_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import HTTP_PASSWORD
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack_check import pack_problems
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, did_you_mean, shown

SHIPPED = Path(__file__).resolve().parents[2] / "templates"


class PackError(Exception):
    """A pack can't be used: a fault of its folder, told with the file it is in."""


@dataclass(frozen=True)
class Model:
    """One model family of a pack."""

    name: str
    lines: int
    keys: dict[str, int]  # by area: line, soft, memory
    modules: int
    module_keys: int
    lacks: dict[str, frozenset]
    attributes: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        """Templates read a pack's own attributes of a model as if they were fields; an absent one is None."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.attributes.get(name)


@dataclass(frozen=True)
class FileSpec:
    """One file that a phone of this vendor asks for."""

    name: str
    template: str | None  # None: the phone asks, and must get a 404
    kind: str
    claims: bool
    contact: bool
    pinned: bool  # other files of the phone name it by its content
    layout: str | None
    raw: bool
    xml: bool
    models: re.Pattern | None
    needs: str | None

    def for_model(self, model: Model) -> bool:
        """Tell whether phones of this model ask for the file: the model matches, and has the attribute that the file's name needs."""
        if self.needs and not getattr(model, self.needs):
            return False
        return self.models is None or bool(self.models.fullmatch(model.name))


@dataclass(eq=False)
class Pack:
    """A vendor's folder, read."""

    vendor: str
    data: dict[str, Any]
    folders: list[Path]
    files: list[FileSpec] = field(default_factory=list)
    _known_models: dict[str, Model | None] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, dict]:
        """Tables from neutral values to the vendor's, by the name of the variable."""
        return self.data["values"]

    @property
    def key_types(self) -> dict[str, Any]:
        return self.data["key_types"]

    @functools.cached_property
    def http_password_length(self) -> int:
        """Number of characters of an HTTP password that the vendor's phones take."""
        return int((self.data.get("http_auth") or {}).get("password_length") or HTTP_PASSWORD)

    @functools.cached_property
    def prompts(self) -> bool:
        """Whether a phone that has no credentials asks a person for them."""
        return bool((self.data.get("http_auth") or {}).get("prompts"))

    def pin_problem(self) -> str:
        """Return what to say where ``phone_claim_pin`` is wanted of phones that don't ask."""
        return f"is on, but phones of {self.vendor} are not known to ask a person for a user and a password"

    @functools.cached_property
    def _models(self) -> list[tuple[re.Pattern, dict]]:
        return [(re.compile(entry["match"], re.IGNORECASE), entry) for entry in self.data["models"]]

    def model(self, text: str) -> Model | None:
        """Return the model of a name as people write it, or None."""
        if text not in self._known_models:
            self._known_models[text] = self._find_model(text)
        return self._known_models[text]

    def _find_model(self, text: str) -> Model | None:
        word = normalize_model(text)
        for pattern, entry in self._models:
            if pattern.fullmatch(word):
                defaults = {**self.data["model_defaults"], **entry}
                known = ("match", "name", "lines", "keys", "modules", "module_keys", "lacks")
                return Model(
                    name=word,
                    lines=defaults["lines"],
                    keys=dict(defaults.get("keys") or {}),
                    modules=defaults.get("modules", 0),
                    module_keys=defaults.get("module_keys", 0),
                    lacks={name: frozenset(items) for name, items in (defaults.get("lacks") or {}).items()},
                    attributes={name: value for name, value in defaults.items() if name not in known},
                )
        return None

    def model_problem(self, text: str) -> str:
        """Return the clause for a model the pack does not know."""
        names = self.data.get("model_names") or [entry.get("name", entry["match"]) for entry in self.data["models"]]
        near = did_you_mean(normalize_model(text), [normalize_model(name) for name in names])
        return f"{shown(text)} is not known for {self.vendor}{near or '; known: ' + ', '.join(names)}"

    @functools.cached_property
    def refusal_rules(self) -> list[tuple[re.Pattern, re.Pattern | None, str]]:
        """Return the ``refused`` rules: what to search for, in which variables (None: all), and why it can't be."""
        rules = self.data["refused"]
        return [(re.compile(rule["pattern"]), re.compile(rule["only"]) if rule.get("only") else None, rule["why"]) for rule in rules]

    def file_name(self, pattern: str, mac: str, model: Model, **more: str) -> str:
        """Return the name of a file for one phone, from a pattern with ``{mac}``, ``{MAC}``, ``{model}`` and the model's attributes."""
        return pattern.format(
            mac=mac, MAC=format_mac(mac, "upper"), model=model.name, MODEL=model.name.upper(), **{**model.attributes, **more}
        )

    @functools.cached_property
    def parameters(self) -> ParameterNames:
        """Return the names of the vendor's parameters that the pack knows."""
        lines: list[str] = []
        for folder in self.folders:
            file = folder / "parameters.txt"
            if file.is_file():
                lines += file.read_text(encoding="utf-8").splitlines()
        return ParameterNames(line.strip() for line in lines if line.strip() and not line.startswith("#"))


class ParameterNames:
    """Known parameter names. Numbers in a name stand for any number, a ``*`` for any rest."""

    # Beyond, nobody is helped by guesses, and each takes milliseconds.
    _GUESSED = 256

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._near: dict[str, str] = {}
        self._patterns: list[re.Pattern] = []
        for name in names:
            if "*" in name:
                self._patterns.append(re.compile(".+".join(re.escape(part) for part in _without_numbers(name).split("*"))))
            else:
                self._exact.add(_without_numbers(name))

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def __contains__(self, name: str) -> bool:
        plain = _without_numbers(name)
        return plain in self._exact or any(pattern.fullmatch(plain) for pattern in self._patterns)

    def near(self, name: str) -> str:
        """Return a clause with the near misses of an unknown name."""
        plain = _without_numbers(name)
        if plain not in self._near and len(self._near) < self._GUESSED:
            self._near[plain] = did_you_mean(plain, sorted(self._exact), " (did you mean {}? # is a number)")
        return self._near.get(plain, "")


def _without_numbers(name: str) -> str:
    return re.sub(r"[0-9]+|#", "#", name)


@functools.lru_cache(maxsize=4096)
def normalize_model(text: str) -> str:
    """Return a model name without what people write differently: case, blanks, dashes, a leading SIP-."""
    return re.sub(r"[^a-z0-9+]", "", re.sub(r"^sip[\s_-]", "", text.strip().lower()))


_DEFAULTS: dict[str, Any] = {
    "status": "untested",
    "mac_case": "lower",
    "handover": "home",
    "claim_path": "",
    "values": {},
    "key_types": {},
    "model_defaults": {"lines": 1},
    "booleans": ["1", "0"],
    "unsupported": [],
    "layouts": {},
    "refused": [],
    "repeatable": [],
    "secret_parameters": [],
    "ouis": [],
}


def _merge(below: dict, above: dict) -> dict:
    """Return two declarations as one: dictionaries merge, models of the upper come first, everything else is replaced."""
    result = dict(below)
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = _merge(result[name], value)
        elif name == "models" and isinstance(value, list) and isinstance(result.get(name), list):
            result[name] = value + result[name]
        else:
            result[name] = value
    return result


class Packs:
    """All packs that can be found, read when first asked for. ``folders``: the user's own, as they were given.

    :param paths: the user's folders, the first wins over the next and all over the shipped ones.
    """

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self.folders = tuple(paths)
        self._roots = [*(Path(path) for path in paths), SHIPPED]
        self._packs: dict[str, Pack | None] = {}
        self._broken: dict[str, PackError] = {}
        self._names: list[str] | None = None
        for root in self._roots:
            if not root.is_dir():
                raise PackError(f"phone_template_path: {root} is not a folder")

    @classmethod
    def below(cls, folder: Path, paths: object) -> Packs:
        """Return the packs of ``phone_template_path``: a path or a list of paths, relative to a folder; nothing for none.

        :raises PackError: it is neither, or names what is no folder.
        """
        named = [paths] if isinstance(paths, str) else paths or []
        if not isinstance(named, Sequence) or not all(isinstance(path, str) for path in named):
            raise PackError(f"phone_template_path: got {shown(paths)}, wanted a folder or a list of folders")
        return cls([str(folder / path) for path in named if path])

    def names(self) -> list[str]:
        """Return the vendors that have a pack."""
        if self._names is None:
            self._names = sorted({file.parent.name for root in self._roots for file in root.glob("*/pack.yml")})
        return list(self._names)

    def get(self, vendor: str) -> Pack | None:
        """Return the pack of a vendor, None when there is none.

        :raises PackError: the folder is there, but can't be used.
        """
        if vendor in self._broken:
            raise self._broken[vendor].with_traceback(None)
        if vendor not in self._packs:
            try:
                self._packs[vendor] = self._load(vendor, ()) if re.fullmatch("[a-z][a-z0-9_]*", vendor) else None
            except PackError as exc:
                self._broken[vendor] = exc
                raise
        return self._packs[vendor]

    def wanted(self, vendor: str) -> Pack:
        """Return the pack of a vendor.

        :raises PackError: there is none, or it can't be used; the message is a clause.
        """
        pack = self.get(vendor)
        if pack is None:
            names = self.names()
            raise PackError(f"{shown(vendor)} has no pack{did_you_mean(vendor, names) or '; known: ' + ', '.join(names)}")
        return pack

    def model_of(self, host: str, phone: Mapping[str, Any], problems: list[Problem]) -> tuple[Pack, Model] | None:
        """Return the pack and the model of a phone; nothing where it has none, which is then noted."""
        try:
            pack = self.wanted(phone["vendor"])
        except PackError as exc:
            problems.append(Problem(f"{host}: phone_vendor", str(exc)))
            return None
        model = pack.model(phone["model"])
        if model is None:
            problems.append(Problem(f"{host}: phone_model", pack.model_problem(phone["model"])))
            return None
        return pack, model

    def _load(self, vendor: str, below: tuple[str, ...]) -> Pack | None:
        if vendor in below:
            raise PackError(f"pack {vendor}: extends itself ({' -> '.join((*below, vendor))})")
        folders = [root / vendor for root in self._roots if (root / vendor).is_dir()]
        declared = [_read(folder / "pack.yml") for folder in folders if (folder / "pack.yml").is_file()]
        if not declared:
            return None
        data: dict[str, Any] = {}
        for part in reversed(declared):
            data = _merge(data, part)
        base = data.pop("extends", None)
        if base is not None and (not isinstance(base, str) or not re.fullmatch("[a-z][a-z0-9_]*", base)):
            raise PackError(f"pack {vendor}: extends {shown(base)}, which is no name of a pack")
        if base and base != vendor:
            parent = self._load(base, (*below, vendor))
            if parent is None:
                raise PackError(f"pack {vendor}: extends {shown(base)}, which is no pack{did_you_mean(str(base), self.names())}")
            below_data = dict(parent.data)
            if not data.pop("base_models", True):
                # A vendor that speaks another's language has phones of its own only.
                below_data.pop("models")
            data = _merge(below_data, data)
            folders += parent.folders
        data = _merge(_DEFAULTS, data)
        problems = pack_problems(data, folders)
        if problems:
            raise PackError(f"pack {vendor}: {'; '.join(problems)}")
        pack = Pack(vendor, data, folders)
        pack.files = [_file_spec(entry) for entry in data["files"]]
        return pack


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open(encoding="utf-8") as stream:
            data = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise PackError(f"{file}: can't be read: {' '.join(str(exc).split())}") from exc
    if not isinstance(data, dict):
        raise PackError(f"{file}: holds a {type(data).__name__}, wanted a dictionary")
    return data


def _file_spec(entry: dict[str, Any]) -> FileSpec:
    name, kind = entry["name"], entry.get("kind", "device")
    template = entry.get("template")
    return FileSpec(
        name=name,
        template=template,
        kind=kind,
        claims=bool(entry.get("claims")),
        contact=bool(entry.get("contact")),
        pinned=bool(entry.get("pinned")),
        layout=entry.get("layout"),
        raw=bool(entry.get("raw")),
        xml=bool(entry.get("xml", name.endswith(".xml"))),
        models=re.compile(entry["models"], re.IGNORECASE) if entry.get("models") else None,
        needs=entry.get("needs"),
    )
