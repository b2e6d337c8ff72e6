# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a phone takes as firmware, wallpaper, ringtone, certificate or language pack: by the pack, a model, and what a file begins with."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

_PICTURES = ("png", "jpg", "jpeg", "bmp", "gif")
# What holds where a pack says nothing: wide, so that only what no phone takes is refused.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "firmware": {
        "extensions": ("rom", "bin", "st", "ld", "z", "fw", "img", "tar", "zip", "pkg", "loads", "cop", "xml"),
        "bytes": 512 << 20,
    },
    "wallpaper": {"extensions": _PICTURES, "bytes": 10 << 20},
    "ringtone": {"extensions": ("wav", "mp3", "ogg", "bin", "ulaw", "alaw", "raw", "pcm"), "bytes": 10 << 20},
    "certificate": {"extensions": ("pem", "crt", "cer", "der"), "bytes": 256 << 10},
    "device_certificate": {"extensions": ("pem", "crt", "cer", "der", "p12", "pfx"), "bytes": 256 << 10},
    "language": {"extensions": ("lang", "txt", "xml", "js", "json", "lng", "bin"), "bytes": 10 << 20, "name": "kept"},
}
KINDS = tuple(_DEFAULTS)
WORDS = {"name": ("digest", "kept"), "hand_over": ("url", "folder", "name"), "credentials": ("url", "own")}
# First bytes by extension.
_MAGIC = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "bmp": (b"BM",),
    "gif": (b"GIF87a", b"GIF89a"),
    "wav": (b"RIFF",),
    "ogg": (b"OggS",),
}


class Rule(NamedTuple):
    """How phones take one kind of file.

    ``bytes``: the largest. ``keeps_name``: they ask for a fixed name. ``hand_over``: they are told a ``url``, the ``folder`` or the ``name``.
    ``credentials``: the URL carries them (``url``), or the phone sends its ``own``. ``pixels``: width and height of the display.
    """

    kind: str
    extensions: tuple[str, ...]
    bytes: int
    keeps_name: bool
    hand_over: str
    credentials: str
    pixels: tuple[int, int] | None


def rule_of(kind: str, pack: dict[str, Any], model: Any) -> Rule | None:
    """Return how a model takes files of a kind; None when it can't be given one of ours.

    :param pack: what the vendor declares.
    :param model: a :class:`pack.Model`.
    """
    declared = pack.get("assets") or {}
    own = model.assets or {}
    found = {**_DEFAULTS[kind]}
    for part in (declared, own):
        if kind in part:
            if part[kind] is None:
                return None
            found.update(part[kind])
    pixels = found.get("pixels")
    return Rule(
        kind,
        tuple(found["extensions"]),
        found["bytes"],
        found.get("name", "digest") == "kept",
        found.get("hand_over", "url"),
        found.get("credentials", declared.get("credentials", "url")),
        (pixels[0], pixels[1]) if pixels else None,
    )


def content_fault(name: str, extension: str, kind: str, head: bytes) -> str:
    """Return why a file's content is not what its name or kind says; empty when it may be."""
    wanted = _MAGIC.get(extension)
    if wanted and not head.startswith(wanted):
        return f"{name} does not begin as a .{extension} file does"
    if kind in ("certificate", "device_certificate") and extension not in ("p12", "pfx"):
        if b"-----BEGIN CERTIFICATE-----" not in head and not head.startswith(b"\x30\x82"):
            return f"{name} holds no certificate"
        if kind == "certificate" and b"PRIVATE KEY-----" in head:
            return f"{name} holds a private key, which no phone needs to trust a server"
    return ""


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture, None where its first bytes don't tell."""
    if head.startswith(_MAGIC["png"]) and len(head) >= 24:
        return struct.unpack(">II", head[16:24])
    if head.startswith(b"BM") and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        return width, abs(height)
    return _jpeg_size(head) if head.startswith(b"\xff\xd8") else None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], struct.unpack(">H", head[place + 2 : place + 4])[0]
        # The frame headers; of the same range, 4, 8 and 12 are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        place += 2 + max(length, 2)
    return None


def rule_problems(where: str, declared: Any) -> list[str]:
    """Return what is wrong with a pack's or a model's ``assets``; a clause for each."""
    if declared is None:
        return []
    if not isinstance(declared, dict):
        return [f"{where}: wanted a dictionary of {', '.join(KINDS)}"]
    found = []
    for kind, rule in declared.items():
        place = f"{where}.{kind}"
        if kind == "credentials":
            found += _word_problems(place, kind, rule)
        elif kind not in KINDS:
            found.append(f"{place}: is neither credentials nor one of {', '.join(KINDS)}")
        elif rule is not None and not isinstance(rule, dict):
            found.append(f"{place}: wanted a dictionary, or null where no file can be given")
        else:
            for name, value in (rule or {}).items():
                found += _option_problems(f"{place}.{name}", name, value)
    return found


def _option_problems(where: str, name: str, value: Any) -> list[str]:
    if name in WORDS:
        return _word_problems(where, name, value)
    if name == "extensions":
        fine = isinstance(value, list) and value and all(isinstance(item, str) and item.isalnum() and item.islower() for item in value)
        return [] if fine else [f"{where}: wanted a list of extensions in lower case, without dots"]
    if name == "bytes":
        return [] if isinstance(value, int) and value > 0 else [f"{where}: wanted a number of bytes"]
    if name == "pixels":
        fine = isinstance(value, list) and len(value) == 2 and all(isinstance(item, int) for item in value)
        return [] if fine else [f"{where}: wanted width and height"]
    return [f"{where}: is unknown"]


def _word_problems(where: str, name: str, value: Any) -> list[str]:
    return [] if value in WORDS[name] else [f"{where}: wanted one of {', '.join(WORDS[name])}"]
