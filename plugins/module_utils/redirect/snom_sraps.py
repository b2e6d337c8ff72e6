# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snom's Secure Redirection and Provisioning Service."""

from __future__ import annotations

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.rest import HawkRest


class SnomSraps(HawkRest):
    name = "snom_sraps"
    default_url = "https://api.sraps.snom.com/api/v1/"
    setting = "setting_server"


SERVICE = SnomSraps
