# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.dialtone.phones.plugins.action.fleet_info import masked
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import PhoneBuilder, model_specs

HIDDEN = "h1dden"
PHONE = {
    "phone_mac": "00:15:65:00:00:01",
    "phone_vendor": "yealink",
    "phone_model": "T54W",
    "phone_sip_server": "pbx.example.com",
    "phone_lines": [{"number": "101", "password": HIDDEN}, {"number": "102", "password": HIDDEN}],
    "phone_admin_password": HIDDEN,
    "phone_user_password": HIDDEN,
    "phone_ldap": {"host": "ldap.example.com", "base": "dc=example", "user": "cn=phone", "password": HIDDEN},
    "phone_dot1x": {"mode": "eap-md5", "identity": "me", "password": HIDDEN, "ca_url": f"https://me:{HIDDEN}@files.example.com/ca.pem"},
    "phone_action_urls": {
        "registered": f"https://me:{HIDDEN}@log.example.com/?a=1",
        "boot": f"https://me:a@{HIDDEN}@log.example.com/",
        "missed_call": f"https://log.example.com/?token={HIDDEN}&number=101",
    },
    "phone_keys": [
        {"type": "url", "value": f"http://{HIDDEN}@x.example.com/"},
        {"type": "xml", "value": f"https://x.example.com/?password={HIDDEN}"},
    ],
    "phone_firmware": {"url": f"ftp://me:{HIDDEN}@files.example.com/fw.rom"},
    "phone_ringtones": [f"https://me:{HIDDEN}@files.example.com/a.wav"],
    "phone_trusted_certificates": [f"https://me:{HIDDEN}@files.example.com/a.pem"],
    "phone_wallpaper": f"https://me:{HIDDEN}@files.example.com/a.png",
    "phone_parameters": {"static.security.user_password": HIDDEN, "anything.else": HIDDEN, "a.list": [HIDDEN]},
}


def test_no_secret_is_shown_wherever_it_stands():
    phone, problems = PhoneBuilder().build("reception", PHONE)
    assert problems == []
    shown = masked(phone, model_specs())
    assert HIDDEN not in json.dumps(shown)
    assert [line["password"] for line in shown["lines"]] == ["***", "***"]
    assert shown["action_urls"]["registered"] == "https://***@log.example.com/?a=1"
    assert shown["action_urls"]["missed_call"] == "https://log.example.com/?token=***&number=101"
    assert shown["parameters"] == {"static.security.user_password": "***", "anything.else": "***", "a.list": "***"}


def test_the_phone_itself_stays_as_it_is():
    phone, _problems = PhoneBuilder().build("reception", PHONE)
    masked(phone, model_specs())
    assert phone["lines"][0]["password"] == HIDDEN
