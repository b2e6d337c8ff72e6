# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Local files that phones fetch beside their configuration: firmware, wallpapers, ringtones, certificates, language packs.

The inventory names a file; here it is found, looked at and given the name that it is published under. A file is read once a run, however many
phones use it, and never held in memory.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.plugin_utils.asset_rules import Rule, content_fault, picture_size, rule_of
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown

_HEAD = 512 * 1024
# How much of the digest stands in a name: enough that nobody makes two files of one name, few enough for a phone's display.
_DIGEST = 16
_STEM = 60
_KEPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MADE = re.compile(rf".+-[0-9a-f]{{{_DIGEST}}}(?:\.[a-z0-9]{{1,8}})?")
# Variables that may name local files, and of which kind these are.
_LISTS = {"ringtones": "ringtone", "trusted_certificates": "certificate", "language_packs": "language"}
_DOT1X = {"ca_url": "certificate", "certificate_url": "device_certificate"}


class Found(NamedTuple):
    """A local file, read: ``path`` as it was resolved, ``head`` its first bytes; or ``fault``, a clause that says why it can't be used."""

    path: str
    size: int
    sha256: str
    head: bytes
    fault: str


class Asset(NamedTuple):
    """A file as one phone gets it: the name it has on disk there, and where its content is."""

    name: str
    size: int
    sha256: str
    path: str


class Place(NamedTuple):
    """Where a phone names a local file: variable, position in a list or option of a dictionary; and what is published for it."""

    variable: str
    inner: int | str | None
    rule: Rule
    asset: Asset
    asked: str  # the file's own name, in the case it was written in


class Assets:
    """Finds and reads local files; one object serves a run.

    :param folders: where relative paths begin, and outside of which no file is taken: text from a sheet or a database must not
        publish any file of the controller.
    """

    def __init__(self, folders: Sequence[str | Path] = ()) -> None:
        self._folders = list(dict.fromkeys(os.path.realpath(folder) for folder in folders))
        self._found: dict[str, Found] = {}

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file's present content; empty when it can't be read."""
        return self.find(path).sha256

    def find(self, path: str) -> Found:
        """Return a file, read and digested, once a run."""
        if path not in self._found:
            self._found[path] = self._find(path)
        return self._found[path]

    def _find(self, path: str) -> Found:
        for folder in self._folders:
            real = os.path.realpath(os.path.join(folder, os.path.expanduser(path)))
            if os.path.lexists(real):
                break
        else:
            return _bad(f"{shown(path)} is not there (looked in {', '.join(self._folders)})")
        if not any(real.startswith(folder.rstrip("/") + "/") for folder in self._folders):
            return _bad(f"{shown(path)} lies outside of {', '.join(self._folders)}; name its folder in phone_configs_asset_path")
        try:
            # Not blocking: a named pipe would wait for its writer.
            descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with open(descriptor, "rb") as stream:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return _bad(f"{shown(path)} is not a file")
                head = stream.read(_HEAD)
                total, size = hashlib.sha256(head), len(head)
                for piece in iter(functools.partial(stream.read, 1 << 20), b""):
                    total.update(piece)
                    size += len(piece)
        except OSError as exc:
            return _bad(f"{shown(path)} can't be read ({exc.strerror})")
        return Found(real, size, total.hexdigest(), head, "" if size else f"{shown(path)} is empty")

    def place(self, phone: Phone, pack: Pack, model: Model) -> tuple[list[Place], list[Problem], list[str]]:
        """Return what a phone names as local files, what is wrong with them, and notes.

        :param phone: as ``fit`` left it.
        """
        places: list[Place] = []
        problems: list[Problem] = []
        notes: list[str] = []
        for variable, inner, where, kind, given in _named(phone):
            rule = rule_of(kind, pack.data, model)
            found = self.find(given["file"])
            fault = self._fault(found, given, rule, pack, model)
            if fault:
                problems.append(Problem(f"{phone['host']}: {where}", fault))
                continue
            asked = os.path.basename(given["file"])
            asset = Asset(published_name(asked, found.sha256, rule.keeps_name), found.size, found.sha256, found.path)
            places.append(Place(variable, inner, rule, asset, asked))
            size = picture_size(found.head) if rule.pixels else None
            if size and size != rule.pixels:
                notes.append(f"{where}: is {size[0]}x{size[1]} pixels, the display has {rule.pixels[0]}x{rule.pixels[1]}")
        return places, problems, notes

    @staticmethod
    def _fault(found: Found, given: dict[str, Any], rule: Rule | None, pack: Pack, model: Model) -> str:
        who = f"{pack.vendor} {model.name}"
        name = shown(os.path.basename(given["file"]))
        if rule is None:
            return f"phones of {pack.vendor} can't be given a local file for this; wanted a URL"
        if found.fault:
            return found.fault
        extension = os.path.basename(given["file"]).rpartition(".")[2].lower()
        if extension not in rule.extensions:
            return f"{name} is not of a kind that {who} takes; wanted {', '.join('.' + item for item in rule.extensions)}"
        wanted = (given.get("sha256") or "").lower()
        if wanted and wanted != found.sha256:
            return f"{name} has SHA-256 {found.sha256}, wanted {wanted}"
        if found.size > rule.bytes:
            return f"{name} has {found.size:,} bytes, {who} takes {rule.bytes:,}"
        if rule.keeps_name and not _KEPT.fullmatch(os.path.basename(given["file"])):
            return f"{name} is no name that can be published (letters, digits, dots, dashes and underscores, 100 at most)"
        return content_fault(name, extension, rule.kind, found.head)


def _bad(fault: str) -> Found:
    return Found("", 0, "", b"", fault)


def _named(phone: Phone) -> list[tuple[str, int | str | None, str, str, dict[str, Any]]]:
    """Return every local file that a phone names: variable, place in it, how a message calls that, kind, and what was given."""
    named: list[tuple[str, int | str | None, str, str, dict[str, Any]]] = []
    firmware = phone["firmware"]
    if firmware and firmware.get("file"):
        named.append(("firmware", None, "phone_firmware (or phone_firmwares)", "firmware", firmware))
    if isinstance(phone["wallpaper"], dict):
        named.append(("wallpaper", None, "phone_wallpaper", "wallpaper", phone["wallpaper"]))
    for variable, kind in _LISTS.items():
        for index, item in enumerate(phone[variable] or ()):
            if isinstance(item, dict):
                named.append((variable, index, f"phone_{variable}[{index}]", kind, item))
    for option, kind in _DOT1X.items():
        item = (phone["dot1x"] or {}).get(option)
        if isinstance(item, dict):
            named.append(("dot1x", option, f"phone_dot1x.{option}", kind, item))
    return named


def published_name(asked: str, sha256: str, keeps_name: bool) -> str:
    """Return the name on disk. It tells the content apart, so that a phone that has one never asks for another; where the phone asks for a
    fixed name, that is kept."""
    stem, dot, extension = asked.lower().rpartition(".")
    if keeps_name:
        return asked.lower()
    stem = re.sub(r"[^a-z0-9._]+", "-", stem).strip("-._")[:_STEM] or "file"
    return f"{stem}-{sha256[:_DIGEST]}{dot}{extension}"


def is_asset_name(name: str) -> bool:
    """Tell whether a name on disk is one that :func:`published_name` made of a content."""
    return bool(_MADE.fullmatch(name))


def place_urls(phone: Phone, places: Sequence[Place], server: Any) -> None:
    """Put the phone's own URLs of its files where their names were.

    :param server: the phone's :class:`context.Server`.
    """
    for variable, inner, rule, asset, asked in places:
        name = asked if rule.keeps_name else asset.name
        base = server.url_with_credentials if rule.credentials == "url" else server.url
        address = {"url": base + name, "folder": base, "name": name}[rule.hand_over]
        # What phones share stays as it is.
        value = phone[variable]
        if variable == "firmware":
            phone[variable] = {**value, "url": address, "file": None}
        elif inner is None:
            phone[variable] = address
        elif isinstance(inner, str):
            phone[variable] = {**value, inner: address}
        else:
            phone[variable] = [*value[:inner], address, *value[inner + 1 :]]


def assets_of(places: Sequence[Place]) -> list[Asset]:
    """Return the files to publish for a phone, each once."""
    return list(dict.fromkeys(place.asset for place in places))


def without_files(phone: Phone) -> Phone:
    """Return the phone without its local files: their paths are nothing that any vendor's file will hold."""
    result = dict(phone)
    for variable, inner, _where, _kind, _given in _named(phone):
        value = result[variable]
        if isinstance(inner, int):
            result[variable] = [*value[:inner], None, *value[inner + 1 :]]
        else:
            result[variable] = {**value, inner: None} if inner else None
    return result


def local_files(phone: Phone) -> list[str]:
    """Return the paths of all local files that a phone names."""
    return sorted({given["file"] for *_place, given in _named(phone)})
