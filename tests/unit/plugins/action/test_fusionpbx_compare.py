# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import MagicMock
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, inventory_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.dialtone.phones.plugins.plugin_utils.fusionpbx import fetch

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "lab"))

from fusionpbx_site import SECRETS, site  # noqa: E402

DESK_MAC, POLY_MAC = "805ec0000001", "0004f2000002"
FOREIGN = "theirs-Only-pw"
ALL = """
all:
  vars:
    provisioning_url: https://prov.example.com
    provisioning_secret: 5eed5eed0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00ddba11c
    phone_configs_password_policy: "off"
"""


class Pbx(ThreadingHTTPServer):
    """Serves like FusionPBX: by ``?mac=`` or by a file's name, with Digest, and a domain by the path in place of the host's name."""

    def __init__(self, files: dict[str, dict[str, bytes]], password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.password = files, password
        self.asked: list[tuple[str, str]] = []
        self.redirect = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{{domain}}/app/provision/"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        parts = urlsplit(self.path)
        _empty, domain, *_folder, name = parts.path.split("/")
        server.asked.append((f"{domain}: {parse_qs(parts.query).get('mac', [name])[0]}", self.headers["User-Agent"]))
        if server.redirect:
            return self._answer(302, b"", Location=server.redirect)
        if server.password and not self._proved():
            return self._answer(401, b"", **{"WWW-Authenticate": 'Digest realm="berlin", qop="auth", nonce="5eed"'})
        mac = parse_qs(parts.query).get("mac", [""])[0]
        found = server.files.get(mac, {}).get("") if mac else next((files[name] for files in server.files.values() if name in files), None)
        return self._answer(404, b"<html>404</html>") if found is None else self._answer(200, found)

    def _proved(self) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        ha1 = hashlib.md5(f"provision:berlin:{self.server.password}".encode()).hexdigest()
        ha2 = hashlib.md5(f"GET:{self.path}".encode()).hexdigest()
        wanted = ":".join([ha1, "5eed", given.get("nc", ""), given.get("cnonce", ""), "auth", ha2])
        return given.get("response") == hashlib.md5(wanted.encode()).hexdigest()

    def _answer(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def pbx():
    servers = []

    def start(files: dict, password: str = "") -> Pbx:
        server = Pbx(files, password)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the task on the phones of an inventory; ``report`` of the result is what was written."""
    tables = site()
    monkeypatch.setattr(inventory_loader.get("dialtone.phones.fusionpbx", class_only=True), "reader", staticmethod(lambda _access: tables))
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "fusionpbx.yml").write_text("plugin: dialtone.phones.fusionpbx\n")
    (folder / "all.yml").write_text(ALL)

    def go(batch: tuple[str, ...] = (), **args) -> tuple[dict, dict, str]:
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        manager = InventoryManager(loader=loader, sources=[str(folder)])
        variables = VariableManager(loader=loader, inventory=manager)
        hostvars = HostVars(manager, variables, loader)
        task_vars = {**variables.get_vars(host=manager.get_hosts("phones")[0]), "groups": manager.get_groups_dict(), "hostvars": hostvars}
        if batch:
            task_vars["ansible_play_batch"] = list(batch)
        task = Task.load({"dialtone.phones.fusionpbx_compare": {"report": str(tmp_path / "out"), **args}})
        action = action_loader.get(
            "dialtone.phones.fusionpbx_compare",
            task=task,
            connection=MagicMock(),
            play_context=MagicMock(check_mode=False, diff=False),
            loader=loader,
            templar=Templar(loader=loader, variables=task_vars),
            shared_loader_obj=None,
        )
        result = action.run(task_vars=task_vars)
        return result, json.loads((tmp_path / "out.json").read_text()), (tmp_path / "out.md").read_text()

    go.folder, go.tables, go.out = folder, tables, tmp_path
    return go


def test_parameters_of_both_sides_are_compared_without_secrets(run, pbx):
    files = {
        DESK_MAC: {
            f"{DESK_MAC}.cfg": f"account.1.user_name = 1001\naccount.1.password = {SECRETS[0]}\naccount.2.password = {FOREIGN}\n"
            f"account.1.display_name = Someone | <else>\ntheirs.only = 1\nstrange.url = http://me:{FOREIGN}@x/\n".encode()
        }
    }
    result, document, text = run(url=pbx(files).url)
    entry = document["phones"]["berlin-1001-000001"]
    assert entry["side"] == "both"
    assert entry["only_theirs"] == {"strange.url": "http://me:***@x/", "theirs.only": "1"}
    assert entry["different"]["account.1.display_name"] == ["Someone | <else>", "Jörg O'Neil"]
    assert entry["different"]["account.2.password"] == ["***", "***"]
    assert "account.1.password" not in entry["different"] and entry["same"] >= 2
    assert entry["files"]["theirs"] == [f"{DESK_MAC}.cfg"]
    assert "| account.1.display\\_name | Someone \\| \\<else\\> | Jörg O'Neil |" in text
    assert not [secret for secret in [*SECRETS, FOREIGN] if secret in text + json.dumps(document) + json.dumps(result)]
    # One of the phones is off, and nobody serves it.
    assert result["counts"] == {"phones": 5, "same": 1, "different": 1, "only_theirs": 0, "only_ours": 3}
    assert {(run.out / name).stat().st_mode & 0o777 for name in ("out.md", "out.json")} == {0o600}


def test_a_phone_is_asked_for_as_itself_and_in_its_tenants_name(run, pbx):
    server = pbx({})
    run(url=server.url)
    assert ("berlin.example.com: 805ec0000001", "Yealink t54w dialtone.phones") in server.asked
    assert ("bonn.example.com: 000413000007", "Snom d785 dialtone.phones") in server.asked
    assert (f"berlin.example.com: {POLY_MAC}.cfg", "Polycom VVX_411 dialtone.phones") in server.asked


def test_the_login_is_answered_and_a_wrong_one_stops_at_once(run, pbx):
    server = pbx({DESK_MAC: {"": b"a.b = 1\n"}}, "prov-Pa55word")
    _result, document, _text = run(url=server.url, username="provision", password="prov-Pa55word")
    assert document["phones"]["berlin-1001-000001"]["files"]["theirs"] == ["(its own)"]
    before = len(server.asked)
    with pytest.raises(AnsibleActionFail, match="status 401 wants another login") as caught:
        run(url=server.url, username="provision", password="wrong-Pa55word")
    assert "wrong-Pa55word" not in str(caught.value)
    assert len(server.asked) - before < 8


def test_a_redirect_is_not_followed(run, pbx):
    elsewhere, server = pbx({}), pbx({})
    server.redirect = elsewhere.url.replace("{domain}", "x")
    with pytest.raises(AnsibleActionFail, match="status 302 is no answer to a phone"):
        run(url=server.url)
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ('Digest realm="a", qop="auth", nonce="5eed"', "asks for a login that cannot be answered"),
        ("Dig\x1b[2Jest realm=x", r"Dig\\x1b\[2Jest"),
    ],
)
def test_a_login_that_is_asked_for_in_an_odd_way_is_told_without_ours(run, pbx, monkeypatch, asks, sentence):
    server = pbx({})
    answer = _Handler._answer
    monkeypatch.setattr(_Handler, "_answer", lambda handler, *_args, **_headers: answer(handler, 401, b"", **{"WWW-Authenticate": asks}))
    with pytest.raises(AnsibleActionFail, match=sentence) as caught:
        run(url=server.url, username="pro\nvision", password="wrong-Pa55word")
    assert str(caught.value).isprintable() and "response=" not in str(caught.value)


def test_an_answer_that_is_no_configuration_is_told(run, pbx):
    _result, document, text = run(url=pbx({POLY_MAC: {"": b"<PHONE><a></PHONE>"}}).url)
    assert "can't be read as parameters" in document["phones"]["berlin-1001"]["note"]
    assert "not well-formed" in text


def test_an_answer_that_is_longer_than_any_configuration_is_told(run, pbx):
    _result, document, text = run(batch=("berlin-1001",), url=pbx({POLY_MAC: {"": b"a=1\n" * (1 << 20) + b"b"}}).url)
    entry = document["phones"]["berlin-1001"]
    assert entry["side"] == "both" and entry["only_theirs"] == {}
    assert "(its own) can't be read as parameters" in entry["note"]
    assert "Served from here only" not in text


@pytest.mark.parametrize(
    ("drip", "sentence"),
    [(True, "has not sent a whole file within 0 seconds"), (False, "breaks off in the middle of a file")],
)
def test_a_server_that_never_ends_does_not_hold_the_run(run, pbx, monkeypatch, drip, sentence):
    monkeypatch.setattr(fetch, "_PATIENCE", 0)
    server = pbx({})

    def answer(handler, _status, _data, **_headers):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _second in range(100 if drip else 0):
                handler.wfile.write(b"a")
                time.sleep(0.05)

    monkeypatch.setattr(_Handler, "_answer", answer)
    with pytest.raises(AnsibleActionFail, match=sentence):
        run(batch=("berlin-1001",), url=server.url, timeout=1)


def test_a_server_that_is_not_there_is_told_in_a_sentence(run, pbx):
    server = pbx({})
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(AnsibleActionFail, match=r"/app/provision/: .*refused"):
        run(url=url)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({}, "either url .* or source"),
        ({"url": "https://x/", "source": "y"}, "either url .* or source"),
        ({"url": "ftp://x/"}, "is no address such as"),
        ({"url": "https://me:pw@x/"}, "holds a user or a password"),
        ({"url": "https://x/?file="}, "only the folder is wanted"),
        ({"url": "https://x/", "ca_path": "/nowhere.pem"}, "ca_path: /nowhere.pem cannot be read"),
        ({"source": "/nowhere/fusionpbx.yml"}, "is no file"),
        ({"url": "https://x/", "timeout": 0}, "timeout: got 0, wanted 1 to 86,400"),
        ({"url": "https://x/", "timeout": 10**30}, "timeout: got 1,000,.*, wanted 1 to 86,400"),
        ({"url": "https://x/", "concurrency": -5}, "concurrency: got -5, wanted 1 to 1,000"),
        ({"url": "https://x/", "report": "/nowhere/out"}, "the folder /nowhere is not there"),
    ],
)
def test_wrong_options_are_refused(run, args, sentence):
    with pytest.raises(AnsibleActionFail, match=sentence):
        run(**args)


def test_the_database_is_compared_with_the_inventory_variable_by_variable(run):
    result, _document, text = run(source=str(run.folder / "fusionpbx.yml"))
    assert result["counts"] == {"phones": 5, "same": 5, "different": 0, "only_theirs": 0, "only_ours": 0}
    (run.folder / "over.yml").write_text("all: {hosts: {bonn-1001: {phone_language: de, phone_admin_password: Our-Own-Pa55}}}\n")
    result, document, text = run(source=str(run.folder / "fusionpbx.yml"))
    assert result["differing"] == ["bonn-1001"]
    entry = document["phones"]["bonn-1001"]
    assert entry["different"] == {"admin_password": ["***", "***"], "language": ["en", "de"]}
    assert "Our-Own-Pa55" not in text + json.dumps(document)


def test_a_device_that_only_the_database_has_is_told(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "fusionpbx.yml").write_text("plugin: dialtone.phones.fusionpbx\n")
    (run.folder / "fusionpbx.yml").write_text("plugin: dialtone.phones.fusionpbx\ndomains: [bonn.example.com]\n")
    result, document, _text = run(source=str(other / "fusionpbx.yml"))
    assert result["counts"] == {"phones": 5, "same": 1, "different": 0, "only_theirs": 4, "only_ours": 0}
    assert document["phones"]["berlin-1003"]["side"] == "theirs"
