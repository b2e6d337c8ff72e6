# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the columns of a sheet of users and phones mean: header texts, and how a cell becomes a value."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import is_phone_variable, model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import did_you_mean, shown

# Field -> what people and programs call it, normalised. The field's own name is always understood.
SYNONYMS: dict[str, list[str]] = {
    "number": [
        "extension",
        "ext",
        "extn",
        "exten",
        "dn",
        "directory_number",
        "extension_number",
        "internal_number",
        "phone_number",
        "durchwahl",
        "nebenstelle",
        "nummer",
        "rufnummer",
        "numero",
        "interno",
        "poste",
        "toestel",
        "anknytning",
        "line_number",
    ],
    "name": [
        "display_name",
        "displayname",
        "caller_name",
        "callerid_name",
        "caller_id_name",
        "full_name",
        "fullname",
        "person",
        "employee",
        "anzeigename",
        "nom_complet",
        "nombre",
        "naam",
        "namn",
        "line_name",
    ],
    "first_name": ["firstname", "given_name", "givenname", "vorname", "prenom", "voornaam"],
    "last_name": ["lastname", "surname", "family_name", "nachname", "familienname", "nom_de_famille", "achternaam", "efternamn"],
    "label": ["line_label", "screen_label", "key_label", "beschriftung"],
    "user": ["username", "user_name", "userid", "user_id", "sip_user", "sip_username", "sip_account", "account", "benutzer", "line_user"],
    "auth_user": [
        "authuser",
        "auth_name",
        "authname",
        "auth_username",
        "auth_id",
        "authid",
        "authentication_id",
        "authentication_name",
        "line_auth_user",
    ],
    "password": [
        "pass",
        "pwd",
        "passwd",
        "secret",
        "sip_password",
        "sip_secret",
        "sippassword",
        "auth_password",
        "passwort",
        "kennwort",
        "mot_de_passe",
        "wachtwoord",
        "losenord",
        "line_password",
    ],
    "sip_server": ["registrar", "pbx", "server", "line_sip_server"],
    "voicemail": ["mailbox", "voicemail_number", "voice_mail", "line_voicemail"],
    "email": ["e_mail", "mail", "email_address", "e_mail_address", "mail_address", "e_mail_adresse", "phone_email"],
    "site": ["location", "office", "branch", "building", "standort", "niederlassung", "filiale", "sede", "locatie", "phone_site"],
    "tenant": ["customer", "client", "company", "mandant", "kunde", "firma", "phone_tenant"],
    "vendor": ["manufacturer", "brand", "make", "hersteller", "fabricant", "phone_vendor"],
    "model": [
        "device",
        "device_model",
        "device_type",
        "phone_type",
        "handset",
        "modell",
        "modele",
        "geraet",
        "endgeraet",
        "telefon",
        "phone_model",
    ],
    "mac": ["mac_address", "macaddress", "mac_addr", "macadresse", "mac_adresse", "adresse_mac", "hardware_address", "phone_mac"],
    "serial": ["serial_number", "serialnumber", "serial_no", "sn", "seriennummer", "numero_de_serie", "phone_serial"],
    "mac_id": ["macid", "mac_check_code", "phone_mac_id"],
    "groups": ["group", "inventory_groups", "ansible_groups", "gruppe", "gruppen"],
    "departments": ["department", "dept", "division", "abteilung", "team", "service", "phone_groups"],
    "host": ["hostname", "host_name", "inventory_hostname", "device_name"],
}
LINE_FIELDS = ("number", "name", "label", "user", "auth_user", "password", "sip_server", "voicemail")
PHONE_FIELDS = {
    "vendor": "phone_vendor",
    "model": "phone_model",
    "serial": "phone_serial",
    "mac_id": "phone_mac_id",
    "site": "phone_site",
    "tenant": "phone_tenant",
    "email": "phone_email",
    "departments": "phone_groups",
}
_MEANINGS = {synonym: field for field, synonyms in SYNONYMS.items() for synonym in (field, *synonyms)}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TRUE = frozenset({"1", "true", "yes", "on", "y", "x", "ja", "oui", "si", "sì", "wahr"})
_FALSE = frozenset({"0", "false", "no", "off", "n", "nein", "non", "falsch", "nee", "nej"})
_TEXTS = frozenset({"str", "text", "secret", "mac", "host", "hostport", "url", "cidr", "timezone", "enum"})
_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "ł": "l", "đ": "d"}
_UMLAUTS = str.maketrans(
    {**_LETTERS, **{letter.upper(): text.capitalize() for letter, text in _LETTERS.items() if len(letter.upper()) == 1}}
)

Convert = Callable[[str], Any]


class CellError(ValueError):
    """The cell has no value of the wanted kind; the message is a clause without the cell's text where that may be a secret."""


class Column(NamedTuple):
    """What a column means.

    ``kind``: ``field`` (one of the sheet's own), ``line`` (a key of the line), ``variable`` (of the host), ``ignored``.
    """

    header: str
    kind: str
    target: str
    convert: Convert
    secret: bool


def ascii_words(text: str) -> str:
    """Return a text in ASCII letters as far as they stand for it: umlauts spelled out, accents dropped."""
    return unicodedata.normalize("NFKD", text.translate(_UMLAUTS)).encode("ascii", "ignore").decode()


def normalize_header(text: str) -> str:
    """Return a header cell in lower case, with one underscore for whatever stands between words."""
    plain = unicodedata.normalize("NFKD", text.strip()).encode("ascii", "ignore").decode().lower()
    german = ascii_words(text.strip()).lower()
    # "Gerät" is geraet to a German and gerat to everybody else's keyboard.
    for candidate in (german, plain):
        name = re.sub("[^a-z0-9]+", "_", candidate).strip("_")
        if name in _MEANINGS:
            return name
    return (
        re.sub("[^a-z0-9]+", "_", german).strip("_")
        if not text.strip().startswith("_")
        else "_" + re.sub("[^a-z0-9]+", "_", german).strip("_")
    )


def is_known(header: str) -> bool:
    """Tell whether a header cell is a column that needs no mapping."""
    name = normalize_header(header)
    return name in _MEANINGS or name.startswith(("phone_", "_phone_", "line_"))


def column_of(header: str, mapping: Mapping[str, str | None]) -> Column:
    """Return what a column means.

    :param mapping: the user's own: header cell -> field, ``line_*``, ``phone_*`` or another variable; nothing: to be ignored.
    :raises CellError: it means nothing.
    """
    wanted = next((target for name, target in mapping.items() if name.strip().casefold() == header.strip().casefold()), header)
    mapped = wanted is not header
    if wanted is None or wanted == "":
        return Column(header, "ignored", "", str, False)
    name = normalize_header(str(wanted))
    if name in _MEANINGS:
        return _field(header, _MEANINGS[name])
    if name.startswith("line_"):
        return _line(header, name.removeprefix("line_"))
    if name.startswith("phone_"):
        return _variable(header, name)
    if _VARIABLE.match(str(wanted)) and (mapped or name.startswith("_phone_")):
        return Column(header, "variable", str(wanted), _literal, True)
    near = did_you_mean(name, SYNONYMS) or did_you_mean(name, _MEANINGS)
    raise CellError(f"is no known column{near or '; map it or ignore it with the option columns'}")


def _field(header: str, field: str) -> Column:
    if field in LINE_FIELDS:
        return _line(header, field)
    if field == "departments":
        return Column(header, "field", field, _names, False)
    return Column(header, "field", field, _names if field == "groups" else _text, False)


def _line(header: str, key: str) -> Column:
    options = model_specs()["phone_lines"]["elements"]["options"]
    if key not in options:
        raise CellError(f"is no known column: a line has no {key[:60]}{did_you_mean(key, options)}")
    spec = options[key]
    return Column(header, "line", key, _converter(spec), spec["type"] == "secret")


def _variable(header: str, name: str) -> Column:
    specs = model_specs()
    if name in specs:
        return Column(header, "variable", name, _converter(specs[name]), specs[name]["type"] == "secret")
    for spec in specs.values():
        # Lists and dictionaries of any name behind these prefixes are merged.
        if "merge" in spec and name.startswith(spec["merge"]):
            return Column(header, "variable", name, _converter({"type": spec["type"]}), True)
    if not is_phone_variable(name):
        return Column(header, "variable", name, _literal, True)
    raise CellError(f"is no known column: no variable is called {name[:60]}{did_you_mean(name, specs)}")


def _converter(spec: Mapping[str, Any]) -> Convert:
    kind = spec["type"]
    if kind == "int":
        return _int
    if kind == "bool":
        return _bool
    if kind == "list":
        elements = (spec.get("elements") or {}).get("type", "dict")
        return _list_of_texts if elements in _TEXTS else _list
    if kind == "dict":
        return _dict
    return str if kind == "secret" else _text


def _text(cell: str) -> str:
    # In every column this spelling means "explicitly none", as an empty cell means "inherit".
    return "" if cell == "[]" else cell


def _names(cell: str) -> list[str]:
    if cell.startswith("["):
        names = [str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in _list_of_texts(cell)]
        if not all(isinstance(name, str) for name in names):
            raise CellError("a list of names is wanted, as in [sales, support]")
        return names
    return [name for name in (part.strip() for part in re.split("[,;|]", cell)) if name]


def _int(cell: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,18}", cell, re.ASCII):
        raise CellError(f"{shown(cell)} is not an integer")
    return int(cell)


def _bool(cell: str) -> bool:
    word = cell.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError(f"{shown(cell)} is neither yes nor no")


def _list_of_texts(cell: str) -> list[Any]:
    if not cell.startswith("["):
        return _names(cell)
    return _flow(cell, list, getattr(yaml, "CBaseLoader", yaml.BaseLoader))


def _list(cell: str) -> list[Any]:
    if not cell.startswith("["):
        raise CellError("a list is wanted, as in [{type: blf, value: 1001}]")
    return _flow(cell, list, _CellLoader)


def _dict(cell: str) -> dict[str, Any]:
    if cell == "[]":
        return {}
    if not cell.startswith("{"):
        raise CellError("a dictionary is wanted, as in {name: value}")
    return _flow(cell, dict, _CellLoader)


def _literal(cell: str) -> Any:
    if cell.startswith(("[", "{")) and not cell.startswith(("{{", "{%")):
        return _flow(cell, (list, dict), _CellLoader)
    return cell


def _no_constant(name: str) -> None:
    raise ValueError(name)


class _CellLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads numbers as people write them: the extension 0101 is not 65, 1:30 not 90, and a date or the version 1.10 stays text."""


_CellLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("int", "float", "timestamp")]
    for first, resolvers in _CellLoader.yaml_implicit_resolvers.items()
}
_CellLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|-?[1-9][0-9]*)\Z"), list("-0123456789"))


def _flow(cell: str, wanted: type | tuple[type, ...], loader: Any) -> Any:
    try:
        # A fraction keeps its digits.
        value = json.loads(cell, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        try:
            if "*" in cell and any(isinstance(token, yaml.AliasToken) for token in yaml.scan(cell)):
                raise CellError("holds an alias (*name), which a cell has no place for")  # lists that hold themselves
            value = yaml.load(cell, Loader=loader)
        except CellError:
            raise
        except (yaml.YAMLError, ValueError, RecursionError) as exc:
            mark = getattr(exc, "problem_mark", None)
            raise CellError(f"is not valid JSON or YAML{f' (at character {mark.column + 1})' if mark else ''}") from exc
    if not isinstance(value, wanted):
        raise CellError(f"holds a {type(value).__name__}, which is not what belongs here")
    return value
