# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kea_include
author: The dialtone.phones contributors (@dialtone-phones)
short_description: Put an include of client classes into a configuration of Kea, or take it out
version_added: "1.0.0"
description:
  - Finds the place in the text of a C(kea-dhcp4.conf) and leaves every other byte, comments included, as it is.
  - Classes of the file's owner stay before the included ones, so theirs win where both set an option.
positional: path
options:
  _input:
    description: The text of the configuration.
    type: str
    required: true
  path:
    description: The file with the client classes, objects parted by commas.
    type: str
    required: true
  present:
    description: Whether the include shall be there.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Include our classes
  ansible.builtin.copy:
    content: "{{ before | dialtone.phones.kea_include('/etc/kea/dialtone-classes.json') }}"
    dest: /etc/kea/kea-dhcp4.conf
    mode: preserve
    validate: kea-dhcp4 -t %s
"""

RETURN = r"""
_value:
  description: The text with, or without, the include.
  type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.dialtone.phones.plugins.plugin_utils.kea_text import KeaError, with_include, without_include


def kea_include(text: Any, path: Any, present: bool = True) -> str:
    """Return the configuration with or without the include."""
    if not isinstance(text, str) or not isinstance(path, str) or '"' in path:
        raise AnsibleFilterError("kea_include: the text and the path must be strings, the path without quotes")
    try:
        return with_include(text, path) if present else without_include(text, path)
    except KeaError as exc:
        raise AnsibleFilterError(f"the configuration of Kea {exc}") from exc


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"kea_include": kea_include}
