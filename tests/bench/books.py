# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what phonebooks add to a publish: the same fleet without and with 60 books of 10,000 people, a book for each phone, all vendors mixed.

    python tests/bench/books.py --phones 10000

Ratios of processor times of one run of this program: the publish with books by the one without, the first time and when nothing changed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from bench import Round, prepare_environment
from make_fleet import FIRST, LAST


def write_book(path: Path, people: int, seed: int) -> None:
    """Write a table of people; the same arguments write the same file."""
    draw = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", "number", "mobile", "group", "email"])
        for number in range(people):
            name = f"{draw.choice(FIRST)} {draw.choice(LAST)} {number}"
            mobile = f"+49 171 {number:07}" if number % 3 == 0 else ""
            rows.writerow([name, f"{seed:02}{number:05}", mobile, f"Group {number % 20}", f"u{number}@example.com"])


def formats(book: Path) -> dict[str, Any]:
    """Return the seconds that one book takes to read, and to render for phones of each vendor."""
    from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
    from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs
    from ansible_collections.dialtone.phones.plugins.plugin_utils.render import PackRenderer

    books, packs = Phonebooks({"book": {"csv": book.name}}, book.parent), Packs()
    begin = time.process_time()
    people = len(books.entries("book"))
    found: dict[str, Any] = {"people": people, "read_s": time.process_time() - begin, "render_s": {}}
    for vendor in packs.names():
        rule = packs.get(vendor).data.get("phonebook")
        if rule:
            listing = {"name": "book", "title": "Book", "file": "book.xml", "entries": rule.get("entries")}
            renderer = PackRenderer(packs.get(vendor))
            renderer.render_book(books, listing)
            begin = time.process_time()
            renderer.render_book(books, listing)
            found["render_s"][vendor] = time.process_time() - begin
    return found


def measure(phones: int, count: int, people: int, work: Path) -> dict[str, Any]:
    """Return the times of a publish without and with books."""
    plain = Round(phones, work)
    result: dict[str, Any] = {"phones": phones, "books": count, "people": people}
    root = work / "root"

    def both(name: str) -> None:
        shutil.rmtree(root, ignore_errors=True)
        plain._playbook(f"{name}_first", "publish.yml")
        for _round in range(2):
            plain._playbook(f"{name}_rerun", "publish.yml", changed=False)
        result[name] = {what: plain.found[f"{name}_{what}_cpu_s"] for what in ("first", "rerun")}
        result[name] |= {f"{what}_mb": plain.found[f"{name}_{what}_mb"] for what in ("first", "rerun")}

    both("without")
    folder = work / "books"
    folder.mkdir()
    definitions = {}
    for number in range(count):
        write_book(folder / f"{number}.csv", people, number)
        definitions[f"book{number}"] = {"csv": str(folder / f"{number}.csv")}
    result["one"] = formats(folder / "0.csv")
    for file, values in {
        "all/books.yml": {"phone_configs_phonebooks": definitions},
        "phones/books.yml": {"phone_phonebooks": [f"book{{{{ (phone_lines[0].number | int) % {count} }}}}"]},
    }.items():
        target = plain.inventory / "group_vars" / file
        # A group's variables are one file in the fleet: beside others they are a folder.
        single = target.parent.with_suffix(".yml")
        target.parent.mkdir(exist_ok=True)
        if single.exists():
            single.rename(target.parent / "main.yml")
        target.write_text(yaml.safe_dump(values), encoding="utf-8")
    both("with")
    stored: dict[int, int] = {}
    names = 0
    for file in root.glob("current/phones/*/*book*.xml"):
        known = file.stat()
        stored[known.st_ino] = known.st_size
        names += 1
    result["stored"] = {"files": len(stored), "names": names, "bytes": sum(stored.values())}
    return result


def text(result: dict[str, Any]) -> str:
    one, without, with_books = result["one"], result["without"], result["with"]
    slowest = max(one["render_s"], key=one["render_s"].get)
    lines = [
        f"a book of {one['people']:,} people: read in {one['read_s']:.2f} s, rendered in at most {one['render_s'][slowest]:.2f} s ({slowest})",
        f"{result['phones']:,} phones, {result['books']} books of {result['people']:,} people:",
    ]
    for what, name in (("first", "first publish"), ("rerun", "nothing changed")):
        ratio = with_books[what] / without[what]
        memory = f"{without[f'{what}_mb']:.0f} and {with_books[f'{what}_mb']:.0f} MB"
        lines.append(
            f"  {name:16} {without[what]:7.1f} s of processor time without, {with_books[what]:7.1f} s with books: {ratio:.2f} times ({memory})"
        )
    stored = result["stored"]
    lines.append(f"  on disk          {stored['files']:,} files under {stored['names']:,} names, {stored['bytes'] / 1e6:,.0f} MB")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--phones", type=int, default=1000)
    parser.add_argument("--books", type=int, default=60)
    parser.add_argument("--people", type=int, default=10000)
    parser.add_argument("--output", type=Path, default=Path("build/bench"))
    arguments = parser.parse_args()
    prepare_environment()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dialtone-bench-") as folder:
        result = measure(arguments.phones, arguments.books, arguments.people, Path(folder))
    (arguments.output / "books.json").write_text(json.dumps(result, indent=2) + "\n")
    (arguments.output / "books.txt").write_text(text(result) + "\n", encoding="utf-8")
    print(text(result))


if __name__ == "__main__":
    sys.exit(main())
