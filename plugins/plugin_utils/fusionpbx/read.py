# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a FusionPBX inventory source by itself, apart from the running inventory."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.plugins.loader import inventory_loader

PLUGIN = "dialtone.phones.fusionpbx"


class SourceFileError(Exception):
    """The source gives no phones; the message is one sentence."""


def read_source(loader: Any, source: str) -> InventoryData:
    """Return what the source gives, without what users set beside it.

    :param loader: Ansible's, which holds the vault passwords.
    :raises SourceFileError: it is no configuration of the plugin, or the plugin refuses it.
    """
    plugin = inventory_loader.get(PLUGIN)
    if not os.path.isfile(source):
        raise SourceFileError(f"source: {source} is no file; the configuration of the inventory plugin {PLUGIN} is wanted")
    if not plugin.verify_file(source):
        raise SourceFileError(f"source: {source} is not called fusionpbx.yml and does not end in .fusionpbx.yml")
    inventory = InventoryData()
    try:
        # Not from a cache: it is asked what is there now.
        plugin.parse(inventory, loader, source, cache=False)
    except AnsibleError as exc:
        raise SourceFileError(f"source: {exc}") from None
    inventory.reconcile_inventory()
    if not inventory.hosts:
        raise SourceFileError(f"source: {source} gives no phone")
    return inventory


def merged(inventory: InventoryData, name: str) -> dict[str, Any]:
    """Return the variables of a host with those of its groups, as Ansible merges them: by depth, priority and name."""
    host = inventory.hosts[name]
    found: dict[str, Any] = {}
    for group in sorted(host.get_groups(), key=lambda group: (group.depth, group.priority, group.name)):
        found.update(group.vars)
    return {**found, **host.vars}
