# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every block of commands and YAML in the documentation: what it names exists, YAML is YAML, and Ansible understands the plays."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(TOP)
    for pattern in ("*.md", "docs/*.md", "roles/*/README.md", "inventories/*/README.md")
    for path in TOP.glob(pattern)
    if path.name != "CHANGELOG.md"
)
BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
# Programs that are not ours, which a block may call: what they do with their arguments is not for us to test.
OTHERS = {
    "ansible-vault",
    "ansible-inventory",
    "ansible-galaxy",
    "ansible-doc",
    ".",
    "cd",
    "cp",
    "git",
    "gatectl",
    "openssl",
    "pip",
    "printf",
    "python3",
    "export",
}
# Words that plays of the documentation and of the collection may set or read though they are no variable of ours.
OURS = re.compile(r"^(phone|provisioning|probe|onboarding|dhcp_options|fleet_report)_")


def blocks(kinds: set[str]) -> list[tuple[Path, str]]:
    found = []
    for page in PAGES:
        for indent, kind, text in BLOCK.findall((TOP / page).read_text(encoding="utf-8")):
            if kind in kinds:
                found.append((page, "".join(line[len(indent) :] if line.startswith(indent) else line for line in text.splitlines(True))))
    return found


def identity(value: object) -> str:
    return str(value) if isinstance(value, Path) else ""


def stems(pattern: str) -> set[str]:
    return {path.stem for path in TOP.glob(pattern)}


PLAYBOOKS = stems("playbooks/*.yml")
ROLES = {path.name for path in (TOP / "roles").iterdir() if (path / "meta").is_dir()}
PLUGINS = stems("plugins/modules/*.py") | stems("plugins/inventory/*.py") | stems("plugins/lookup/*.py") | stems("plugins/filter/*.py")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


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


def commands(text: str) -> list[list[str]]:
    """Return the commands of a block, without comments, redirections and what stands after a pipe."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [
        words for line in joined.splitlines() for part in re.split(r"\s(?:&&|\|)\s", line) if (words := shlex.split(part, comments=True))
    ]


def extra_vars(words: list[str]) -> list[str]:
    return [
        words[at + 1].split("=", 1)[0]
        for at, word in enumerate(words[:-1])
        if word in ("-e", "--extra-vars") and re.match(r"\w+=", words[at + 1])
    ]


@pytest.mark.parametrize(("page", "text"), blocks({"console", "sh", "shell", "bash"}), ids=identity)
def test_commands_name_what_there_is(page, text):
    for words in commands(text):
        program = words[0]
        if program == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS, words
        elif program == "ansible-playbook":
            names = [word.removeprefix("dialtone.phones.") for word in words if word.startswith("dialtone.phones.")]
            assert set(names) <= PLAYBOOKS, words
            assert names or any((TOP / word).is_file() for word in words if word.endswith(".yml")), words
            assert set(extra_vars(words)) <= VARIABLES, words
        elif program == "ansible":
            module = words[words.index("-m") + 1]
            assert module.startswith("ansible.builtin.") or module.removeprefix("dialtone.phones.") in PLUGINS, words
        else:
            assert program in OTHERS or (TOP / program).is_file(), words


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_names_of_the_collection_exist(page):
    named = set(re.findall(r"\bdialtone\.phones\.([a-z][a-z_]+)\b(?!/|\.)", (TOP / page).read_text(encoding="utf-8")))
    assert named - {"git"} <= PLAYBOOKS | ROLES | PLUGINS


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value} | {name for child in value.values() for name in keys(child)}
    return {name for child in value for name in keys(child)} if isinstance(value, list) else set()


def entries() -> list[tuple[Path, str]]:
    return blocks({"yaml", "yaml+jinja"})


@pytest.mark.parametrize(("page", "text"), entries(), ids=identity)
def test_yaml_names_variables_that_there_are(page, text):
    for document in yaml.load_all(text, Loader=type("Loader", (yaml.SafeLoader,), {"yaml_multi_constructors": {"!": lambda *_: None}})):
        unknown = {name for name in keys(document) if OURS.match(name) and name not in VARIABLES}
        # Merged parameters and keys of a profile may end in any word; a helper of the reader's own starts with an underscore.
        assert {name for name in unknown if not re.match(r"phone_(parameters|keys)_", name)} == set()


def test_ansible_understands_the_plays(tmp_path):
    """All plays in one playbook, because starting ansible-playbook is what costs."""
    plays = [
        play
        for _page, text in entries()
        for document in [yaml.safe_load(text) if "!" not in text else None]
        if isinstance(document, list)
        for play in document
        if isinstance(play, dict) and ({"hosts", "ansible.builtin.import_playbook"} & set(play))
    ]
    assert plays
    book = tmp_path / "plays.yml"
    book.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(book), "--syntax-check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
