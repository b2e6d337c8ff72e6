# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugins of phones have in common: which files are theirs, how hosts are made, and that a failure leaves none."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible.inventory.host import Host
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import GROUP, REFUSED


class PhoneInventory(BaseInventoryPlugin, Constructable):
    """A source of phones. A plugin names its files and loads them.

    FILES: what the name of a configuration file is, or ends in after a dot.
    """

    FILES: ClassVar[tuple[str, ...]] = ()

    def load(self, path: str, cache: bool) -> None:
        """Make hosts of what the configuration at this path names; its options are read already."""
        raise NotImplementedError

    def verify_file(self, path: str) -> bool:
        name = os.path.basename(path)
        return any(name == own or name.endswith(f".{own}") for own in self.FILES) and super().verify_file(path)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        # Nothing made here is garbage: to look for some again and again while the heap grows takes a third of the time.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self._read_config_data(path)
            self._constructed = [self.get_option(name) for name in ("compose", "groups", "keyed_groups")]
            self.load(path, cache)
        except Exception as exc:
            # Plays refuse an inventory of which a source is missing: to them it would look like a fleet that shrank.
            inventory.set_variable("all", REFUSED, str(exc).partition("\n")[0].rstrip(":") or path)
            raise
        finally:
            if collecting:
                gc.enable()

    @contextlib.contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Take the hosts away again that were made until something failed, such as an expression of the configuration in strict mode."""
        before = set(self.inventory.hosts)
        try:
            yield
        except Exception:
            for host in [host for name, host in self.inventory.hosts.items() if name not in before]:
                self.inventory.remove_host(host)
            raise

    def add_phone(self, name: str, variables: Mapping[str, Any]) -> Host:
        """Make a host in the group of phones."""
        host = self.inventory.hosts[self.inventory.add_host(name, GROUP)]
        # Straight to the host: the inventory's own method walks every value to tag it with this file's name, which takes as long as all the rest.
        for variable, value in variables.items():
            host.set_variable(variable, value)
        return host

    def construct(self, name: str, variables: Mapping[str, Any]) -> None:
        """Add what the configuration's compose, groups and keyed_groups make of a host; its other groups are there by now."""
        compose, groups, keyed = self._constructed
        if compose or groups or keyed:
            strict = self.get_option("strict")
            self._set_composite_vars(compose, variables, name, strict=strict)
            self._add_host_to_composed_groups(groups, variables, name, strict=strict)
            self._add_host_to_keyed_groups(keyed, variables, name, strict=strict)


def beside(folder: str, path: str) -> str:
    """Return a path that is given relative to a configuration file's folder."""
    return os.path.join(folder, os.path.expanduser(path))
