# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example pipelines: their YAML is sound, and what they run does what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret

TOP = Path(__file__).resolve().parents[2]
GITOPS = TOP / "examples" / "gitops"
VAULT = "a vault's password: $x `y`"
SIP = "Xw7pQ2zR9k-gitops"


class Repository:
    """A repository as the page describes it, with a folder that stands for a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        (folder / "phones").symlink_to(GITOPS / "phones")
        (folder / "inventory" / "group_vars" / "all").mkdir(parents=True)
        self.label("Reception")
        vault = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(VAULT.encode()))])
        secrets = {"provisioning_secret": "6f0e1d2c3b4a59687786958493a2b1c0" * 2, "vault_sip": SIP}
        (folder / "inventory/group_vars/all/vault.yml").write_bytes(vault.encrypt(yaml.safe_dump(secrets)))
        play = {"hosts": "phones", "gather_facts": False, "roles": [{"role": "dialtone.phones.phone_configs"}]}
        (folder / "play.yml").write_text(yaml.safe_dump([play]))

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def label(self, text: str) -> None:
        hosts = {
            f"phone{number}": {
                "phone_mac": f"00156500000{number}",
                "phone_lines": [{"number": f"10{number}", "password": "{{ vault_sip }}", "label": text}],
            }
            for number in (1, 2)
        }
        server = {"ansible_connection": "local", "provisioning_root": str(self.root), "phone_configs_become": False}
        server.update({f"phone_configs_{name}": "" for name in ("owner", "web_group", "gate_group", "nginx_site")})
        server["phone_configs_gate_config"] = str(self.folder / "gate.json")
        settings = {
            "provisioning_url": "https://prov.example.com",
            "phone_configs_password_policy": "off",
            "phone_sip_server": "pbx.example.com",
            "phone_vendor": "yealink",
            "phone_model": "T54W",
            "ansible_python_interpreter": sys.executable,
        }
        groups = {"provisioning_servers": {"hosts": {"prov1": server}}, "phones": {"hosts": hosts}}
        (self.folder / "inventory/hosts.yml").write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}))

    def run(self, *args: str, wanted: int = 0, **more: str) -> str:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ANSIBLE_") or name in ("ANSIBLE_HOME", "ANSIBLE_COLLECTIONS_PATH")
        }
        variables = {"PATH": path, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "VAULT_PASSWORD": VAULT, "PLAYBOOK": "play.yml"}
        done = subprocess.run(
            ["./phones", *args],
            cwd=self.folder,
            env={**kept, **variables, "TMPDIR": str(self.home), **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == wanted, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self) -> dict:
        (server,) = json.loads((self.folder / "plan.json").read_text())["servers"]
        return server


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return Repository(tmp_path_factory.mktemp("gitops"))


def test_plan_apply_and_drift_are_what_the_page_says(repository):
    repository.run("plan")
    assert (repository.plan()["changed"], repository.plan()["counts"]["new"]) == (True, 2)
    assert "2 new, 0 changed, 0 removed phones" in (repository.folder / "plan.md").read_text()
    assert not repository.root.exists()

    assert "drift: what is published is not what the inventory says: prov1" in repository.run("drift", wanted=2)

    output = repository.run("apply")
    assert "changed=1" in output
    assert repository.plan()["counts"]["new"] == 2
    repository.run("drift")

    repository.label("Front desk")
    output = repository.run("plan")
    text = (repository.folder / "plan.md").read_text()
    assert "+account.1.label = Front desk" in text
    for told in (output, text, (repository.folder / "plan.json").read_text()):
        assert SIP not in told
        assert re.search("/p/[0-9a-f]{8}", told) is None
    repository.label("Reception")

    config = repository.root / "current/phones/001565000001/001565000001.cfg"
    config.write_text(config.read_text() + "account.1.label = by hand\n")
    assert "prov1" in repository.run("drift", wanted=2)
    repository.run("apply", "-e", "phone_configs_verify=true")
    repository.run("drift")
    # The vault's password and whatever else is secret went with the runner's folder.
    assert [path.name for path in repository.home.iterdir()] == []


def test_what_can_not_be_done_is_told(repository):
    assert "merge is none of plan, apply, drift" in repository.run("merge", wanted=64)
    assert "SSH_KNOWN_HOSTS: is needed beside SSH_PRIVATE_KEY" in repository.run("plan", wanted=1, SSH_PRIVATE_KEY="x")
    assert "vault" in repository.run("plan", wanted=4, VAULT_PASSWORD="wrong").lower()
    assert [path.name for path in repository.home.iterdir()] == []


def commands(pipeline: dict) -> dict[str, list[str]]:
    """Return the shell commands of each job of either pipeline."""
    if "jobs" in pipeline:
        return {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in pipeline["jobs"].items()}
    before = pipeline["default"]["before_script"]
    return {name: [*before, *pipeline[name]["script"]] for name in pipeline["stages"]}


@pytest.mark.parametrize("name", ["github/phones.yml", "gitlab/.gitlab-ci.yml"])
def test_a_pipeline_plans_applies_and_looks_for_drift_by_commands_that_parse(name):
    pipeline = yaml.safe_load((GITOPS / name).read_text(encoding="utf-8"))
    jobs = commands(pipeline)
    assert set(jobs) == {"plan", "apply", "drift"}
    for verb, lines in jobs.items():
        assert f"./phones {verb}" in lines
        assert "ansible-galaxy collection install -r requirements.yml" in " ".join(lines)
        for line in lines:
            assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0
    # Secrets are named, never written.
    text = (GITOPS / name).read_text(encoding="utf-8")
    assert not re.search(r"-----BEGIN|\$ANSIBLE_VAULT", text)


def test_only_one_apply_runs_at_a_time():
    github = yaml.safe_load((GITOPS / "github/phones.yml").read_text(encoding="utf-8"))
    assert github["jobs"]["apply"]["concurrency"] == {"group": "phones", "cancel-in-progress": False}
    assert github["permissions"] == {"contents": "read"}
    gitlab = yaml.safe_load((GITOPS / "gitlab/.gitlab-ci.yml").read_text(encoding="utf-8"))
    assert gitlab["apply"]["resource_group"] == "phones"


def test_the_examples_name_the_collection_and_its_requirements():
    (entry,) = yaml.safe_load((GITOPS / "requirements.yml").read_text())["collections"]
    galaxy = yaml.safe_load((TOP / "galaxy.yml").read_text())
    assert (entry["name"], entry["version"]) == ("dialtone.phones", galaxy["version"])

    def names(path: Path) -> set[str]:
        return {re.split("[<>=~]", line)[0] for line in path.read_text().splitlines() if line and not line.startswith("#")}

    assert names(GITOPS / "requirements.txt") == names(TOP / "requirements.txt")
