# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sheets for phones that are set up by hand: what is in them, where they are written, and what refuses to be written to."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from html.parser import HTMLParser

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.dialtone.phones.plugins.plugin_utils import manual_sheet
from ansible_collections.dialtone.phones.plugins.plugin_utils.claim_phones import claim_url
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import parse_base
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import Deriver
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Packs

from .claim_world import SECRET, World, mac

pytest.importorskip("segno")
MAIN = {
    "yealink": "T54W",
    "polycom": "VVX 450",
    "cisco": "SPA504G",
    "fanvil": "X4U",
    "grandstream": "GRP2613",
    "htek": "UC926",
    "snom": "D735",
}
PACKS = Packs()
DERIVER = Deriver(SECRET)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.run("onboarding", new_store=True)
    made.calls.clear()
    return made


def url_of(world, number, path=""):
    row = world.devices()[mac(number)]
    return claim_url(
        parse_base("https://prov.example.com"),
        DERIVER.claim_token(mac(number), world.store.status()["epoch"], row["claim_generation"]),
        path,
    )


def sheet(world, name):
    return (world.folder / "sheets" / name).read_text(encoding="utf-8")


def test_every_phone_gets_its_own_url_in_both_formats_and_a_second_run_writes_nothing(world):
    result = world.run("manual_sheets", dest="sheets")
    assert result["changed"]
    assert result["sheets"] == [f"p{number}.{kind}" for number in (1, 2, 3) for kind in ("html", "md")]
    for number in (1, 2, 3):
        for kind in ("html", "md"):
            assert url_of(world, number) in sheet(world, f"p{number}.{kind}")
            assert url_of(world, number % 3 + 1) not in sheet(world, f"p{number}.{kind}")
    assert not world.run("manual_sheets", dest="sheets")["changed"]
    # It asked; it armed, unlocked and spent nothing.
    assert set(world.calls) == {"status"}


def test_a_phone_may_have_any_name(world):
    world.phones["paths"] = world.phones.pop("p1")
    assert "paths.html" in world.run("manual_sheets", dest="sheets")["sheets"]


def test_results_and_diffs_hold_no_secret(world):
    result = world.run("manual_sheets", dest="sheets")
    token = url_of(world, 1).rstrip("/").rsplit("/", 1)[1]
    assert token not in repr(result)
    assert SECRET not in repr(result)


def test_check_mode_writes_nothing_and_tells_the_same(world):
    predicted = world.run("manual_sheets", dest="sheets", check=True)
    assert predicted["changed"]
    assert not (world.folder / "sheets").exists()
    assert world.run("manual_sheets", dest="sheets")["written"] == predicted["written"]
    world.spend(1)
    assert world.run("manual_sheets", dest="sheets", check=True)["removed"] == ["p1.html", "p1.md"]
    assert (world.folder / "sheets" / "p1.html").exists()


def test_files_are_for_their_owner_alone_whatever_the_umask(world):
    before = os.umask(0)
    try:
        world.run("manual_sheets", dest="sheets")
    finally:
        os.umask(before)
    folder = world.folder / "sheets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    (folder / "p1.html").chmod(0o644)
    assert world.run("manual_sheets", dest="sheets")["written"] == ["p1.html"]
    assert stat.S_IMODE((folder / "p1.html").stat().st_mode) == 0o600


def folder_open(folder):
    folder.mkdir(mode=0o755)
    folder.chmod(0o750)


def folder_link(folder):
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to("elsewhere")


def folder_of_another(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, -1)


def file_in_place(folder):
    folder.write_text("x")


def file_link(folder):
    folder.mkdir(mode=0o700)
    (folder.parent / "victim").write_text("precious")
    (folder / "p1.html").symlink_to("../victim")
    os.link(folder.parent / "victim", folder / "p2.md")


def file_pipe(folder):
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / "p1.html")


def parent_for_all(folder):
    folder.parent.chmod(0o777)


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (folder_open, "is open to others .mode 0750."),
        (folder_link, "is a symbolic link"),
        pytest.param(
            folder_of_another, "belongs to user 65534", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
        ),
        (file_in_place, "is no folder that can be used"),
        (file_link, "p1.html: is no file that can be replaced"),
        (file_pipe, "p1.html: is no regular file"),
        (parent_for_all, "may be written by everybody"),
    ],
)
def test_a_folder_that_is_not_the_operators_own_is_refused(world, prepare, told):
    prepare(world.folder / "sheets")
    with pytest.raises(AnsibleActionFail, match=told) as caught:
        world.run("manual_sheets", dest="sheets")
    if prepare is file_link:
        assert "p2.md: belongs to somebody else, or has a second name" in str(caught.value)
        assert (world.folder / "victim").read_text() == "precious"


def test_a_folder_below_nothing_is_refused(world):
    with pytest.raises(AnsibleActionFail, match="nowhere: can't be used .No such file"):
        world.run("manual_sheets", dest="nowhere/sheets")


def test_phones_without_an_armed_url_get_no_sheet_and_lose_the_old_one(world):
    world.run("manual_sheets", dest="sheets")
    world.spend(2)
    world.claim(3)
    world.phones["p4"] = world.phone(4)
    result = world.run("manual_sheets", dest="sheets")
    assert result["removed"] == ["p2.html", "p2.md", "p3.html", "p3.md"]
    assert sorted(file.name for file in (world.folder / "sheets").iterdir()) == ["p1.html", "p1.md"]
    assert {host: why.split(";")[0].split(":")[0] for host, why in result["without_page"].items()} == {
        "p2": "its one-time URL was used",
        "p3": "its one-time URL is being used",
        "p4": "was never armed",
    }


def test_a_phone_that_cannot_be_handed_over_gets_its_own_url_and_password(world):
    world.phones["p1"] |= {"phone_vendor": "zoiper", "phone_model": "zoiper"}
    world.phones["p2"]["phone_onboarding"] = "off"
    world.phones["p3"]["phone_enabled"] = False
    result = world.run("manual_sheets", dest="sheets", formats=["html"])
    assert result["without_page"] == {"p3": "is not enabled"}
    for number in (1, 2):
        text = sheet(world, f"p{number}.html")
        assert f"/p/{DERIVER.home_token(mac(number), 1)}/" in text
        assert DERIVER.http_user(mac(number), 1) in text
        assert DERIVER.http_password(mac(number), 1) in text
        assert "for good" in text


def test_a_pin_is_told(world):
    world.vars["phone_claim_pin"] = True
    world.run("onboarding", state="unlocked")
    world.run("manual_sheets", dest="sheets")
    status = world.store.status()
    pin = DERIVER.claim_pin(mac(1), status["epoch"], status["devices"][mac(1)]["claim_generation"])
    assert sheet(world, "p1.html").count(pin) == 2
    assert pin in sheet(world, "p1.md")


@pytest.mark.parametrize("vendor", sorted(MAIN))
def test_the_main_vendors_have_steps_with_everything_filled_in(world, vendor):
    world.vars |= {"phone_vendor": vendor, "phone_model": MAIN[vendor]}
    world.run("manual_sheets", dest="sheets")
    text = sheet(world, "p1.html")
    page = Page(text)
    assert not page.open, "elements that are not closed"
    assert "{" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)
    path = PACKS.get(vendor).data["claim_path"].format(mac=mac(1))
    url = url_of(world, 1, path)
    fields = dict(page.fields)
    assert url in fields.values() or url.removeprefix("https://") in fields.values()
    assert len(fields) >= 3
    assert "leave empty" in fields.values() or vendor == "cisco"
    for field, value in fields.items():
        assert re.sub(r"[^A-Za-z]", "", field) in re.sub(r"[^A-Za-z]", "", sheet(world, "p1.md")), (field, value)


def test_zoiper_has_steps_with_the_address_of_its_file(world):
    world.vars |= {"phone_vendor": "zoiper", "phone_model": "zoiper"}
    world.run("manual_sheets", dest="sheets")
    fields = dict(Page(sheet(world, "p1.html")).fields)
    assert fields["Provisioning URL"] == f"https://prov.example.com/p/{DERIVER.home_token(mac(1), 1)}/config.xml"
    assert fields["Password"] == DERIVER.http_password(mac(1), 1)


@pytest.mark.parametrize("name", ["<b>x", "a&b", "..", ".hidden", "a/b", "x`y", "Zoë", "a|b", "# x", "{{ 7*7 }}"])
def test_names_of_phones_are_text_and_never_paths(world, name):
    world.phones = {name: world.phone(1)}
    result = world.run("manual_sheets", dest="sheets")
    for file in result["sheets"]:
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", file)
        assert (world.folder / "sheets" / file).is_file()
    page = Page(sheet(world, result["sheets"][0]))
    assert page.heading == name
    assert not page.open


def test_one_page_for_a_model_has_a_card_for_each_phone(world):
    world.run("manual_sheets", dest="sheets", per="model", formats=["html"])
    text = sheet(world, "yealink-T54W.html")
    assert [url_of(world, number) in text for number in (1, 2, 3)] == [True] * 3
    assert text.count("<svg") == 3


def test_a_model_has_one_page_however_people_write_it(world):
    for name, model in (("p1", "SIP T54W"), ("p2", "SIP_T54W"), ("p3", "t54w")):
        world.phones[name]["phone_model"] = model
    assert world.run("manual_sheets", dest="sheets", per="model", formats=["html"])["sheets"] == ["yealink-SIP_T54W.html"]
    text = sheet(world, "yealink-SIP_T54W.html")
    assert [url_of(world, number) in text for number in (1, 2, 3)] == [True] * 3


def test_without_the_library_the_operator_is_told_and_pages_can_do_without(world, monkeypatch):
    monkeypatch.setattr(manual_sheet, "segno", None)
    with pytest.raises(AnsibleActionFail, match="pip install segno, or set qr: false"):
        world.run("manual_sheets", dest="sheets")
    world.run("manual_sheets", dest="sheets", qr=False)
    assert "<svg" not in sheet(world, "p1.html")


def modules(svg):
    """Return the modules of a code in an SVG, read from its path: no library that wrote it takes part."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg).group(1))
    rows = [[False] * side for _row in range(side)]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", re.search(r'stroke="#000" d="([^"]+)"', svg).group(1)):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "h":
            for column in range(int(x), int(x + values[0])):
                rows[int(y)][column] = True
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return rows


def bitmap(rows, scale=4):
    """Return modules as a picture (PGM)."""
    side = len(rows) * scale
    pixels = [0 if dark else 255 for row in rows for _repeat in range(scale) for dark in row for _again in range(scale)]
    return b"P5 %d %d 255\n" % (side, side) + bytes(pixels)


MASKS = [
    lambda r, c: (r + c) % 2,
    lambda r, c: r % 2,
    lambda r, c: c % 3,
    lambda r, c: (r + c) % 3,
    lambda r, c: (r // 2 + c // 3) % 2,
    lambda r, c: r * c % 2 + r * c % 3,
    lambda r, c: (r * c % 2 + r * c % 3) % 2,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2,
]


def decode(rows):
    """Return the text of a QR code of version 4 to 6, level M, as ISO/IEC 18004 describes it; without correcting errors, of which there are none."""
    quiet = 4
    assert not any(any(row) for row in [*rows[:quiet], *rows[-quiet:]]), "the quiet zone"
    code = [row[quiet:-quiet] for row in rows[quiet:-quiet]]
    size = len(code)
    version = (size - 17) // 4
    blocks, data = {4: (2, 32), 5: (2, 43), 6: (4, 27)}[version]
    places = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    told = int("".join(str(int(code[r][c])) for r, c in places), 2) ^ 0b101010000010010
    assert told >> 13 == 0, "level M"
    mask = MASKS[told >> 10 & 7]
    centre = size - 7

    def is_pattern(r, c):
        finder = (r < 9 and (c < 9 or c >= size - 8)) or (r >= size - 8 and c < 9)
        return finder or 6 in (r, c) or (abs(r - centre) <= 2 and abs(c - centre) <= 2)

    bits, up = "", True
    for right in [c for c in range(size - 1, 0, -2) if c > 6] + [5, 3, 1]:
        for r in range(size - 1, -1, -1) if up else range(size):
            for c in (right, right - 1):
                if not is_pattern(r, c):
                    bits += str(int(code[r][c] != (mask(r, c) == 0)))
        up = not up
    words = [bits[at : at + 8] for at in range(0, blocks * data * 8, 8)]
    bits = "".join(words[at] for block in range(blocks) for at in range(block, blocks * data, blocks))
    assert bits[:4] == "0100", "bytes"
    length = int(bits[4:12], 2)
    return bytes(int(bits[12 + at * 8 : 20 + at * 8], 2) for at in range(length)).decode()


@pytest.mark.parametrize("vendor", ["yealink", "cisco", "zoiper"])
def test_the_qr_code_is_the_url_with_a_quiet_zone(world, vendor):
    world.vars |= {"phone_vendor": vendor, "phone_model": {**MAIN, "zoiper": "zoiper"}[vendor]}
    world.run("manual_sheets", dest="sheets")
    text = sheet(world, "p1.html")
    found = decode(modules(re.search(r"<svg.*?</svg>", text, re.DOTALL).group(0)))
    assert f"<code>{found}</code>" in text
    assert re.fullmatch(r"https://prov\.example\.com/[cp]/[0-9a-f]{40}/.*", found)


@pytest.mark.skipif(not shutil.which("zbarimg"), reason="zbarimg reads QR codes: apt-get install zbar-tools")
@pytest.mark.parametrize("vendor", ["yealink", "cisco", "zoiper"])
def test_a_reader_of_qr_codes_finds_the_url(world, vendor, tmp_path):
    world.vars |= {"phone_vendor": vendor, "phone_model": {**MAIN, "zoiper": "zoiper"}[vendor]}
    world.run("manual_sheets", dest="sheets")
    text = sheet(world, "p1.html")
    picture = tmp_path / "code.pgm"
    picture.write_bytes(bitmap(modules(re.search(r"<svg.*?</svg>", text, re.DOTALL).group(0))))
    done = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in text
    assert re.fullmatch(r"https://prov\.example\.com/[cp]/[0-9a-f]{40}/.*", done.stdout.strip())


class Page(HTMLParser):
    """Reads a page: its heading, the table of fields, and elements that were left open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.fields, self.heading, self._text = [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path"):
            self.open.append(tag)
        if tag in ("th", "td", "h1"):
            self._text = ""

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == "path":
            return
        assert self.open.pop() == tag
        if tag == "th":
            self.fields.append((self._text, ""))
        elif tag == "td":
            self.fields[-1] = (self.fields[-1][0], self._text.strip())
        elif tag == "h1":
            self.heading = self._text
