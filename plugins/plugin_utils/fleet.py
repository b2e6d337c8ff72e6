# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bulk read: the variables of every phone of the inventory, with Ansible's precedence and templating, in one task.

Everything is streamed: what is kept for a phone is its name. The group hierarchy, its files and its vaults are read by Ansible itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar
from ansible_collections.dialtone.phones.plugins.plugin_utils.expressions import SAFE_GLOBALS, may_hold_expression
from ansible_collections.dialtone.phones.plugins.plugin_utils.group_order import unordered_variables
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import is_phone_variable, may_be_secret
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, shown
from ansible_collections.dialtone.phones.plugins.plugin_utils.resolve import OMIT, Failure, ResolveError, Resolver, Scope
from ansible_collections.dialtone.phones.plugins.plugin_utils.role_variables import is_result, mistyped
from ansible_collections.dialtone.phones.plugins.plugin_utils.values import Tree, is_plain, seal
from ansible_collections.dialtone.phones.plugins.plugin_utils.written_numbers import odd_numbers

GROUP = "phones"
SERVERS = "provisioning_servers"
# Set by hand for decommission.yml when the last phone of the inventory leaves.
LAST = "decommission_last"
# Set for all hosts when an inventory source is refused: Ansible goes on without it, and a run that removes absent phones must not.
REFUSED = "_phone_inventory_refused"
# Names that are the same for every host of a run, and that a host's own variables lack when they are read without a play.
_RUN_NAMES = [
    "hostvars",
    "groups",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "play_hosts",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_role_names",
    "ansible_dependent_role_names",
    "role_names",
]
# Of every host its own, or made anew for each question: no settings, though one may refer to them.
_OWN_NAMES = frozenset(
    (
        "inventory_hostname",
        "inventory_hostname_short",
        "inventory_dir",
        "group_names",
        "playbook_dir",
        "ansible_facts",
        "ansible_local",
    )
)
_ABSENT = object()


class FleetError(Exception):
    """The fleet cannot be read at all; the message is one sentence for the operator."""


def read_fleet(task_vars: Mapping[str, Any], templar: Templar, *, names: Collection[str] | None = None) -> Fleet:
    """Return the fleet of the inventory as the running task sees it.

    :param task_vars: those of the action plugin.
    :param templar: that of the action plugin.
    :param names: the only variables of interest; default: all phone data.
    :raises FleetError: no inventory, no phone in it, or a source of it was refused.
    """
    if task_vars.get(REFUSED):
        raise FleetError(f"the inventory is incomplete: {str.__str__(task_vars[REFUSED])}")
    groups = task_vars.get("groups")
    hostvars = task_vars.get("hostvars")
    if not isinstance(groups, Mapping) or hostvars is None:
        raise FleetError("the inventory is not visible to this task; it has to run in a play on the hosts of the group 'phones'")
    if not _may_be_empty(task_vars):
        if GROUP not in groups:
            raise FleetError(f"the inventory has no group '{GROUP}'; phones are the hosts of that group")
        if not groups[GROUP]:
            raise FleetError(f"the group '{GROUP}' of the inventory has no hosts")
    return Fleet(task_vars, templar, None if names is None else frozenset(names))


def _may_be_empty(task_vars: Mapping[str, Any]) -> bool:
    """Tell whether somebody said that the last phone leaves: an inventory that lost its phones must not be taken for one that has none."""
    try:
        return boolean(task_vars.get(LAST, False))
    except TypeError:
        raise FleetError(f"{LAST}: wanted yes or no") from None


class Fleet:
    """All phones of the inventory.

    ``hosts``: the whole group, in inventory order. ``batch``: those of this run (limit and serial honoured), in the same order. ``complete``: the
    batch is the whole group. ``problems``: what :meth:`variables` could not resolve so far.
    """

    def __init__(self, task_vars: Mapping[str, Any], templar: Templar, names: frozenset[str] | None) -> None:
        self._task_vars = task_vars
        self._hostvars = task_vars["hostvars"]
        self._group_hosts: Mapping[str, list[str]] = task_vars["groups"]
        self._names = names
        self._decided: dict[str, bool] = {}
        # Names that begin as those of roles do and are none of them, with what to say.
        self._mistyped: dict[str, str] = {}
        self._resolver = Resolver(templar, {name: task_vars[name] for name in _RUN_NAMES if name in task_vars})
        self.hosts: list[str] = [str(host) for host in self._group_hosts.get(GROUP, ())]
        running = task_vars.get("ansible_play_batch")
        chosen = set(self.hosts) if running is None else {str(host) for host in running}
        self.batch: list[str] = [host for host in self.hosts if host in chosen]
        # Without phones nothing can be told of those that are not there.
        self.complete = bool(self.hosts) and len(self.batch) == len(self.hosts)
        self.problems: list[Problem] = []
        # The variables that were read last: asking for the digest of a phone and then for its values reads it once.
        self._last: tuple[str, Mapping[str, Any]] | None = None
        self._memberships: dict[str, tuple[str, ...]] | None = None
        self._run_wide: dict[str, Any] = {}
        self._distinct: tuple[list[str], list[tuple[str, dict[str, Any]]]] | None = None
        self._groups_digest: str | None = None

    def variables(self, host: str) -> dict[str, Any]:
        """Return the resolved phone variables of one host in plain Python types; what has no value is left out and reported in ``problems``.

        Containers may be shared with other hosts: they are read-only.
        """
        return self._resolve(host, self.problems)

    def stream(self, hosts: Iterable[str]) -> Iterator[tuple[str, dict[str, Any], list[Problem]]]:
        """Yield the host, its variables and its problems, one host at a time, keeping nothing."""
        for host in hosts:
            problems: list[Problem] = []
            variables = self._resolve(host, problems)
            problems.extend(self.strays(host))
            yield host, variables, problems

    def places(self, hosts: Iterable[str], problems: list[Problem]) -> dict[str, str]:
        """Return ``ansible_host`` of every host that has one, resolved like phone data; what has no value is left out and reported."""
        places = {}
        for host in hosts:
            raw = self._raw(host)
            if "ansible_host" not in raw:
                continue
            failures: list[Failure] = []
            place = self._resolver.scope(raw).value("ansible_host", failures)
            problems.extend(
                Problem(f"{host}: {_place('ansible_host' + failure.path, failure.origin)}", failure.what) for failure in failures
            )
            if place and place is not OMIT:
                places[host] = str(place)
        return places

    def scrub(self, text: str) -> str:
        """Return a text without what was a vaulted value: one that stands in a variable of another kind is quoted there."""
        return self._resolver.scrub(text)

    def groups(self, host: str) -> list[str]:
        """Return the groups of a host, parents included, in alphabetical order, without ``all``."""
        return list(self._groups_of(host))

    def input_digest(self, host: str, key: bytes) -> bytes | None:
        """Return what :meth:`_digest` does, nothing where a value is a number of more digits than Python writes."""
        try:
            return self._digest(host, key)
        except ValueError:
            return None

    def _digest(self, host: str, key: bytes) -> bytes | None:
        """Return a keyed digest of everything that decides the host's variables, as it was written: nothing is templated or decrypted.

        :returns: nothing when a lookup, a clock or other hosts' variables decide too.
        """
        raw = self._raw(host)
        pending = [name for name in raw if self._wanted(name)]
        if self._mistyped_of(raw):
            return None
        seen = set(pending)
        parts = [f"\x1e{host}"]
        while pending:
            name = pending.pop()
            if name in self._resolver.constants:
                if name != "groups":
                    return None
                parts.append(f"groups\x1f{self._digest_of_groups()}")
                continue
            value = raw.get(name, _ABSENT)
            if is_plain(value):
                parts.append(f"{name}\x1fc{value!r}")
            elif isinstance(value, str) and not may_hold_expression(value):
                parts.append(f"{name}\x1fc{str.__str__(value)!r}")
            elif value is _ABSENT:
                parts.append(f"{name}\x1f{'global' if name in SAFE_GLOBALS else 'absent'}")
            else:
                tree = self._tree(value)
                if not tree.pure:
                    return None
                parts.append(f"{name}\x1f{seal(tree).hex()}")
                for other in tree.names - seen:
                    seen.add(other)
                    pending.append(other)
        parts.sort()
        return hmac.digest(key, "\n".join(parts).encode("utf-8", "surrogatepass"), "sha256")

    def role_variable(self, name: str, default: Any = None) -> Any:
        """Return a setting of the whole run.

        With ``run_once`` Ansible takes the first host's value without a word; so a value that differs between phones of the batch is refused. What
        groups set is compared here, what single hosts set while they are streamed.

        :raises FleetError: phones of the batch differ in the value or in what it refers to, or it cannot be resolved.
        """
        pending, seen = [name], {name}
        while pending:
            current = pending.pop()
            if current in self._resolver.constants:
                continue
            self._check_run_wide(name, current)
            if current in self._task_vars:
                for other in self._tree(self._task_vars[current]).names - seen:
                    seen.add(other)
                    pending.append(other)
        if name not in self._task_vars:
            return default
        try:
            value = self._resolver.ask_engine(self._task_vars[name], self._task_vars)
        except ResolveError as exc:
            raise FleetError(_place(name, exc.origin) + f": {exc.what}") from exc
        return default if value is OMIT else value

    def is_set_on_servers(self, name: str) -> bool:
        """Tell whether a variable is set, and not empty, on every provisioning server.

        :raises FleetError: it cannot be resolved on one of them.
        """
        servers = self._group_hosts.get(SERVERS) or ()
        for server in servers:
            variables = self._hostvars.raw_get(server)
            if name not in variables:
                return False
            try:
                value = self._resolver.ask_engine(variables[name], {**self._task_vars, **variables})
            except ResolveError as exc:
                raise FleetError(f"{server}: " + _place(name, exc.origin) + f": {exc.what}") from exc
            if value is OMIT or not value:
                return False
        return bool(servers)

    def unordered(self) -> list[Problem]:
        """Return the variables that two groups of one depth and priority set differently, for each such pair that shares a phone."""
        return unordered_variables(self._hostvars, {self._groups_of(host) for host in self.hosts}, lambda value: seal(self._tree(value)))

    def untrusted_templates(self, host: str) -> list[str]:
        """Return the names of variables whose text looks like an expression but is data (from a CSV, say), and stays as it is."""
        found = []
        for name, value in self._raw(host).items():
            if not self._wanted(name) or value is None or isinstance(value, (bool, int, float)):
                continue
            if (not isinstance(value, str) or "{" in value) and self._tree(value).literal:
                found.append(str(name))
        return found

    def _wanted(self, name: str) -> bool:
        wanted = self._decided.get(name)
        if wanted is None:
            wanted = name.startswith("phone_") and (is_phone_variable(name) if self._names is None else name in self._names)
            self._decided[str.__str__(name)] = wanted
            fault = mistyped(name) if self._names is None else ""
            if fault:
                self._mistyped[str.__str__(name)] = fault
        return wanted

    def _raw(self, host: str) -> Mapping[str, Any]:
        if self._last is None or self._last[0] != host:
            self._last = (host, raw_variables(self._hostvars, host))
        return self._last[1]

    def _tree(self, value: Any) -> Tree:
        return self._resolver.compile(value)

    def _resolve(self, host: str, problems: list[Problem]) -> dict[str, Any]:
        raw = self._raw(host)
        scope: Scope = self._resolver.scope(raw)
        values: dict[str, Any] = {}
        failures: list[Failure] = []
        for name in raw:
            if not self._wanted(name):
                continue
            try:
                value = scope.value(name, failures)
                problems.extend(
                    Problem(f"{host}: {name}{path}", _as_read(name + path, spelt, number)) for path, spelt, number in odd_numbers(raw[name])
                )
            except ResolveError as exc:
                failures.append(Failure("", exc.what, exc.origin))
                value = OMIT
            if value is not OMIT:
                values[str.__str__(name)] = value
            if failures:
                problems.extend(Problem(f"{host}: {_place(name + failure.path, failure.origin)}", failure.what) for failure in failures)
                failures.clear()
        problems.extend(Problem(f"{host}: {name}", self._mistyped[name]) for name in self._mistyped_of(raw))
        return values

    def _mistyped_of(self, raw: Mapping[str, Any]) -> list[str]:
        return [name for name in self._mistyped if name in raw and not is_result(raw[name])]

    def _groups_of(self, host: str) -> tuple[str, ...]:
        if self._memberships is None:
            members: dict[str, list[str]] = {host: [] for host in self.hosts}
            for group in sorted(self._group_hosts):
                if group == "all":
                    continue
                for member in self._group_hosts[group]:
                    if member in members:
                        members[member].append(str(group))
            shared: dict[tuple[str, ...], tuple[str, ...]] = {}
            self._memberships = {host: shared.setdefault(groups, groups) for host, groups in ((h, tuple(g)) for h, g in members.items())}
        return self._memberships.get(host, ())

    def _check_run_wide(self, name: str, current: str) -> None:
        if current in self._run_wide:
            return
        hosts, settings = self._distinct_settings()
        if current in _OWN_NAMES or is_phone_variable(current):
            found = ((host, raw_variables(self._hostvars, host).get(current, _ABSENT)) for host in hosts)
        else:
            found = ((host, values.get(current, _ABSENT)) for host, values in settings)
        first: tuple[str, Any] | None = None
        for host, value in found:
            if first is None:
                first = (host, value)
            elif not self._same(first[1], value):
                raise FleetError(_differs(name, current, first[0], host))
        self._run_wide[current] = first

    def _distinct_settings(self) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
        """Return one host for each set of groups, and the different settings of these hosts, each with the first host that has them.

        Merging a host's variables costs more than comparing them, and many sets of groups come from sites and models that set the same: so every
        host is merged once for all settings, and hosts with the very same objects stand for each other.
        """
        if self._distinct is None:
            first_of: dict[tuple[str, ...], str] = {}
            for host in self.batch:
                first_of.setdefault(self._groups_of(host), host)
            distinct: dict[tuple[Any, ...], tuple[str, dict[str, Any]]] = {}
            is_setting: dict[str, bool] = {}
            for host in first_of.values():
                settings = {}
                for name, value in raw_variables(self._hostvars, host).items():
                    wanted = is_setting.get(name)
                    if wanted is None:
                        wanted = is_setting[name] = name not in _OWN_NAMES and not is_phone_variable(name)
                    if wanted:
                        settings[name] = value
                distinct.setdefault((*settings, *map(id, settings.values())), (host, settings))
            self._distinct = list(first_of.values()), list(distinct.values())
        return self._distinct

    def strays(self, host: str) -> list[Problem]:
        """Return the run-wide settings that this host has for itself."""
        strays = []
        for name, first in self._run_wide.items():
            if first is not None and not self._same(first[1], self._raw(host).get(name, _ABSENT)):
                strays.append(
                    Problem(
                        f"{host}: {name}",
                        f"differs from that of {first[0]}, but one value holds for the whole run; set it in group_vars/all",
                    )
                )
        return strays

    def _same(self, one: Any, other: Any) -> bool:
        if one is other:
            return True
        if one is _ABSENT or other is _ABSENT:
            return False
        return seal(self._tree(one)) == seal(self._tree(other))

    def _digest_of_groups(self) -> str:
        if self._groups_digest is None:
            text = "\n".join(f"{group}\x1f{[str(host) for host in hosts]!r}" for group, hosts in sorted(self._group_hosts.items()))
            self._groups_digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
        return self._groups_digest


def raw_variables(hostvars: Any, host: str) -> Mapping[str, Any]:
    """Return the merged variables of a host before templating.

    ``raw_get`` is not documented, and about 25 times as fast as what is; without it every value comes out templated already.
    """
    raw_get = getattr(hostvars, "raw_get", None)
    return _Templated(hostvars[host]) if raw_get is None else raw_get(host)


class _Templated(Mapping[str, Any]):
    """A host's variables through the documented entry: templated one by one, when asked for."""

    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view

    def __getitem__(self, name: str) -> Any:
        if name not in self._view:
            raise KeyError(name)
        try:
            return self._view[name]
        except Exception as exc:
            raise ResolveError(" ".join(str(exc).split())[:300], None) from exc

    def __iter__(self) -> Iterator[str]:
        return iter(self._view)

    def __len__(self) -> int:
        return len(self._view)

    def items(self) -> Any:
        return [(name, self[name]) for name in self if name.startswith("phone_")]


def _as_read(place: str, spelt: str, number: float) -> str:
    """Return what to say of a number that YAML reads as another than is written, without showing it where it may be a secret."""
    if may_be_secret(place):
        return "is written in a way that YAML reads as another number; quote it"
    return f"is written {spelt[:60]}, which YAML reads as {shown(number)}; quote it"


def _place(name: str, origin: str | None) -> str:
    return f"{name} ({origin})" if origin else name


def _differs(name: str, current: str, one: str, other: str) -> str:
    what = "differs" if name == current else f"refers to {current}, which differs"
    return f"{name}: {what} between the phones of this run ({one} and {other}), but one value holds for all; set it in group_vars/all"
