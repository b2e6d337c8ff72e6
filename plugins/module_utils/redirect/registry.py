# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services by name, loaded when asked for."""

from __future__ import annotations

import importlib
from typing import Type

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.base import Service
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.errors import RedirectError
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.model import Account
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Client

# The name is the file and the value of the option; adding a service is one line here and one file.
SERVICES = (
    "yealink_ymcs",
    "yealink_rps_xml",
    "yealink_rps_json",
    "snom_sraps",
    "snom_xml",
    "gigaset_grape",
    "gigaset_xml",
    "fanvil_fdps",
    "htek_rps",
    "panasonic_rcs",
    "auerswald",
    "grandstream_gdms",
)
_PACKAGE = "ansible_collections.dialtone.phones.plugins.module_utils.redirect."


def service_class(name: str) -> Type[Service]:
    """The class of a service.

    :raises RedirectError: no such service; the message lists the known ones.
    """
    if name not in SERVICES:
        raise RedirectError(f"service: {name!r} is not known; known: {', '.join(SERVICES)}")
    return importlib.import_module(_PACKAGE + name).SERVICE


def open_service(account: Account) -> Service:
    """A service ready to be called; nothing is sent yet.

    :raises RedirectError: unknown service, refused address, or requests is missing.
    """
    kind = service_class(account.service)
    client = Client(
        kind.base_url(account),
        timeout=account.timeout,
        validate_certs=account.validate_certs,
        ca_path=account.ca_path,
        retries=account.retries,
        retry_wait=account.retry_wait,
        retry_limit=account.retry_limit,
        throttle_wait=kind.throttle_wait,
        rate=kind.rate or None,
        allow_http=account.allow_http,
        secrets=(account.password, account.access_key_secret),
    )
    return kind(account, client)
