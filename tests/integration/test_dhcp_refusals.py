# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dhcp_options with the programs themselves: what it refuses is one sentence. Nothing is started, and only files of the test are written."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from .conftest import root
from .site.world import TOP, World

INSTALL = """[ -x /usr/sbin/dnsmasq ] && [ -x /usr/sbin/kea-dhcp4 ] && exit 0
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 0755 $policy; ours=1; }
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends dnsmasq-base kea-dhcp4-server
status=$?
[ -z "${ours:-}" ] || rm -f $policy
exit $status
"""
# In a mount namespace of its own: this machine's programs, but for the DHCP servers.
WITHOUT = """mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work &&
mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=/mnt/up,workdir=/mnt/work /usr/sbin &&
rm -f /usr/sbin/dnsmasq /usr/sbin/kea-dhcp4 && exec "$@"
"""
# And with a dnsmasq as Debian sets it up, whose folder holds somebody else's mistake.
MISTAKEN = """mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work &&
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work /etc && mkdir -p /etc/dnsmasq.d /etc/default &&
echo 'CONFIG_DIR=/etc/dnsmasq.d,.dpkg-dist' >/etc/default/dnsmasq && echo no-such-option >/etc/dnsmasq.d/theirs.conf && exec "$@"
"""


@pytest.fixture(scope="module")
def programs():
    done = root("sh", "-c", INSTALL, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def run(folder, *before: str, wanted: int = 2, **settings) -> str:
    """Run the role on this machine, and return what Ansible said."""
    book, inventory = folder / "dhcp.yml", World(folder).inventory()
    settings = {"dhcp_options_enabled": True, "dhcp_options_vendors": ["yealink"], "dhcp_options_restart": False, **settings}
    play = {"hosts": "provisioning_servers", "become": True, "gather_facts": False, "roles": ["dialtone.phones.dhcp_options"]}
    book.write_text(yaml.safe_dump([{"name": "DHCP", **play, "vars": settings}]), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "COLUMNS": "2000"}
    command = [*before, "ansible-playbook", "-i", str(inventory), str(book)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=120, env=environment)
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == wanted, output[-4000:]
    assert "Traceback" not in output
    return output


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a mount namespace")
def test_a_host_without_a_dhcp_server_is_told(programs, tmp_path):
    output = run(tmp_path, "unshare", "--mount", "sh", "-c", WITHOUT, "sh")
    assert (
        "dhcp_options_server: server has neither dnsmasq nor Kea installed; run the role on the host that serves the phones' LAN" in output
    )


def test_a_folder_that_dnsmasq_does_not_have_is_told(programs, tmp_path):
    output = run(tmp_path, dhcp_options_server="dnsmasq", dhcp_options_dnsmasq_file=f"{tmp_path}/nowhere/x.conf")
    assert f"dhcp_options_dnsmasq_file: server has no folder {tmp_path}/nowhere; name a file where dnsmasq reads it (conf-dir)" in output


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a mount namespace")
def test_a_mistake_in_another_file_of_dnsmasq_is_told_before_it_is_restarted(programs, tmp_path):
    output = run(tmp_path, "unshare", "--mount", "sh", "-c", MISTAKEN, "sh", dhcp_options_server="dnsmasq")
    assert "bad option at line 1 of /etc/dnsmasq.d/theirs.conf" in output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "dhcp_options_kea_config: server has no file {config}"),
        (
            '{ "Dhcp4": { "subnet4": [ } }',
            "dhcp_options_kea_config: Kea itself refuses {config} as it is: Syntax check failed with: {config}:1",
        ),
    ],
)
def test_a_configuration_that_kea_does_not_have_or_read_is_told_and_left_alone(programs, tmp_path, text, sentence):
    config, classes = tmp_path / "kea.conf", tmp_path / "classes.json"
    if text is not None:
        config.write_text(text)
    paths = {"dhcp_options_kea_config": str(config), "dhcp_options_kea_file": str(classes)}
    output = run(tmp_path, dhcp_options_server="kea", **paths)
    assert sentence.format(config=config) in output
    assert not classes.exists() and (config.read_text() if config.exists() else None) == text
