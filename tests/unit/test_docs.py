# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every block of commands and YAML in the documentation, and every link: what it names exists, YAML is YAML, and Ansible understands the plays."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import yaml

from .documentation import (
    BLOCK,
    PAGES,
    PLAYBOOKS,
    PLUGINS,
    ROLES,
    TARGETS,
    TOP,
    VARIABLES,
    entries,
    every_command,
    identity,
    load,
)

# Programs that are not ours, which a block may call; test_docs_options.py looks at the arguments of those that Ansible brings.
OTHERS = {
    "ansible-vault",
    "ansible-inventory",
    "ansible-galaxy",
    "ansible-doc",
    "ansible-test",
    ".",
    "./phones",
    "cd",
    "cp",
    "git",
    "gatectl",
    "mkdir",
    "nox",
    "openssl",
    "pip",
    "printf",
    "python",
    "python3",
    "export",
}
# Words that plays of the documentation and of the collection may set or read though they are no variable of ours.
OURS = re.compile(r"^(phone|provisioning|probe|onboarding|dhcp_options|fleet_report)_")
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")


@pytest.mark.parametrize("page", sorted({page for page, _words in every_command()}), ids=identity)
def test_commands_name_what_there_is(page):
    # A page may have its reader write a play down, in a block that begins with the file's name.
    written = set(re.findall(r"^# (\S+\.yml)$", (TOP / page).read_text(encoding="utf-8"), re.MULTILINE))
    for words in (words for at, words in every_command() if at == page):
        program = words[0]
        if program == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS, words
        elif program == "ansible-playbook":
            names = [word.removeprefix("dialtone.phones.") for word in words if word.startswith("dialtone.phones.")]
            assert set(names) <= PLAYBOOKS, words
            assert names or written & set(words), words
        elif program == "ansible":
            module = words[words.index("-m") + 1]
            assert module.startswith("ansible.builtin.") or module.removeprefix("dialtone.phones.") in PLUGINS, words
        else:
            assert program in OTHERS or (TOP / program).is_file(), words


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_names_of_the_collection_exist(page):
    named = set(re.findall(r"\bdialtone\.phones\.([a-z][a-z_]+)\b(?!/|\.)", (TOP / page).read_text(encoding="utf-8")))
    assert named - {"git"} <= PLAYBOOKS | ROLES | PLUGINS


def anchors(text: str) -> set[str]:
    """Return what GitHub and the site call the headings of a page."""
    headings = re.findall(r"^#{1,6} (.*)$", BLOCK.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_links_lead_somewhere(page):
    text = (TOP / page).read_text(encoding="utf-8")
    for link in (first or second for first, second in LINK.findall(BLOCK.sub("", text))):
        if not re.match(r"https?:|mailto:", link):
            name, _hash, anchor = link.partition("#")
            # Not beyond the repository, whatever lies beside it.
            target = TOP / os.path.normpath(page.parent / name) if name else TOP / page
            assert TOP in target.parents, link
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value} | {name for child in value.values() for name in keys(child)}
    return {name for child in value for name in keys(child)} if isinstance(value, list) else set()


@pytest.mark.parametrize(("page", "text"), entries(), ids=identity)
def test_yaml_names_variables_that_there_are(page, text):
    for document in load(text):
        unknown = {name for name in keys(document) if OURS.match(name) and name not in VARIABLES}
        # Merged parameters and keys of a profile may end in any word; a helper of the reader's own starts with an underscore.
        assert {name for name in unknown if not re.match(r"phone_(parameters|keys)_", name)} == set()


def test_ansible_understands_the_plays(tmp_path):
    """All plays in one playbook, because starting ansible-playbook is what costs."""
    plays = [
        play
        for _page, text in entries()
        for document in [load(text)[0] if "!" not in text else None]
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
