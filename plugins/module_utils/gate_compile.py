# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's part of a release: from gate records to what nginx includes and what the daemon reads.

``compile_gate`` is called on the server while a release is built. It trusts nothing in a record: every value that reaches an nginx file has
passed a pattern here, because those files are configuration and not data.

Files (paths relative to the release; reader ``nginx`` means root:www-data, ``gate`` means root:dialtone-gate, both 0640):

* ``gate/tokens.map``: home token to MAC; ``gate/policies.map``: home token to the id of its policy.
* ``gate/policies.conf``, ``gate/networks.conf``, ``gate/certificates.conf``: geo and map blocks, included at http level.
* ``gate/names.map``, ``gate/uploads.map``: file names in any case to those on disk; ``gate/contacts.map``: names whose fetch is contact.
* ``gate/htpasswd/<token>``: one password file per home token, so that a user is bound to its device.
* ``gate/devices.db``: one row per phone for the daemon.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Set, Tuple

from ansible_collections.dialtone.phones.plugins.module_utils.gate import devices
from ansible_collections.dialtone.phones.plugins.module_utils.gate.certificates import CertificateRules, RuleError, normalize_rule
from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import NameShapes, UploadSets, is_name
from ansible_collections.dialtone.phones.plugins.module_utils.gate.networks import NetworkSets, parse_network, render_list
from ansible_collections.dialtone.phones.plugins.module_utils.gate.policies import Policies, Policy

_MAC = re.compile(r"\A[0-9a-f]{12}\Z")
_TOKEN = re.compile(r"\A[0-9a-f]{40}\Z")
_USER = re.compile(r"\A[A-Za-z0-9._@-]{1,64}\Z")
_SSHA = re.compile(r"\A\{SSHA\}[A-Za-z0-9+/]{28,64}={0,2}\Z")
_HEX = re.compile(r"\A[0-9a-f]*\Z")
_REALM = re.compile(r"\A[A-Za-z0-9 ._@:-]{1,128}\Z")
# nginx compares this letter: b(asic), d(igest), n(one); c(urrent), o(ld); o(ff), p(refer), r(equire).
_AUTH = {"basic": "b", "digest": "d", "none": "n"}
_CERTIFICATE = {"off": "o", "prefer": "p", "require": "r"}
_SHOWN = 20


class GateError(ValueError):
    """Records that cannot be compiled; the message holds all problems, one line each, and no secret."""


class GateFile(NamedTuple):
    """A file of the gate: path relative to the release, content, and who reads it (``nginx`` or ``gate``)."""

    path: str
    content: bytes
    reader: str


def compile_gate(records: Iterable[Mapping[str, Any]], global_networks: Iterable[str]) -> Iterator[GateFile]:
    """Yield the gate's files for all phones of a release.

    :param records: one gate record per phone. An optional key ``files`` (names on disk) lets requests spell those names in any case,
        and keeps a name that does not exist from claiming.
    :param global_networks: networks that every phone must come from, besides its own; none means any address. A phone without authentication,
        networks and required certificate is refused, so pass what is in force on this server (``gate_config.server_networks``).
    :raises GateError: before the first file, with all problems.
    """
    compiler = _Compiler(list(global_networks))
    for record in records:
        compiler.add(record)
    compiler.check()
    return compiler.files()


class _Compiler:
    def __init__(self, global_networks: List[str]) -> None:
        self._global = global_networks
        self._networks = NetworkSets()
        self._rules = CertificateRules()
        self._names = NameShapes()
        self._uploads = UploadSets()
        self._contacts = NameShapes()
        self._policies = Policies()
        self._tokens: Dict[str, Tuple[str, str]] = {}
        self._passwords: Dict[str, str] = {}
        self._rows: Dict[str, Dict[str, Any]] = {}
        self._seen: Set[str] = set()
        self._problems: List[str] = []
        for network in global_networks:
            try:
                parse_network(network)
            except ValueError as exc:
                self._problems.append(f"global networks: {exc}")

    def add(self, record: Mapping[str, Any]) -> None:
        mac = record.get("mac")
        if not isinstance(mac, str) or not _MAC.match(mac):
            self._problems.append("{}: mac {!r} is not twelve lower-case hexadecimal digits".format(record.get("host") or "a record", mac))
            return
        where = "{} ({})".format(record.get("host") or "phone", mac)
        if mac in self._seen:
            self._problems.append(f"{where}: the MAC address is used by two records")
            return
        self._seen.add(mac)
        before = len(self._problems)
        self._check_record(where, mac, record)
        if len(self._problems) != before:
            return
        for name in record.get("files") or ():
            self._names.add(mac, name)
        for key in ("claim_files", "contact_files"):
            for name in record.get(key) or ():
                self._names.add(mac, name.lower())
        pinned = record.get("pinned") or ()
        for name in record.get("contact_files") or ():
            self._contacts.add(mac, name.lower())
            if name in pinned:
                self._contacts.add_pinned(mac, name)
        row = devices.device_row(record)
        rule = record.get("certificate_rule") or {}
        if row["client_certificate"] != "off":
            try:
                rule = dict(zip(("subject", "issuer"), normalize_rule(rule)))
            except RuleError as exc:
                self._problems.append(f"{where}: client_certificate is {row['client_certificate']}, but {exc}")
                return
        elif row.get("bootstrap"):
            # A certificate is one of two ways to a stub; without a usable rule the operator's window remains.
            try:
                rule = dict(zip(("subject", "issuer"), normalize_rule(rule)))
            except RuleError:
                rule = {}
        row["certificate_rule"] = rule
        if record.get("files"):
            on_disk = set(record["files"])
            row["claim_files"] = [name for name in row["claim_files"] if name in on_disk]
        self._rows[mac] = row
        if row["enabled"]:
            self._add_tokens(where, mac, record)

    def _check_record(self, where: str, mac: str, record: Mapping[str, Any]) -> None:
        def problem(text: str) -> None:
            self._problems.append(f"{where}: {text}")

        if record.get("client_certificate", "off") not in _CERTIFICATE:
            problem("client_certificate {!r} is not known; known: {}".format(record.get("client_certificate"), ", ".join(_CERTIFICATE)))
        for key in ("files", "claim_files", "contact_files", "pinned", "uploads"):
            for name in record.get(key) or ():
                if not is_name(name if key in ("files", "pinned") else str(name).lower()):
                    problem(f"{key}: {name!r} cannot be a served name (letters, digits, dot, dash, underscore; at most 100)")
        for network in record.get("networks") or ():
            try:
                parse_network(network)
            except ValueError as exc:
                problem(f"networks: {exc}")
        if record.get("bootstrap"):
            if not record.get("networks") and not self._global:
                problem("phone_bootstrap is on, but no networks are in force: set phone_networks or provisioning_server_networks")
            for name in record["bootstrap"].get("files") or ():
                if not is_name(name) or mac not in name:
                    problem(f"bootstrap: {name!r} is not a lower-case file name that holds the MAC")
        for entry in record.get("home") or ():
            token, auth = entry.get("token"), entry.get("auth")
            if not isinstance(token, str) or not _TOKEN.match(token):
                problem("a home token is not 40 lower-case hexadecimal digits")
            if auth not in _AUTH:
                problem("auth {!r} is not known; known: {}".format(auth, ", ".join(_AUTH)))
            if auth != "none" and not _USER.match(str(entry.get("user"))):
                problem("the HTTP user is not 1 to 64 letters, digits or . _ @ -")
            if auth == "basic" and not _SSHA.match(str(entry.get("ssha"))):
                problem("the stored password is not in {SSHA} form")
            if auth == "digest":
                if not _REALM.match(str(entry.get("realm"))):
                    problem("the Digest realm is empty or holds unusual characters")
                if not any(entry.get(k) and _HEX.match(entry[k]) for k in ("ha1_md5", "ha1_sha256")):
                    problem("Digest needs ha1_md5 or ha1_sha256 in hexadecimal")

    def _add_tokens(self, where: str, mac: str, record: Mapping[str, Any]) -> None:
        certificate = record.get("client_certificate") or "off"
        rule = self._rules.add(record["certificate_rule"]) if certificate != "off" else ""
        networks = record.get("networks") or []
        group = self._networks.add(networks)
        uploads = self._uploads.add(mac, record.get("uploads") or ())
        for entry in record.get("home") or ():
            token, auth = entry["token"], entry["auth"]
            if auth == "none" and not networks and not self._global and certificate != "require":
                self._problems.append(
                    f"{where}: anybody could fetch its files: phone_http_auth is none, and neither networks nor a required client certificate is in force"
                )
                continue
            if token in self._tokens:
                self._problems.append(f"{where}: a home token is used twice")
                continue
            age = "c" if entry.get("current") else "o"
            policy = Policy(_AUTH[auth] + age, _CERTIFICATE[certificate], rule, group, uploads)
            self._tokens[token] = (mac, self._policies.add(policy))
            if auth == "basic":
                self._passwords[token] = "{}:{}\n".format(entry["user"], entry["ssha"])

    def check(self) -> None:
        if self._problems:
            more = len(self._problems) - _SHOWN
            lines = self._problems[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])
            raise GateError("\n".join(lines))

    def files(self) -> Iterator[GateFile]:
        def nginx(path: str, text: str) -> GateFile:
            return GateFile("gate/" + path, text.encode(), "nginx")

        tokens = sorted(self._tokens.items())
        yield nginx("tokens.map", "".join(f'"{token}" "{mac}";\n' for token, (mac, _policy) in tokens))
        yield nginx("policies.map", "".join(f'"{token}" {policy};\n' for token, (_mac, policy) in tokens))
        yield nginx("policies.conf", self._policies.render())
        yield nginx("networks.conf", render_list("dialtone_release_network", self._global) + self._networks.render())
        yield nginx("certificates.conf", self._rules.render())
        yield nginx("names.map", self._names.render())
        yield nginx("contacts.map", self._contacts.render("1"))
        yield nginx("uploads.map", self._uploads.render())
        for token, line in sorted(self._passwords.items()):
            yield nginx("htpasswd/" + token, line)
        yield GateFile("gate/devices.db", devices.build(sorted(self._rows.items()), self._global), "gate")
