# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
import string

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.passwords import _guesses_log10, _surely_long, _surely_random, weakness

BASIC = {
    "the number": "1234",
    "too short": "aB3$xyz",
    "the number padded": "20100000",
    "one kind of character": "abcdefghijkl",
    "repeats": "1a1a1a1a1a1a",
}
STRONG = {"a word in disguise": "Passw0rd1234!", "a keyboard run": "Qwertyuiop123", "short": "aB3$xyzQ9", "a date": "Summer01.02.2024"}


@pytest.mark.parametrize("password", BASIC.values(), ids=BASIC.keys())
def test_weak_for_basic(password):
    why = weakness(password, "basic", ["201"])
    assert why and password not in why


@pytest.mark.parametrize("password", STRONG.values(), ids=STRONG.keys())
def test_weak_for_strong(password):
    why = weakness(password, "strong", ["201"])
    assert why and password not in why


@pytest.mark.parametrize("password", ["", "1", "201"])
def test_off_lets_everything_pass(password):
    assert weakness(password, "off", ["201"]) is None


@pytest.mark.parametrize("password", ["k7Vt-pQ2x-Rm9d-Lw4z", "pf9XhT2mQw7bKz4n", "correct-Horse7battery_Staple"])
def test_good_passwords_pass_every_level(password):
    assert weakness(password, "basic", ["201"]) is None
    assert weakness(password, "strong", ["201"]) is None


def test_what_skips_the_estimator_would_have_passed_it():
    """The short cut is only worth it if it never lets through what the estimator refuses."""
    rng = random.Random(7)
    words = ["Love", "Nice", "moon", "Dog", "cat", "99", "!", "Xy", "7", "Sun_", "abcd", "Berlin", "pass"]
    texts = ["".join(rng.choice(words) for _word in range(rng.randint(4, 8))) for _text in range(300)]
    texts += ["".join(rng.choice(string.ascii_letters + string.digits) for _char in range(16)) for _text in range(100)]
    assert any(_surely_random(text) for text in texts)
    assert [text for text in texts if _surely_random(text) and _guesses_log10(text, ()) < 10] == []


def test_what_is_long_enough_beside_its_words_would_have_passed_the_estimator():
    rng = random.Random(11)
    words = [
        "Berlin",
        "qwertz",
        "Sommer",
        "12121212",
        "2019",
        "01.02.2003",
        "fghjkl",
        "abcdefgh",
        "p4ssw0rd",
        "drowssap",
        "201",
        "x",
        "9K",
        "#",
    ]
    words += ["Zürich", "monkey", "Alexander", "7kf", "Vq", "aaaaaa", "love", "M1chae1", "edcvfr"]
    texts = ["".join(rng.choice(words) for _word in range(rng.randint(2, 7))) for _text in range(300)]
    texts += ["".join(rng.choice(string.hexdigits[:16]) for _char in range(rng.randint(16, 24))) for _text in range(100)]
    passed = [text for text in texts if _surely_long(text, ("2010", "annalena"))]
    assert len(passed) > 80
    assert [text for text in passed if _guesses_log10(text, ("2010", "annalena")) < 10] == []


@pytest.mark.parametrize("password", ["annalena-annalena!9", "anelanna99anelanna", "passwordpassword1234", "Zxcvbnm,Zxcvbnm,1"])
def test_words_of_the_line_itself_leave_too_little(password):
    assert not _surely_long(password, ("annalena",))
