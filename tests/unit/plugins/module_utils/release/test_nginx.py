# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import socket

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.dialtone.phones.plugins.module_utils.release.nginx import WebServer
from ansible_collections.dialtone.phones.tests.unit.plugins.module_utils.release.server import Server, phone, run_command

# Stands for nginx: notes how it is called, and fails where a test says so.
FAKE = """#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in
  "-V") test ! -e {folder}/pid || echo "configure arguments: --pid-path={folder}/pid" >&2;;
  *"-t -q -c"*) cp "$(dirname "$4")"/site.conf {folder}/checked; test ! -e {folder}/refuse-staged || {{ cat {folder}/refuse-staged >&2; exit 1; }};;
  "-t -q") test ! -e {folder}/refuse-real || {{ rm {folder}/refuse-real; echo 'nginx: [emerg] duplicate listen options' >&2; exit 1; }};;
  "-s reload") test ! -e {folder}/stopped || {{ echo 'nginx: [error] invalid PID number "" in "/run/nginx.pid"' >&2; exit 1; }};;
esac
"""


class Nginx:
    def __init__(self, folder) -> None:
        self.folder = folder

    def set(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(text)

    @property
    def calls(self) -> list:
        path = self.folder / "calls"
        found = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return ["check" if "-c" in line else line for line in found if line != "-V"]


@pytest.fixture
def nginx(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "nginx"
    path.write_text(FAKE.format(folder=folder))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Nginx(folder)


@pytest.fixture
def server(tmp_path, nginx):
    site = tmp_path / "site.conf"
    root = tmp_path / "root"
    site.write_text(f"include {root}/current/gate/tokens.map;\n")
    server = Server(root, site=str(site))
    server.publish([phone(1, {"a.cfg": "1"})])
    assert nginx.calls == ["check", "-t -q", "-s reload"]
    return server


def test_staged_release_is_checked_before_the_switch(server, nginx):
    server.publish([phone(2, {"a.cfg": "2"})], release_id="second")
    assert (nginx.folder / "checked").read_text() == f"include {server.root}/releases/second.staging/gate/tokens.map;\n"


def test_files_of_phones_alone_do_not_concern_nginx(server, nginx):
    assert server.publish([phone(1, {"a.cfg": "2"})])["reloaded"] is False
    assert nginx.calls == []


def test_new_password_file_alone_does_not_reload(server, nginx):
    row, contents = phone(1, {"a.cfg": "1"})
    row["gate"]["home"][0]["ssha"] = "{SSHA}" + "B" * 38
    server.publish([(row, contents)])
    assert nginx.calls == []


def test_release_that_nginx_refuses_is_not_switched_to(server, nginx):
    before = server.store.current().id
    nginx.set("refuse-staged", "nginx: [warn] odd\nnginx: [emerg] invalid token 0123456789abcdef0123456789abcdef01234567 in tokens.map:1\n")
    with pytest.raises(
        ReleaseError, match=r"nginx refuses the staged release, nothing was switched: nginx: \[emerg\] invalid token \*+ in tokens"
    ):
        server.publish([phone(2, {"a.cfg": "2"})])
    assert server.store.current().id == before
    assert len(server.store.releases()) == 1


def test_reload_that_fails_is_switched_back(server, nginx):
    before = server.store.current().id
    nginx.set("refuse-real")
    with pytest.raises(ReleaseError, match=rf"nginx -t: nginx: \[emerg\] duplicate listen options; switched back to release {before}"):
        server.publish([phone(2, {"a.cfg": "2"})])
    assert server.store.current().id == before
    assert nginx.calls == ["check", "-t -q", "-t -q", "-s reload"]
    assert server.store.pending() is None
    assert server.publish([phone(2, {"a.cfg": "2"})])["reloaded"] is True


def test_stopped_nginx_is_told_not_refused(server, nginx):
    nginx.set("stopped")
    result = server.publish([phone(2, {"a.cfg": "2"})])
    assert (result["reloaded"], result["web_server_stopped"]) == (False, True)


def test_reload_that_a_killed_run_did_not_come_to_is_made_by_the_next(server, nginx):
    server.store.set_pending(None)
    result = server.publish()
    assert (result["changed"], result["reloaded"]) == (True, True)
    assert nginx.calls == ["-t -q", "-s reload"]
    assert server.publish()["changed"] is False


def test_reload_of_a_killed_run_that_nginx_refuses_is_switched_back(server, nginx):
    before = server.store.current().id
    server.publish([phone(2, {"a.cfg": "2"})], release_id="second")
    server.store.set_pending(before)
    nginx.set("refuse-real")
    with pytest.raises(ReleaseError, match=f"switched back to release {before}"):
        server.publish()
    assert server.store.current().id == before
    assert server.store.pending() is None


def test_command_of_the_users_own_is_run_as_given(tmp_path, nginx):
    site = tmp_path / "site.conf"
    site.write_text("")
    web = WebServer(str(site), f"touch {tmp_path}/done", str(tmp_path), run_command)
    assert web.reload() is True
    assert (tmp_path / "done").exists()
    with pytest.raises(ReleaseError, match="false: ended with 1"):
        WebServer(str(site), "false", str(tmp_path), run_command).reload()


@pytest.mark.parametrize("site", ["", "/nonexistent/site.conf"])
def test_without_our_site_nginx_is_not_asked(tmp_path, nginx, site):
    Server(tmp_path / "root", site=site).publish([phone(1, {"a.cfg": "1"})])
    assert nginx.calls == []


@pytest.mark.skipif(not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), reason="nginx is not installed")
def test_real_nginx_reads_the_staged_maps_while_its_port_is_in_use(tmp_path):
    root = tmp_path / "root"
    site = tmp_path / "site.conf"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        site.write_text(
            f"map $uri $dialtone_entry {{ default ''; include {root}/current/gate/tokens.map; }}\n"
            f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 $dialtone_entry; }} }}\n"
        )
        Server(root).publish([phone(1, {"a.cfg": "1"})], release_id="one")
        WebServer(str(site), "", str(root), run_command).check(f"{root}/releases/one")
    site.write_text("server { listen nonsense:; }\n")
    with pytest.raises(ReleaseError, match="nginx refuses the staged release"):
        WebServer(str(site), "", str(root), run_command).check(f"{root}/releases/one")


@pytest.mark.parametrize("pid", ["own", "gone"])
def test_a_stale_pid_file_lets_no_other_process_be_signalled(server, nginx, pid):
    nginx.calls  # noqa: B018 - forgets what came before
    nginx.set("pid", str(os.getpid()) if pid == "own" else "4194303")
    done = server.publish([phone(1, {"a.cfg": "1"}), phone(2, {"a.cfg": "2"})])
    assert "-s reload" not in nginx.calls
    assert done["web_server_stopped"]
