# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phonebooks of a run: rendered once for all phones that get them, not at all where a phone of the server has them as they would be."""

from __future__ import annotations

import json

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.release.manifest import encode, gate_digest
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.plan import Plan, Scope
from ansible_collections.dialtone.phones.plugins.plugin_utils.publish.run import PublishError, Run
from ansible_collections.dialtone.phones.plugins.plugin_utils.published import Published

from ....one_run import produce

SECRET_LINE = {"password": "vX7-quiet-Lamp-93"}


def phone(number, vendor="yealink", model="T54W", **more):
    prefix = {"yealink": "001565", "cisco": "000e08"}[vendor]
    return {
        "phone_mac": f"{prefix}000{number}",
        "phone_vendor": vendor,
        "phone_model": model,
        "phone_sip_server": "pbx.example.com",
        "phone_lines": [{**SECRET_LINE, "number": str(number)}],
        "phone_phonebooks": ["people"],
        **more,
    }


HOSTS = {"a": phone(101), "b": phone(102), "c": phone(103, "cisco", "SPA504G")}


class Site:
    """One server's manifest over several runs; ``rendered`` counts books."""

    def __init__(self, tmp_path):
        self.folder = tmp_path
        self.rows = {}
        self.hosts = dict(HOSTS)
        self.people(40)

    def people(self, count):
        text = "name,number\n" + "".join(f"P{number:03},{number}\n" for number in range(count))
        (self.folder / "people.csv").write_text(text, encoding="utf-8")

    def run(self, *others, keep_all=False, **variables):
        """Publish; return which books were rendered, and what would be sent to this server and to others."""
        production = produce(self.folder, self.hosts, phone_configs_phonebooks={"people": {"csv": "people.csv"}}, **variables)
        rendered = []
        inner = production.render_book
        production.render_book = lambda vendor, listing: rendered.append(vendor) or inner(vendor, listing)
        run = Run(production, str(self.folder), lambda line: None)
        plans = []
        for rows in ({mac: encode(row) for mac, row in self.rows.items()}, *others):
            published = Published("server", "digest" if rows else "", rows)
            run.prepare(published, False, keep_all)
            plans.append(Plan(run, published, Scope("all"), str(self.folder)))
        stream, _size = plans[0].stream({})
        for line in stream.read().splitlines()[1:]:
            entry = json.loads(line)
            if "set" in entry:
                self.rows[entry["set"]["mac"]] = {**entry["set"], "gate": gate_digest(entry["set"]["gate"])}
        for plan in plans:
            assert all(digest in run.contents for digest in plan.index)
        return sorted(rendered), [len(plan.index) for plan in plans], plans


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    rendered, _sent, _plans = made.run()
    assert rendered == ["cisco", "yealink"]
    return made


def names(site, mac):
    return sorted(name for name in site.rows[mac]["files"] if "people" in name)


def test_a_book_is_sent_once_for_all_its_phones(site):
    first = site.rows["001565000101"]["files"]["phonebook-people.xml"]
    assert first == site.rows["001565000102"]["files"]["phonebook-people.xml"]
    assert names(site, "000e08000103") == ["p1-pages-people.xml", "p2-pages-people.xml", "pages-people.xml"]


def test_a_run_that_finds_the_people_as_they_were_renders_no_book_and_changes_nothing(site):
    rendered, sent, plans = site.run()
    assert (rendered, sent, list(plans[0].changes), plans[0].moved) == ([], [0], [], 0)


def test_a_new_phone_gets_the_book_that_others_have(site):
    site.hosts["d"] = phone(104)
    rendered, _sent, plans = site.run()
    assert rendered == []
    assert [change.host for change in plans[0].changes] == ["d"]
    assert site.rows["001565000104"]["files"]["phonebook-people.xml"] == site.rows["001565000101"]["files"]["phonebook-people.xml"]


def test_other_people_are_another_book_and_pages_that_are_gone_go(site):
    site.people(20)
    rendered, _sent, plans = site.run()
    assert rendered == ["cisco", "yealink"]
    assert names(site, "000e08000103") == ["pages-people.xml"]
    (change,) = [change for change in plans[0].changes if change.host == "c"]
    assert sorted(change.files) == ["p1-pages-people.xml", "p2-pages-people.xml", "pages-people.xml"]
    assert site.run()[0] == []


def test_a_server_that_lacks_a_book_gets_it_though_another_has_it(site):
    rendered, sent, _plans = site.run({})
    assert rendered == ["cisco", "yealink"]
    assert sent[0] == 0
    assert sent[1] >= 4


def test_a_diff_has_every_book_at_hand(site):
    assert site.run(keep_all=True)[0] == ["cisco", "yealink"]


def test_what_is_wrong_with_books_and_phones_is_told_at_once(site):
    (site.folder / "people.csv").write_text("name,number\nA,<1>\nB,<2>\n", encoding="utf-8")
    site.hosts["b"] = phone(102, phone_country="XX", phone_mac="zz")
    with pytest.raises(PublishError) as caught:
        site.run()
    for part in ("people.csv, line 2", "people.csv, line 3", "b: phone_mac"):
        assert str(caught.value).count(part) == 1


def test_what_does_not_fit_is_a_warning_or_an_error_of_strict_runs(site):
    site.people(1030)
    production_warnings = site.run()[2]
    assert production_warnings
    with pytest.raises(PublishError, match="phones of cisco take 1024 entries on 32 pages, 6 of 1030 left out"):
        site.rows = {}
        site.run(phone_configs_strict=True)
