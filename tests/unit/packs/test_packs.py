# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every vendor pack must do, whatever the vendor: a new pack is tested by being there."""

from __future__ import annotations

import hashlib
import os
import re
from xml.etree import ElementTree

import jinja2.nodes
import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import pin_name
from ansible_collections.dialtone.phones.plugins.module_utils.mac import normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.fit_items import ITEM_OPTIONS
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import PackRenderer, parse_parameters
from ansible_collections.dialtone.phones.plugins.plugin_utils.sandbox import make_environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import harness
from .harness import HERE, PACKS, Refused, first_models, phone_file, render, render_fitting

VENDORS = PACKS.names()
PIN = re.compile(r"-v[0-9a-f]{16}(?=\.[a-z])")
MAC = normalize_mac(phone_file("full")["phone_mac"])
MODELS = first_models()
MODEL_IDS = [f"{vendor}-{model}" for vendor, model in MODELS]
# Variables that are the gate's, the redirect's or the neutral layer's business: no template need read them.
NOT_FOR_TEMPLATES = {
    *("mac", "vendor", "model", "serial", "mac_id", "tenant", "site", "email", "groups", "enabled", "generation", "firmware_version"),
    *("sip_server", "sip_servers", "sip_port", "sip_transport", "sip_expires", "outbound_proxy", "outbound_proxy_backup", "voicemail"),
    *(
        "http_auth",
        "networks",
        "client_certificate",
        "onboarding",
        "bootstrap",
        "claim_window",
        "claim_pin",
        "redirect_account",
        "phonebooks",
        "unsupported",
        "parameters",
        "firmwares",
        "firmware_ring",
    ),
    *("dtmf", "srtp"),
}


@pytest.mark.parametrize(("vendor", "model"), MODELS, ids=MODEL_IDS)
@pytest.mark.parametrize("case", ["plain", "full"])
def test_golden_files(vendor, model, case):
    """Every model's files are as reviewed; UPDATE_GOLDEN=1 writes them anew, for review in the diff."""
    files, notes = render_fitting(vendor, model, phone_file(case))
    files["notes"] = "".join(f"{note}\n" for note in notes)
    # One file for all of a phone's files: many of them begin with what looks like an interpreter line.
    text = "".join(f"===== {name}: {len(content.encode())} bytes\n{content}\n" for name, content in files.items())
    text = text.replace("\r\n", "\\r\n")
    # What a file names by content would make its golden part change with that content; a test of its own looks at it.
    text = PIN.sub("-v" + 16 * "x", text)
    golden = HERE / "golden" / vendor / f"{re.sub(r'[^a-z0-9]+', '-', model.lower()).strip('-')}.{case}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_bytes(text.encode())
    assert golden.read_bytes().decode() == text


PINNED = [(vendor, model) for vendor, model in MODELS if any(spec.pinned for spec in PACKS.get(vendor).files)]


@pytest.mark.parametrize(("vendor", "model"), PINNED, ids=[f"{vendor}-{model}" for vendor, model in PINNED])
def test_pinned_files_are_named_by_what_they_hold_and_by_nothing_else(vendor, model):
    files, _notes = render_fitting(vendor, model, phone_file("full"))
    pack = PACKS.get(vendor)
    found = pack.model(model)
    names = {pack.file_name(spec.name, MAC, found): spec for spec in pack.files if spec.template and spec.for_model(found)}
    pins = {pin_name(name.lower(), hashlib.sha256(files[name].encode()).hexdigest()): name for name, spec in names.items() if spec.pinned}
    everything = "".join(files[name] for name in names)
    assert {pin for pin in pins if pin in everything} == set(pins)
    assert {plain for plain in pins.values() if plain in everything} == set()
    assert PIN.search("".join(files[name] for name in pins.values())) is None


def test_the_packs_that_pin_are_those_whose_files_name_each_other():
    assert {vendor for vendor, _model in PINNED} == {"digium", "polycom", "yealink"}


@pytest.mark.parametrize(("vendor", "model"), MODELS, ids=MODEL_IDS)
def test_xml_is_well_formed_and_nothing_is_left_of_the_template(vendor, model):
    files, _notes = render_fitting(vendor, model, phone_file("full"))
    assert files
    for name, text in files.items():
        if name.endswith((".xml", ".htm")) or text.startswith("<?xml"):
            ElementTree.fromstring(text.encode())
        for word in PACKS.get(vendor).data.get("vendor_words", ()):  # the vendor's own words that look like Python's
            text = text.replace(word, "")
        assert not re.search(r"\{[{%#]|[%#}]\}|\bNone\b|Undefined", text), name


@pytest.mark.parametrize("vendor", VENDORS)
def test_templates_emit_only_parameters_that_the_pack_knows(vendor, monkeypatch):
    """Parameter lists are caught on their way to the layout, for all models and both phones."""
    pack = PACKS.get(vendor)
    if not pack.data["layouts"]:
        pytest.skip("this pack writes no parameter lists")
    seen: set[str] = set()

    def remember(text):
        parameters = parse_parameters(text)
        seen.update(name for name, _value in parameters)
        return parameters

    module = PackRenderer.__module__
    monkeypatch.setattr(f"{module}.parse_parameters", remember)
    fresh = PackRenderer(pack)
    monkeypatch.setattr(harness, "renderer", lambda _vendor: fresh)
    for entry in pack.data["models"]:
        for case in ("plain", "full"):
            render_fitting(vendor, entry.get("name", entry["match"]), {**phone_file(case), "phone_parameters": {}})
    assert seen
    assert sorted(name for name in seen if name not in pack.parameters) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_neutral_variable_is_used_or_declared_unsupported(vendor):
    pack = PACKS.get(vendor)
    env = make_environment(pack.folders)
    used: set[str] = set()
    for folder in pack.folders:
        for file in folder.glob("**/*.j2"):
            tree = env.parse(file.read_text(encoding="utf-8"))
            used |= {
                node.attr
                for node in tree.find_all(jinja2.nodes.Getattr)
                if isinstance(node.node, jinja2.nodes.Name) and node.node.name == "phone"
            }
            used |= {
                node.arg.value
                for node in tree.find_all(jinja2.nodes.Getitem)
                if isinstance(node.node, jinja2.nodes.Name) and node.node.name == "phone" and isinstance(node.arg, jinja2.nodes.Const)
            }
    neutral = {name[len("phone_") :] for name in model_specs()} - NOT_FOR_TEMPLATES
    neutral |= {f"{name[len('phone_') :]}.{option}" for name, spec in model_specs().items() for option in spec.get("options", ())}
    declared = set(pack.data["unsupported"]) - ITEM_OPTIONS  # test_silence.py looks at those
    assert sorted(name for name in neutral - used - declared if "." not in name) == [], (
        "neither used by a template nor listed under unsupported"
    )
    assert sorted(declared & used) == [], "listed under unsupported, but a template reads it"
    assert sorted(declared - neutral) == [], "listed under unsupported, but no such variable"


@pytest.mark.parametrize(("vendor", "model"), MODELS, ids=MODEL_IDS)
def test_same_input_gives_same_bytes(vendor, model):
    assert render_fitting(vendor, model, phone_file("full")) == render_fitting(vendor, model, phone_file("full"))


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "%NULL%",
            "]]>",
            "a|b",
            "$MA",
            "{{ 7*7 }}",
            "a\nb",
            "x\r\ny = z",
            "\x00",
            "\t",
            '"',
            "'",
            "<b>&amp;",
            "a=b",
            " = ",
            "## x",
            "",
            "ß€😀",
            "a;b",
            "x" * 300,
            "\u2028",
            "\u202e",
            "-->",
            "0",
            "yes",
        ]
    ),
    st.text(max_size=40),
)
TEXT_PLACES = ["name", "label", "password", "auth_user"]


@pytest.mark.parametrize("vendor", VENDORS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=HOSTILE, place=st.sampled_from(TEXT_PLACES))
def test_a_hostile_value_is_refused_or_arrives_as_a_value(vendor, value, place):
    """Whatever is typed into a text changes that text and nothing else: the files keep their lines and elements."""
    entry = PACKS.get(vendor).data["models"][-1]
    model = entry.get("name", entry["match"])
    plain = phone_file("plain")
    harmless = {**plain, "phone_lines": [{**plain["phone_lines"][0], place: "harmless"}]}
    hostile = {**plain, "phone_lines": [{**plain["phone_lines"][0], place: value}]}
    try:
        files, _notes = render(vendor, model, hostile)
    except Refused as refusal:
        assert f"phone_lines[0].{place}" in str(refusal)
        assert place != "password" or len(value) < 4 or value not in str(refusal)
        return
    expected, _notes = render(vendor, model, harmless)
    assert set(files) == set(expected)
    for name, text in files.items():
        assert _shape(text) == _shape(expected[name]), name


def _shape(text: str) -> object:
    """Return what must not change with a value: the elements of XML, the names of parameters."""
    if text.startswith("<") and not text.startswith("<<"):
        return [(element.tag, sorted(element.attrib)) for element in ElementTree.fromstring(text.encode()).iter()]
    return [re.split('[=:]| "', line)[0].strip() if not line.startswith("#!") else line for line in text.split("\n")]
