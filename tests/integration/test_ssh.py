# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishing over ssh as a user who becomes root: a server of our own on loopback, and a folder that no web server reads."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from .conftest import root
from .site.world import SUDO, TOP, changed

USER = "dialtone-ssh-test"
FOLDER = Path("/var/tmp/dialtone-ssh-test")
SUDOERS = Path(f"/etc/sudoers.d/{USER}")
PORT = 18422

pytestmark = pytest.mark.skipif(
    not (os.path.exists("/usr/sbin/sshd") and shutil.which("sudo") and shutil.which("ssh")), reason="needs sshd, ssh and sudo"
)


def listing(path: Path) -> str:
    """Return inode, times, owner and size of everything below a folder."""
    return root("find", str(path), "-printf", "%p %i %T@ %U:%G %m %s\n").stdout


class Site:
    """A fleet, a server behind ssh, and the play between them."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        server = {
            "ansible_host": "127.0.0.1",
            "ansible_port": PORT,
            "ansible_user": USER,
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes",
            "ansible_python_interpreter": "/usr/bin/python3",
            "provisioning_root": str(FOLDER / "root"),
            "phone_configs_web_group": "root",
            "phone_configs_gate_group": "root",
            "phone_configs_nginx_site": "",
            "phone_configs_gate_config": str(FOLDER / "gate.json"),
        }
        settings = {
            "provisioning_url": "https://prov.example.com",
            "provisioning_secret": "6f0e1d2c3b4a59687786958493a2b1c0" * 2,
            "phone_configs_password_policy": "off",
            "phone_sip_server": "pbx.example.com",
            "phone_vendor": "yealink",
            "phone_model": "T54W",
        }
        lines = {number: [{"number": f"10{number}", "password": f"Xw7pQ2zR9k-{number}"}] for number in range(1, 6)}
        hosts = {f"phone{number}": {"phone_mac": f"00156500000{number}", "phone_lines": line} for number, line in lines.items()}
        groups = {"provisioning_servers": {"hosts": {"far": server}}, "phones": {"hosts": hosts}}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}))
        play = {"hosts": "phones", "gather_facts": False, "roles": ["dialtone.phones.phone_configs"]}
        (folder / "play.yml").write_text(yaml.safe_dump([play]))

    def publish(self, *args: str) -> str:
        done = subprocess.run(
            ["ansible-playbook", "-i", "hosts.yml", "play.yml", *args],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A user of this machine who may sudo, and an sshd that lets nobody else in."""
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("key", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    # No password fits a star, but the account is not locked.
    root("useradd", "--create-home", "--shell", "/bin/sh", "--password", "*", USER)
    try:
        root("install", "-d", "-m", "0711", str(FOLDER))
        root("install", "-m", "0644", str(folder / "key.pub"), str(FOLDER / "authorized_keys"))
        root("install", "-m", "0600", str(folder / "host"), str(FOLDER / "host"))
        subprocess.run(
            [*SUDO, "tee", str(SUDOERS)], input=f"{USER} ALL=(ALL) NOPASSWD: ALL\n", text=True, check=True, stdout=subprocess.DEVNULL
        )
        root("install", "-d", "-m", "0755", "/run/sshd")
        options = [
            f"HostKey={FOLDER}/host",
            f"AuthorizedKeysFile={FOLDER}/authorized_keys",
            "ListenAddress=127.0.0.1",
            f"AllowUsers={USER}",
        ]
        options += ["PasswordAuthentication=no", "UsePAM=no", "StrictModes=no", "PidFile=none", "Subsystem=sftp internal-sftp"]
        command = [*SUDO, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(PORT)]
        with (folder / "sshd.log").open("w") as log:
            daemon = subprocess.Popen([*command, *(part for option in options for part in ("-o", option))], stderr=log)
        for _attempt in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                    break
            time.sleep(0.1)
        yield Site(folder, folder / "key")
        # Through sudo where we are not root, since the daemon is root's.
        root("kill", str(daemon.pid), check=False)
        daemon.wait()
    finally:
        root("rm", "-f", str(SUDOERS))
        root("rm", "-rf", str(FOLDER))
        root("userdel", "--remove", "--force", USER, check=False)


def test_a_fleet_is_published_over_ssh_by_a_user_who_becomes_root(far):
    assert changed(far.publish()) == 1
    published = root("find", str(FOLDER / "root/current/phones/"), "-name", "*.cfg", "-printf", "%U %m\n").stdout.split("\n")
    assert set(published) - {""} == {"0 640"}


def test_a_run_without_changes_writes_nothing_on_the_server(far):
    before = listing(FOLDER / "root")
    assert changed(far.publish()) == 0
    assert listing(FOLDER / "root") == before


def test_hand_edits_are_found_and_undone_over_ssh(far):
    path = FOLDER / "root/current/phones/001565000001/001565000001.cfg"
    root("sh", "-c", f"echo 'by hand' >> {path}")
    output = far.publish("--check", "-e", "phone_configs_verify=true")
    assert re.search("far: 1 files of 1 phones were edited on the server", output)
    assert changed(far.publish("-e", "phone_configs_verify=true")) == 1
    assert "by hand" not in root("cat", str(path)).stdout
    assert changed(far.publish("-e", "phone_configs_verify=true")) == 0


def test_nothing_that_was_sent_stays_behind(far):
    assert root("find", f"/home/{USER}/.ansible/tmp", "-name", "*.tar").stdout == ""
