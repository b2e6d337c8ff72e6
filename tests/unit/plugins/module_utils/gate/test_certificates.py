# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which MAC a factory certificate names, and which certificates name none."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.certificates import RuleError, certificate_mac, normalize_rule

RULE = {"subject": r"(?:CP-[0-9A-Z]+-SEP)?(?P<mac>(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2})", "issuer": "O=Vendor Root"}
ISSUER = "CN=Devices CA,O=Vendor Root,C=CN"


@pytest.mark.parametrize(
    ("subject", "issuer", "mac"),
    [
        ("CN=805EC0000008,O=Vendor", ISSUER, "805ec0000008"),
        ("O=Vendor,CN=80:5E:C0:00:00:08", ISSUER, "805ec0000008"),
        ("CN=CP-8841-SEP805EC0000008,OU=x", ISSUER, "805ec0000008"),
        (r"CN=805EC0000009,O=V\,CN=805EC0000008", ISSUER, "805ec0000009"),
        (r"O=V\,CN=805EC0000008", ISSUER, ""),
        ("CN=805EC0000008,CN=805EC0000009", ISSUER, ""),
        ("CN=805EC0000008+serialNumber=1", ISSUER, ""),
        ("serialNumber=1+CN=805EC0000008", ISSUER, ""),
        ("CN=x805EC0000008", ISSUER, ""),
        ("CN=805EC0000008\n", ISSUER, ""),
        ("CN=805EC0000008", "O=Other", ""),
        ("", ISSUER, ""),
    ],
)
def test_a_certificate_names_the_mac_of_its_only_cn(subject, issuer, mac):
    assert certificate_mac(subject, issuer, RULE) == mac


def test_a_rule_may_be_written_with_the_attribute_in_front():
    for prefix in ("CN=", "^CN=", "(^|,)CN=", "(?:^|,)CN="):
        for suffix in ("", "$", "(?:,|$)", "(,|$)"):
            assert normalize_rule({"subject": prefix + "(?<mac>.*)" + suffix, "issuer": "x"}) == ("(?P<mac>.*)", "x")


@pytest.mark.parametrize(
    "rule", [{}, {"subject": "x", "issuer": "y"}, {"subject": "(?P<mac>.)", "issuer": ""}, {"subject": "(?P<mac>.)\n", "issuer": "y"}]
)
def test_a_rule_that_cannot_decide_is_refused(rule):
    with pytest.raises(RuleError):
        normalize_rule(rule)
