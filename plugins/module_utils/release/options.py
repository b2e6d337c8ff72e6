# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of whatever makes a release on a server; the doc fragment ``_release_server`` describes them."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.dialtone.phones.plugins.module_utils.gate_config import DEFAULT_PATH

SERVER_SPEC: Dict[str, Dict[str, Any]] = {
    "root": {"type": "path", "default": "/var/lib/dialtone"},
    "keep": {"type": "int", "default": 3},
    "lock_timeout": {"type": "int", "default": 120},
    "owner": {"type": "str", "default": "root"},
    "web_group": {"type": "str", "default": "www-data"},
    "gate_group": {"type": "str", "default": "dialtone-gate"},
    "gate_config": {"type": "path", "default": DEFAULT_PATH},
    "nginx_site": {"type": "str", "default": "/etc/nginx/sites-available/dialtone.conf"},
    "reload_command": {"type": "str", "default": ""},
}
