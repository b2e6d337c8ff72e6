# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import gate_digest
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.unchanged import UnchangedRow

from ...one_run import PHONE, produce

BOOKS = {"phone_configs_phonebooks": {"company": {"title": "Company", "extensions": True}}}


def phone(number, **more):
    line = {"number": number, "name": f"Zoë {number}", "password": f"vX7-quiet-Lamp-{number}"}
    return {**PHONE, "phone_mac": f"001565000{number}", "phone_lines": [line], "phone_phonebooks": ["company"], **more}


HOSTS = {"a": phone("101"), "b": phone("102", phone_country="XX", phone_groups=["sales"]), "c": phone("103", phone_enabled=False)}


def manifest(production):
    """Return the rows that a server would have of a production, as the controller gets them, and the run's result."""
    rows = {}
    for row in production.rows():
        text = json.dumps(
            {
                "host": row.host,
                "mac": row.mac,
                "vendor": row.vendor,
                "site": row.site,
                "key": row.key,
                "gate": gate_digest(row.gate),
                "about": row.about,
                "files": {},
            }
        )
        rows[row.host] = json.loads(text)
    production.finish()
    return rows


def again(tmp_path, rows, hosts=None, batch=None, **run):
    production = produce(tmp_path, hosts or HOSTS, batch, **{**BOOKS, **run})
    return production, list(production.rows(rows.get))


@pytest.fixture
def published(tmp_path):
    return manifest(produce(tmp_path, HOSTS, **BOOKS))


def test_phones_whose_inputs_are_as_published_are_not_built(tmp_path, published):
    _production, rows = again(tmp_path, published)
    assert [type(row) for row in rows] == [UnchangedRow] * 3
    assert [(row.host, row.mac, row.key) for row in rows] == [(row["host"], row["mac"], row["key"]) for row in published.values()]


def test_an_unchanged_phone_can_be_built_and_is_the_one_that_was_published(tmp_path, published):
    production, rows = again(tmp_path, published)
    assert [gate_digest(production.row(row.host).gate) for row in rows] == [row.gate for row in rows]
    assert rows[0].render()


@pytest.mark.parametrize(
    "run",
    [
        {"phone_configs_password_policy": "basic"},
        {"phone_configs_strict": True},
        {"phone_configs_scope": "other"},
        {"provisioning_url": "https://elsewhere.example.com"},
        {"provisioning_secret_previous": hashlib.sha256(b"older").hexdigest()},
        {"phone_configs_phonebooks": {"company": {"title": "Firma", "extensions": True}}},
    ],
    ids=lambda run: next(iter(run)),
)
def test_a_setting_of_the_run_has_every_phone_built_anew(tmp_path, published, run):
    _production, rows = again(tmp_path, published, **run)
    assert not [row for row in rows if isinstance(row, UnchangedRow)]


def test_a_rotated_previous_secret_has_every_phone_built_anew(tmp_path):
    rotating = {"provisioning_secret_previous": hashlib.sha256(b"older").hexdigest()}
    rows = manifest(produce(tmp_path, HOSTS, **BOOKS, **rotating))
    _production, rows = again(tmp_path, rows, provisioning_secret_previous=hashlib.sha256(b"oldest").hexdigest())
    assert not [row for row in rows if isinstance(row, UnchangedRow)]


def test_only_the_phone_that_changed_is_built(tmp_path, published):
    _production, rows = again(tmp_path, published, {**HOSTS, "b": phone("102", phone_country="DE")})
    assert [isinstance(row, UnchangedRow) for row in rows] == [True, False, True]


@pytest.mark.parametrize("batch", [None, ["d"]])
def test_a_new_phone_that_registers_as_an_unchanged_one_is_refused(tmp_path, published, batch):
    twin = {**phone("104"), "phone_lines": HOSTS["a"]["phone_lines"]}
    production, _rows = again(tmp_path, published, {**HOSTS, "d": twin}, batch)
    with pytest.raises(ProblemsError, match="d: phone_lines.0.: user 101 at .* is registered by a too"):
        production.finish()


def test_a_new_phone_with_the_mac_of_an_unchanged_one_is_refused(tmp_path, published):
    production, _rows = again(tmp_path, published, {**HOSTS, "d": {**phone("104"), "phone_mac": HOSTS["b"]["phone_mac"]}})
    with pytest.raises(ProblemsError, match="d: phone_mac: .* is that of b too"):
        production.finish()


@pytest.mark.parametrize("batch", [None, ["a"]])
def test_phonebooks_list_unchanged_phones_as_before(tmp_path, published, batch):
    fresh = produce(tmp_path, HOSTS, batch, **BOOKS)
    before = list(fresh.rows())
    wanted = [fresh.render_book(row.vendor, book) for row in before for book in row.listed]
    production, rows = again(tmp_path, published, batch=batch)
    assert [production.render_book(row.vendor, book) for row in rows for book in row.listed] == wanted
    assert [production.shelf_key(row.vendor, row.listed) for row in rows] == [fresh.shelf_key(row.vendor, row.listed) for row in before]
    assert b"Zo\xc3\xab 102" in wanted[0][0].content


def test_warnings_of_unchanged_phones_are_told_again(tmp_path, published):
    fresh = produce(tmp_path, HOSTS, **BOOKS)
    list(fresh.rows())
    production, _rows = again(tmp_path, published)
    assert list(production.warnings) == list(fresh.warnings)


def test_a_row_without_what_is_kept_of_a_phone_is_not_relied_on(tmp_path, published):
    rows = {host: {**row, "about": {}} for host, row in published.items()}
    assert not [row for row in again(tmp_path, rows)[1] if isinstance(row, UnchangedRow)]
