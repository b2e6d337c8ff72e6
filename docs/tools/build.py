# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection's archive so that the same files give the same bytes, wherever and whenever it is built.

``ansible-galaxy collection build`` writes times, owners and modes of the checkout into the archive. Here the archive is written again: names in order, one
time for all (SOURCE_DATE_EPOCH, by default that of the last commit), owner 0, modes 0644 and 0755, and no name or time in gzip's header.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def moment() -> int:
    """Return the time that every file gets, in seconds since 1970; 315532800 (1980, the earliest that all archives can tell) where there is no history."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not told:
        told = subprocess.run(
            ["git", "-C", str(TOP), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
        ).stdout.strip()
    return int(told or 315532800)


def in_order(files: bytes, manifest: bytes) -> dict[str, bytes]:
    """Return FILES.json with its names in order, not in the file system's, and the MANIFEST.json that holds its digest."""
    listed = json.loads(files)
    listed["files"].sort(key=lambda entry: entry["name"])
    ordered = json.dumps(listed, indent=1).encode()
    about = json.loads(manifest)
    about["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(ordered).hexdigest()
    return {"FILES.json": ordered, "MANIFEST.json": json.dumps(about, indent=1).encode()}


def normalised(archive: bytes, when: int) -> bytes:
    """Return a ``.tar.gz`` with the same files and nothing of the place and time it was made at."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
        lists = in_order(*(old.extractfile(name).read() for name in ("FILES.json", "MANIFEST.json")))
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            content = lists.get(member.name) or (old.extractfile(member).read() if member.isfile() else b"")
            member.mtime, member.uid, member.gid, member.uname, member.gname, member.pax_headers = when, 0, 0, "", "", {}
            member.mode, member.size = 0o755 if member.isdir() or member.mode & 0o100 else 0o644, len(content)
            new.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as out:
        out.write(plain.getvalue())
    return packed.getvalue()


def build(into: Path) -> Path:
    """Build the archive into a folder and return its path."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["ansible-galaxy", "collection", "build", str(TOP), "--output-path", scratch], check=True, stdout=subprocess.DEVNULL)
        (made,) = Path(scratch).glob("*.tar.gz")
        path = into / made.name
        path.write_bytes(normalised(made.read_bytes(), moment()))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("into", nargs="?", type=Path, default=TOP / "build")
    path = build(parser.parse_args().into)
    print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
