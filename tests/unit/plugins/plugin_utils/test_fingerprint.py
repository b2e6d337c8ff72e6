# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils import fingerprint, timezone


@pytest.fixture(autouse=True)
def fresh():
    caches = (fingerprint.environment, fingerprint.time_zones, timezone._load)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_the_same_code_and_libraries_have_the_same_digest():
    first = fingerprint.environment()
    fingerprint.environment.cache_clear()
    fingerprint.time_zones.cache_clear()
    assert fingerprint.environment() == first


@pytest.mark.parametrize("library", ["netaddr", "zxcvbn"])
def test_another_version_of_a_library_is_another_digest(monkeypatch, library):
    before = fingerprint.environment()
    fingerprint.environment.cache_clear()
    found = fingerprint._version
    monkeypatch.setattr(fingerprint, "_version", lambda name: "99" if name == library else found(name))
    assert fingerprint.environment() != before


@pytest.mark.parametrize("name", ["plugin_utils/fit.py", "module_utils/mac.py"])
def test_changed_code_is_another_digest(monkeypatch, tmp_path, name):
    before = fingerprint.environment()
    for folder in fingerprint._CODE:
        shutil.copytree(fingerprint._PLUGINS / folder, tmp_path / folder)
    monkeypatch.setattr(fingerprint, "_PLUGINS", tmp_path)
    fingerprint.environment.cache_clear()
    assert fingerprint.environment() == before
    with open(tmp_path / name, "a", encoding="utf-8") as stream:
        stream.write("# another\n")
    fingerprint.environment.cache_clear()
    assert fingerprint.environment() != before


def test_only_the_rules_of_time_zones_count(monkeypatch):
    before = fingerprint.time_zones()
    read = timezone._zone_file
    fingerprint.time_zones.cache_clear()
    monkeypatch.setattr(timezone, "_zone_file", lambda name: (read(name) or b"").replace(b"LMT", b"XXX") or None)
    assert fingerprint.time_zones() == before
    fingerprint.time_zones.cache_clear()
    monkeypatch.setattr(timezone, "_zone_file", lambda name: (read(name) or b"").replace(b"CET-1CEST", b"CET-2CEST") or None)
    assert fingerprint.time_zones() != before
