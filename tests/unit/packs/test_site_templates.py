# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docs/add-a-vendor.md promises: a folder of data is a vendor, a template of a site takes the shipped one's place, and no Python is written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderError

from ..one_run import PHONE, produce

MADE_UP = Path(__file__).parent / "made_up"
COLLECTION = Path(__file__).parents[3]
DOCS = (COLLECTION / "docs" / "add-a-vendor.md").read_text(encoding="utf-8")
FABULA = {
    **PHONE,
    "phone_mac": "02:63:fa:00:00:01",
    "phone_vendor": "fabula",
    "phone_model": "F-90",
    "phone_lines": [{"number": "101", "label": "Jörg & Co; #1", "password": "vX7-quiet-Lamp-92"}],
}


def site(tmp_path, files):
    """Write a site's folder of templates."""
    for name, text in files.items():
        file = tmp_path / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return str(tmp_path / "templates")


def render(tmp_path, phone, folder=MADE_UP, **run):
    production = produce(tmp_path, {"reception": phone}, phone_template_path=[str(folder)] if folder else [], **run)
    rows = list(production.rows())
    production.finish()
    files = {file.name: file.content.decode() for row in rows for file in row.render()}
    files |= {
        file.name: file.content.decode() for row in rows for listing in row.listed for file in production.render_book(row.vendor, listing)
    }
    return files, production, rows[0]


def test_a_prefix_that_a_site_adds_to_a_vendor_is_the_vendors(tmp_path):
    phone = {**PHONE, "phone_mac": "00:63:fa:00:00:01"}
    told = [text for text in render(tmp_path, phone, None)[1].warnings if "phone_mac" in text]
    assert told == ["reception: phone_mac: its first half belongs to nobody known, but phone_vendor is yealink"]
    folder = site(tmp_path, {"yealink/pack.yml": 'ouis: ["0063fa"]\n'})
    assert not [text for text in render(tmp_path, phone, folder)[1].warnings if "phone_mac" in text]


def test_a_vendor_is_a_folder(tmp_path):
    phone = {
        **FABULA,
        "phone_language": "de_AT",
        "phone_dnd": True,
        "phone_keys": [{"type": "blf", "value": "102", "position": 3}, {"type": "dnd"}],
        "phone_parameters": {"sys.dnd": False, "sys.volume": 7},
        "phone_phonebooks": ["company"],
    }
    files, production, row = render(
        tmp_path, phone, phone_configs_phonebooks={"company": {"title": "Firma", "contacts": [{"name": "A & B", "number": "1"}]}}
    )
    url = re.search('sys.url="(.*)"', files["0263FA000001.fab"])[1]
    assert url.startswith("https://prov.example.com/p/")
    assert list(files) == ["F90.fab", "0263FA000001.fab", "0263FA000001-colours.xml", "book-company.xml"]
    assert files["F90.fab"] == '# Fabula 1\nsys.language="german"\nsys.ntp=""\nsys.codecs="G722 PCMA PCMU"\n'
    lines = files["0263FA000001.fab"].splitlines()
    assert lines[0] == "# Fabula 1"
    for line in (
        'sys.dnd="false"',  # a raw parameter in place of the template's, in the vendor's word
        'sys.volume="7"',
        'account.1.label="Jörg & Co; #1"',
        'account.1.password="vX7-quiet-Lamp-92"',
        'account.1.server="pbx.example.com:5060"',
        'key.1.type="1"',
        'key.3.type="2"',
        'key.3.value="102"',
        'book.1.title="Firma"',
        f'book.1.url="{url}book-company.xml"',
    ):
        assert line in lines
    assert files["0263FA000001-colours.xml"] == "<colours><label>Jörg &amp; Co; #1</label></colours>\n"
    assert files["book-company.xml"].splitlines()[:2] == ['<book title="Firma">', '<entry name="A &amp; B">1</entry>']
    assert row.gate["claim_files"] == row.gate["contact_files"] == ["0263fa000001.fab"]
    assert row.gate["onboarding"] == "once"
    assert row.secret_parameters == ["*.key"]
    assert list(production.warnings) == ["reception: fabula F-90: key type dnd has no counterpart, key 2 not placed"]


def test_what_its_models_lack_is_told_as_for_any_vendor(tmp_path):
    phone = {
        **FABULA,
        "phone_model": "f20",
        "phone_codecs": ["opus", "pcma"],
        "phone_ntp_servers": ["a", "b"],
        "phone_backlight": 5,
        "phone_ldap": {"host": "a", "base": "b"},
        "phone_keys": [{"type": "blf", "value": "1", "position": 5}],
        "phone_parameters": {"acount.1.x": 1},
    }
    files, production, _row = render(tmp_path, phone)
    assert list(files) == ["F20.fab", "0263FA000001.fab"]
    assert [text.removeprefix("reception: ").removeprefix("fabula f20: ") for text in production.warnings] == [
        "4 line keys on the phone, key 5 not placed",
        "codecs opus has no counterpart, left out",
        "phone_ntp_servers: 1 on the phone, 2 asked for, the last 1 left out",
        "phone_ldap has no counterpart, left out",
        "phone_backlight has no counterpart, left out",
        "phone_parameters: acount.1.x is not known for fabula",
    ]
    with pytest.raises(ProblemsError, match="4 line keys on the phone"):
        render(tmp_path, {**phone, "phone_unsupported": "error"})


def test_what_its_syntax_cannot_carry_is_refused(tmp_path):
    with pytest.raises(ProblemsError, match=r"phone_lines\[0\].label: 'a\"b' holds a quotation mark, which the phone can't read"):
        render(tmp_path, {**FABULA, "phone_lines": [{"number": "1", "label": 'a"b', "password": "vX7-quiet-Lamp-92"}]})


def test_a_template_of_a_site_takes_the_place_of_the_shipped_one_alone(tmp_path):
    shipped, _production, _row = render(tmp_path, PHONE, None)
    files, _production, _row = render(tmp_path, PHONE)
    assert list(files) == list(shipped)
    changed = [name for name in files if files[name] != shipped[name]]
    assert changed == ["001565000001.boot"]
    assert files["001565000001.boot"] == '#!version:1.0.0.1\n## the site boots its own way\ninclude:config "site.cfg"\n'


def test_a_pack_of_a_site_is_merged_over_the_shipped_one(tmp_path):
    files, production, _row = render(tmp_path, {**PHONE, "phone_model": "T99X", "phone_language": "eo"})
    assert list(production.warnings) == []
    assert "Esperanto" in "".join(files.values())
    assert Packs([str(MADE_UP)]).get("yealink").model("T54W").lines == Packs().get("yealink").model("T54W").lines
    assert Packs().get("yealink").model("T99X") is None


def test_a_pack_may_start_from_another(tmp_path):
    folder = site(tmp_path, {"relabel/pack.yml": "extends: fabula\nvendor: relabel\ntitle: Relabelled\n"})
    shutil.copytree(MADE_UP / "fabula", tmp_path / "templates" / "fabula")
    files, _production, _row = render(tmp_path, {**FABULA, "phone_vendor": "relabel"}, folder)
    assert files["F90.fab"].startswith("# Fabula 1\n")


@pytest.mark.parametrize(
    ("template", "line", "reason"),
    [
        ("a = 1\nb = {{ phone.nope }}\n", 2, "'dict object' has no attribute 'nope'"),
        ("a = 1\n\n{% if %}\n", 3, "Expected an expression, got 'end of statement block'"),
        ("{% include 'device.j2' %}\n", 1, "includes itself, or goes too deep"),
        ("a = {{ 'hidden' | from_json }}\n", 1, "JSONDecodeError in an expression"),
        ("a = {{ 'hidden' | b64decode }}\n", 1, "in an expression"),
        ("a = {{ lookup('pipe', 'id') }}\n", 1, "'lookup' is undefined"),
        ("a = {{ ''.__class__ }}\n", 1, "is unsafe"),
        ("a = {{ 'x' | nosuch }}\n", 1, "No filter named 'nosuch'"),
        ("a = {{ '\\ud800' }}\n", None, "gives a character that UTF-8 cannot write"),
        ("a 1\n", None, "output line 1 is not of the form 'name = value'"),
        ("\na = {{ phone.lines[0].password + 5 }}\n", 2, "TypeError in an expression"),
        ("{{ refuse('Fabula has no such thing') }}", 1, "Fabula has no such thing"),
    ],
)
@pytest.mark.parametrize("kind", ["device", "common"])
def test_a_fault_of_a_template_is_told_with_phone_file_template_and_line(tmp_path, kind, template, line, reason):
    pack = f"models: [{{match: x, name: X}}]\nfiles: [{{name: '{{mac}}.cfg', template: device.j2, kind: {kind}, layout: config}}]\nlayouts: {{config: {{}}}}\n"
    folder = site(tmp_path, {"faulty/pack.yml": pack, "faulty/device.j2": template})
    with pytest.raises(RenderError) as caught:
        render(tmp_path, {**PHONE, "phone_vendor": "faulty", "phone_model": "x"}, folder)
    text = str(caught.value)
    assert text.startswith("reception: 001565000001.cfg: ")
    assert "faulty/device.j2" in text
    assert (f"device.j2, line {line}: " in text) if line else "line" not in text.split(": ")[2]
    assert reason in text
    assert "hidden" not in text
    assert "quiet" not in text


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("models: 5\n", "models: got 5, wanted a list"),
        ("models: []\n", "models: is missing"),
        ("models: [{name: X}]\n", "models[0].match: None is not a regular expression"),
        ("models: [{match: '('}]\n", "models[0].match: '(' is not a regular expression"),
        ("models: [{match: x, lines: two}]\n", "models[0].lines: got 'two', wanted a number"),
        ("files: [{template: device.j2}]\n", "files[0].name: None is not usable as a file name"),
        ("files: [{name: ../x, template: device.j2}]\n", "files[0].name: '../x' is not usable as a file name"),
        (
            "files: [{name: '{nope}.cfg', template: device.j2}]\n",
            "files[0].name: {nope} is neither mac, MAC, model, MODEL nor an attribute",
        ),
        ("files: [{name: x, template: devise.j2}]\n", "files[0].template: 'devise.j2' is not in the pack, did you mean device.j2?"),
        ("files: [{name: x, template: device.j2, layout: confg}]\n", "files[0].layout: 'confg' is not under layouts, did you mean config?"),
        ("files: [{name: x, template: device.j2, kind: devise}]\n", "files[0].kind: got 'devise', wanted one of device"),
        ("one_for_lines: [dtmff]\n", "one_for_lines: 'dtmff' is no option of lines, did you mean dtmf?"),
        ("unsupported: [dndd]\n", "unsupported: 'dndd' is no variable of phones, did you mean dnd?"),
        ("values: {codecs: [opus]}\n", "values.codecs: got a list of 1, wanted a dictionary"),
        ("refused: [{pattern: x}]\n", "refused[0]: wanted a dictionary of pattern, why and only"),
        ("booleans: [yes]\n", "booleans: wanted two texts"),
        ("handover: maybe\n", "handover: got 'maybe', wanted one of home, none"),
        ("firmware: {pattern: '(', default: 1}\n", "firmware.pattern: '(' is not a regular expression"),
        ("phonebook: {file: b.xml}\n", "phonebook.template: is missing"),
        ("extends: [yealink]\n", "extends a list of 1, which is no name of a pack"),
        ("extends: yealnik\n", "extends 'yealnik', which is no pack, did you mean yealink?"),
        ("models: [\n", "can't be read"),
        ("5\n", "holds a int, wanted a dictionary"),
    ],
)
def test_a_fault_of_a_pack_is_told_in_a_sentence(tmp_path, declared, problem):
    whole = {
        "models": "models: [{match: x, name: X}]\n",
        "files": "files: [{name: '{mac}.cfg', template: device.j2, layout: config}]\n",
        "layouts": "layouts: {config: {}}\n",
    }
    if ":" in declared:
        whole[declared.split(":")[0]] = declared
        declared = "".join(whole.values())
    folder = site(tmp_path, {"faulty/pack.yml": declared, "faulty/device.j2": "a = 1\n"})
    with pytest.raises(PackError) as caught:
        Packs([folder]).get("faulty")
    assert problem in str(caught.value)
    with pytest.raises(ProblemsError, match="reception: phone_vendor: "):
        render(tmp_path, {**PHONE, "phone_vendor": "faulty", "phone_model": "x"}, folder)


def _table(heading):
    """Return the words in the first column of the table under a heading of the page."""
    part = DOCS.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {re.split(r"\W", word)[0] for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_name_of_the_page_is_what_templates_see(tmp_path):
    names = sorted(_table("What templates see"))
    pack = "models: [{match: x, name: X}]\nfiles: [{name: '{mac}.cfg', template: device.j2, layout: config}]\nlayouts: {config: {}}\n"
    template = "".join(f"{name} = {{{{ {name} is defined }}}}\n" for name in names)
    folder = site(tmp_path, {"curious/pack.yml": pack, "curious/device.j2": template})
    files, _production, _row = render(tmp_path, {**PHONE, "phone_vendor": "curious", "phone_model": "x"}, folder)
    assert files["001565000001.cfg"] == "".join(f"{name} = True\n" for name in names)


def test_every_key_that_the_code_reads_is_on_the_page():
    read = set()
    for file in (COLLECTION / "plugins").rglob("*.py"):
        read |= set(re.findall(r"""pack\.data(?:\.get\(|\[)["']([a-z_]+)["']""", file.read_text(encoding="utf-8")))
    assert read
    assert sorted(read - _table("pack.yml") - {"model_names", "events"}) == []


def test_every_key_of_the_made_up_pack_is_on_the_page():
    declared = yaml.safe_load((MADE_UP / "fabula" / "pack.yml").read_text(encoding="utf-8"))
    assert sorted(set(declared) - _table("pack.yml") - {"model_defaults"}) == []
