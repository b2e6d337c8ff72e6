# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what a release holds, one JSON line a phone, sorted by MAC.

A row is ``{"mac", "host", "vendor", "site", "scope", "key", "files": {name: [sha256, size]}, "gate": {...}}``. The gate record holds tokens and
password hashes, so the file is root's alone and the controller gets rows without it (:func:`slim`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import typing as t
import zlib

from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import is_name
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError

FORMAT = 1
NAME = "manifest.json.gz"
# Python's default of 9 costs five times the time for a few per cent.
_LEVEL = 3
_PIECE = 1 << 16
_MAC = re.compile(r"\A[0-9a-f]{12}\Z")


def encode(value: object) -> bytes:
    """Return the one spelling of a JSON value, so that equal values have equal digests."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def gate_digest(record: dict[str, t.Any]) -> str:
    """Return what tells two gate records apart without showing either."""
    return hashlib.sha256(encode(record)).hexdigest()


def check_row(row: dict[str, t.Any]) -> None:
    """Refuse a row whose names could leave the phone's folder or meet in one file.

    :raises ReleaseError: naming the phone and the name.
    """
    if not _MAC.match(row["mac"]):
        raise ReleaseError(f"plan: {row['mac']!r} is not twelve lower-case hexadecimal digits")
    for name in row["files"]:
        if not is_name(name):
            raise ReleaseError(
                f"{row['host']}: file name {name!r} can't be published (lower-case letters, digits, dots, dashes and underscores, 100 at most)"
            )


def write(path: str, header: dict[str, t.Any], lines: t.Iterable[bytes]) -> str:
    """Write a manifest and return its digest, which depends on the content alone.

    :param lines: encoded rows without a line end, sorted by MAC.
    """
    digest = hashlib.sha256()
    with open(path, "xb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as stream:
        for line in _joined(header, lines):
            digest.update(line)
            stream.write(line)
    return digest.hexdigest()


def _joined(header: dict[str, t.Any], lines: t.Iterable[bytes]) -> t.Iterator[bytes]:
    # In pieces of some size: a call into zlib per line would cost more than the compression.
    piece = [encode(header)]
    for line in lines:
        piece.append(line)
        if len(piece) == 256:
            yield b"\n".join(piece) + b"\n"
            piece = []
    if piece:
        yield b"\n".join(piece) + b"\n"


def read(path: str) -> tuple[dict[str, t.Any], t.Iterator[bytes]]:
    """Return the header and the encoded rows.

    :raises ReleaseError: damaged, or of a format that this version doesn't know; raised by the iterator too.
    """
    lines = _lines(path)
    try:
        header = json.loads(next(lines))
        known = header["format"]
    except (StopIteration, ValueError, KeyError, TypeError):
        raise ReleaseError(f"{path}: has no header; the manifest is damaged, let current point to another release") from None
    if known != FORMAT:
        raise ReleaseError(f"{path}: format {known} is not known to this version of the collection (known: {FORMAT})")
    return header, lines


def _lines(path: str) -> t.Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as stream:
            for line in stream:
                yield line.rstrip(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise ReleaseError(f"{path}: the manifest is damaged ({exc}); let current point to another release") from None


def digest(path: str) -> str:
    """Return the digest that :func:`write` returned for a file.

    :raises ReleaseError: damaged.
    """
    found = hashlib.sha256()
    try:
        with gzip.open(path, "rb") as stream:
            for piece in iter(lambda: stream.read(1 << 20), b""):
                found.update(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise ReleaseError(f"{path}: the manifest is damaged ({exc}); let current point to another release") from None
    return found.hexdigest()


def slim(lines: t.Iterable[bytes]) -> bytes:
    """Return the rows as the controller gets them: compressed, a digest in place of each gate record.

    :raises ReleaseError: out of order, which the controller relies on.
    """
    packer = zlib.compressobj(_LEVEL)
    parts = []
    last = ""
    for line in lines:
        row = json.loads(line)
        if row["mac"] <= last:
            raise ReleaseError("the manifest's rows are out of order; it was edited, let current point to another release")
        last = row["mac"]
        row["gate"] = gate_digest(row["gate"])
        parts.append(packer.compress(encode(row) + b"\n"))
    parts.append(packer.flush())
    return b"".join(parts)


def unslim(packed: bytes) -> t.Iterator[t.Tuple[str, bytes]]:
    """Yield MAC and encoded slim row, in the order of MACs."""
    unpacker = zlib.decompressobj()
    rest = b""
    for begin in range(0, len(packed), _PIECE):
        *lines, rest = (rest + unpacker.decompress(packed[begin : begin + _PIECE])).split(b"\n")
        for line in lines:
            yield json.loads(line)["mac"], line
