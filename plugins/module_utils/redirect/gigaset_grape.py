# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gigaset's provisioning service for its newer phones, SRAPS in all but the name of the setting."""

from __future__ import annotations

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.rest import HawkRest


class GigasetGrape(HawkRest):
    name = "gigaset_grape"
    default_url = "https://api.grape.gigaset.net/api/v1/"
    setting = "ProvisioningServer"


SERVICE = GigasetGrape
