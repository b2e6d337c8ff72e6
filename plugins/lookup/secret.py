# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Derive a phone's secrets from the provisioning secret
version_added: "1.0.0"
author:
  - The dialtone.phones contributors (@dialtone-phones)
description:
  - Returns what the collection derives for a phone from C(provisioning_secret), so that a playbook can tell a PBX or an installer.
  - Nothing is stored. The same secret, MAC address and generation always give the same value.
options:
  _terms:
    description:
      - What to derive. V(home_url), V(home_token), V(http_user), V(http_password) and V(admin_password) belong to a phone.
    type: list
    elements: str
    required: true
    choices: [home_url, home_token, http_user, http_password, admin_password]
  mac:
    description: MAC address of the phone; C(phone_mac) of the host by default.
    type: str
  generation:
    description: Generation of the phone; C(phone_generation) of the host by default, else 1.
    type: int
  digits:
    description: Whether V(admin_password) is a number, as for vendors whose phones know no other (V(mitel), V(digium)).
    type: bool
    default: false
  vendor:
    description: The vendor's pack, whose phones may take shorter passwords, for V(http_password); C(phone_vendor) by default.
    type: str
  secret:
    description: The secret to derive from; C(provisioning_secret) by default.
    type: str
  url:
    description: Base address of the provisioning server, for V(home_url); C(provisioning_url) by default.
    type: str
"""

EXAMPLES = r"""
- name: Show one phone's web password to the operator
  ansible.builtin.debug:
    msg: "{{ lookup('dialtone.phones.secret', 'admin_password', mac='00:15:65:aa:bb:cc') }}"
"""

RETURN = r"""
_raw:
  description: One value for each term.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.dialtone.phones.plugins.module_utils.mac import MacError, normalize_mac
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import BaseError, parse_base
from ansible_collections.dialtone.phones.plugins.plugin_utils.derive import HTTP_PASSWORD, Deriver, SecretError
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import model_specs
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem
from ansible_collections.dialtone.phones.plugins.plugin_utils.schema import compile_spec

_PURPOSES = ("home_url", "home_token", "http_user", "http_password", "admin_password")


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        variables = variables or {}
        for term in terms:
            if term not in _PURPOSES:
                raise AnsibleLookupError(f"secret: got {term!r}, wanted one of {', '.join(_PURPOSES)}")
        try:
            mac = normalize_mac(self._choose("mac", "phone_mac", variables))
            generation = self._generation(variables)
            deriver = Deriver(self._choose("secret", "provisioning_secret", variables))
            values = []
            for term in terms:
                if term == "home_url":
                    base = parse_base(self._choose("url", "provisioning_url", variables))
                    values.append(f"{base.scheme}://{base.netloc}/p/{deriver.home_token(mac, generation)}/")
                elif term == "admin_password":
                    values.append(deriver.admin_password(mac, generation, self.get_option("digits")))
                elif term == "http_password":
                    values.append(deriver.http_password(mac, generation, self._password_length(variables)))
                else:
                    values.append(getattr(deriver, term)(mac, generation))
        except (MacError, SecretError, BaseError, PackError, ValueError) as exc:
            raise AnsibleLookupError(f"secret: {exc}") from exc
        return values

    def _generation(self, variables: dict[str, Any]) -> int:
        given = self._choose("generation", "phone_generation", variables)
        problems: list[Problem] = []
        # Another's URL would be as well-formed as the phone's own.
        value = 1 if given is None else compile_spec(model_specs()["phone_generation"])("generation", given, problems)
        if problems:
            raise ValueError(str(problems[0]))
        return value

    def _password_length(self, variables: dict[str, Any]) -> int:
        vendor = self._choose("vendor", "phone_vendor", variables)
        packs = Packs.below(Path(self._loader.get_basedir()), self._templar.template(variables.get("phone_template_path")))
        return packs.wanted(str(vendor)).http_password_length if vendor else HTTP_PASSWORD

    def _choose(self, option: str, variable: str, variables: dict[str, Any]) -> Any:
        """Return an option, or the host's variable of that meaning, templated."""
        given = self.get_option(option)
        if given is None and variable in variables:
            given = self._templar.template(variables[variable])
        return given
