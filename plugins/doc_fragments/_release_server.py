# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: the options of whatever makes a release on a provisioning server; module_utils/release/options.py has the same.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  root:
    description: Folder of the published releases on the server.
    type: path
    default: /var/lib/dialtone
  keep:
    description: Number of releases that stay on the server, the current one included; at least 2.
    type: int
    default: 3
  lock_timeout:
    description: Seconds to wait while another run publishes to the same server.
    type: int
    default: 120
  owner:
    description: Owner of everything published; empty leaves the user that the task becomes.
    type: str
    default: root
  web_group:
    description: Group of the web server's workers, which may read phones' files; empty leaves the group.
    type: str
    default: www-data
  gate_group:
    description: Group of the gate's daemon; empty leaves the group.
    type: str
    default: dialtone-gate
  gate_config:
    description: Configuration of the gate on the server; its networks limit all phones.
    type: path
    default: /etc/dialtone/gate.json
  nginx_site:
    description:
      - Our site in nginx's configuration. nginx checks it against the staged release before the switch, and is reloaded when the gate's part changed.
      - Empty, or naming no file, means that there is no nginx to ask.
    type: str
    default: /etc/nginx/sites-available/dialtone.conf
  reload_command:
    description: Command that makes the web server read its configuration; empty takes C(nginx -s reload).
    type: str
    default: ''
"""
