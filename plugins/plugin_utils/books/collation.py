# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of names as readers of a language expect it, the same on every machine.

What a C library sorts by differs from machine to machine and needs locales that slim controllers lack; the ICU needs a compiled module. A phonebook
needs less than either: letters with accents beside their base letter, except where a language's alphabet gives them a place of their own. Those
places are the table below (letters of the CLDR's collation rules that are primary there), so that the same people give the same bytes anywhere.
Scripts without a case, such as Chinese, are sorted by code points.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

# Language -> groups of letters: the first is where the others follow, in this order. Letters of two characters are one letter of that alphabet.
ALPHABETS = {
    "az": "c ç,e ə,g ğ,h x,i,ı i,k q,o ö,s ş,u ü",
    "bs": "c č ć,d dž đ,l lj,n nj,s š,z ž",
    "cs": "c č,h ch,r ř,s š,z ž",
    "cy": "c ch,d dd,f ff,g ng,l ll,p ph,r rh,t th",
    "da": "z æ ø å",
    "eo": "c ĉ,g ĝ,h ĥ,j ĵ,s ŝ,u ŭ",
    "es": "n ñ",
    "et": "s š z ž,v õ ä ö ü",
    "fi": "z å ä ö",
    "fo": "a á,i í,o ó,u ú,y ý,z æ ø,d ð",
    "hr": "c č ć,d dž đ,l lj,n nj,s š,z ž",
    "hu": "c cs,d dz dzs,g gy,l ly,n ny,o ö,s sz,t ty,u ü,z zs",
    "is": "a á,d ð,e é,i í,o ó,u ú,y ý,z þ æ ö",
    "kl": "z æ ø å",
    "lt": "c č,s š,z ž",
    "lv": "c č,g ģ,k ķ,l ļ,n ņ,r ŗ,s š,z ž",
    "nb": "z æ ø å",
    "nn": "z æ ø å",
    "no": "z æ ø å",
    "pl": "a ą,c ć,e ę,l ł,n ń,o ó,s ś,z ź ż",
    "ro": "a ă â,i î,s ș,t ț",
    "sk": "a ä,c č,h ch,o ô,s š,z ž",
    "sl": "c č ć,d đ,s š,z ž",
    "sq": "c ç,d dh,e ë,g gj,l ll,n nj,r rr,s sh,t th,x xh,z zh",
    "sr": "c č ć,d dž đ,l lj,n nj,s š,z ž",
    "sv": "z å ä ö",
    "tk": "c ç,e ä,j ž,n ň,o ö,s ş,u ü,y ý",
    "tr": "c ç,g ğ,h ı i,o ö,s ş,u ü",
    "vi": "a ă â,d đ,e ê,o ô ơ,u ư",
}
# German phonebooks (DIN 5007-2) and Austrian ones read an umlaut as two letters.
_SPELLED = {"de_phonebook": {"ä": "ae", "ö": "oe", "ü": "ue"}}
LANGUAGES = sorted({*ALPHABETS, *_SPELLED})
# Everywhere: letters that Unicode does not take apart but readers file with others, and one that it does and they don't.
_ROOT = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ŀ": "l", "ħ": "h", "ŋ": "n"}
_APART = "й"
# Last of all characters of the basic plane's letters, so that "a" + this sorts behind every "a…".
_BEHIND = "\uf8f0"

SortKey = Callable[[str], tuple[str, str]]


def is_known(language: str) -> bool:
    """Tell whether a language has an order of its own; ``de`` and ``de_AT`` are known too, as languages of the common order."""
    return _word(language) in LANGUAGES


class _Table(dict):
    """What each letter is sorted as, worked out when it is first met: names are translated at the speed of C."""

    def __init__(self, letters: dict[str, str], spelled: dict[str, str]) -> None:
        super().__init__()
        self._own = {**spelled, **letters}

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        is_sign = not letter.isalnum() and unicodedata.category(letter)[0] != "M"
        self[code] = self._own.get(letter) or ("\x01" + letter if is_sign else _plain(letter))
        return self[code]


@functools.lru_cache(maxsize=64)
def sort_key(language: str = "") -> SortKey:
    """Return the function that gives names their key.

    :param language: as ``sv`` or ``sv_SE``; the common order where it has no alphabet in the table.
    """
    word = _word(language)
    letters = _letters(ALPHABETS.get(word, ""))
    # Letters of several characters become one of the private ones.
    long = sorted((letter for letter in letters if len(letter) > 1), key=len, reverse=True)
    stand_ins = {letter: chr(0xE000 + number) for number, letter in enumerate(long)}
    table = _Table({stand_ins.get(letter, letter): key for letter, key in letters.items()}, _SPELLED.get(word, {}))
    pattern = re.compile("|".join(long)) if long else None
    turkish = word in ("tr", "az")

    def key(name: str) -> tuple[str, str]:
        text = name if name.isascii() else unicodedata.normalize("NFC", name)
        # A Turkish capital dotted i and a plain one are the capitals of two letters.
        text = (text.replace("İ", "i").replace("I", "ı") if turkish else text).lower()
        if pattern:
            text = pattern.sub(lambda found: stand_ins[found.group()], text)
        return text.translate(table), name

    return key


def _word(language: str) -> str:
    word = language.strip().replace("-", "_")
    return word.lower() if word.lower() in _SPELLED else word.split("_", maxsplit=1)[0].lower()


def _letters(rules: str) -> dict[str, str]:
    """Return what letters of an alphabet are sorted as: the letter before them, with a mark that puts them behind all that begins with it."""
    found = {}
    for rule in filter(None, rules.split(",")):
        base, *others = rule.split()
        # Behind its base letter a mark is the same for it and for all that hangs on it.
        for number, letter in enumerate(others, 1):
            found[letter] = base + _BEHIND + chr(0x30 + number)
    return found


def _plain(letter: str) -> str:
    if letter == _APART:
        return "и" + _BEHIND
    if letter in _ROOT:
        return _ROOT[letter]
    return "".join(char for char in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(char)).casefold()
