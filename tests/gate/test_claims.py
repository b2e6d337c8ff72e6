# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-time URLs: who gets the files, who does not, and how a refusal looks."""

from __future__ import annotations

import threading
import time

import pytest

from . import release
from .client import basic, fetch
from .release import mac_of


def claim(number: int, token: str, name: str = "", **more):
    return fetch(f"/c/{token}/{name or mac_of(number) + '.boot'}", **more)


def at_once(calls) -> list:
    """Make calls at the same moment, each in a thread of its own, and return what came of them."""
    barrier = threading.Barrier(len(calls))
    replies = []

    def run(call) -> None:
        barrier.wait()
        replies.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def test_a_claim_serves_its_phone_and_the_same_address_afterwards(gate):
    number = 0x40
    token = gate.arm([number])[number]
    first = claim(number, token, source="127.0.0.2")
    assert (first.status, first.body) == (200, release.content(mac_of(number), f"{mac_of(number)}.boot"))
    assert claim(number, token, f"{mac_of(number)}.cfg", source="127.0.0.2").status == 200
    assert claim(number, token, f"{mac_of(number).upper()}.CFG", source="127.0.0.2").status == 200
    assert claim(number, token, source="127.0.0.3").status == 404
    assert gate.state(number)["claim_ip"] == "127.0.0.2"


def test_200_clients_at_one_url_have_one_winner(gate):
    number = 0x41
    token = gate.arm([number])[number]
    replies = at_once([lambda client=client: claim(number, token, source=f"127.1.0.{client + 1}") for client in range(200)])
    won = [reply for reply in replies if reply.status == 200]
    assert len(won) == 1
    assert {reply.status for reply in replies if reply is not won[0]} == {404}


@pytest.mark.parametrize(
    "how",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"method": "PUT"},
        {"method": "DELETE"},
        {"method": "OPTIONS"},
        {"name": "nothing.cfg"},
        {"name": "link.cfg"},
    ],
    ids=lambda how: "-".join(how.values()),
)
def test_what_is_not_a_get_of_a_first_file_does_not_claim(gate, how):
    number = 0x42
    token = gate.arm([number])[number]
    assert claim(number, token, **how).status == 404
    assert gate.state(number)["state"] == "armed"
    assert claim(number, token).status == 200


def test_a_refused_address_does_not_burn_the_claim(gate):
    number = release.FOREIGN
    token = gate.arm([number])[number]
    assert claim(number, token).status == 404
    assert gate.state(number)["state"] == "armed"


def test_a_required_certificate_that_is_missing_does_not_burn_the_claim(gate):
    number = release.REQUIRE
    token = gate.arm([number])[number]
    assert claim(number, token).status == 404
    assert gate.state(number)["state"] == "armed"


def test_a_disabled_phone_cannot_claim(gate):
    number = release.DISABLED
    token = gate.arm([number])[number]
    assert claim(number, token).status == 404


def test_all_refusals_look_the_same(gate):
    number, foreign = 0x43, release.FOREIGN
    tokens = gate.arm([number, foreign])
    claim(number, tokens[number], source="127.0.0.2")
    shapes = {
        "unknown": fetch("/c/" + "0" * 40 + "/x.boot"),
        "other address": claim(number, tokens[number], source="127.0.0.3"),
        "refused address": claim(foreign, tokens[foreign]),
        "home unknown": fetch("/p/" + "0" * 40 + "/x.boot"),
        "home refused address": fetch(f"/p/{release.home_token(mac_of(foreign))}/{mac_of(foreign)}.cfg"),
        "missing file": fetch(f"/p/{release.home_token(mac_of(release.OPEN))}/missing.cfg"),
        "no such place": fetch("/"),
    }
    gate.verb("spend", [mac_of(number)])
    shapes["spent"] = claim(number, tokens[number], source="127.0.0.2")
    gate.verb("lock", [mac_of(number)])
    shapes["locked"] = claim(number, tokens[number], source="127.0.0.2")
    gate.verb("retire", [mac_of(number)])
    shapes["retired"] = claim(number, tokens[number], source="127.0.0.2")
    assert len({reply.shape for reply in shapes.values()}) == 1, {name: reply.head for name, reply in shapes.items()}


def test_contact_at_home_spends_the_claim(gate):
    number = 0x44
    mac = mac_of(number)
    token = gate.arm([number])[number]
    assert claim(number, token).status == 200
    path = f"/p/{release.home_token(mac)}/{mac}.cfg"
    assert fetch(path).status == 401
    assert gate.state(number)["state"] == "claimed"
    probe = {"X-Dialtone-Probe": "1"}
    assert fetch(path, headers={**basic(*release.credentials(mac)), **probe}).status == 200
    time.sleep(0.6)
    assert gate.state(number)["state"] == "claimed"
    assert fetch(path, headers=basic(*release.credentials(mac))).status == 200
    deadline = time.monotonic() + 5
    while gate.state(number)["state"] != "spent" and time.monotonic() < deadline:
        time.sleep(0.1)
    facts = gate.state(number)
    assert (facts["state"], facts["ended_by"]) == ("spent", "contact at home")
    assert claim(number, token).status == 404


def test_the_window_ends(gate):
    number = 0x45
    token = gate.arm([number], window=1)[number]
    assert claim(number, token).status == 200
    time.sleep(1.3)
    assert claim(number, token).status == 404


def test_an_unlocked_phone_gets_a_new_url_and_the_old_one_stays_closed(gate):
    number = 0x46
    old = gate.arm([number])[number]
    claim(number, old)
    new = gate.arm([number])[number]
    assert claim(number, old).status == 404
    assert claim(number, new).status == 200


def test_a_reopened_url_serves_the_named_address(gate):
    number = 0x47
    token = gate.arm([number])[number]
    claim(number, token, source="127.0.0.2")
    gate.verb("spend", [mac_of(number)])
    gate.verb("reopen", mac_of(number), "127.0.0.9/32", 60, "test")
    assert claim(number, token, source="127.0.0.2").status == 404
    assert claim(number, token, source="127.0.0.9").status == 200


def test_a_claim_may_ask_for_a_pin(gate):
    number = release.PIN
    token = gate.arm([number], pins={number: "12345678"})[number]
    first = claim(number, token)
    assert first.status == 401 and first.headers["www-authenticate"].startswith("Basic")
    assert claim(number, token, headers=basic("x", "87654321")).status == 401
    assert gate.state(number)["state"] == "armed"
    assert claim(number, token, headers=basic("x", "12345678")).status == 200
    assert claim(number, token, f"{mac_of(number)}.cfg").status == 200


def test_wrong_pins_lock_the_claim(gate):
    number = release.PIN
    token = gate.arm([number], pins={number: "12345678"})[number]
    assert [claim(number, token, headers=basic("x", "00000000")).status for _try in range(7)] == [401] * 7
    assert gate.state(number)["state"] == "armed"
    for wrong in range(1, 5):
        claim(number, token, headers=basic("x", f"0000000{wrong}"))
    assert gate.state(number)["state"] == "locked"
    assert claim(number, token, headers=basic("x", "12345678")).status == 404


def test_pins_guessed_all_at_once_are_still_few(gate):
    number = release.PIN
    token = gate.arm([number], pins={number: "12345678"})[number]
    replies = at_once([lambda guess=guess: claim(number, token, headers=basic("x", f"{guess:08d}")) for guess in range(60)])
    assert {reply.status for reply in replies} <= {401, 404}
    assert gate.state(number)["state"] == "locked"
    events = [(event["event"], event["detail"]) for event in gate.verb("events", [mac_of(number)])]
    last = max(place for place, (event, _detail) in enumerate(events) if event == "armed")
    assert [detail for event, detail in events[last:] if event == "wrong-pin"] == [f"{count} of 5" for count in range(1, 6)]


def test_a_release_that_wants_a_pin_keeps_a_url_closed_that_was_armed_without_one(gate):
    number = release.PIN
    token = gate.arm([number])[number]
    assert claim(number, token).status == 404
    assert gate.state(number)["state"] == "armed"


def test_an_unchanged_file_answers_304(gate):
    number = 0x48
    token = gate.arm([number])[number]
    first = claim(number, token)
    again = claim(number, token, headers={"If-None-Match": first.headers["etag"]})
    assert again.status == 304
