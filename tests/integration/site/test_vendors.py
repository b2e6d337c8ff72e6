# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One phone of every vendor pack boots against the real server: from its one-time URL where it can be handed over, else at its own."""

from __future__ import annotations

import re

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs

from .world import PORT, SECRET, changed, phone

PACKS = Packs()


def phone_of(vendor: str, number: int) -> dict:
    entry = PACKS.get(vendor).data["models"][0]
    made = phone(number, entry.get("name", entry["match"]), phone_vendor=vendor, phone_redirect_account="")
    # No vendor's prefix, so that one loop serves all; such addresses are never registered anywhere.
    return {**made, "phone_mac": f"02:00:00:00:00:{number:02x}", "phone_lines": [{**made["phone_lines"][0], "name": f"Jürgen {number}"}]}


@pytest.fixture(scope="module")
def vendors(world):
    """Publish one phone of each vendor beside what is there; the service has nothing to do with them."""
    phones = {f"of-{vendor.replace('_', '-')}": phone_of(vendor, 10 + index) for index, vendor in enumerate(PACKS.names())}
    before, variables = dict(world.phones), dict(world.vars)
    # More people than a page of Cisco's holds.
    people = [{"name": f"Zoë {number}", "number": f"0800{number}"} for number in range(30)]
    world.vars["phone_configs_phonebooks"] = {"company": {"extensions": True, "contacts": people}}
    world.phones.update(phones)
    world.site("-e", "phone_configs_max_change_percent=100", "-e", "onboarding_new_store=true")
    yield world.onboarding()
    world.phones, world.vars = before, variables


def check_books(vendor: str, result: dict) -> None:
    """The phone found its book, with everybody in it: the company has an extension of every enabled phone, and thirty contacts."""
    model = PACKS.get(vendor).model(phone_of(vendor, 1)["phone_model"])
    if not PACKS.get(vendor).data.get("phonebook") or "phonebooks" in [*PACKS.get(vendor).data["unsupported"], *(model.unsupported or ())]:
        return
    people = sum(book["entries"] for book in result["books"])
    assert people >= len(PACKS.names()) + 30, result
    pages = [book["file"] for book in result["books"] if book["file"].startswith("p1-")]
    assert bool(pages) == bool(PACKS.get(vendor).data["phonebook"].get("pages")), result["books"]


@pytest.mark.parametrize("vendor", PACKS.names())
def test_a_phone_of_each_vendor_boots_in_its_own_order(world, vendors, vendor):
    name = f"of-{vendor.replace('_', '-')}"
    known = vendors[name]
    if known["state"] == "armed":
        result = world.probe(name, url=known["url"])
        assert result["verdict"] == "provisioned", result
        assert any(request["phase"] == "home" for request in result["requests"])
        check_books(vendor, result)
        assert world.probe(name, "refused", url=known["url"])["verdict"] == "refused"
    else:
        assert "by hand" in known["msg"]
        mac = world.phones[name]["phone_mac"].replace(":", "")
        deriver = Deriver(SECRET)
        home = f"https://127.0.0.1:{PORT}/p/{deriver.home_token(mac, 1)}/"
        result = world.probe(name, "any", url=home, username=deriver.http_user(mac, 1), password=deriver.http_password(mac, 1))
        assert any(request["status"] == 200 for request in result["requests"]), result
        check_books(vendor, result)
    assert result["problems"] == []


def test_a_phone_that_is_set_up_by_its_sheet_boots_and_the_sheet_goes(world, vendors):
    name, dest = "of-fanvil", world.folder / "sheets"
    world.play("playbooks/unlock.yml", "--limit", name)
    output = world.play("playbooks/sheets.yml", "--limit", name, "-e", f"sheets_dest={dest}", "--diff")
    assert sorted(file.name for file in dest.iterdir()) == [f"{name}.html", f"{name}.md"]
    text = (dest / f"{name}.md").read_text(encoding="utf-8")
    url = re.search(r"One-time URL \| `([^`]+)`", text).group(1)
    assert url.rstrip("/").rsplit("/", 1)[1] not in output
    assert f"<code>{url}</code>" in (dest / f"{name}.html").read_text(encoding="utf-8")
    assert changed(world.play("playbooks/sheets.yml", "--limit", name, "-e", f"sheets_dest={dest}")) == 0
    assert world.probe(name, url=url)["verdict"] == "provisioned"
    for _attempt in range(20):
        world.play("playbooks/sheets.yml", "--limit", name, "-e", f"sheets_dest={dest}")
        if not list(dest.iterdir()):
            break
    assert not list(dest.iterdir())
