# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules return does not go by a name that Ansible itself reads in every result: ansible-core 2.21 makes a boolean of such a value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

MODULES = sorted((Path(__file__).resolve().parents[2] / "plugins" / "modules").glob("*.py"))
OF_ANSIBLE = {
    *("ansible_facts", "ansible_job_id", "attempts", "censored", "deprecations", "exception", "failed", "finished", "invocation"),
    *("results", "retries", "skip_reason", "skipped", "started", "unreachable", "warnings"),
}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_returned_value_has_a_name_of_ansible(module):
    returned = yaml.safe_load(re.search(r'^RETURN = r?"""\n(.*?)^"""', module.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1])
    assert returned
    assert sorted(OF_ANSIBLE & set(returned)) == []
