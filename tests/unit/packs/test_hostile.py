# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hostile value in every text of a phone at once, for several models of every pack: it is refused by name, or changes the places of that text alone.

What the neutral model or the pack refuses is left as it was, the rest is rendered and compared with the same phone full of harmless markers. So one
rendering looks at some hundred places.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.render import RenderError
from ansible_collections.dialtone.phones.plugins.plugin_utils.sandbox import RefusedError
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import PACKS, Refused, phone_file, render

# These choose what is written elsewhere: another value is another phone.
CHOICES = {
    "phone_mac",
    "phone_mac_id",
    "phone_vendor",
    "phone_model",
    "phone_language",
    "phone_web_language",
    "phone_country",
    "phone_firmware_version",
    "phone_phonebooks",
    "phone_timezone",
}
MODELS_A_PACK = 3
HOSTILE = st.one_of(
    st.sampled_from(
        [
            "%NULL%",
            "]]>",
            "a|b",
            "$MA",
            "$(id)",
            "`id`",
            "{{ 7*7 }}",
            "{% if x %}",
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
            "# x",
            "; x",
        ]
        + [
            "[x]",
            "\\",
            '\\"',
            "a;b",
            "a,b",
            "x" * 300,
            "\u2028",
            "\u202e",
            "-->",
            "<!--",
            "<![CDATA[",
            "&#10;",
            "%0a",
            "0",
            "yes",
            "None",
            "ß€😀",
            "e\u0301",
            " a ",
            "  ",
            "\ufeff",
            "\ud800",
            "\x85",
        ]
    ),
    st.text(max_size=30),
    st.text(alphabet="<>&\"'=;#|%$\\[]{}() \t:/@,ab1", max_size=20),
)
Path = tuple


def _texts(path: Path, spec: dict, value: object) -> Iterator[tuple[Path, dict]]:
    """Yield the places of texts: every option of dictionaries, every item that the phone has of lists."""
    kind = spec["type"]
    if kind == "dict" and not spec.get("free"):
        for name, option in spec["options"].items():
            yield from _texts((*path, name), option, (value or {}).get(name))
    elif kind == "list":
        for index, item in enumerate(value if isinstance(value, list) else []):
            if not (spec["elements"].get("shorthand") and isinstance(item, str)):
                yield from _texts((*path, index), spec["elements"], item)
    elif kind == "asset":
        # A template never sees a local file's name, only a URL.
        yield path, {"type": "url"}
    elif kind in ("str", "text", "secret", "url", "host", "hostport"):
        yield path, spec


def _put(phone: dict, path: Path, value: object) -> None:
    for step in path[:-1]:
        if isinstance(phone, dict):
            phone = phone.setdefault(step, {})
        else:
            phone = phone[step]
    phone[path[-1]] = value


def _get(phone: dict, path: Path) -> object:
    """Return what stands at a place; None where the phone says nothing there."""
    return functools.reduce(
        lambda inner, step: None if inner is None else inner.get(step) if isinstance(inner, dict) else inner[step], path, phone
    )


def _marker(spec: dict, number: int) -> str:
    for text in (
        f"qz{number:03}",
        f"https://qz{number:03}.example.com/qz",
        f"qz{number:03}.example.com",
        f"qz{number:03}@example.com",
        f"22{number:03}33",
    ):
        problems: list[Problem] = []
        compile_spec(spec)("", text, problems)
        if not problems:
            return text
    raise AssertionError(f"no marker fits {spec}")


@functools.lru_cache(maxsize=256)
def marked(vendor: str, model: str) -> tuple[dict, list[tuple[Path, dict]]]:
    """Return the full phone with a marker in every text, and the places of the markers."""
    phone, plain = phone_file("full"), phone_file("full")
    phone["phone_parameters"] = {}
    places = []
    for name, spec in model_specs().items():
        if name not in CHOICES:
            places += _texts((name,), spec, phone.get(name))
    for name in ("phone_keys_office",):
        places += _texts((name,), model_specs()["phone_keys"], phone[name])
    # One of the two ways to name registrars; codes of the vendor belong to custom keys.
    kept = []
    for path, spec in places:
        if path[-1] == "sip_server" and path[0] == "phone_lines":
            continue
        # A version decides which names are written, and attributes are listed with blanks between them.
        if path[-1] in ("version", "sha256", "name_attributes", "number_attributes"):
            continue
        if path[-1] == "code" and phone[path[0]][path[1]]["type"] != "custom":
            continue
        _put(phone, path, _marker(spec, len(kept)))
        kept.append((path, spec))
    # Some packs refuse all but digits, or URLs of a certain form: there the phone keeps what it had.
    for _attempt in range(10):
        try:
            render(vendor, model, copy.deepcopy(phone))
            break
        except Refused as refusal:
            told = _told(refusal)
        given = {path for path, _spec in kept if _is_told(path, told)}
        assert given, told
        for path in given:
            _put(phone, path, _get(plain, path))
        kept = [(path, spec) for path, spec in kept if path not in given]
    return phone, kept


def _where(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def hostile(vendor: str, model: str, value: str) -> tuple[dict, dict, list[Path]]:
    """Return the phone with the value wherever it is taken, the same phone with markers only, and those places."""
    clean, places = marked(vendor, model)
    checks = {}
    phone = copy.deepcopy(clean)
    taken = []
    for path, spec in places:
        text = f"https://qz.example.com/{value}" if spec["type"] == "url" else value
        # What stands in for lines that say nothing differs from theirs: some templates write the same only once.
        # And a name for authentication that is the user's own need not be told.
        text += "x" if path in STAND_INS or path[-1] == "auth_user" else ""
        key = (repr(spec), text)
        if key not in checks:
            problems: list[Problem] = []
            compile_spec(spec)("", text, problems)
            checks[key] = not problems
            for problem in problems:
                assert "\n" not in problem.what
                assert spec["type"] != "secret" or len(value) < 6 or value not in problem.what
        # Where a vendor's own code for a key has several words, blanks separate them.
        # And digits are a number as good as any, of which a vendor may derive something.
        if path[-1] == "number" and re.search(r"[0-9]$", value):
            continue
        if checks[key] and not (path[-1] == "code" and re.search(r"\s", text)):
            _put(phone, path, text)
            taken.append(path)
    return phone, clean, taken


def first_and_others(vendor: str) -> list[str]:
    """Return models of a pack that differ in what they get: as many as there are forms, up to the limit."""
    found: dict[tuple, str] = {}
    pack = PACKS.get(vendor)
    for entry in reversed(pack.data["models"]):
        name = entry.get("name", entry["match"])
        model = pack.model(name)
        found.setdefault(tuple(spec.template for spec in pack.files if spec.for_model(model)) + (bool(model.modules),), name)
    names = list(found.values())
    names += [entry.get("name", entry["match"]) for entry in pack.data["models"][:: max(1, len(pack.data["models"]) // 2)]]
    return list(dict.fromkeys(names))[:MODELS_A_PACK]


def accepted(
    vendor: str, model: str, phone: dict, clean: dict, taken: list[Path], value: str
) -> tuple[dict[str, str], list[str], list[Path]]:
    """Render, giving up places that are refused by name until none is."""
    secrets = {_where(path) for path in taken if "password" in str(path[-1])}
    while True:
        try:
            # A copy: what is checked is remembered by its identity, since a run never changes it.
            files, notes = render(vendor, model, copy.deepcopy(phone))
            return files, notes, taken
        except RenderError as refusal:
            # A template's own refuse() names what it can't write; all that do are about keys.
            assert isinstance(refusal.__cause__, RefusedError), refusal
            assert "key" in refusal.message
            told = {f"phone_keys.{option}" for option in ("value", "label")}
        except Refused as refusal:
            told = _told(refusal)
            for line in str(refusal).split("\n"):
                assert len(value) < 6 or value not in line or not any(f"{place}:" in line for place in secrets)
        left = [path for path in taken if not _is_told(path, told)]
        assert len(left) < len(taken), f"refused, but not for a value that was put there: {told}"
        for path in taken:
            if path not in left:
                _put(phone, path, _get(clean, path))
        taken = left


def _told(refusal: Refused) -> set[str]:
    return {line.split(": ", 1)[1].split(":")[0] for line in str(refusal).split("\n")}


def _is_told(path: Path, told: set[str]) -> bool:
    """Tell whether a refusal names a place; defaults of lines come from the phone's own variables, keys from their layouts and lines."""
    where = _where(path)
    return any(
        place == where
        or place.startswith((where + ".", where + "["))
        # Keys are told in the order of their slots.
        or (str(path[0]).startswith("phone_keys") and place.startswith("phone_keys") and place.endswith(f".{path[-1]}"))
        or (path[-1] in DERIVED and place.split(".")[-1].split("[")[0] in DERIVED[path[-1]] and ("lines" in place or "keys" in place))
        for place in told
    )


# A text of the phone or of a line that stands in for others: name -> where it may be told.
STAND_INS = {("phone_voicemail",), ("phone_dialplan",), ("phone_pickup_code",), ("phone_ringtone",)}
DERIVED = {
    "phone_voicemail": {"voicemail"},
    "phone_dialplan": {"dialplan"},
    "phone_pickup_code": {"pickup_code", "pickup"},
    "phone_outbound_proxy": {"host"},
    "phone_outbound_proxy_backup": {"host"},
    "outbound_proxy": {"host"},
    "outbound_proxy_backup": {"host"},
    "host": {"host"},
    "number": {"number", "user", "auth_user", "name", "label"},
    "user": {"user", "auth_user"},
    "label": {"label"},
    "value": {"value"},
    "pickup": {"pickup"},
    "pickup_code": {"pickup_code", "pickup"},
    "code": {"code"},
}


def _pieces(text: str) -> list[tuple[str, str]]:
    """Return a file as pieces: what each is, which no value may change, and what it holds."""
    if text.startswith("<") and not text.startswith("<<"):
        pieces = []
        for element in ElementTree.fromstring(text.encode()).iter():
            pieces.append((element.tag, element.text or ""))
            pieces += [(f"{element.tag} {name}", value) for name, value in sorted(element.attrib.items())]
        return pieces
    return [("", line) for line in text.split("\n")]


_PINNED = re.compile(r"-v[0-9a-f]{16}(?=\.[a-z])")
_MARK = re.compile(r"(?:https(?:://|%3A%2F%2F))?(?:qz[0-9]*(?:\.example\.com(?:/|%2F)?(?:qz)?)?|22[0-9]{3}33)", re.IGNORECASE)


def _compare(expected: str, got: str, name: str, put: dict[str, str]) -> None:
    before, after = _pieces(expected), _pieces(got)
    assert [kind for kind, _text in before] == [kind for kind, _text in after], name
    for (kind, marks), (_kind, text) in zip(before, after, strict=True):
        found = list(_MARK.finditer(marks))
        if not found:
            assert text == marks, (name, kind)
            continue
        if kind and marks in put:  # the whole of an element or attribute: the value has to arrive
            # A display of ten characters gets ten.
            assert text.strip() == put[marks].strip() or (len(text) >= 10 and put[marks].startswith(text)), (name, kind)
            continue
        # A layout may have to quote a value that holds a mark of comments.
        head, tail, whole = (part.replace('"', "").strip() for part in (marks[: found[0].start()], marks[found[-1].end() :], text))
        assert whole.startswith(head), (name, marks, text)
        assert whole.endswith(tail), (name, marks, text)


@pytest.mark.parametrize("vendor", PACKS.names())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=HOSTILE, number=st.integers(0, MODELS_A_PACK - 1))
def test_a_hostile_value_in_every_text_changes_those_texts_alone(vendor, value, number):
    models = first_and_others(vendor)
    model = models[number % len(models)]
    phone, clean, taken = hostile(vendor, model, value)
    files, _notes, taken = accepted(vendor, model, phone, clean, taken, value)
    if not value.strip():
        for name, text in files.items():
            assert _pieces(text), name
        return
    expected, _notes = render(vendor, model, clean)
    assert set(files) == set(expected)
    # LDAP's placeholders are translated.
    put = {_get(clean, path): _get(phone, path) for path in taken if path[0] != "phone_ldap"}
    for name, text in files.items():
        # A name that tells another file's content changes with it.
        _compare(_PINNED.sub("", expected[name]), _PINNED.sub("", text), name, put)
