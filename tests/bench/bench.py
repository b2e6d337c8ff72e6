# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure rendering and publishing of whole fleets, print the table, and write it as JSON and as a plot.

    make bench
    BENCH_SIZES="1000 10000 50000" BENCH_ROUNDS=3 make bench

Every number that counts is a ratio of two times of one run of this program, since machines differ and this one may be busy: each is the
smallest of some rounds.
"""

from __future__ import annotations

import argparse
import getpass
import grp
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import plot
import table

# From this size on everything is measured once: it takes a quarter of an hour.
_ONCE_FROM = 20000
HERE = Path(__file__).resolve().parent
# Packs that render whole phones from a sheet; more of them make other fleets, and numbers that can't be compared with earlier ones.
VENDORS = ["yealink", "snom", "polycom", "cisco", "fanvil", "grandstream", "htek"]


class Round:
    """Runs on one fleet; keeps the smallest time of each kind."""

    def __init__(self, phones: int, work: Path) -> None:
        self.phones = phones
        self.work = work
        self.inventory = work / f"fleet{phones}" / "inventory"
        self.found: dict[str, Any] = {"phones": phones}
        self._run([sys.executable, str(HERE / "make_fleet.py"), str(phones), str(work / f"fleet{phones}"), "--vendors", *VENDORS])

    def keep(self, name: str, value: float) -> None:
        self.found[name] = min(value, self.found.get(name, math.inf))

    def go(self) -> None:
        """Measure everything once."""
        root = self.work / "root"
        shutil.rmtree(root, ignore_errors=True)
        self._playbook("start", "noop.yml")
        self._playbook("check", "publish.yml", "--check")
        self._playbook("first", "publish.yml")
        self._limit(root)
        self._playbook("rerun", "publish.yml", changed=False)
        sheet = self.inventory.parent / "people.csv"
        text = sheet.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        # The first row of a phone, without quoted cells, in the middle of the sheet.
        middle = next(number for number in range(len(lines) // 2, len(lines)) if ",SN" in lines[number] and '"' not in lines[number])
        number, _name, rest = lines[middle].split(",", 2)
        lines[middle] = f"{number},Ada Lovelace,{rest}"
        sheet.write_text("".join(lines), encoding="utf-8")
        self._playbook("one", "publish.yml")
        sheet.write_text(text, encoding="utf-8")

    def details(self) -> None:
        """Measure once more with clocks in the steps."""
        shutil.rmtree(self.work / "root", ignore_errors=True)
        os.environ["BENCH_DETAIL"] = "1"
        self.found["steps_first"] = self._playbook("", "publish.yml")["steps"]
        self.found["steps_rerun"] = self._playbook("", "publish.yml", changed=False)["steps"]
        del os.environ["BENCH_DETAIL"]

    def database(self) -> None:
        """Measure loading the same fleet from a FusionPBX database."""
        command = [sys.executable, str(HERE / "fusionpbx.py"), str(self.phones), "--sheet", str(self.inventory / "users_csv.yml")]
        self.found["database"] = json.loads(self._run(command))

    def _limit(self, root: Path) -> None:
        folder = self.work / "limit"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [sys.executable, str(HERE / "reference.py"), str(self.inventory), str(folder), "--release", str(root / "current/phones")]
        result = json.loads(self._run(command))
        for name in ("limit_s", "limit_cpu_s", "layout_s"):
            self.keep(name, result.pop(name))
        self.found.update(result)
        shutil.rmtree(folder, ignore_errors=True)

    def _playbook(self, name: str, play: str, *more: str, changed: bool | None = None) -> dict[str, Any]:
        out = self.work / "out.json"
        out.unlink(missing_ok=True)
        group = grp.getgrgid(os.getgid()).gr_name
        extra = {"bench_root": str(self.work / "root"), "bench_owner": getpass.getuser(), "bench_group": group}
        env = {**os.environ, "BENCH_OUT": str(out)}
        command = ["ansible-playbook", "-i", str(self.inventory), str(HERE / play), "-e", json.dumps(extra), *more]
        with (self.work / "log.txt").open("w+") as log:
            begin = time.perf_counter()
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            _pid, status, usage = os.wait4(process.pid, 0)
            spent = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            text = log.read()
        if process.returncode or (changed is False and "changed=0" not in text):
            sys.exit(f"bench.py: {' '.join(command)} failed or changed what it should not:\n{text[-3000:]}")
        result = json.loads(out.read_text()) if out.exists() else {}
        if name:
            self.keep(f"{name}_s", spent)
            self.keep(f"{name}_cpu_s", usage.ru_utime + usage.ru_stime)
            self.found[f"{name}_mb"] = max(usage.ru_maxrss / 1024, self.found.get(f"{name}_mb", 0.0))
            if result:
                self.keep(f"{name}_action_s", result["action_s"])
                self.keep(f"{name}_action_cpu_s", result["action_cpu_s"])
        return result

    @staticmethod
    def _run(command: list[str]) -> str:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"bench.py: {' '.join(command)} failed:\n{done.stdout[-3000:]}")
        return done.stdout


def others(inventory: Path, work: Path, count: int) -> dict[str, Any]:
    """Return what Ansible's own ways cost and give."""
    template = [sys.executable, str(HERE / "by_template.py"), str(inventory), str(work / "template"), "--count", str(count)]
    return {
        "template": json.loads(Round._run(template)),
        "read": json.loads(Round._run([sys.executable, str(HERE / "read_fleet.py"), str(inventory)])),
    }


def prepare_environment() -> None:
    """Have Ansible tell the clocks of its steps."""
    os.environ.update(ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"), ANSIBLE_CALLBACKS_ENABLED="bench_phases")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[int(size) for size in os.environ.get("BENCH_SIZES", "1000 10000").split()])
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "2")))
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("BENCH_OUTPUT", "build/bench")), help="folder of the results")
    parser.add_argument("--templates", type=int, default=200, help="phones to render with ansible.builtin.template (default: 200)")
    arguments = parser.parse_args()
    prepare_environment()
    result: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", "sizes": []}
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dialtone-bench-") as folder:
        work = Path(folder)
        for size in arguments.sizes:
            measured = Round(size, work)
            if not result["sizes"]:
                print("ansible.builtin.template, and values against Ansible's Templar", file=sys.stderr)
                result.update(others(measured.inventory, work, arguments.templates))
            for number in range(arguments.rounds if size < _ONCE_FROM else 1):
                print(f"{size:,} phones, round {number + 1}", file=sys.stderr)
                measured.go()
            measured.database()
            if size < _ONCE_FROM:
                measured.details()
            result["sizes"].append(measured.found)
            # After each size: the next one takes long.
            (arguments.output / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
            (arguments.output / "performance.svg").write_text(plot.draw(result), encoding="utf-8")
            (arguments.output / "table.txt").write_text(table.text(result) + "\n", encoding="utf-8")
            shutil.rmtree(measured.inventory.parent, ignore_errors=True)
    print(table.text(result))


if __name__ == "__main__":
    main()
