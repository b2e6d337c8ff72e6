# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on this machine, end to end; the tests build on each other, in the order of the file."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import signal
import ssl
import subprocess
import time
from urllib.parse import urlsplit

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import plain_name
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac
from redirect.base import Fault

from ..conftest import root
from .world import PORT, SECRET, SERVICE_PORT, SUDO, TOP, changed, get, phone


@pytest.fixture(scope="module", autouse=True)
def site(world, foreign_site):
    """Deployed once, after check mode was seen to write nothing."""
    output = world.site("--check")
    assert "failed=0" in output
    assert not os.path.exists("/etc/dialtone/gate.json")
    assert not os.path.exists("/var/lib/dialtone/current")
    world.site()
    return foreign_site


def test_a_second_run_changes_nothing_and_asks_the_service_nothing(world):
    before = sum(world.service.calls.values())
    assert changed(world.site()) == 0
    assert sum(world.service.calls.values()) == before


def test_check_mode_on_a_finished_site_predicts_nothing(world):
    assert changed(world.site("--check", "--diff")) == 0


def test_the_foreign_site_is_still_served(site):
    assert get(site) == 200


@pytest.mark.parametrize("name", ["phone101", "phone103"])
def test_a_phone_boots_itself_once(world, name):
    first = world.probe(name)
    assert first["verdict"] == "provisioned", first
    mac = normalize_mac(world.phones[name]["phone_mac"])
    home = [request["url"].rsplit("/", 1)[-1] for request in first["requests"] if request["phase"] == "home" and request["status"] == 200]
    assert f"{mac}.cfg" in [plain_name(name) for name in home]
    for _attempt in range(20):
        if world.onboarding()[name]["state"] == "spent":
            break
        time.sleep(0.5)
    assert world.onboarding()[name]["state"] == "spent"
    assert world.probe(name, "refused")["verdict"] == "refused"


def test_unlock_gives_a_new_url_in_one_play(world):
    world.play("playbooks/unlock.yml", "--limit", "phone101")
    assert world.probe("phone101")["verdict"] == "provisioned"
    assert world.probe("phone103", "refused")["verdict"] == "refused"


def test_unlock_registers_whom_it_can_and_fails_at_its_end(world):
    world.phones["phone104"]["phone_onboarding"] = "off"
    assert changed(world.play("playbooks/unlock.yml", "--limit", "phone103,phone104", "--check", wanted=2)) > 0
    assert "phone104: phone_onboarding is off" in world.play("playbooks/unlock.yml", "--limit", "phone103,phone104", wanted=2)
    del world.phones["phone104"]["phone_onboarding"]
    assert world.probe("phone103")["verdict"] == "provisioned"
    world.play("playbooks/unlock.yml", "--limit", "phone104")


def test_unlock_without_a_limit_is_refused(world):
    assert "name the phones to unlock with --limit" in world.play("playbooks/unlock.yml", wanted=2)


def test_a_phone_with_a_pin_is_served_when_somebody_has_typed_it(world):
    world.phones["phone102"]["phone_claim_pin"] = True
    world.site("--limit", "phone102")
    pin = world.onboarding()["phone102"]["pin"]
    redirect = {"redirect_url": f"http://127.0.0.1:{SERVICE_PORT}"}
    assert world.probe("phone102", "refused", **redirect)["verdict"] == "refused"
    assert world.probe("phone102", "refused", username="x", password="00000000", **redirect)["verdict"] == "refused"
    assert world.onboarding()["phone102"]["state"] == "armed"
    assert world.probe("phone102", username="x", password=pin, **redirect)["verdict"] == "provisioned"
    del world.phones["phone102"]["phone_claim_pin"]
    world.site("--limit", "phone102")


def test_the_preset_lan_without_networks_is_refused_and_what_is_in_force_is_said(world):
    output = world.site("--check", inventory=world.inventory(provisioning_preset="lan", phone_networks=[]), wanted=2)
    assert "provisioning_preset: is lan, which serves known networks only" in output
    output = world.site("--check", inventory=world.inventory(provisioning_preset="lan", provisioning_server_networks=["127.0.0.0/8"]))
    assert "provisioning_preset lan: TLS intermediate, phones log in with nothing but their URL, networks: 127.0.0.0/8," in output


def test_a_window_at_a_server_that_answers_nobody_on_its_lan_is_refused(world):
    output = world.play("playbooks/bootstrap.yml", "--limit", "phone106", inventory=world.inventory(phone_bootstrap=True), wanted=2)
    assert "provisioning_server_bootstrap: is not on at server, which answers nobody at /b/" in " ".join(output.split())


def test_the_phonebook_is_served_with_the_phones_credentials_only(world):
    mac = normalize_mac(world.phones["phone101"]["phone_mac"])
    config = world.published(mac)[f"{mac}.cfg"]
    url = next(line.split(" = ")[1] for line in config.split("\n") if line.startswith("remote_phonebook.data.1.url"))
    assert get(url) == 401
    assert 'Jürgen &amp; "Söhne" #102' in world.published(mac)["phonebook-company.xml"].replace("&#34;", '"')


def test_the_report_tells_who_has_come_how_far_and_who_is_unknown(world):
    assert get(f"https://127.0.0.1:{PORT}/00156500aabb.cfg") == 404
    assert get(f"https://127.0.0.1:{PORT}/p/{'0' * 40}/805ec0000102.cfg") == 404
    # The gate collects what went wrong for some seconds before it writes it down.
    time.sleep(5)
    paths = ("-e", f"fleet_report_path={world.folder}/report", "-e", f"unknown_path={world.folder}/unknown.csv")
    world.play("playbooks/report.yml", *paths)
    made = json.loads((world.folder / "report/fleet.json").read_text())
    phones = {phone["host"]: phone for phone in made["phones"]}
    assert {name: phone["stage"] for name, phone in phones.items() if name in ("phone101", "phone102", "phone103")} == {
        "phone101": "current",
        "phone102": "current",
        "phone103": "current",
    }
    # It asked with the wrong URL just now, and for its claim without its PIN before.
    assert {"lost", "claim"} <= {error["kind"] for error in phones["phone102"]["errors"]}
    assert [row["mac"] for row in made["unknown"]] == ["00:15:65:00:aa:bb"]
    assert made["claims_refused"]["spent"] > 0 and made["servers"][0]["certificates"][0]["not_after"]
    files = world.published(normalize_mac(world.phones["phone101"]["phone_mac"]))
    token = "".join(files.values()).split("/p/")[1][:40]
    for path in (world.folder / "report").iterdir():
        assert path.stat().st_mode & 0o777 == 0o640
        text = path.read_text()
        assert token not in text and token[:8] not in text and SECRET not in text
        assert not any(line["password"] in text for phone in world.phones.values() for line in phone["phone_lines"])
    assert changed(world.play("playbooks/report.yml", *paths)) == 0
    output = world.play("playbooks/unknown.yml", *paths)
    assert "1 unknown phones" in output and (world.folder / "unknown.csv").stat().st_mode & 0o777 == 0o600
    assert ",00:15:65:00:aa:bb,yealink," in (world.folder / "unknown.csv").read_text()


REFUSED = {
    "a line feed in a name": ({"phone_lines": [{"number": "101", "name": "a\nb", "password": "k7VtpQ2xRm9dLw4z"}]}, "phone_lines[0].name"),
    "the word that resets": ({"phone_lines": [{"number": "101", "name": "%NULL%", "password": "k7VtpQ2xRm9dLw4z"}]}, "phone_lines[0].name"),
    "eleven digits": ({"phone_mac": "80:5e:c0:00:01:0"}, "phone_mac"),
    "a MAC that is taken": ({"phone_mac": "80:5e:c0:00:01:02"}, "is that of"),
    "no line": ({"phone_lines": []}, "phone_lines"),
    "an unknown model": ({"phone_model": "T99X"}, "phone_model"),
    "a typing error": ({"phone_langauge": "de"}, "did you mean phone_language"),
    "a weak password": ({"phone_lines": [{"number": "101", "password": "password101"}]}, "phone_lines[0].password"),
    "an undefined variable": ({"phone_ntp_servers": ["{{ nowhere }}"]}, "phone_ntp_servers"),
    "an unknown phonebook": ({"phone_phonebooks": ["compny"]}, "did you mean company"),
    "nobody keeps others out": ({"phone_http_auth": "none", "phone_networks": []}, "phone_http_auth"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_phone_leaves_the_release_as_it_is(world, change, sentence):
    before = world.release()
    output = world.site("--tags", "always,phone_configs", inventory=world.inventory({"phone101": change}), wanted=2)
    assert sentence in output
    assert "phone101" in output
    assert "Traceback" not in output
    assert world.release() == before


def test_a_duplicate_outside_the_limit_is_refused_too(world):
    before = world.release()
    output = world.site(
        "--limit", "phone101", inventory=world.inventory({"phone102": {"phone_mac": world.phones["phone101"]["phone_mac"]}}), wanted=2
    )
    assert "is that of phone10" in output
    assert world.release() == before


@pytest.mark.parametrize("secret", ["", "short", None], ids=["empty", "short", "absent"])
def test_a_missing_or_short_secret_is_refused(world, secret):
    output = world.site("--tags", "always,phone_configs", inventory=world.inventory(provisioning_secret=secret), wanted=2)
    assert "provisioning_secret" in output and "random bytes" in output


def test_legal_values_arrive_as_values(world):
    label = "&<>\"'%x{}[]|\\" + "ä" * 280
    inventory = world.inventory(
        {"phone101": {"phone_lines": [{"number": "101", "name": "A & B", "label": label, "password": "k7VtpQ2xRm9dLw4z"}]}}
    )
    world.site("--tags", "always,phone_configs", inventory=inventory)
    mac = normalize_mac(world.phones["phone101"]["phone_mac"])
    config = world.published(mac)[f"{mac}.cfg"].split("\n")
    assert f"account.1.label = {label}" in config
    assert "account.1.display_name = A & B" in config
    world.site("--tags", "always,phone_configs")


def test_a_limited_run_teaches_the_gate_its_new_phone_and_keeps_the_others(world):
    world.phones["phone107"] = phone(107, "T46S")
    world.site("--limit", "phone107")
    assert world.probe("phone107")["verdict"] == "provisioned"
    assert world.published(normalize_mac(world.phones["phone102"]["phone_mac"]))


def test_a_phone_that_left_loses_files_claim_and_entry(world):
    gone = world.phones.pop("phone106")
    mac = normalize_mac(gone["phone_mac"])
    world.site()
    assert world.published(mac) == {}
    assert mac not in world.service.devices
    assert changed(world.site()) == 0


def test_a_handset_is_swapped_in_one_limited_run(world):
    old, new = (normalize_mac(text) for text in (world.phones["phone102"]["phone_mac"], "80:5e:c0:00:02:02"))
    swap = ("playbooks/replace.yml", "--limit", "phone102", "-e", f"old_mac={old}")
    assert "take the host out of the inventory" in world.play(*swap, wanted=2)
    world.phones["phone102"].update(phone_mac=new, phone_serial="SN202")
    assert "name the phones whose handsets are swapped" in world.play(swap[0], wanted=2)
    assert changed(world.play(*swap, "--check")) > 0
    assert world.published(old) and old in world.service.devices
    world.play(*swap)
    assert world.published(old) == {} and world.published(new)
    assert old not in world.service.devices
    assert world.probe("phone102")["verdict"] == "provisioned"
    assert changed(world.play(*swap)) == 0
    assert changed(world.site()) == 0


def test_a_handset_from_the_shelf_gets_a_url_again(world):
    shelf, old = "805ec0000102", normalize_mac(world.phones["phone104"]["phone_mac"])
    world.phones["phone104"].update(phone_mac=shelf, phone_serial="SN102")
    world.play("playbooks/replace.yml", "--limit", "phone104", "-e", f"old_mac={old}")
    assert world.probe("phone104")["verdict"] == "provisioned"


def test_a_phone_is_taken_out_of_service_without_a_run_over_the_fleet(world):
    mac = normalize_mac(world.phones["phone105"]["phone_mac"])
    command = ("playbooks/decommission.yml", "-e", f"mac={mac}")
    assert "is that of phone105" in world.play(*command, wanted=2)
    assert world.published(mac)
    del world.phones["phone105"]
    assert changed(world.play(*command, "--check")) > 0
    world.play(*command)
    assert world.published(mac) == {} and mac not in world.service.devices
    assert changed(world.play(*command)) == 0
    # The others' phonebooks still list it.
    world.site()
    assert changed(world.site()) == 0


def test_another_accounts_mac_fails_alone(world):
    world.phones["phone108"], world.phones["phone109"] = phone(108), phone(109)
    foreign = normalize_mac(world.phones["phone108"]["phone_mac"])
    world.service.devices[foreign] = type(next(iter(world.service.devices.values())))(mac=foreign, owner="them")
    output = world.site(wanted=2)
    assert foreign in output and "another" in output
    assert normalize_mac(world.phones["phone109"]["phone_mac"]) in world.service.devices
    assert world.service.devices[foreign].owner == "them"
    del world.phones["phone108"]
    world.site()


def test_a_lost_reply_makes_no_duplicate(world):
    world.phones["phone110"] = phone(110)
    world.service.faults.append(Fault("lost", "addDevices", 1))
    before = world.service.calls["addDevices"]
    world.site()
    assert world.service.calls["addDevices"] == before + 1
    assert normalize_mac(world.phones["phone110"]["phone_mac"]) in world.service.devices
    assert changed(world.site()) == 0


def test_of_200_clients_exactly_one_gets_the_files(world):
    world.phones["phone111"] = phone(111)
    world.site("--limit", "phone111")
    url = urlsplit(world.onboarding()["phone111"]["url"])
    mac = normalize_mac(world.phones["phone111"]["phone_mac"])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def claim(number: int) -> int:
        source = (f"127.0.{1 + number // 200}.{1 + number % 200}", 0)
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=60, context=context, source_address=source)
        try:
            connection.request("GET", f"{url.path}{mac}.cfg")
            return connection.getresponse().status
        finally:
            connection.close()

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(claim, range(200)))
    assert statuses.count(200) == 1, {status: statuses.count(status) for status in set(statuses)}
    assert set(statuses) <= {200, 404, 429}


def test_nothing_secret_is_said_at_any_verbosity(world):
    world.phones["phone112"] = phone(112)
    output = world.site("-vvv", "--diff")
    onboarding = world.onboarding()
    secrets = [SECRET, "lab-secret", *(line["password"] for variables in world.phones.values() for line in variables["phone_lines"])]
    for variables in world.phones.values():
        mac = normalize_mac(variables["phone_mac"])
        config = world.published(mac).get(f"{mac}.cfg", "")
        secrets += [line.split(" = ")[1] for line in config.split("\n") if "auto_provision.server." in line or "user_password" in line]
    secrets += [entry["url"] for entry in onboarding.values() if entry.get("url")]
    tokens = {part for secret in secrets for part in secret.replace(":", "/").split("/") if len(part) > 15}
    assert tokens
    assert [token for token in tokens if token in output] == []


def test_a_deleted_claim_store_opens_nothing(world):
    spent = world.probe("phone101", "any")["verdict"]
    assert spent in ("refused", "provisioned")
    root("sh", "-c", "rm -f /var/lib/dialtone-gate/claims.db*")
    assert world.probe("phone101", "refused")["verdict"] == "refused"
    output = world.site(wanted=2)
    assert "onboarding_new_store" in output
    assert world.probe("phone101", "refused")["verdict"] == "refused"
    world.site("-e", "onboarding_new_store=true")
    assert world.probe("phone101")["verdict"] == "provisioned"


def test_a_killed_play_never_leaves_a_mixed_release(world):
    """Two inventories that differ in every file are published in turn and killed at random; what is served is always all of one."""
    rng = random.Random(11)
    inventories = []
    for mark in ("ONE", "TWO"):
        world.vars = {"phone_dialplan": mark}
        path = world.inventory()
        copy = path.with_name(f"{mark}.yml")
        copy.write_bytes(path.read_bytes())
        inventories.append(copy)
    world.vars = {}
    seen = set()
    for turn in range(8):
        command = [
            "ansible-playbook",
            "-i",
            str(inventories[turn % 2]),
            str(TOP / "playbooks/site.yml"),
            "--tags",
            "always,phone_configs",
            "-e",
            "phone_configs_max_change_percent=100",
        ]
        process = subprocess.Popen(
            command,
            cwd=world.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
        )
        time.sleep(rng.uniform(1.5, 6))
        # Without "--" procps takes -1234 for -1, which is every process of the machine.
        root("kill", "-KILL", "--", f"-{process.pid}", check=False)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        listing = subprocess.run(
            [*SUDO, "sh", "-c", "grep -ohE 'digitmap.string = (ONE|TWO|.*)' /var/lib/dialtone/current/phones/*/y*.cfg || echo none"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        marks = set(listing.split("\n")) - {""}
        assert len(marks) == 1, marks
        seen |= marks
    world.site("-e", "phone_configs_max_change_percent=100")
    assert changed(world.site()) == 0
