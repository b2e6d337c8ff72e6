# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Local files of phones: found, looked at, named, and handed over as the vendor wants it."""

from __future__ import annotations

import hashlib
import json
import os
import struct

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.asset_rules import picture_size, rule_problems
from ansible_collections.dialtone.phones.plugins.plugin_utils.assets import Assets, is_asset_name, published_name
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.spool import ContentError, Contents
from ansible_collections.dialtone.phones.plugins.plugin_utils.unchanged import UnchangedRow

from ...one_run import PHONE, produce

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 480, 272) + b"\x08\x02\0\0\0" + b"pixels" * 50
CA = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
ROM = b"firmware " * 1000


@pytest.fixture
def files(tmp_path):
    for name, content in {
        "logo.png": PNG,
        "T54W.rom": ROM,
        "next.rom": ROM + b"2",
        "gxp2170fw.bin": ROM,
        "ca.pem": CA,
        "bell.wav": b"RIFFxxxxWAVE",
        "004.GUI.French.lang": b"lang",
        "key.pem": CA + b"-----BEGIN PRIVATE KEY-----\n",
        "fake.png": b"GIF89a",
        "empty.rom": b"",
        "notes.txt": b"x",
    }.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def rows(tmp_path, batch=None, **variables):
    run = variables.pop("run", {})
    production = produce(tmp_path, {"reception": {**PHONE, **variables}}, batch, **run)
    found = list(production.rows())
    production.finish()
    return production, found


def text(row) -> str:
    return "\n".join(file.content.decode() for file in row.render())


def refused(tmp_path, **variables) -> str:
    with pytest.raises(ProblemsError) as caught:
        rows(tmp_path, **variables)
    return str(caught.value)


def test_a_local_file_gets_a_name_that_tells_its_content_and_the_phone_its_own_url(files):
    _production, [row] = rows(files, phone_wallpaper="logo.png")
    digest = hashlib.sha256(PNG).hexdigest()
    [asset] = row.assets()
    assert asset == (f"logo-{digest[:16]}.png", len(PNG), digest, str(files / "logo.png"))
    token = row.gate["home"][0]["token"]
    own = f"@prov.example.com/p/{token}/{asset.name}"
    assert any(line.startswith("wallpaper_upload.url = https://") and line.endswith(own) for line in text(row).splitlines())
    assert f"phone_setting.backgrounds = Config:{asset.name}" in text(row)


def test_every_kind_of_file_finds_its_place(files):
    _production, [row] = rows(
        files,
        phone_firmware={"file": "T54W.rom", "version": "96.86.0.45"},
        phone_ringtones=["bell.wav", "https://files.example.com/far.wav"],
        phone_trusted_certificates=[{"file": "ca.pem", "sha256": hashlib.sha256(CA).hexdigest().upper()}],
        phone_language_packs=["004.GUI.French.lang"],
        phone_dot1x={"mode": "eap-tls", "ca_url": "ca.pem"},
    )
    names = [asset.name for asset in row.assets()]
    # The certificate is used twice and published once; the name of a language pack means something to the phone.
    assert len(names) == 4 and "004.gui.french.lang" in names
    written = text(row)
    assert "/004.GUI.French.lang" in written
    assert "ringtone.url = https://files.example.com/far.wav" in written
    for name in names[:3]:
        assert name.lower() in written.lower()


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"phone_wallpaper": "missing.png"}, "phone_wallpaper: 'missing.png' is not there (looked in "),
        ({"phone_wallpaper": "fake.png"}, "phone_wallpaper: 'fake.png' does not begin as a .png file does"),
        ({"phone_wallpaper": "notes.txt"}, "'notes.txt' is not of a kind that yealink t54w takes; wanted .png, .jpg"),
        ({"phone_wallpaper": "../outside.png"}, "phone_wallpaper: '../outside.png' lies outside of "),
        ({"phone_wallpaper": {"file": "logo.png", "sha256": "0" * 64}}, f"SHA-256 {hashlib.sha256(PNG).hexdigest()}, wanted 0000"),
        ({"phone_wallpaper": {"file": "logo.png", "sha265": "0" * 64}}, "phone_wallpaper.sha265: is unknown, did you mean sha256?"),
        ({"phone_wallpaper": {"sha256": "0" * 64}}, "phone_wallpaper.file: is missing"),
        ({"phone_wallpaper": "pictures"}, "phone_wallpaper: 'pictures' can't be read (Is a directory)"),
        ({"phone_wallpaper": "gopher://x/y.png"}, "phone_wallpaper: is not a URL"),
        ({"phone_firmware": {"file": "empty.rom"}}, "'empty.rom' is empty"),
        ({"phone_firmware": {"file": "T54W.rom", "url": "https://x.example.com/a.rom"}}, "has both url and file; wanted one"),
        ({"phone_firmware": {"url": "https://x.example.com/a.rom", "sha256": "0" * 64}}, "can be held against a file only"),
        ({"phone_trusted_certificates": ["key.pem"]}, "'key.pem' holds a private key, which no phone needs"),
        ({"phone_trusted_certificates": ["notes.txt"]}, "phone_trusted_certificates[0]: 'notes.txt' is not of a kind"),
        (
            {"phone_vendor": "cisco_enterprise", "phone_model": "8841", "phone_firmware": {"file": "T54W.rom"}},
            "can't be given a local file",
        ),
    ],
    ids=lambda value: next(iter(str(value).split("'")[1:2]), None) if isinstance(value, dict) else "",
)
def test_what_can_not_be_published_is_told_before_anything_is(files, variables, told):
    (files.parent / "outside.png").write_bytes(PNG)
    (files / "pictures").mkdir()
    assert told in refused(files, **variables)


def test_a_long_name_has_the_extension_that_it_ends_in(files):
    name = "T54W-96.86.0.100-as-it-came-from-the-vendor-with-all-its-release-notes-in-the-name.rom"
    (files / name).write_bytes(ROM)
    _production, [row] = rows(files, phone_firmware={"file": name})
    assert len(row.assets()) == 1


def test_all_problems_are_told_at_once(files):
    report = refused(files, phone_wallpaper="missing.png", phone_ringtones=["gone.wav"], phone_trusted_certificates=["key.pem"])
    assert report.startswith("3 problems found, nothing was written")


def test_a_file_that_is_too_large_for_the_model_is_refused(files):
    big = files / "big.pem"
    big.write_bytes(CA + b"x" * (256 << 10))
    assert "takes 262,144" in refused(files, phone_trusted_certificates=["big.pem"])


def test_a_picture_of_another_size_than_the_display_is_noted(files):
    snom = {"phone_vendor": "snom", "phone_model": "D785", "phone_mac": "00:04:13:00:00:01"}
    production, _rows = rows(files, **snom, phone_wallpaper="logo.png")
    assert not [note for note in production.warnings if "pixels" in note]
    (files / "wide.png").write_bytes(PNG.replace(struct.pack(">II", 480, 272), struct.pack(">II", 800, 272)))
    production, _rows = rows(files, **snom, phone_wallpaper="wide.png")
    assert [note for note in production.warnings if "is 800x272 pixels, the display has 480x272" in note]


def test_a_folder_of_its_own_may_be_named(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "other.png").write_bytes(PNG)
    _production, [row] = rows(files, phone_wallpaper="other.png", run={"phone_configs_asset_path": [str(folder)]})
    assert row.assets()[0].path == str(folder / "other.png")
    (files / "link.png").symlink_to(__file__)
    assert "lies outside of" in refused(files, phone_wallpaper="link.png")


@pytest.mark.parametrize(
    ("vendor", "model", "mac", "wanted"),
    [
        ("grandstream", "GXP2170", "00:0b:82:00:00:01", ["<P192>prov.example.com/p/{token}</P192>", "<P6768>{user}</P6768>"]),
        ("polycom", "VVX411", "00:04:f2:00:00:01", ['APP_FILE_PATH="{name}"']),
        ("cisco", "CP-8841", "00:08:30:00:00:01", ["--pwd {password}]https://prov.example.com/p/{token}/{name}"]),
        ("snom", "D785", "00:04:13:00:00:01", ["https://prov.example.com/p/{token}/{name}"]),
    ],
)
def test_firmware_is_handed_over_as_the_vendor_wants_it(files, vendor, model, mac, wanted):
    name = {"grandstream": "gxp2170fw.bin", "polycom": "sip.ld"}.get(vendor, "fw.bin")
    (files / name).write_bytes(ROM)
    _production, [row] = rows(files, phone_vendor=vendor, phone_model=model, phone_mac=mac, phone_firmware={"file": name})
    [asset] = row.assets()
    assert asset.name == name or is_asset_name(asset.name)
    password = next(secret for secret in row.secrets if secret in text(row) and len(secret) > 20)
    for pattern in wanted:
        line = pattern.format(token=row.gate["home"][0]["token"], user=row.gate["home"][0]["user"], name=asset.name, password=password)
        if vendor == "cisco":
            assert line.split("]")[1] in text(row) and "--uid" in text(row)
        else:
            assert line in text(row), pattern


def test_what_is_left_out_for_the_model_is_not_published(files):
    _production, [row] = rows(files, phone_model="W70B", phone_wallpaper="logo.png")
    assert row.assets() == []
    _production, [row] = rows(files, phone_enabled=False, phone_wallpaper="logo.png")
    assert row.assets() == []


RINGS = [
    {"models": ["T54W", "T57W"], "file": "T54W.rom", "version": "96.86.0.45"},
    {"models": ["t54w"], "ring": "canary", "file": "next.rom", "version": "96.87.0.15"},
]


@pytest.mark.parametrize(("variables", "file"), [({}, "T54W.rom"), ({"phone_firmware_ring": "canary"}, "next.rom")])
def test_a_phone_gets_the_firmware_of_its_model_and_ring(files, variables, file):
    _production, [row] = rows(files, phone_firmwares=RINGS, **variables)
    assert row.assets()[0].path == str(files / file)


def test_a_ring_without_an_entry_gets_what_all_rings_get_and_other_models_nothing(files):
    _production, [row] = rows(files, phone_firmwares=RINGS, phone_model="T57W", phone_firmware_ring="canary")
    assert row.assets()[0].path.endswith("T54W.rom")
    _production, [row] = rows(files, phone_firmwares=RINGS, phone_model="T46U")
    assert row.assets() == []
    own = {"url": "https://x.example.com/own.rom"}
    _production, [row] = rows(files, phone_firmwares=RINGS, phone_firmware=own)
    assert "static.firmware.url = https://x.example.com/own.rom" in text(row)


def test_two_entries_that_fit_alike_are_refused(files):
    assert "phone_firmwares[0]: is for T54W of all rings, and so is phone_firmwares[1]; wanted one" in refused(
        files, phone_firmwares=[RINGS[0], RINGS[0]]
    )


def manifest_rows(production):
    found = {}
    for row in production.rows():
        about = json.loads(json.dumps(row.about))
        found[row.host] = {
            "mac": row.mac,
            "host": row.host,
            "vendor": row.vendor,
            "site": row.site,
            "key": row.key,
            "gate": "",
            "about": about,
            "files": {},
        }
    return found


def test_only_phones_that_use_a_file_are_built_anew_when_it_changes(files):
    hosts = {
        "with": {**PHONE, "phone_wallpaper": "logo.png"},
        "without": {**PHONE, "phone_mac": "00:15:65:00:00:02", "phone_lines": [{"number": "102", "password": "vX7-quiet-Lamp-93"}]},
    }
    published = manifest_rows(produce(files, hosts))
    assert [type(row) for row in produce(files, hosts).rows(published.get)] == [UnchangedRow] * 2
    (files / "logo.png").write_bytes(PNG + b"new")
    again = {row.host: row for row in produce(files, hosts).rows(published.get)}
    assert [isinstance(again[host], UnchangedRow) for host in ("with", "without")] == [False, True]
    os.unlink(files / "logo.png")
    production = produce(files, hosts)
    list(production.rows(published.get))
    with pytest.raises(ProblemsError, match="with: phone_wallpaper: 'logo.png' is not there"):
        production.finish()


def test_a_file_is_read_once_a_run(files):
    assets = Assets([files])
    first = assets.find("T54W.rom")
    os.unlink(files / "T54W.rom")
    assert assets.find("T54W.rom") is first


def test_a_pipe_is_no_file(files):
    os.mkfifo(files / "pipe.png")
    assert Assets([files]).find("pipe.png").fault == "'pipe.png' is not a file"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Büro Köln!.PNG", "b-ro-k-ln-0123456789abcdef.png"),
        ("...png", "file-0123456789abcdef.png"),
        ("a" * 200 + ".rom", "a" * 60 + "-0123456789abcdef.rom"),
    ],
)
def test_names_are_fit_to_be_served(asked, name):
    assert published_name(asked, "0123456789abcdef" * 4, False) == name
    assert is_asset_name(name)


def test_a_file_that_changes_while_it_is_sent_is_told(tmp_path):
    path = tmp_path / "x.rom"
    path.write_bytes(ROM)
    digest = hashlib.sha256(ROM).hexdigest()
    contents = Contents(str(tmp_path))
    contents.add_file(digest, str(path), len(ROM))
    assert digest in contents and b"".join(contents.each([digest])) == ROM
    path.write_bytes(ROM[:-1] + b"!")
    with pytest.raises(ContentError, match="was changed while it was published"):
        list(contents.each([digest]))
    path.unlink()
    with pytest.raises(ContentError, match="No such file"):
        list(contents.each([digest]))


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (PNG, (480, 272)),
        (b"BM" + b"\0" * 16 + struct.pack("<ii", 128, -64), (128, 64)),
        (b"\xff\xd8\xff\xe0\0\x04xx\xff\xc0\0\x11\x08" + struct.pack(">HH", 272, 480) + b"\0" * 9, (480, 272)),
        (b"\xff\xd8\xff\xe0\0", None),
        (b"GIF89a", None),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(head, size):
    assert picture_size(head) == size


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ([], "assets: wanted a dictionary"),
        ({"cursor": {}}, "assets.cursor: is neither credentials nor one of firmware"),
        ({"credentials": "none"}, "assets.credentials: wanted one of url, own"),
        ({"firmware": []}, "assets.firmware: wanted a dictionary, or null"),
        ({"firmware": {"extensions": ".rom"}}, "assets.firmware.extensions: wanted a list"),
        ({"firmware": {"bytes": "many"}}, "assets.firmware.bytes: wanted a number"),
        ({"wallpaper": {"pixels": [1]}}, "assets.wallpaper.pixels: wanted width and height"),
        ({"wallpaper": {"colour": 1}}, "assets.wallpaper.colour: is unknown"),
        ({"firmware": None}, None),
    ],
)
def test_a_pack_that_declares_them_wrongly_is_told(declared, told):
    found = rule_problems("assets", declared)
    assert found == [] if told is None else found[0].startswith(told)
