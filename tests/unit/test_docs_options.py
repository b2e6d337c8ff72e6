# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command, play and list of variables in the documentation says what the programs, modules and roles understand."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.fleet import read_accounts
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

from . import documentation
from .documentation import MAKEFILE, PAGES, TOP, VARIABLES, every_command, load

# Reads programs and arguments, gives what their parsers do not take. A process of its own, since command lines of Ansible settle a process' settings.
PARSE = """
import contextlib, importlib, io, json, sys

def parse(program, arguments):
    if program == "gatectl":
        import gatectl
        sys.argv = [program, *arguments]
        return gatectl.arguments()
    name = {"ansible": "adhoc.AdHoc", "ansible-playbook": "playbook.Playbook"}.get(program, f"{program[8:]}.{program[8:].capitalize()}")
    module, _, cls = name.partition(".")
    cli = getattr(importlib.import_module(f"ansible.cli.{module}"), f"{cls}CLI")([program, *arguments])
    cli.init_parser()
    return cli.parser.parse_args(arguments)

wrong = []
for program, arguments in json.load(sys.stdin):
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            parse(program, arguments)
    except SystemExit:
        wrong.append(f"{program} {' '.join(arguments)}: {told.getvalue().strip().splitlines()[-1]}")
print(json.dumps(wrong))
"""
PARSED = {"gatectl", "ansible", "ansible-playbook", "ansible-vault", "ansible-galaxy", "ansible-inventory", "ansible-doc"}
# Groups that the inventory plugins make, and that the pages' readers have.
MADE = re.compile(r"(site|vendor|model|tenant|profile)_\w+|new_phones|lobby")


def commands_of(*programs: str) -> list[tuple[Path, list[str]]]:
    return [(page, words) for page, words in every_command() if words[0] in programs]


def values_of(words: list[str], *options: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words[:-1]) if word in options]


def test_programs_understand_their_arguments():
    given = [(words[0], words[1:]) for _page, words in every_command() if words[0] in PARSED and len(words) > 1]
    given = [(program, arguments) for program, arguments in given if (program, arguments) != ("ansible-vault", ["encrypt"])]
    assert {program for program, _arguments in given} == PARSED
    done = subprocess.run(
        [sys.executable, "-c", PARSE],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(TOP / "roles/provisioning_server/files"), os.environ.get("PYTHONPATH")))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DIALTONE_GATE_CODE": str(TOP / "plugins/module_utils"),
        },
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_programs_of_the_tests_have_the_options_that_pages_name():
    for page, words in every_command():
        program = next((word for word in words[:2] if word.endswith(".py")), "")
        if program:
            told = subprocess.run(
                [sys.executable, program, "--help"], cwd=TOP, capture_output=True, text=True, check=True, timeout=60
            ).stdout
            assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", told)), (page, words)


def test_make_has_the_variables_that_pages_set():
    for page, words in commands_of("make"):
        for name in (word.split("=")[0] for word in words if "=" in word):
            assert re.search(rf"\$\({name}\)|\b{name}=", MAKEFILE), (page, words)
    lab = [name for _page, words in commands_of("make") for word in words if word.startswith("LAB=") for name in word[4:].split()]
    assert lab
    assert [name for name in lab if not (TOP / "extensions/molecule" / name / "molecule.yml").is_file()] == []


def test_hosts_of_the_lab_are_started_as_its_program_wants():
    usage = (TOP / "tests/lab/hosts").read_text(encoding="utf-8")
    for page, words in commands_of("tests/lab/hosts"):
        assert re.search(rf"^#   tests/lab/hosts {words[1]}\b", usage, re.MULTILINE), (page, words)
        for host in words[2:] if words[1] == "up" else []:
            assert re.fullmatch(r"[a-z][a-z0-9-]*:(bookworm|trixie|noble)(:\d+)?", host), (page, words)


def test_the_script_of_pipelines_has_the_verbs_that_pages_name():
    script = (TOP / "examples/gitops/phones").read_text(encoding="utf-8")
    assert {words[1] for _page, words in commands_of("./phones")} == set(re.findall(r"^    (\w+)\) ?", script, re.MULTILINE))


def test_tags_are_there():
    found = "\n".join(path.read_text(encoding="utf-8") for path in [*TOP.glob("roles/*/tasks/*.yml"), *TOP.glob("playbooks/*.yml")])
    tags = {tag for names in re.findall(r"tags: \[([^]]+)\]", found) for tag in names.split(", ")}
    for page, words in every_command():
        assert set(",".join(values_of(words, "--tags", "--skip-tags", "-t")).split(",")) - {""} <= tags or words[0] == "ansible-doc", (
            page,
            words,
        )


def names_of(tree: Any) -> set[str]:
    """Return the hosts and groups of an inventory."""
    if not isinstance(tree, dict):
        return set()
    own = {str(name) for kind in ("hosts", "children") for name in (tree.get(kind) or {}) if isinstance(tree.get(kind), dict)}
    return own | {name for child in tree.values() for name in names_of(child)}


def test_limits_name_hosts_and_groups_as_the_examples_call_them():
    known = {"phones", *(name for _page, text in documentation.entries() for tree in load(text) for name in names_of(tree))}
    for path in TOP.glob("inventories/*/*.yml"):
        known |= names_of(load(path.read_text(encoding="utf-8"))[0])
    for page, words in every_command():
        for limit in values_of(words, "--limit", "-l"):
            strange = {name for name in re.split(r"[,:&!]+", limit) if name not in known and not MADE.fullmatch(name)}
            assert not strange, (page, words)


# Role variables and variables of phones.


@functools.cache
def role_specs() -> dict[str, dict[str, Any]]:
    return {
        name: spec
        for path in TOP.glob("roles/*/meta/argument_specs.yml")
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values()
        for name, spec in entry["options"].items()
    }


def unsure(value: Any) -> bool:
    """Tell what only a run knows, or what stands for something longer."""
    return isinstance(value, str) and ("{{" in value or "…" in value)


def known_part(value: Any) -> Any:
    """Return the value with a word in the place of each expression."""
    if isinstance(value, dict):
        return {name: known_part(child) for name, child in value.items()}
    if isinstance(value, list):
        return [known_part(child) for child in value]
    return "0123456789abcdef" * 4 if unsure(value) else value


def wrong_with(name: str, value: Any) -> list[str]:
    """Return what is wrong with a variable, where it is one of ours."""
    if value is None or unsure(value):
        return []
    value = known_part(value)
    if name == "phone_redirect_accounts":
        try:
            read_accounts(value)
        except ProblemsError as exc:
            return [str(exc)]
    if name in role_specs():
        return ArgumentSpecValidator({name: role_specs()[name]}).validate({name: value}).error_messages
    spec = model_specs().get(name)
    if spec is None:
        return []
    problems: list[Any] = []
    compile_spec(spec)(name, value, problems)
    return [str(problem) for problem in problems]


def problems_in(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        own = [problem for name, value in tree.items() if isinstance(name, str) for problem in wrong_with(name, value)]
        return own + [problem for child in tree.values() for problem in problems_in(child)]
    return [problem for child in tree for problem in problems_in(child)] if isinstance(tree, list) else []


@pytest.mark.parametrize(("page", "text"), documentation.entries(), ids=documentation.identity)
def test_variables_in_yaml_are_what_roles_and_phones_take(page, text):
    assert [problem for document in load(text) for problem in problems_in(document)] == []


def test_extra_variables_are_there_and_what_roles_and_phones_take():
    for page, words in every_command():
        for given in values_of(words, "-e", "--extra-vars"):
            pairs = json.loads(given) if given.startswith("{") else dict([given.split("=", 1)])
            assert set(pairs) <= VARIABLES, (page, words)
            assert [problem for name, value in pairs.items() for problem in wrong_with(name, value)] == [], (page, words)


# Names in sentences that start so are variables of ours, unless they are a column of FusionPBX's tables.
OURS = re.compile(
    r"(phone|provisioning|onboarding|dhcp_options|fleet_report|bootstrap|capture|decommission|policy|resync|rollback|rotate|sheets|unknown|unlock)_"
)


@pytest.mark.parametrize("page", PAGES, ids=documentation.identity)
def test_variables_in_sentences_are_there(page):
    text = re.sub(r"^\| `v_.*$", "", (TOP / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = set(re.findall(r"`([a-z]\w+_\w+)(?::[^`]*|=[^`]*)?`", text))
    known = VARIABLES | documentation.PLUGINS | documentation.ROLES | {path.name for path in TOP.glob("extensions/molecule/*")}
    unknown = {name for name in named if OURS.match(name)} - known
    assert {name for name in unknown if not re.match(r"phone_(parameters|keys)_", name)} == set()


# Modules.


@functools.cache
def module_specs() -> dict[str, dict[str, Any]]:
    """Return the arguments of every module, as its documentation has them."""

    def spec(options: dict[str, Any]) -> dict[str, Any]:
        kept = ("type", "elements", "choices", "required", "aliases")
        return {
            name: {key: option[key] for key in kept if key in option}
            | ({"options": spec(option["suboptions"])} if option.get("suboptions") else {})
            for name, option in options.items()
        }

    names = [f"dialtone.phones.{path.stem}" for path in TOP.glob("plugins/modules/*.py")]
    told = subprocess.run(["ansible-doc", "-j", "-t", "module", *names], capture_output=True, text=True, check=True, timeout=120)
    return {name: spec(module["doc"].get("options") or {}) for name, module in json.loads(told.stdout).items()}


def tasks_in(tree: Any) -> list[tuple[str, Any]]:
    """Return names and arguments of our modules, wherever tasks stand."""
    if isinstance(tree, list):
        return [task for child in tree for task in tasks_in(child)]
    if not isinstance(tree, dict):
        return []
    return [pair for pair in tree.items() if pair[0] in module_specs()] + [task for child in tree.values() for task in tasks_in(child)]


def examples() -> list[tuple[Path, str]]:
    found = []
    for path in sorted(TOP.glob("plugins/*/*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
                found.append((path.relative_to(TOP), ast.literal_eval(node.value)))
    return found


@pytest.mark.parametrize(("page", "text"), documentation.entries() + examples(), ids=documentation.identity)
def test_modules_take_the_arguments_of_examples(page, text):
    for name, arguments in [task for document in load(text) for task in tasks_in(document)]:
        spec = module_specs()[name]
        given = arguments or {}
        # What an expression gives is known to a run alone; that the option is there, and that none is missing, is known here.
        loose = {
            option: {"required": about.get("required", False)} if unsure(given.get(option)) else about for option, about in spec.items()
        }
        assert ArgumentSpecValidator(loose).validate(known_part(given)).error_messages == [], (name, given)


@pytest.mark.parametrize("page", ["docs/first-phone.md", "docs/gitops.md"])
def test_pages_that_name_the_libraries_name_all(page):
    wanted = set(re.findall(r"^[\w-]+", (TOP / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    # ansible-core brings Jinja2 along.
    assert {name for name in wanted - {"jinja2"} if not re.search(rf"\b{name}\b", (TOP / page).read_text(encoding="utf-8"))} == set()
