# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A phone that nobody has told anything but its LAN: a real DHCP server, a real client in a network of its own, and the way home through /b/."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ..conftest import root
from .world import CA, PORT, SUDO, TOP, changed, get

NET, HERE, THERE = "dialtone-phone", "198.51.100.1", "198.51.100.77"
URL = f"https://{HERE}:{PORT}/b/"
FOREIGN = "tftp.foreign.example"
FOLDER = Path("/var/tmp/dialtone-lan")
LEASE = FOLDER / "lease"
SCRIPT = f"""#!/bin/sh
# What a client is told becomes lines of a file; udhcpc and dhclient name it differently.
[ "$1" = deconfig ] && exit 0
env | grep -E '^(ip|new_ip_address|tftp|opt[0-9]+|new_[a-z0-9_]+)=' > {LEASE}
for address in "$ip" "$new_ip_address"; do [ -n "$address" ] && ip addr replace "$address/24" dev "$interface"; done
exit 0
"""
KEA = """// Somebody's own configuration, comments and all.
{
"Dhcp4": {
    "interfaces-config": { "interfaces": [ "dialtone0" ] },
    "lease-database": { "type": "memfile", "persist": false },
    "control-socket": { "socket-type": "unix", "socket-name": "FOLDER/kea.sock" },
    "option-data": [ { "name": "tftp-server-name", "data": "FOREIGN" } ], # for everybody else
    "subnet4": [ { "subnet": "198.51.100.0/24", "pools": [ { "pool": "198.51.100.77 - 198.51.100.80" } ] } ],
    "loggers": [ { "name": "kea-dhcp4", "output_options": [ { "output": "stderr" } ], "severity": "WARN" } ]
}
}
""".replace("FOLDER", str(FOLDER)).replace("FOREIGN", FOREIGN)


def put(path: Path, text: str, mode: str = "0644") -> None:
    subprocess.run([*SUDO, "tee", str(path)], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    root("chmod", mode, str(path))


@pytest.fixture(scope="module")
def lan(world, six_phones_again) -> Iterator[None]:
    """A wire of its own, phone101's network card at its other end, and a site that serves on this end."""
    root(
        "sh",
        "-c",
        'for p in dnsmasq kea-dhcp4 udhcpc dhclient; do command -v $p >/dev/null || [ -x /usr/sbin/$p ] || missing=1; done; [ -z "$missing" ] || '
        "{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "
        "dnsmasq-base kea-dhcp4-server udhcpc isc-dhcp-client iproute2; }",
    )
    FOLDER.mkdir(exist_ok=True)
    put(FOLDER / "script", SCRIPT, "0755")
    root("ip", "netns", "del", NET, check=False)
    root("ip", "link", "del", "dialtone0", check=False)
    mac = world.phones["phone101"]["phone_mac"]
    for command in (
        f"ip netns add {NET}",
        f"ip link add dialtone0 type veth peer name eth0 address {mac} netns {NET}",
        f"ip addr add {HERE}/24 dev dialtone0",
        "ip link set dialtone0 up",
        f"ip -n {NET} link set lo up",
        f"ip -n {NET} link set eth0 up",
    ):
        root(*command.split())
    before = dict(world.vars)
    world.vars.update(
        provisioning_url=f"https://{HERE}:{PORT}",
        phone_networks=["198.51.100.0/24"],
        phone_redirect_account="",
        phone_bootstrap=True,
        provisioning_server_bootstrap=True,
        onboarding_new_store=True,
    )
    world.site()
    yield
    world.vars.clear()
    world.vars.update(before)
    root("ip", "link", "del", "dialtone0", check=False)
    root("ip", "netns", "del", NET, check=False)
    root("rm", "-rf", str(FOLDER))


def tell_server(world, **more) -> str:
    """Run the role on the server, as its owner would."""
    book = world.folder / "dhcp.yml"
    settings = {"dhcp_options_enabled": True, "dhcp_options_vendors": ["yealink", "polycom", "snom"], "dhcp_options_restart": False, **more}
    play = {
        "name": "DHCP",
        "hosts": "provisioning_servers",
        "become": True,
        "gather_facts": False,
        "roles": ["dialtone.phones.dhcp_options"],
    }
    book.write_text(yaml.safe_dump([{**play, "vars": settings}]), encoding="utf-8")
    return world.play(str(book))


@contextlib.contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen([*SUDO, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        root("kill", str(process.pid), check=False)
        process.wait(timeout=20)


def ask(client: str, vendor_class: str) -> dict[str, str]:
    """Ask for a lease with a real client until the server is up; return what it was told."""
    root("rm", "-f", str(LEASE))
    if client == "udhcpc":
        command = [
            "udhcpc",
            "-i",
            "eth0",
            "-n",
            "-q",
            "-f",
            "-t",
            "4",
            "-T",
            "1",
            "-V",
            vendor_class,
            "-O",
            "160",
            "-s",
            str(FOLDER / "script"),
        ]
    else:
        put(
            FOLDER / "dhclient.conf",
            f'option bootstrap code 160 = text;\nsend vendor-class-identifier "{vendor_class}";\n'
            "request subnet-mask, tftp-server-name, bootstrap, vendor-encapsulated-options;\ntimeout 8;\n",
        )
        files = [
            "-cf",
            str(FOLDER / "dhclient.conf"),
            "-lf",
            str(FOLDER / "leases"),
            "-pf",
            str(FOLDER / "pid"),
            "-sf",
            str(FOLDER / "script"),
        ]
        command = ["dhclient", "-4", "-1", "-d", *files, "eth0"]
        root("rm", "-f", str(FOLDER / "leases"))
    for _attempt in range(6):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*SUDO, "ip", "netns", "exec", NET, "timeout", "12" if client == "udhcpc" else "5", *command],
                capture_output=True,
                check=False,
            )
        if LEASE.exists() and "198.51.100." in LEASE.read_text():
            break
        time.sleep(0.5)
    return dict(line.split("=", 1) for line in LEASE.read_text().splitlines())


def boot(world, name: str, url: str, expect: str) -> dict:
    """Start a phone where the client stands."""
    variables = world.phones[name]
    args = {
        "vendor": "yealink",
        "model": variables["phone_model"],
        "mac": variables["phone_mac"],
        "ca_path": CA,
        "expect": expect,
        "url": url,
    }
    command = ["ansible", "-i", str(world.inventory()), "server", "-m", "dialtone.phones.probe", "-a", json.dumps(args)]
    done = subprocess.run(
        [*SUDO, "ip", "netns", "exec", NET, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=world.folder,
        timeout=120,
        env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
    )
    found = re.search(r"(?:=>|>>) (\{.*\})", done.stdout, re.DOTALL)
    assert found, done.stdout + done.stderr
    return json.loads(found.group(1))


def test_dnsmasq_sends_a_phone_home_in_the_operators_window_and_only_then(lan, world):
    put(
        FOLDER / "dnsmasq.conf",
        f"port=0\ninterface=dialtone0\nbind-interfaces\ndhcp-range={THERE},{THERE},1h\n"
        f'dhcp-option=66,"{FOREIGN}"\nuser=root\ndhcp-leasefile={FOLDER}/dnsmasq.leases\n',
    )
    ours = FOLDER / "dialtone-phones.conf"
    assert changed(tell_server(world, dhcp_options_server="dnsmasq", dhcp_options_dnsmasq_file=str(ours))) > 0
    assert changed(tell_server(world, dhcp_options_server="dnsmasq", dhcp_options_dnsmasq_file=str(ours))) == 0
    with running("dnsmasq", "-k", f"--conf-file={FOLDER}/dnsmasq.conf", f"--conf-dir={FOLDER},*phones.conf"):
        told = ask("dhclient", "yealink")
        assert told["new_tftp_server_name"] == URL and "new_bootstrap" not in told
        assert ask("dhclient", "somebody else")["new_tftp_server_name"] == FOREIGN
        assert bytes.fromhex(ask("udhcpc", "Polycom-VVX450")["opt160"]).decode() == URL
    # A stub for the asking alone would be a one-time URL for anybody on the LAN.
    assert boot(world, "phone101", told["new_tftp_server_name"], "refused")["verdict"] == "refused"
    world.play("playbooks/bootstrap.yml", "--limit", "phone101")
    first = boot(world, "phone101", told["new_tftp_server_name"], "provisioned")
    assert first["verdict"] == "provisioned", first
    served = [request["url"] for request in first["requests"] if request["status"] == 200]
    # The address that the probe was started with is masked in what Ansible shows; the two that follow from it are seen.
    assert [way for way in "cp" if any(f"/{way}/" in url for url in served)] == ["c", "p"], served
    assert boot(world, "phone101", told["new_tftp_server_name"], "refused")["verdict"] == "refused"


def test_a_stub_belongs_to_who_asked_first_and_a_window_ends(lan, world):
    mac = world.phones["phone102"]["phone_mac"].replace(":", "")
    world.play("playbooks/bootstrap.yml", "--limit", "phone102")
    done = root("curl", "-s", "--cacert", CA, f"{URL}{mac}.boot")
    claim = re.search(r'"(https://[^"]+/c/[0-9a-f]{40}/)', done.stdout)[1]
    assert "pass" not in done.stdout and "/p/" not in done.stdout
    # The phone itself is now refused, and what somebody else was handed is of no use to it.
    assert boot(world, "phone102", URL, "refused")["verdict"] == "refused"
    assert boot(world, "phone102", claim, "refused")["verdict"] == "refused"
    assert "other-address" in root("gatectl", "log", mac).stdout
    world.play("playbooks/bootstrap.yml", "--limit", "phone102", "-e", "bootstrap_state=closed")
    assert get(f"{claim}{mac}.cfg") == 404
    assert boot(world, "phone102", URL, "refused")["verdict"] == "refused"
    world.play("playbooks/bootstrap.yml", "--limit", "phone102")
    assert boot(world, "phone102", URL, "provisioned")["verdict"] == "provisioned"


def test_whatever_is_refused_looks_like_what_does_not_exist(lan, world):
    mac = world.phones["phone103"]["phone_mac"].replace(":", "")
    seen = set()
    for path in (f"b/{mac}.boot", "b/001122334455.boot", "b/nothing", "nothing", "c/" + "0" * 40 + "/x"):
        reply = root("curl", "-s", "-i", "--cacert", CA, f"https://{HERE}:{PORT}/{path}").stdout
        seen.add(re.sub(r"(?im)^date:.*\n", "", reply))
    assert len(seen) == 1 and " 404" in seen.pop()


def test_opening_for_a_whole_fleet_or_for_nobody_is_refused(lan, world):
    assert "name the phones with --limit" in world.play("playbooks/bootstrap.yml", wanted=2)
    assert "phone101: is spent" in world.play("playbooks/bootstrap.yml", "--limit", "phone101", wanted=2)
    assert "is not between 1 and 240" in world.play(
        "playbooks/bootstrap.yml", "--limit", "phone103", "-e", "bootstrap_minutes=500", wanted=2
    )


def test_kea_sends_a_phone_home_and_keeps_what_it_had(lan, world):
    config, classes = FOLDER / "kea-dhcp4.conf", FOLDER / "dialtone-classes.json"
    put(config, KEA)
    paths = {"dhcp_options_server": "kea", "dhcp_options_kea_config": str(config), "dhcp_options_kea_file": str(classes)}
    assert changed(tell_server(world, **paths)) > 0
    assert changed(tell_server(world, **paths)) == 0
    assert config.read_text() != KEA and "// Somebody's own" in config.read_text()
    world.play("playbooks/bootstrap.yml", "--limit", "phone103")
    root("mkdir", "-p", "/run/kea", "/var/lib/kea", "/run/lock/kea")
    with running("kea-dhcp4", "-c", str(config)):
        told = ask("dhclient", "yealink")
        assert told["new_tftp_server_name"] == URL
        assert ask("dhclient", "somebody else")["new_tftp_server_name"] == FOREIGN
        assert bytes.fromhex(ask("udhcpc", "Polycom-VVX450")["opt160"]).decode() == URL
        root("ip", "-n", NET, "link", "set", "eth0", "address", "00:04:13:00:00:01")
        # Snom phones are told by their MAC; option 43 carries option 66.
        told_snom = bytes.fromhex(ask("dhclient", "any")["new_vendor_encapsulated_options"].replace(":", ""))
        assert told_snom == bytes((66, len(URL))) + URL.encode()
    assert boot(world, "phone103", told["new_tftp_server_name"], "provisioned")["verdict"] == "provisioned"
    tell_server(world, **paths, dhcp_options_enabled=False)
    assert config.read_text() == KEA and not classes.exists()
