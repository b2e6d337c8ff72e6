# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes secrets out of a phone's files, so that a diff can be shown.

Three nets, since no single one holds everything: the secrets the phone is known to have now, in every spelling a file may use; tokens and
passwords in URLs; and values of parameters whose names look secret, which is all that is known of an older file's passwords.
"""

from __future__ import annotations

import fnmatch
import json
import re
import urllib.parse
from collections.abc import Callable, Collection, Iterable
from xml.sax.saxutils import escape, quoteattr

_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pass",
        "pwd",
        "pw",
        "secret",
        "pin",
        "token",
        "psk",
        "credential",
        "credentials",
        "auth",
        "authorization",
        "authentication",
        "key",
        "ha1",
    ]
)
_ENDINGS = ("password", "passwd", "passphrase", "passcode", "secret", "token", "pwd", "psk")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_URL_TOKEN = re.compile(r"(?<=/[pc]/)[0-9a-fA-F]{16,}")
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@\"'<>]*):([^/\s@\"'<>]+)(?=@)")
_LINE = re.compile(
    r"^([ \t]*(?:set[ \t]+)?[\"']?)([\w.\-\[\]%@$/!&*?# ]+?)([\"']?[ \t]*[=:][ \t]*[\"']?)([^\r\n]*?)([\"']?,?[ \t]*\r?)$", re.MULTILINE
)
_PAIR = re.compile(r"(?<![\w.\-])([A-Za-z_][\w.\-]*)(=)(?!\[secret )([^\s&;,\"'<>]+)")
_JSON = re.compile(r"(?<=\")([^\"\\\r\n]+)(\"\s*:\s*\")((?:[^\"\\]|\\.)*)(?=\")")
_ELEMENT = re.compile(r"<([A-Za-z_][\w.\-:]*)((?:\s+[\w.\-:]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)(\s*/?>)([^<]*)")
_ATTRIBUTE = re.compile(r"([\w.\-:]+)(\s*=\s*[\"'])([^\"']*)")
_NAMING = frozenset({"name", "id", "key", "para", "param", "parameter", "item"})
_MASKED = re.compile(r"\A\s*\[secret \d+\]\s*\Z")
# A secret this short may be part of any longer number or word; it is masked where it stands alone.
_SHORT = 6


class Masker:
    """Masks texts of one phone. Equal secrets get equal numbers, so that a diff tells a changed secret from an unchanged one.

    :param secrets: values that are secret.
    :param parameters: names of parameters whose values are secret (patterns of :mod:`fnmatch`, in any case).
    """

    def __init__(self, secrets: Iterable[str], parameters: Collection[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._parameters = [name.lower() for name in parameters]
        self._spelt: dict[str, str] = {}
        for secret in secrets:
            if isinstance(secret, str) and secret.strip():
                for spelling in _spellings(secret):
                    self._spelt.setdefault(spelling, secret)
        spellings = sorted(self._spelt, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, spellings))) if spellings else None

    def mask(self, text: str) -> str:
        """Return the text with ``[secret n]`` in place of every secret."""
        if self._known:
            text = self._known.sub(lambda match: self._number(self._spelt[match.group()]), text)
        text = _URL_TOKEN.sub(lambda match: self._number(match.group()), text)
        text = _URL_PASSWORD.sub(lambda match: f"{match.group(1)}:{self._hide(match.group(2))}", text)
        text = _ELEMENT.sub(self._element, text)
        text = _JSON.sub(self._named(1, 3), text)
        text = _LINE.sub(self._named(2, 4), text)
        return _PAIR.sub(self._named(1, 3), text)

    def looks_secret(self, name: str) -> bool:
        """Tell whether a parameter of this name holds a secret."""
        low = name.strip().lower()
        if any(fnmatch.fnmatchcase(low, pattern) for pattern in self._parameters):
            return True
        words = [word.lower() for word in _WORD.findall(name)]
        if not words:
            return False
        # "auth" and "key" name the thing itself only at the end: auth_name is a name, key_3_type a type.
        return any(word.endswith(_ENDINGS) or (word in _WORDS and word not in ("auth", "key")) for word in words) or words[-1] in _WORDS

    def _named(self, name: int, value: int) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            if not self.looks_secret(match.group(name)):
                return match.group()
            start, end = match.start(value) - match.start(), match.end(value) - match.start()
            return match.group()[:start] + self._hide(match.group(value)) + match.group()[end:]

        return replace

    def _element(self, match: re.Match[str]) -> str:
        tag, attributes, close, text = match.groups()
        pairs = _ATTRIBUTE.findall(attributes)
        secret = self.looks_secret(tag) or any(name.lower() in _NAMING and self.looks_secret(value) for name, _mark, value in pairs)

        def attribute(found: re.Match[str]) -> str:
            name, mark, value = found.groups()
            hide = self.looks_secret(name) if name.lower() not in _NAMING else False
            hide = hide or (secret and name.lower() in ("value", "val", "v", "data"))
            return f"{name}{mark}{self._hide(value) if hide else value}"

        attributes = _ATTRIBUTE.sub(attribute, attributes)
        return f"<{tag}{attributes}{close}{self._hide(text) if secret and text.strip() and not close.endswith('/>') else text}"

    def _hide(self, value: str) -> str:
        return value if not value.strip() or _MASKED.match(value) else self._number(value)

    def _number(self, value: str) -> str:
        return f"[secret {self._numbers.setdefault(value, len(self._numbers) + 1)}]"


def _spellings(secret: str) -> set[str]:
    """Return the secret as files may spell it: plain, in XML, in JSON, in a URL, quoted with backslashes."""
    return {
        secret,
        escape(secret),
        quoteattr(secret)[1:-1],
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        escape(secret, {'"': "&#34;", "'": "&#39;"}),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
    }


def _pattern(spelling: str) -> str:
    text = re.escape(spelling)
    return rf"(?<![A-Za-z0-9]){text}(?![A-Za-z0-9])" if len(spelling) < _SHORT else text
