# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages of the documentation hold: blocks, the commands in them, and the names that the collection knows."""

from __future__ import annotations

import functools
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(TOP)
    for pattern in ("*.md", "docs/*.md", "roles/*/README.md", "inventories/*/README.md")
    for path in TOP.glob(pattern)
    if path.name != "CHANGELOG.md"
)
BLOCK = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SHELL = {"console", "sh", "shell", "bash"}
# Commands within a sentence or a table start with one of these.
PROGRAMS = re.compile(r"(\w+=\S+ )*(ansible(-[a-z]+)?|gatectl|make|nox|python3?|tests/lab/\S+|\./phones) ")
# What stands for something in a command that is only described.
PLACEHOLDERS = (
    (r"\[([^]]*)\]", r" \1 "),
    (r"<mac>\[,<mac>…\]|<mac>|\bMAC(\.\.\.)?(?= |$)", "001565aabbcc"),
    (r"<address>|(?<=--address )A\b", "192.0.2.1"),
    (r"<\w+>", "something"),
    (r"^\.\.\. ", "ansible-playbook dialtone.phones.site "),
    (r"(?<=VAULT_PASSWORD=)…|(?<=-i )…", "secret"),
    (r"(?<=capture_dest=)…", "screens"),
)


def identity(value: object) -> str:
    return str(value) if isinstance(value, Path) else ""


def blocks(kinds: set[str]) -> list[tuple[Path, str]]:
    """Return page and text of every block of one of the kinds, without the indentation that a list gives it."""
    found = []
    for page in PAGES:
        for indent, kind, text in BLOCK.findall((TOP / page).read_text(encoding="utf-8")):
            if kind in kinds:
                found.append((page, "".join(line[len(indent) :] if line.startswith(indent) else line for line in text.splitlines(True))))
    return found


def entries() -> list[tuple[Path, str]]:
    return blocks({"yaml", "yaml+jinja"})


def load(text: str) -> list[Any]:
    """Return the documents of a block; a value with a tag, such as ``!vault``, is none."""
    loader = type("Loader", (yaml.SafeLoader,), {"yaml_multi_constructors": {"!": lambda *_: None}})
    return list(yaml.load_all(text, Loader=loader))


def commands(text: str) -> list[list[str]]:
    """Return the commands of a block, without comments, redirections and what stands after a pipe."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [
        words for line in joined.splitlines() for part in re.split(r"\s(?:&&|\|)\s", line) if (words := shlex.split(part, comments=True))
    ]


def inline_commands() -> list[tuple[Path, list[str]]]:
    """Return the commands that sentences and tables name, with something in the place of each placeholder."""
    found = []
    for page in PAGES:
        text = BLOCK.sub("", (TOP / page).read_text(encoding="utf-8"))
        for code in re.findall(r"`([^`]+)`", text):
            filled = " ".join(code.split())
            for pattern, put in PLACEHOLDERS if re.match(r"gatectl|\.\.\. -|\S+=… |.*<|.*=…", filled) else ():
                filled = re.sub(pattern, put, filled)
            filled = re.sub(r"^([*0-9 ]+ )?cd \S+ && ", "", filled)
            if PROGRAMS.match(filled):
                found.append((page, shlex.split(re.sub(r"^(\w+=\S+ )+", "", filled))))
    return found


def commands_of_playbooks() -> list[tuple[Path, list[str]]]:
    """Return the commands in the comments of playbooks; what they do stands behind them, after some blanks."""
    return [
        (path.relative_to(TOP), words)
        for path in sorted(TOP.glob("playbooks/*.yml"))
        for line in re.findall(r"^# +(ansible.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for words in commands(re.split(r" {2,}", line)[0])
    ]


@functools.cache
def every_command() -> list[tuple[Path, list[str]]]:
    blocked = [(page, words) for page, text in blocks(SHELL) for words in commands(text)]
    return blocked + inline_commands() + commands_of_playbooks()


def stems(pattern: str) -> set[str]:
    return {path.stem for path in TOP.glob(pattern)}


PLAYBOOKS = stems("playbooks/*.yml")
ROLES = {path.name for path in (TOP / "roles").iterdir() if (path / "meta").is_dir()}
PLUGINS = stems("plugins/modules/*.py") | stems("plugins/inventory/*.py") | stems("plugins/lookup/*.py") | stems("plugins/filter/*.py")
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))


def variables() -> set[str]:
    """Return the names of every variable of phones, roles and playbooks."""
    known = {"provisioning_secret", "provisioning_secret_previous"}
    known |= set(re.findall(r"^ *(phone_\w+):", (TOP / "templates/phone_model.yml").read_text(encoding="utf-8"), re.MULTILINE))
    for path in [*TOP.glob("roles/*/meta/argument_specs.yml"), *TOP.glob("roles/*/defaults/main.yml")]:
        known |= set(re.findall(r"^\s*(?:# )?([a-z]\w+):", path.read_text(encoding="utf-8"), re.MULTILINE))
    for path in [*TOP.glob("playbooks/*.yml"), *TOP.glob("roles/*/tasks/*.yml")]:
        known |= set(re.findall(r"\b([a-z]\w+)\b", path.read_text(encoding="utf-8")))
    return known


VARIABLES = variables()
