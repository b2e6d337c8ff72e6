# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a real browser: it needs no network, breaks on no name, works by keyboard, and reads well on a phone and aloud."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.action.report import write

from tests.browser import chromium
from tests.unit.made_up_report import HOSTILE, made_up

UNLOCK = "ansible-playbook -i inventory dialtone.phones.unlock --limit "


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not chromium.PROGRAM:
        install = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium"
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        done = subprocess.run([*sudo, "sh", "-c", install], capture_output=True, check=False)
        chromium.PROGRAM = chromium.find()
        if done.returncode or not chromium.PROGRAM:
            pytest.skip("there is no Chromium, and Debian's could not be installed")
    made = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """The page of a fleet with hostile names, and that of 10,000 phones."""
    addresses = {}
    for name, made in (("hostile", made_up(240, hostile=True)), ("large", made_up(10_000))):
        folder = tmp_path_factory.mktemp(name)
        write(str(folder), made, UNLOCK, 0o600, False)
        addresses[name] = f"file://{folder}/fleet.html"
    return addresses


def rows(browser) -> list[str]:
    return browser.value("[...document.querySelectorAll('#phone-table tbody tr:not(.details) th bdi')].map((node) => node.textContent)")


def count(browser) -> str:
    return browser.value("document.querySelector('[role=status]').textContent")


def choose(browser, name: str, value: str) -> None:
    node = f"document.getElementById('f-{name}')"
    browser.value(f"{node}.value = {json.dumps(value)}; {node}.dispatchEvent(new Event('change'))")


def search(browser, text: str, wanted: str) -> None:
    browser.value(
        f"document.getElementById('search').value = {json.dumps(text)}; document.getElementById('search').dispatchEvent(new Event('input'))"
    )
    browser.wait(f"document.querySelector('[role=status]').textContent.startsWith({json.dumps(wanted + ' of ')})")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_names_are_text_and_nothing_else_is_loaded(browser, pages, width, dark):
    browser.problems.clear()
    browser.open(pages["hostile"], width, 844, dark)
    assert browser.value("document.title") == "Phones of Example Ltd."
    shown = set(rows(browser))
    assert set(HOSTILE) - {HOSTILE[2]} <= shown
    assert browser.value("document.querySelectorAll('#table img, #table script, #fleet img').length") == 0
    assert browser.value("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.problems == []


def test_a_foreign_program_is_not_run(browser, pages):
    browser.open(pages["hostile"])
    browser.value("{ const node = document.createElement('script'); node.textContent = 'document.title = 1'; document.body.append(node) }")
    assert browser.value("document.title") == "Phones of Example Ltd."
    assert any("Content Security Policy" in problem for problem in browser.problems)
    browser.problems.clear()


def test_ten_thousand_phones_are_searched_sorted_filtered_and_paged(browser, pages):
    browser.problems.clear()
    browser.open(pages["large"])
    assert count(browser) == "10,000 phones"
    assert len(rows(browser)) == 50
    made = made_up(10_000)["phones"]
    berlin = sum(phone["site"] == "Berlin" and phone["vendor"] == "snom" for phone in made)
    search(browser, "Berlin snom", str(berlin))
    assert all(name.startswith("berlin-") for name in rows(browser))
    search(browser, made[7]["mac"].replace(":", "").upper(), "1")
    search(browser, "no such phone", "0")
    assert "No phone fits." in browser.value("document.querySelector('#phone-table tbody').textContent")
    browser.value("[...document.querySelectorAll('.tools button')].pop().click()")
    assert count(browser) == "10,000 phones"
    browser.value("document.querySelectorAll('th button.sort')[5].click()")
    assert browser.value("document.querySelectorAll('#phone-table th')[5].getAttribute('aria-sort')") == "descending"
    browser.value("document.querySelectorAll('.pages button')[1].click()")
    assert browser.value("document.querySelector('.pages span').textContent") == "Page 2 of 200"
    choose(browser, "flag", "locked")
    locked = made_up(10_000)["flags"]["locked"]
    assert count(browser) == f"{locked} of 10,000 phones"
    assert browser.value("document.querySelector('.card').getAttribute('aria-pressed')") == "true"
    assert browser.problems == []


def test_the_command_that_unlocks_is_quoted_as_a_shell_wants_it(browser, pages):
    browser.open(pages["hostile"])
    wanted = [phone["unlock"] for phone in made_up(240, hostile=True)["phones"] if set(phone["flags"]) & {"locked", "stuck"}]
    assert browser.value("[...document.querySelectorAll('#closed .command code')].map((node) => node.textContent)") == wanted[:50]
    assert any("'\"'\"'" in command for command in [*wanted, *(phone["unlock"] or "" for phone in made_up(240, hostile=True)["phones"])])
    browser.value(
        "document.querySelectorAll('#phone-table .row-button').forEach((_node, index) => document.querySelectorAll('#phone-table .row-button')[index].click())"
    )
    told = browser.value("[...document.querySelectorAll('#phone-table .command code')].map((node) => node.textContent)")
    assert set(told) <= {phone["unlock"] for phone in made_up(240, hostile=True)["phones"]}
    assert UNLOCK + "'a'\"'\"'; rm -rf / #'" in told or made_up(240, hostile=True)["phones"][0]["unlock"] is None


def test_the_row_of_a_phone_opens_by_keyboard_and_keeps_the_focus(browser, pages):
    browser.open(pages["hostile"])
    browser.value("document.querySelector('.row-button').focus()")
    browser.press("Enter")
    assert browser.value("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert browser.value(
        "document.getElementById(document.activeElement.getAttribute('aria-controls')).textContent.includes('MAC address')"
    )
    browser.press("Enter")
    assert browser.value("document.activeElement.getAttribute('aria-expanded')") == "false"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_screen_reader_finds_its_way(browser, pages, width):
    browser.open(pages["hostile"], width)
    tree = browser.tree()
    roles = {node["role"] for node in tree}
    assert {
        "banner",
        "main",
        "contentinfo",
        "search",
        "navigation",
        "status",
        "region",
        "table",
        "columnheader",
        "rowheader",
        "cell",
    } <= roles
    headings = [node["name"] for node in tree if node["role"] == "heading"]
    assert headings[:3] == ["Phones of Example Ltd.", "Needs a look", "How far the phones have come"]
    for role in ("table", "button", "combobox", "searchbox", "image", "region", "link"):
        unnamed = [node for node in tree if node["role"] == role and not node["name"]]
        assert not unnamed, role
    assert browser.value("[...document.querySelectorAll('table:not(.u-legend)')].every((table) => table.caption && table.tHead)")
    assert browser.value("[...document.querySelectorAll('thead th')].every((head) => head.scope === 'col')")


CONTRAST = """(() => {
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((s, c, i) => s + c * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (text) => text.match(/[0-9.]+/g).map(Number);
  const back = (node) => { for (; node; node = node.parentElement) {
    const c = parts(getComputedStyle(node).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = new Set();
  for (const node of document.querySelectorAll("body *")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())
      || node.closest("script, noscript, option, .skip, :disabled")) continue;
    const [one, other] = [light(parts(getComputedStyle(node).color)), light(back(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) bad.add(`${node.tagName}.${node.className}: ${ratio.toFixed(2)}`);
  }
  return [...bad];
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read(browser, pages, dark):
    """The ratio that WCAG 2.2 wants of text at level AA."""
    browser.open(pages["hostile"], dark=dark)
    browser.value("document.querySelector('.card').click()")
    assert browser.value(CONTRAST) == []


def test_the_theme_can_be_chosen(browser, pages):
    browser.open(pages["hostile"])
    seen = []
    for _click in range(3):
        browser.value("document.getElementById('theme').click()")
        seen.append(
            (browser.value("document.getElementById('theme').textContent"), browser.value("document.documentElement.dataset.theme"))
        )
    assert seen == [("Theme: light", "light"), ("Theme: dark", "dark"), ("Theme: auto", "light")]


def test_charts_are_drawn_and_have_their_numbers(browser, pages):
    browser.open(pages["hostile"])
    assert browser.value("document.querySelectorAll('.chart canvas').length") == 2
    painted = "[...document.querySelectorAll('.chart canvas')].every((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean))"
    assert browser.value(painted)
    browser.value("document.querySelectorAll('#time details').forEach((node) => { node.open = true })")
    browser.wait("document.querySelectorAll('#time details tbody tr').length > 10")


@pytest.mark.skipif("DIALTONE_PICTURES" not in os.environ, reason="DIALTONE_PICTURES names no folder for pictures to look at")
def test_pictures_can_be_taken(browser, pages):
    folder = Path(os.environ["DIALTONE_PICTURES"])
    for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
        browser.open(pages["hostile"], width, 900, dark)
        browser.picture(folder / f"report-{width}-{'dark' if dark else 'light'}.png")
