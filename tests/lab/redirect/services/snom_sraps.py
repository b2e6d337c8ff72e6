# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snom's REST service."""

from __future__ import annotations

from redirect.hawkrest import HawkRestSimulator


class SnomSraps(HawkRestSimulator):
    name = "snom_sraps"
    setting = "setting_server"


SIMULATOR = SnomSraps
