# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of Grandstream's service, computed by hand."""

from __future__ import annotations

import hashlib

from ansible_collections.dialtone.phones.plugins.module_utils.redirect import gdms_sign

PARAMETERS = {"timestamp": "1", "access_token": "t", "client_secret": "s", "client_id": "c"}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_parameters_are_sorted_between_ampersands():
    assert gdms_sign.signature(PARAMETERS) == sha("&access_token=t&client_id=c&client_secret=s&timestamp=1&")


def test_the_digest_of_a_body_follows():
    assert gdms_sign.signature(PARAMETERS, b"[]") == sha(f"&access_token=t&client_id=c&client_secret=s&timestamp=1&{sha('[]')}&")


def test_the_password_is_a_digest_of_a_digest():
    assert gdms_sign.hashed_password("abc") == sha("900150983cd24fb0d6963f7d28e17f72")
