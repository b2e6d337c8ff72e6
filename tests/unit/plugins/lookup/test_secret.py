# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ...one_run import PHONE, RUN

VARIABLES = {**RUN, **PHONE}


def derive(term, variables=None, **options):
    variables = VARIABLES if variables is None else variables
    loader = DataLoader()
    lookup = lookup_loader.get("dialtone.phones.secret", loader=loader, templar=Templar(loader=loader, variables=variables))
    return lookup.run([term], variables, **options)[0]


def test_the_phone_is_that_of_the_host_unless_another_is_named():
    assert derive("home_url") == derive("home_url", {**RUN}, mac="00-15-65-00-00-01", generation=1)
    assert derive("home_url", {**VARIABLES, "phone_generation": "2"}) == derive("home_url", generation=2)
    assert len({derive("home_url"), derive("home_url", generation=2), derive("home_url", mac="001565000002")}) == 3


@pytest.mark.parametrize("generation", [0, -1, True, 1.5, "x", 2_000_000])
def test_a_generation_that_no_phone_has_is_refused(generation):
    with pytest.raises(AnsibleLookupError, match="secret: generation: got .*, wanted an integer from 1 to 1000000"):
        derive("http_password", {**VARIABLES, "phone_generation": generation})


def test_a_vendor_without_a_pack_is_refused_where_the_length_depends_on_it():
    with pytest.raises(AnsibleLookupError, match="secret: 'yaelink' has no pack, did you mean yealink?"):
        derive("http_password", vendor="yaelink")
    assert derive("http_user", vendor="yaelink") == derive("http_user")
    assert len(derive("http_password", {**RUN}, mac=PHONE["phone_mac"])) == 26
