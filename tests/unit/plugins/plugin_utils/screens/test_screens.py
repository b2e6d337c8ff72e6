# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screens of phones: fetched from honest and hostile web pages, brought to PNG, put on a page."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import pytest
from ansible_collections.dialtone.phones.plugins.action.screen_capture import check, save, summary, take
from ansible_collections.dialtone.phones.plugins.module_utils.paced import Pace
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.client import CaptureError, Limits, Screen, fetch_screen
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.image import ImageError, Picture, read_picture
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.sheet import Card, contact_sheet
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.targets import find_screens

from ....one_run import PHONE, Inventory

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "lab"))
from phone_screens import PASSWORD, USER, PhoneServer, bmp, pixels_of

LIMITS = Limits(1.0, 200_000, True)


@pytest.fixture
def phone():
    servers = []

    def start(way: str, elsewhere: str = "") -> PhoneServer:
        servers.append(PhoneServer(way, elsewhere))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def screen(server, paths=("/screencapture", "/second"), password=PASSWORD, host="reception", needs="switch it on") -> Screen:
    place = server if isinstance(server, str) else server.place
    return Screen(host, "yealink", "t54w", f"http://{place}", tuple(paths), USER, password, needs)


@pytest.mark.parametrize(("way", "size"), [("basic", (8, 4)), ("digest", (16, 9)), ("second", (16, 9)), ("near", (8, 4))])
def test_the_screen_is_fetched_with_the_login_that_the_phone_wants(phone, way, size):
    server = phone(way)
    picture = fetch_screen(screen(server), LIMITS)
    assert (picture.width, picture.height) == size
    # The password is never sent unasked.
    assert server.seen[0][1] == ""
    assert way == "basic" or not [sent for _path, sent in server.seen if sent.startswith("Basic")] or way == "near"


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("wrong", "refuses the login of admin: the password of its web page is not the inventory's"),
        ("odd_login", "wants a login that is neither Basic nor Digest"),
        ("forbidden", "refuses (403); switch it on"),
        ("missing", "knows no screen at /second (404); switch it on"),
        ("broken", "answers 500"),
        ("page", "its answer is no picture (PNG, BMP and JPEG are known) (text/html); switch it on"),
        ("announced", "answers with 1,099,511,627,776 bytes, more than 200,000"),
        ("endless", "answers with more than 200,000 bytes"),
        ("cut", "its answer is a BMP that was cut short (image/bmp); switch it on"),
        ("short", "breaks off|ends its answer after"),
        ("silent", "stops answering for more than 1 s"),
        ("endless_login", "refuses the login of admin"),
        ("endless_redirect", "sends from one address to the next, without end"),
        ("odd_digest", "wants a Digest login of a kind that is not known here"),
        ("round", "sends from one address to the next, without end"),
    ],
)
def test_a_phone_that_does_not_tell_is_one_sentence(phone, way, told):
    with pytest.raises(CaptureError) as caught:
        fetch_screen(screen(phone(way)), LIMITS)
    assert any(part in str(caught.value) for part in told.split("|")), str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("way", ["elsewhere", "login_elsewhere"])
def test_nothing_follows_a_phone_that_leads_elsewhere(phone, way):
    trap = phone("basic")
    server = phone(way, f"http://{trap.place}/screencapture")
    with pytest.raises(CaptureError, match="sends to another address than its own, which is not followed"):
        fetch_screen(screen(server), LIMITS)
    assert trap.seen == []


@pytest.mark.parametrize("location", ["//evil.example.com/x", "http://user@127.0.0.1/", "http://[::1", "ftp://127.0.0.1/x"])
def test_odd_places_are_not_followed(phone, location):
    with pytest.raises(CaptureError, match="sends to"):
        fetch_screen(screen(phone("elsewhere", location)), LIMITS)


def test_a_phone_that_is_off_is_told(phone):
    server = phone("basic")
    server.close()
    with pytest.raises(CaptureError, match="has no web page open at .*connection refused"):
        fetch_screen(screen(server), LIMITS)
    with pytest.raises(CaptureError, match="can't be resolved"):
        fetch_screen(screen("no-such-phone.invalid"), LIMITS)


def test_tls_that_is_none_is_told(phone):
    server = phone("basic")
    with pytest.raises(CaptureError, match="speaks no TLS at"):
        fetch_screen(screen(server)._replace(base=f"https://{server.place}"), LIMITS)


def test_many_phones_are_asked_and_none_stops_another(phone, tmp_path, monkeypatch):
    good, drip, bad = phone("digest"), phone("dripping"), phone("missing")
    screens = [screen(good, host=f"phone/{number}") for number in range(20)]
    screens += [screen(drip, host="drip"), screen(bad, host="bad", password="other")]
    monkeypatch.setattr("ansible_collections.dialtone.phones.plugins.action.screen_capture._PATIENCE", 1)
    shots = take(screens, LIMITS._replace(timeout=4), Pace(1000, 8))
    assert sum(isinstance(shot, Picture) for shot in shots.values()) == 20
    assert shots["drip"] == "has not sent its whole screen within 4 s"
    files = save(tmp_path / "deep" / "screens", screens, shots, {"fax": "how its screen is fetched is not known"})
    folder = tmp_path / "deep" / "screens"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 21 and files["phone/0"] == str(folder / "phone_0.png")
    page = (folder / "index.html").read_text()
    assert "What 20 of 23 phones show" in page and "phone/7" in page and "fax" in page and PASSWORD not in page
    assert "http://" not in page and "https://" not in page


def test_a_name_in_the_way_is_replaced_and_not_followed(phone, tmp_path):
    (tmp_path / "target").write_text("precious")
    (tmp_path / "reception.png").symlink_to(tmp_path / "target")
    shots = take([screen(phone("basic"))], LIMITS, Pace(1000, 1))
    save(tmp_path, [screen("x")], shots, {})
    assert (tmp_path / "target").read_text() == "precious"
    assert (tmp_path / "reception.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("depth", [1, 4, 8, 16, 24, 32])
@pytest.mark.parametrize("width", [1, 7, 33])
def test_every_kind_of_bmp_becomes_the_same_png(depth, width):
    colour = (248, 0, 248)
    picture = read_picture(bmp(width, 3, depth, colour))
    got_width, got_height, pixels = pixels_of(picture.content)
    assert (got_width, got_height, picture.suffix) == (width, 3, "png")
    told = (255, 0, 255) if depth == 16 else colour
    # The file begins at the bottom, where the other colour is not.
    assert pixels == [(0, 0, 0)] * width + [told] * width * 2


def png(width=2, height=2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"x")) + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\0\x04xx\xff\xc0\0\x11\x08" + struct.pack(">HH", 272, 480) + b"\0" * 12 + b"\xff\xd9"


def test_a_png_stays_as_it_is_and_loses_what_follows_it():
    assert read_picture(png() + b"<script>").content == png()
    assert read_picture(JPEG)[1:] == (480, 272, "jpg")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no picture"),
        (png()[:-5], "is a PNG that was cut short"),
        (png().replace(b"IDAT\x78", b"IDAT\x79"), "is a damaged PNG"),
        (png(100000, 2), "of 100000x2 pixels, which no display has"),
        (bmp()[:30], "is a BMP that was cut short"),
        (bmp(5000, 1), "5000x1 pixels"),
        (bmp()[:18] + struct.pack("<ii", -8, 4) + bmp()[26:], "-8x4 pixels"),
        (bmp()[:30] + struct.pack("<I", 1) + bmp()[34:], "packed in way 1, which is not known here"),
        (bmp()[:10] + struct.pack("<I", 0xFFFFFFFF) + bmp()[14:], "cut short"),
        (JPEG[:-2], "is a JPEG that was cut short"),
    ],
)
def test_what_is_no_whole_picture_is_told(content, told):
    with pytest.raises(ImageError, match=told):
        read_picture(content)


def test_the_sheet_shows_names_as_text():
    page = contact_sheet([Card("<b>x", "yealink t54w", read_picture(bmp()), ""), Card("y", "", None, "a < b")], "today")
    assert "&lt;b&gt;x" in page and "a &lt; b" in page and 'alt="Screen of &lt;b&gt;x"' in page


ARGS = {"hosts": [], "addresses": {}, "username": "", "password": ""}


def screens_of(tmp_path, hosts, places=None, **args):
    inventory = Inventory({}, hosts)
    return find_screens(inventory, read_settings(inventory, tmp_path), {**ARGS, **args}, places or {})


def find_only(tmp_path, hosts):
    inventory = Inventory({}, hosts)
    args = {**ARGS, "hosts": ["a"], "addresses": {"a": "10.0.0.6:8443"}, "password": "x"}
    return find_screens(inventory, read_settings(inventory, tmp_path), args, {}).screens


def test_login_and_address_come_from_the_inventory(tmp_path):
    hosts = {
        "a": {**PHONE, "phone_admin_user": "boss", "phone_admin_password": "Own-web-pass-1"},
        "b": {**PHONE, "phone_mac": "00:04:f2:00:00:01", "phone_vendor": "polycom", "phone_model": "VVX411", "phone_web_ui": "http"},
    }
    hosts["b"]["phone_lines"] = [{"number": "102", "password": "vX7-quiet-Lamp-93"}]
    found = screens_of(tmp_path, hosts, {"a": "10.0.0.5", "b": "2001:db8::7"})
    first, second = found.screens
    assert (first.base, first.paths[0], first.user, first.password) == ("https://10.0.0.5", "/screencapture", "boss", "Own-web-pass-1")
    assert (second.base, second.user, len(second.password) > 8) == ("http://[2001:db8::7]", "Polycom", True)
    assert "Own-web-pass-1" not in repr(first)
    [only] = find_only(tmp_path, hosts)
    assert (only.base, only.password) == ("https://10.0.0.6:8443", "x")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "has no address: set its ansible_host, or name it in addresses"),
        ({"phone_web_ui": "off"}, "its web page is switched off (phone_web_ui)"),
        ({"phone_enabled": False}, "is not enabled"),
        (
            {"phone_vendor": "grandstream", "phone_model": "GXP2170"},
            "how the screen of grandstream gxp2170 is fetched is not known; holding HOME",
        ),
        ({"phone_vendor": "snom", "phone_model": "D862"}, "how the screen of snom d862 is fetched is not known"),
        ({"phone_vendor": "cisco", "phone_model": "CP-8841"}, "is fetched is not known"),
    ],
)
def test_who_can_not_be_asked_is_told_why(tmp_path, variables, told):
    found = screens_of(tmp_path, {"a": {**PHONE, **variables}})
    assert found.screens == [] and told in found.left_out["a"]


def test_wrong_phones_and_addresses_are_told_together(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        screens_of(tmp_path, {"a": PHONE, "b": {**PHONE, "phone_mac": "x"}}, {"a": "not an address"}, addresses={"c": "10.0.0.1"})
    report = str(caught.value)
    assert report.startswith("3 problems found, no phone was asked")
    assert "hosts: c is no phone of this play" in report and "a: ansible_host" in report and "b: phone_mac" in report


def test_a_name_that_is_a_number_to_yaml_is_a_name(tmp_path):
    [only] = screens_of(tmp_path, {"1001": PHONE}, addresses={1001: "10.0.0.6"}).screens
    assert only.base == "https://10.0.0.6"
    with pytest.raises(ProblemsError, match="hosts: 1002 is no phone of this play, did you mean 1001?"):
        screens_of(tmp_path, {"1001": PHONE}, addresses={1002: "10.0.0.6"})


@pytest.mark.parametrize("name", ["rate", "concurrency", "timeout", "max_size"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308, 10**30, 0])
def test_numbers_without_an_end_are_refused(name, value):
    with pytest.raises(ProblemsError, match=f"{name}: got .*, wanted at (least|most)"):
        check({"rate": 50.0, "concurrency": 16, "timeout": 10.0, "max_size": 1000, "ca_path": None, name: value})


def test_strict_fails_with_the_sentences_and_else_they_are_warnings():
    phones = {"a": {"state": "captured", "msg": ""}, "b": {"state": "failed", "msg": "answers 500"}}
    assert summary(phones, False)["warnings"] == ["b: answers 500"]
    assert summary(phones, True)["msg"] == "1 phones have no picture: b: answers 500"
