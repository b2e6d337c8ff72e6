# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account holds against what is expected, for every service."""

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import AccountError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.registry import open_service
from ansible_collections.dialtone.phones.plugins.plugin_utils.redirect.audit import audit
from ansible_collections.dialtone.phones.tests.unit.redirect_lab import ROWS, Running, account, device, mac, simulator, url


@pytest.fixture(params=ROWS, ids=str)
def row(request):
    return request.param


def test_differences_are_told_both_ways_and_nothing_is_written(row):
    with Running(simulator(row.service)) as lab:
        lab.seed(mac(row, 1), url=url(1))
        lab.seed(mac(row, 2), url="https://elsewhere.example.com/x/")
        lab.seed(mac(row, 3), owner="them", url="https://them.example.com/")
        lab.seed(mac(row, 9), url=url(9))
        service = open_service(account(row, lab))
        told = audit(service, [device(row, number) for number in (1, 2, 3, 4)], ownership=True)
        service.client.close()
        assert lab.write_calls() == 0
    differences = told["differences"]
    assert differences["missing"] == [mac(row, 3), mac(row, 4)]
    assert differences["unexpected"] == ([mac(row, 9)] if service.capabilities.has_list else [])
    assert differences["foreign"] == ([mac(row, 3)] if service.capabilities.can_see_foreign else [])
    if row.readable:
        assert (differences["different"], differences["unverifiable"]) == ([mac(row, 2)], [])
    else:
        assert (differences["different"], differences["unverifiable"]) == ([], [mac(row, 1), mac(row, 2)])
    assert "example.com" not in repr(told["devices"])


@pytest.mark.parametrize("ask", ["ping", "audit"])
def test_refused_credentials_are_told_when_nothing_is_expected(row, ask):
    wrong = dict.fromkeys(row.credentials, "wrong")
    with Running(simulator(row.service)) as lab:
        for credentials, refused in (({}, False), (wrong, True)):
            service = open_service(account(row, lab, **credentials))
            try:
                if refused:
                    with pytest.raises(AccountError, match="refuses"):
                        service.ping() if ask == "ping" else audit(service, [])
                else:
                    service.ping() if ask == "ping" else audit(service, [])
            finally:
                service.client.close()
        assert lab.write_calls() == 0
