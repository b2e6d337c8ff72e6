# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.mask import Masker

PASSWORD = "p<w&1'\"ä/%x"

# What a file may hold, and what has to be left of it; nothing is known of the phone.
BY_NAME = [
    ("account.1.password = geheim", "account.1.password = [secret 1]"),
    ("account.1.auth_name = anna", "account.1.auth_name = anna"),
    ("account.1.user_name = anna", "account.1.user_name = anna"),
    ("account.1.password =", "account.1.password ="),
    ("security.user_password = admin:geheim", "security.user_password = [secret 1]"),
    ("static.network.802_1x.md5_password=geheim", "static.network.802_1x.md5_password=[secret 1]"),
    ("linekey.3.value = 101", "linekey.3.value = 101"),
    ("linekey.3.type = 16", "linekey.3.type = 16"),
    ("programablekey.2.label = Pause", "programablekey.2.label = Pause"),
    ("expansion_module.1.key.4.label = Tür", "expansion_module.1.key.4.label = Tür"),
    ("phone_setting.phone_lock.unlock_pin = 4711", "phone_setting.phone_lock.unlock_pin = [secret 1]"),
    ("wifi.1.psk: geheim", "wifi.1.psk: [secret 1]"),
    ('api_key="abc def"', 'api_key="[secret 1]"'),
    ("sip_auth = xyz", "sip_auth = [secret 1]"),
    ("Authorization: Basic abc=", "Authorization: [secret 1]"),
    ("userPassword=x1; user=anna", "userPassword=[secret 1]"),
    ("set sip.pwd geheim", "set sip.pwd geheim"),
    ("user_pass1!: geheim", "user_pass1!: [secret 1]"),
    ("<user_pass idx='1' perm='R'>geheim</user_pass>", "<user_pass idx='1' perm='R'>[secret 1]</user_pass>"),
    ("<user_name idx='1'>anna</user_name>", "<user_name idx='1'>anna</user_name>"),
    ("<authPassword>geheim</authPassword>", "<authPassword>[secret 1]</authPassword>"),
    ('<reg reg.1.auth.password="geheim" reg.1.address="100"/>', '<reg reg.1.auth.password="[secret 1]" reg.1.address="100"/>'),
    ('<param name="AdminPassword" value="geheim"/>', '<param name="AdminPassword" value="[secret 1]"/>'),
    ('<param name="DisplayName" value="Anna"/>', '<param name="DisplayName" value="Anna"/>'),
    ('<setting id="sip_password">geheim</setting>', '<setting id="sip_password">[secret 1]</setting>'),
    ("<sipPassword>\n  geheim\n</sipPassword>", "<sipPassword>[secret 1]</sipPassword>"),
    ("<Key>\n<Type>blf</Type></Key>", "<Key>\n<Type>blf</Type></Key>"),
    ('{"user": "anna", "password": "ge\\"heim", "port": 5060}', '{"user": "anna", "password": "[secret 1]", "port": 5060}'),
    ('  "token": "abc",', '  "token": "[secret 1]",'),
    ("url = http://x/?user=anna&token=abc&x=1", "url = http://x/?user=anna&token=[secret 1]&x=1"),
    ("auto_provision.url = https://anna:geheim@prov.example.com/x/", "auto_provision.url = https://anna:[secret 1]@prov.example.com/x/"),
    ("u = https://prov/p/0123456789abcdef0123456789abcdef01234567/a.cfg", "u = https://prov/p/[secret 1]/a.cfg"),
    ("u = https://prov/c/0123456789ABCDEF0123456789abcdef01234567/", "u = https://prov/c/[secret 1]/"),
    ("time.server = pool.ntp.org", "time.server = pool.ntp.org"),
    ("# comment: nothing here", "# comment: nothing here"),
]


@pytest.mark.parametrize(("text", "masked"), BY_NAME, ids=[text[:40] for text, _masked in BY_NAME])
def test_names_that_look_secret_hide_their_values(text, masked):
    assert Masker(()).mask(text) == masked


@pytest.mark.parametrize(
    "spelt",
    [
        PASSWORD,
        "p&lt;w&amp;1'\"ä/%x",
        "p&lt;w&amp;1&apos;&quot;ä/%x",
        "p&lt;w&amp;1&#39;&#34;ä/%x",
        "p<w&1'\\\"\\u00e4/%x",
        "p<w&1'\\\"ä/%x",
        "p%3Cw%261%27%22%C3%A4%2F%25x",
    ],
    ids=["plain", "xml", "xml named", "xml numbered", "json ascii", "json", "url"],
)
def test_known_secret_is_hidden_in_every_spelling_under_any_name(spelt):
    assert Masker([PASSWORD]).mask(f"harmless.name = before{spelt}after") == "harmless.name = before[secret 1]after"


def test_short_secret_is_hidden_where_it_stands_alone():
    masked = Masker(["1234"]).mask("pin = 1234\nnumber = 512345\nother = x1234\nlast = (1234)")
    assert masked == "pin = [secret 1]\nnumber = 512345\nother = x1234\nlast = ([secret 1])"


def test_longer_secret_wins_over_one_inside_it():
    assert "tail" not in Masker(["secret-word", "secret-word-tail"]).mask("x = secret-word-tail")


def test_equal_secrets_have_equal_numbers_and_changed_ones_differ():
    masker = Masker(["new-password"])
    old = masker.mask("account.1.password = old-password\naccount.2.password = old-password\n")
    new = masker.mask("account.1.password = new-password\naccount.2.password = old-password\n")
    assert old == "account.1.password = [secret 1]\naccount.2.password = [secret 1]\n"
    assert new == "account.1.password = [secret 2]\naccount.2.password = [secret 1]\n"


def test_parameters_that_the_pack_names_are_hidden_in_any_case():
    masker = Masker((), ["P34", "account.*.cipher"])
    assert masker.mask("P34 = geheim\np35 = 1\nAccount.2.Cipher = x\n<P34>geheim</P34>") == (
        "P34 = [secret 1]\np35 = 1\nAccount.2.Cipher = [secret 2]\n<P34>[secret 1]</P34>"
    )


@pytest.mark.parametrize("empty", ["", "   ", None, 5])
def test_empty_secrets_hide_nothing(empty):
    assert Masker([empty]).mask("a = b   c\n") == "a = b   c\n"


def test_masking_twice_changes_nothing():
    text = "account.1.password = geheim\n<pw>geheim</pw>\n"
    masker = Masker(["geheim"])
    assert masker.mask(masker.mask(text)) == masker.mask(text)


def test_line_ends_stay_as_they_are():
    assert Masker(()).mask("password = a\r\nlabel = b\r\n") == "password = [secret 1]\r\nlabel = b\r\n"


def test_large_text_is_masked_in_a_moment():
    text = "linekey.1.value = 100\naccount.1.password = geheim\n<a b='c' d='e'>\n" * 2000
    assert "geheim" not in Masker([f"secret-{n}" for n in range(20)]).mask(text)
