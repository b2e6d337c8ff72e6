# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds settings whose winner is decided by the alphabet: two groups of one depth, without a priority, set the same variable of one phone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem

PREFIXES = ("phone_", "_phone_", "provisioning_")


def unordered_variables(hostvars: Any, memberships: Collection[tuple[str, ...]], sealed: Callable[[Any], bytes]) -> list[Problem]:
    """Return one problem for each variable that two unordered groups set differently.

    :param hostvars: the task's, which leads to the inventory; Ansible offers no public way to a group's own variables, so without that way the list
        is empty.
    :param memberships: the distinct sets of groups that phones are in.
    :param sealed: gives the digest of a raw value, to compare by.
    """
    inventory = getattr(hostvars, "_inventory", None)
    groups = getattr(inventory, "groups", None)
    if not isinstance(groups, Mapping):
        return []
    pairs: set[tuple[str, str]] = set()
    for names in memberships:
        known = sorted(name for name in names if name in groups)
        for _rank, level in itertools.groupby(
            sorted(known, key=lambda name: (_rank_of(groups[name]), name)), key=lambda name: _rank_of(groups[name])
        ):
            pairs.update(itertools.combinations(level, 2))
    layers = {name: _layers(hostvars, inventory, groups[name]) for name in sorted({name for pair in pairs for name in pair})}
    problems = []
    for one, other in sorted(pairs):
        # The inventory's folder may be the playbook's too: what is in both layers is told once.
        clashes = {
            name
            for first, second in zip(layers[one], layers[other], strict=True)
            for name in first.keys() & second.keys()
            if name.startswith(PREFIXES) and sealed(first[name]) != sealed(second[name])
        }
        what = f"both set it and neither comes first, so the alphabet decides ({other} wins); nest the groups or set ansible_group_priority"
        problems.extend(Problem(f"groups {one} and {other}: {name}", what) for name in sorted(clashes))
    return problems


def _rank_of(group: Any) -> tuple[int, int]:
    return group.depth, group.priority


def _layers(hostvars: Any, inventory: Any, group: Any) -> tuple[Mapping[str, Any], ...]:
    """Return a group's variables by layer, as a later layer beats an earlier one whatever the group: inventory, files beside it, files beside the playbook."""
    loader = getattr(hostvars, "_loader", None)
    try:
        from ansible.vars.plugins import get_vars_from_inventory_sources, get_vars_from_path

        beside_inventory = get_vars_from_inventory_sources(loader, _sources(inventory), [group], "task")
        beside_playbook = get_vars_from_path(loader, loader.get_basedir(), [group], "task")
    except (ImportError, AttributeError, TypeError):
        return group.get_vars(), {}, {}
    return group.get_vars(), beside_inventory, beside_playbook


def _sources(inventory: Any) -> Iterable[str]:
    return getattr(inventory, "_sources", ())
