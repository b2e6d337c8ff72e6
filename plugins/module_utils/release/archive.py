# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What travels from the controller to a server: one tar holding the plan and the contents that the server lacks.

Three members, in this order: ``plan.jsonl`` (a header, then one line a changed phone), ``contents.jsonl`` (``[sha256, size]`` a line) and
``contents.bin`` (the contents joined in that order; a member each would cost more than the contents).
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import typing as t

from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import FORMAT, encode

_PIECE = 1 << 20
_MEMBERS = ("plan.jsonl", "contents.jsonl", "contents.bin")


class _Joined(io.RawIOBase):
    """The contents as one stream, fetched when they are read."""

    def __init__(self, pieces: t.Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def write(
    path: str, plan: t.BinaryIO, plan_size: int, index: t.Iterable[tuple[str, int]], contents: t.Iterable[bytes], compress: bool
) -> None:
    """Write an archive.

    :param plan: the plan's lines, read from where it stands.
    :param plan_size: their bytes.
    :param index: digest and size of every content, in the order of ``contents``.
    :param compress: gzip it: worth it on a network, not on the same machine.
    """
    with open(path, "xb") as raw, tempfile.TemporaryFile(dir=os.path.dirname(path) or ".") as listing:
        total = 0
        for digest, size in index:
            listing.write(encode((digest, size)) + b"\n")
            total += size
        sizes = (plan_size, listing.tell(), total)
        listing.seek(0)
        streams = (plan, listing, io.BufferedReader(_Joined(contents), 1 << 20))
        os.fchmod(raw.fileno(), 0o600)
        # A low level: it is contents that are much alike, and they are compressed while somebody waits.
        packed = gzip.GzipFile("", "wb", 2, raw, mtime=0) if compress else contextlib.nullcontext(raw)
        with packed as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
            for name, size, content in zip(_MEMBERS, sizes, streams):
                member = tarfile.TarInfo(name)
                member.size = size
                member.mode = 0o600
                tar.addfile(member, t.cast(t.IO[bytes], content))


class Rows(t.Mapping[str, t.Dict[str, t.Any]]):
    """A plan's entries by MAC, kept in a file without a name and read one at a time: parsed, those of a large fleet are most of what a server needs.

    :param lines: encoded entries.
    """

    def __init__(self, lines: t.Iterable[bytes]) -> None:
        self._file: t.Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._where: dict[str, int] = {}
        position = 0
        for line in lines:
            entry = json.loads(line)
            self._where[entry["remove"] if "remove" in entry else entry["set"]["mac"]] = position
            position += self._file.write(line if line.endswith(b"\n") else line + b"\n")

    def __getitem__(self, mac: str) -> dict[str, t.Any]:
        self._file.seek(self._where[mac])
        return json.loads(self._file.readline())

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def close(self) -> None:
        self._file.close()


class Archive:
    """Reads an archive once, front to back.

    :raises ReleaseError: not an archive of this format, cut short, or a content that isn't what its digest says.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._tar = tarfile.open(path, "r|*")  # noqa: SIM115 - closed by close()
            lines = self._member(_MEMBERS[0])
            header = json.loads(next(lines, b"null"))
            self.header: dict[str, t.Any] = header if isinstance(header, dict) else {}
            if self.header.get("format") != FORMAT:
                raise ReleaseError(f"{path}: the plan's format {self.header.get('format')} is not {FORMAT}: controller and server differ")
            self.rows = Rows(lines)
            self.index: list[tuple[str, int]] = [_announced(line) for line in self._member(_MEMBERS[1])]
        except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise ReleaseError(f"{path}: not a readable archive of a release ({exc})") from None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_error: object) -> None:
        self._tar.close()
        self.rows.close()

    def _member(self, name: str) -> t.IO[bytes]:
        member = self._tar.next()
        if member is None or member.name != name:
            raise ReleaseError(f"{self._path}: holds {member.name if member else 'nothing'} where {name} is wanted")
        if not member.isreg():
            raise ReleaseError(f"{self._path}: {name} is no regular file")
        return t.cast(t.IO[bytes], self._tar.extractfile(member))

    def contents(self) -> t.Iterator[tuple[str, t.Iterator[bytes]]]:
        """Yield digest and content, in pieces that fit into memory; a content that isn't the one announced raises at its end."""
        try:
            stream = self._member(_MEMBERS[2])
            for digest, size in self.index:
                pieces = self._pieces(stream, digest, size)
                yield digest, pieces
                # What nobody wanted is passed over.
                for _piece in pieces:
                    pass
        except (tarfile.TarError, EOFError, OSError) as exc:
            raise ReleaseError(f"{self._path}: cut short ({exc})") from None

    def _pieces(self, stream: t.IO[bytes], digest: str, size: int) -> t.Iterator[bytes]:
        found = hashlib.sha256()
        left = size
        while left:
            piece = stream.read(min(left, _PIECE))
            if not piece:
                break
            found.update(piece)
            left -= len(piece)
            yield piece
        if found.hexdigest() != digest:
            raise ReleaseError(f"{self._path}: a content of {size} bytes is not the one announced; the archive was damaged on the way")


def _announced(line: bytes) -> tuple[str, int]:
    """Return the digest and the size of a content.

    :raises ValueError: the line says something else.
    """
    digest, size = json.loads(line)
    if not isinstance(digest, str) or not isinstance(size, int) or size < 0:
        raise ValueError("a content is announced with other than its digest and its size")
    return digest, size
