# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox that templates run in: without lookups, with Ansible's filters and tests, and fast where there is nothing to hide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import jinja2.runtime
import jinja2.sandbox
import jinja2.utils
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.entry import Entry, Number
from ansible_collections.dialtone.phones.plugins.plugin_utils.context import HostPort, Server
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Model
from ansible_collections.dialtone.phones.plugins.plugin_utils.timezone import Change, Timezone


class RefusedError(Exception):
    """Raised by a template's ``refuse()``: this phone can't be rendered as it is described."""


def refuse(message: str) -> None:
    raise RefusedError(message)


class _Plugins(dict):
    """Jinja2's filters or tests, and Ansible's by name for the templates of users, loaded when a template names one."""

    def __init__(self, own: Mapping[str, Any], loader: Any, wrapper: str) -> None:
        super().__init__(own)
        self._loader, self._wrapper = loader, wrapper

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def get(self, name: Any, default: Any = None) -> Any:
        """Jinja2's compiler asks in this way, and dict.get() alone knows nothing of what is loaded when asked for."""
        try:
            return self[name]
        except KeyError:
            return default

    def __missing__(self, name: str) -> Any:
        plugin = self._loader.get(name) if isinstance(name, str) else None
        if plugin is None:
            raise KeyError(name)
        self[name] = getattr(plugin, self._wrapper)
        return self[name]


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """The sandbox, which answers at once where its long way could only say yes.

    Nearly every attribute that templates name is the key of a plain dictionary, or a field of one of our own objects that have nothing to hide:
    the full check of these was a third of the rendering.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if kind is dict:
            # The sandbox prefers methods to keys of the same name.
            if attribute in obj and attribute not in _DICT_METHODS:
                return obj[attribute]
        elif kind is str:
            if attribute in _TEXT_METHODS:
                return getattr(obj, attribute)
        elif kind in _OPEN and not attribute.startswith("_"):
            value = getattr(obj, attribute, _NOTHING)
            if value is not _NOTHING:
                return value
        return super().getattr(obj, attribute)


_NOTHING = object()
_DICT_METHODS = frozenset(dir(dict))
# All but format and format_map, which read attributes themselves.
_TEXT_METHODS = frozenset(
    ("endswith", "isdigit", "join", "lower", "partition", "replace", "rpartition", "split", "startswith", "strip", "upper")
)
_OPEN = frozenset((Model, Server, HostPort, Timezone, Change, Entry, Number, jinja2.runtime.LoopContext, jinja2.utils.Namespace))


def make_environment(folders: Iterable[Path]) -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    """Return the sandbox for the templates of some folders, the first of which wins."""
    from ansible.plugins.loader import filter_loader, test_loader

    env = _Sandbox(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: bool(name) and name.endswith((".xml.j2", ".html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.loopcontrols"],
    )
    env.filters = _Plugins(env.filters, filter_loader, "j2_function")
    env.tests = _Plugins(env.tests, test_loader, "j2_function")
    env.globals["refuse"] = refuse
    return env
