# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive of the collection tells nothing of the place and the time it was built at."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import tarfile
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
_PATH = TOP / "docs" / "tools" / "build.py"
_SPEC = importlib.util.spec_from_file_location("build_of_the_collection", _PATH)
build = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(build)


def archive(names: list[str], mtime: int, uid: int, mode: int) -> bytes:
    """An archive as ansible-galaxy writes it, from a checkout with these times, owners and modes, in this order."""
    files = json.dumps({"files": [{"name": name, "ftype": "file"} for name in names], "format": 1}, indent=1).encode()
    manifest = json.dumps({"file_manifest_file": {"chksum_sha256": hashlib.sha256(files).hexdigest()}, "format": 1}, indent=1).encode()
    packed = io.BytesIO()
    with gzip.GzipFile(filename=f"of-{uid}.tar", fileobj=packed, mode="wb", mtime=mtime) as out, tarfile.open(fileobj=out, mode="w") as new:
        for name, content in [("MANIFEST.json", manifest), ("FILES.json", files), *((name, name.encode()) for name in names)]:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uid, member.uname, member.mode = len(content), mtime, uid, f"user{uid}", mode
            new.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_the_same_files_give_the_same_bytes():
    one = build.normalised(archive(["a.yml", "b.yml"], 1, 0, 0o644), 1000)
    other = build.normalised(archive(["b.yml", "a.yml"], 2_000_000_000, 1000, 0o600), 1000)
    assert one == other


def test_the_manifest_fits_the_files():
    made = build.normalised(archive(["b.yml", "a.yml"], 5, 5, 0o755), 1000)
    with tarfile.open(fileobj=io.BytesIO(made)) as read:
        files = read.extractfile("FILES.json").read()
        manifest = json.load(read.extractfile("MANIFEST.json"))
        members = read.getmembers()
    assert manifest["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(files).hexdigest()
    assert [entry["name"] for entry in json.loads(files)["files"]] == ["a.yml", "b.yml"]
    assert {(member.mtime, member.uid, member.uname, member.mode) for member in members} == {(1000, 0, "", 0o755)}


def test_the_time_is_told_or_that_of_the_last_commit(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12345")
    assert build.moment() == 12345
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert build.moment() >= 315532800


def test_what_git_ignores_is_not_built():
    """What lies about in a checkout, such as the cache of the changelog's tool, would give other bytes than a clone of it."""
    ignored = {line.rstrip("/") for line in (TOP / ".gitignore").read_text(encoding="utf-8").split()}
    # ansible-galaxy leaves these out by itself.
    of_galaxy = {"__pycache__", "*.pyc"}
    assert ignored - of_galaxy <= set(yaml.safe_load((TOP / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"])
