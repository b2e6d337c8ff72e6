# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which MAC a factory certificate names, and which certificates name none, by the maps that nginx is given."""

from __future__ import annotations

import re

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.gate.certificates import CertificateRules, RuleError, normalize_rule

RULE = {"subject": r"(?:CP-[0-9A-Z]+-SEP)?(?P<mac>(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2})", "issuer": "O=Vendor Root"}
ISSUER = "CN=Devices CA,O=Vendor Root,C=CN"


def accepted(subject, issuer, mac, verified="SUCCESS"):
    """Tell what the maps make of a certificate, read as nginx reads them."""
    rules = CertificateRules()
    values = {"ssl_client_s_dn": subject, "ssl_client_i_dn": issuer, "ssl_client_verify": verified, "dialtone_mac": mac}
    values["dialtone_rule"] = rules.add(RULE)
    for source, name, body in re.findall(r'^map "?(.*?)"? \$(\w+) \{\n(.*?)^\}', rules.render(), re.MULTILINE | re.DOTALL):
        told = _filled(source, values)
        values[name] = ""
        for _quote, word, value in re.findall(r'^    ("?)(.*)\1 (\S+);$', body, re.MULTILINE):
            word = re.sub(r"\\(.)", r"\1", word)
            found = re.search(_python(word[1:]), told) if word.startswith("~") else _filled(word, values) == told
            if found:
                groups = found.groupdict() if word.startswith("~") else {}
                values[name] = _filled(value.strip('"'), {**values, **groups})
                break
    return values["dialtone_cert_ok"] == "1"


def _filled(text, values):
    return re.sub(r"\$(\w+)", lambda match: values[match.group(1)], text)


def _python(pattern):
    """The same pattern in Python's spelling."""
    pattern = pattern.replace("(?<dialtone", "(?P<dialtone").replace(r"\z", r"\Z")
    return re.sub(r"\(\?i\)(.*)\\Z$", r"(?i:\1)\\Z", re.sub(r"\\k<(\w+)>", r"(?P=\1)", pattern))


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
    assert accepted(subject, issuer, "805ec0000008") == (mac == "805ec0000008")
    assert accepted(subject, issuer, "805ec0000009") == (mac == "805ec0000009")
    assert not accepted(subject, issuer, mac or "805ec0000008", verified="FAILED")


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
