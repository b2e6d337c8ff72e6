# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client certificate rules: how a vendor's factory certificate names the MAC of the phone it was made for.

A rule is applied to the value of the subject's one CN, whole, and to the issuer's DN anywhere. The CN is cut out of the DN here
and not by the rule's author: in ``O=V\\,CN=...`` the text after the escaped comma belongs to O, and a pattern over the whole DN falls for it.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping, Tuple

_PREFIX = re.compile(r"\A(?:\^|\(\^\|,\)|\(\?:\^\|,\))?CN=", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\((?:\?:)?,\|\$\)|(?<!\\)\$)\Z")
_GROUP = re.compile(r"\(\?P?<mac>")


class RuleError(ValueError):
    """A certificate rule that cannot be used; the message is a clause."""


class CertificateRules:
    """Collects the distinct rules of the fleet, then writes nginx's lookup for them."""

    def __init__(self) -> None:
        self._ids: Dict[Tuple[str, str], int] = {}

    def add(self, rule: Mapping[str, str]) -> str:
        """Return the id of a rule.

        :raises RuleError: no pattern, a pattern that does not compile, or one that does not name the group ``mac``.
        """
        subject, issuer = normalize_rule(rule)
        return f"r{self._ids.setdefault((subject, issuer), len(self._ids) + 1)}"

    def render(self) -> str:
        """Return the maps that set ``$dialtone_cert_ok`` to 1 where the certificate verified and names the phone of the token."""
        lines = [
            # One CN between unescaped commas, in any position; a second CN, or one that shares its RDN with others (+), makes the DN ambiguous.
            # RFC 2253 escapes a comma inside a value with a backslash; nginx's parser halves backslashes.
            "map $ssl_client_s_dn $dialtone_cn {",
            '    default "";',
            r'    "~(?:^|(?<!\\\\),)CN=.*(?<!\\\\)[,+]CN=" "";',
            r'    "~(?:^|(?<!\\\\),)CN=(?<dialtone_cn_value>(?:[^,+\\\\]|\\\\[,+=])*)(?:,|\\z)" $dialtone_cn_value;',
            "}",
        ]
        for (subject, issuer), number in self._ids.items():
            group = f"dialtone_cert_mac{number}"
            pattern = _GROUP.sub(f"(?<{group}>", subject)
            lines += [
                f"map $dialtone_cn $dialtone_named{number} {{",
                '    default "";',
                f'    "~^(?:{_quote(pattern)})\\\\z" ${group};',
                "}",
                f"map $ssl_client_i_dn $dialtone_issued{number} {{",
                '    default "";',
                f'    "~{_quote(issuer)}" 1;',
                "}",
            ]
        lines += ["map $dialtone_rule $dialtone_cert_claim {", '    default "";']
        lines += [f'    r{n} "$dialtone_issued{n}/$dialtone_named{n}";' for n in self._ids.values()]
        lines += ["}"]
        octets = "".join(f"(?<dialtone_o{n}>[0-9a-f]{{2}})" for n in range(6))
        same = "[:-]?".join(f"\\\\k<dialtone_o{n}>" for n in range(6))
        lines += [
            'map "$ssl_client_verify:$dialtone_mac/$dialtone_cert_claim" $dialtone_cert_ok {',
            '    default "";',
            f'    "~^SUCCESS:{octets}/1/(?i){same}\\\\z" 1;',
            "}",
        ]
        return "\n".join(lines) + "\n"


def normalize_rule(rule: Mapping[str, str]) -> Tuple[str, str]:
    """Return the patterns for the CN and the issuer, checked.

    :raises RuleError: see :meth:`CertificateRules.add`.
    """
    subject, issuer = rule.get("subject") or "", rule.get("issuer") or ""
    subject = _PREFIX.sub("", subject)
    subject = subject[1:] if subject.startswith("^") else subject
    subject = _SUFFIX.sub("", subject)
    if not _GROUP.search(subject):
        raise RuleError("certificate_rule.subject does not name the group mac")
    for name, pattern in (("subject", subject), ("issuer", issuer)):
        if not pattern:
            raise RuleError(f"certificate_rule.{name} is empty")
        if not pattern.isprintable() or not pattern.isascii():
            raise RuleError(f"certificate_rule.{name} holds other than printable ASCII characters")
        try:
            re.compile(_GROUP.sub("(?P<mac>", pattern))
        except re.error as exc:
            raise RuleError(f"certificate_rule.{name} is no regular expression ({exc})") from exc
    return _GROUP.sub("(?P<mac>", subject), issuer


def _quote(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace('"', '\\"')
