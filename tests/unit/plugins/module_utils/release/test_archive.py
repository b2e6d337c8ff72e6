# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that no controller wrote: each is one sentence, and nothing of it is written anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.archive import Archive
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import FORMAT

from .server import Server

CONTENT = b"content"
PLAN = json.dumps({"format": FORMAT, "base": "", "id": "r1"}).encode() + b"\n"
INDEX = json.dumps([hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)]).encode() + b"\n"


def written(folder, *members) -> str:
    """Write an archive of members: a name with its content, or with the kind of file it is and where that leads."""
    path = str(folder / "release.tar")
    with tarfile.open(path, "w") as tar:
        for name, content, *kind in members:
            member = tarfile.TarInfo(name)
            if kind:
                member.type, member.linkname = kind[0], content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def read(path: str) -> list[bytes]:
    with Archive(path) as archive:
        return [b"".join(pieces) for _digest, pieces in archive.contents()]


def test_what_a_controller_writes_is_read(tmp_path):
    assert read(written(tmp_path, ("plan.jsonl", PLAN), ("contents.jsonl", INDEX), ("contents.bin", CONTENT))) == [CONTENT]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
@pytest.mark.parametrize("place", range(3))
def test_members_are_regular_files(tmp_path, kind, place):
    members: list[tuple] = [("plan.jsonl", PLAN), ("contents.jsonl", INDEX), ("contents.bin", CONTENT)]
    name = members[place][0]
    members[place] = (name, "/etc/passwd", kind)
    with pytest.raises(ReleaseError, match=f"{name} is no regular file"):
        read(written(tmp_path, *members))


@pytest.mark.parametrize("plan", [b"[1]\n", b'"x"\n', b"1\n", b"", b"{\n", b"[" * 100_000 + b"\n", PLAN + b"[1]\n", PLAN + b"{}\n"])
def test_a_plan_is_an_object_a_line(tmp_path, plan):
    with pytest.raises(ReleaseError, match="format None|not a readable archive"):
        read(written(tmp_path, ("plan.jsonl", plan), ("contents.jsonl", INDEX), ("contents.bin", CONTENT)))


@pytest.mark.parametrize("index", [b'["x", -1]\n', b'["x", "y"]\n', b"[1, 1]\n", b'["x", 1, 2]\n', b"5\n", b"{}\n", b"x\n"])
def test_a_content_is_announced_with_its_digest_and_size(tmp_path, index):
    with pytest.raises(ReleaseError, match="not a readable archive"):
        read(written(tmp_path, ("plan.jsonl", PLAN), ("contents.jsonl", index), ("contents.bin", CONTENT)))


@pytest.mark.parametrize("name", ["../plan.jsonl", "/plan.jsonl", "x/plan.jsonl"])
def test_members_have_no_other_names(tmp_path, name):
    with pytest.raises(ReleaseError, match="where plan.jsonl is wanted"):
        read(written(tmp_path, (name, PLAN), ("contents.jsonl", INDEX), ("contents.bin", CONTENT)))


@pytest.mark.parametrize("release", ["../../outside", "/outside", "a/b", ".", "", "x" * 65])
def test_a_release_is_a_folder_among_releases(tmp_path, release):
    server = Server(tmp_path / "server")
    plan = json.dumps({"format": FORMAT, "base": "", "id": release}).encode() + b"\n"
    path = written(tmp_path, ("plan.jsonl", plan), ("contents.jsonl", b""), ("contents.bin", b""))
    with pytest.raises(ReleaseError, match="release id"):
        server.publisher.apply(path)
    assert [found.name for found in tmp_path.rglob("*outside*")] == []
