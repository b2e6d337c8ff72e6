# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolves the variables of many hosts as Ansible would, without asking its engine the same thing for each of them.

The engine compiles an expression anew for every host. Here an expression is handed to it once for each distinct set of values that it refers to;
what is impure, or cannot be told to be pure, goes to the engine every time. So the engine stays the judge of what an expression means.

Values come out as plain Python (no tagged subclasses). Containers may be shared between hosts: treat them as read-only.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from ansible.errors import AnsibleValueOmittedError
from ansible.parsing.vault import EncryptedString, VaultHelper
from ansible.template import Templar
from ansible_collections.dialtone.phones.plugins.plugin_utils.expressions import SAFE_GLOBALS, Path, Source, analyse, may_hold_expression
from ansible_collections.dialtone.phones.plugins.plugin_utils.values import (
    Branch,
    Recent,
    Text,
    Tree,
    Vaulted,
    compile_value,
    evaluate,
    is_plain,
    origin_of,
    plain,
)


class _Omitted:
    def __repr__(self) -> str:
        return "OMIT"


OMIT = _Omitted()
_UNDECIDABLE = object()
_MISSING = object()
_JOINABLE = frozenset({str, int, bool, float})


class Failure(NamedTuple):
    """An expression that has no value: the path to it inside the variable, the clause, and where it was written."""

    path: str
    what: str
    origin: str | None


class ResolveError(Exception):
    """An expression has no value."""

    def __init__(self, what: str, origin: str | None) -> None:
        super().__init__(what)
        self.what = what
        self.origin = origin


class _Undecidable(Exception):
    """The value cannot be told from the values that it refers to; the engine has to be asked for this host."""


class Resolver:
    """Resolves the variables of any number of hosts; what it remembers is bounded."""

    def __init__(self, templar: Templar, constants: Mapping[str, Any] | None = None) -> None:
        """
        :param templar: the engine, as an action plugin has it.
        :param constants: names that mean the same for every host of the run, such as ``groups`` and ``hostvars``.
        """
        self._templar = templar.copy_with_new_env(available_variables={})
        self.constants = dict(constants or {})
        self._sources: Recent[str, Source] = Recent(4096)
        self._trees: Recent[int, Tree] = Recent(4096)
        self._memo: Recent[Hashable, tuple[Any]] = Recent(8192)
        self._failures: Recent[Hashable, tuple[ResolveError, Any]] = Recent(1024)
        self._plaintexts: dict[str, str] = {}
        # Ciphertext -> why it has none: trying every secret takes milliseconds, and a group's value is that of all its hosts.
        self._undecrypted: dict[str, str] = {}
        self.engine_calls = 0

    def scope(self, variables: Mapping[str, Any]) -> Scope:
        """Return the view of one host's raw merged variables."""
        return Scope(self, variables)

    def source(self, text: str) -> Source:
        """Return what is known of a text with expressions."""
        source = self._sources.get(text)
        if source is None:
            source = analyse(text)
            self._sources.put(source.text, source)
        return source

    def compile(self, value: Any) -> Tree:
        """Return the compiled form of a value; values of groups are the same object for all their hosts and are compiled once."""
        tree = self._trees.get(id(value))
        if tree is None:
            tree = compile_value(value, self.source)
            self._trees.put(id(value), tree)
        return tree

    def decrypt(self, value: EncryptedString) -> str:
        """Return the plaintext of a vaulted scalar; decrypted once for each ciphertext.

        :raises ResolveError: no secret fits.
        """
        ciphertext = VaultHelper.get_ciphertext(value, with_tags=False) or ""
        text = self._plaintexts.get(ciphertext)
        if text is None:
            why = self._undecrypted.get(ciphertext)
            if why is not None:
                raise ResolveError(why, origin_of(value))
            try:
                text = str.__str__(str(value))
            except Exception as exc:
                why = self._undecrypted[ciphertext] = f"cannot be decrypted: {_first_line(exc)}"
                raise ResolveError(why, origin_of(value)) from exc
            self._plaintexts[ciphertext] = text
        return text

    def ask_engine(self, value: Any, available: Mapping[str, Any]) -> Any:
        """Return what Ansible makes of a value, :data:`OMIT` when it says to leave it out.

        :raises ResolveError: it has no value.
        """
        self.engine_calls += 1
        self._templar.available_variables = available
        try:
            return plain(self._templar.template(value))
        except AnsibleValueOmittedError:
            return OMIT
        except Exception as exc:  # a lookup or a filter of a user may raise anything
            self._learn(value, available, set())
            raise ResolveError(self.scrub(_first_line(exc)), _origin_of_error(exc) or origin_of(value)) from exc

    def _learn(self, value: Any, available: Mapping[str, Any], seen: set[str]) -> None:
        """Decrypt what a value refers to: a message may quote it, and the engine does not tell what it decrypted."""
        tree = self.compile(value)
        if isinstance(tree, Vaulted):
            with contextlib.suppress(ResolveError):
                self.decrypt(tree.raw)
        for _key, item in tree.items if isinstance(tree, Branch) else ():
            self._learn(item.raw, available, seen)
        for name in tree.names - seen:
            seen.add(name)
            if name not in self.constants and name in available:
                self._learn(available[name], available, seen)

    def scrub(self, text: str) -> str:
        """Return a text without the secrets that were decrypted so far."""
        for secret in self._plaintexts.values():
            if len(secret) > 3 and secret in text:
                text = text.replace(secret, "********")
        return text

    def remembered(self, key: Hashable) -> tuple[Any] | None:
        """Return a result in a tuple, nothing when the question is new."""
        return self._memo.get(key)

    def evaluate_pure(self, key: Hashable, value: str, scope: Scope) -> Any:
        """Ask the engine a question that other hosts may repeat; a failure is remembered too, together with where it was written."""
        failed = self._failures.get((key, id(value)))
        if failed is not None:
            raise failed[0]
        try:
            result = self.ask_engine(value, scope.available)
        except ResolveError as exc:
            # A traceback would keep this host's variables alive.
            self._failures.put((key, id(value)), (exc.with_traceback(None), value))
            exc.__cause__ = exc.__context__ = None
            raise
        self._memo.put(key, (result,))
        return result


class Scope:
    """The variables of one host."""

    __slots__ = ("_available", "_held", "_resolver", "_straight", "_variables")

    def __init__(self, resolver: Resolver, variables: Mapping[str, Any]) -> None:
        self._resolver = resolver
        self._variables = variables
        self._held: dict[str, Any] = {}
        self._available: dict[str, Any] | None = None
        # Names known not to lead back to themselves.
        self._straight: set[str] = set()

    @property
    def available(self) -> dict[str, Any]:
        """What the engine sees: the host's variables, the constants of the run, and ``vars``."""
        if self._available is None:
            self._available = {**self._variables, "vars": self._variables, **self._resolver.constants}
        return self._available

    def value(self, name: str, failures: list[Failure]) -> Any:
        """Return the resolved value of a variable that is set; :data:`OMIT` when it is to be left out or any part of it has no value."""
        held = self._pure(name)
        if held is not _UNDECIDABLE:
            return held[0]
        raw = self._variables[name]
        before = len(failures)
        result = self._full(raw, failures)
        return OMIT if len(failures) > before else result

    def _full(self, raw: Any, failures: list[Failure]) -> Any:
        resolver = self._resolver
        node = resolver.compile(raw)

        def leaf(item: Text | Vaulted | Any, path: str) -> Any:
            try:
                return self._leaf(item, True)
            except ResolveError as exc:
                failures.append(Failure(path, exc.what, exc.origin))
                return OMIT

        return evaluate(node, leaf, OMIT)

    def _pure(self, name: str) -> Any:
        """Return [value, key] of a variable that is set, or the mark that it is undecidable; the key may still have to be made."""
        held = self._held.get(name)
        if held is not None:
            return held
        raw = self._variables[name]
        if is_plain(raw):
            held = self._held[name] = [raw, None]
            return held
        if isinstance(raw, str) and not may_hold_expression(raw):
            held = self._held[name] = [str.__str__(raw), None]
            return held
        # Until it is known: who refers back to this name runs in a circle.
        self._held[name] = _UNDECIDABLE
        try:
            held = self._pure_raw(raw)
        except (_Undecidable, ResolveError):
            return _UNDECIDABLE
        self._held[name] = held
        return held

    def _pure_raw(self, raw: Any) -> list[Any]:
        node = self._resolver.compile(raw)
        if isinstance(node, (Text, Vaulted)):
            return [self._leaf(node, False), None]
        if node.fixed:
            # The node itself is the key: it lives as long as somebody holds it, so it never lies as a reused id would.
            return [self._fixed(node), node]
        return [evaluate(node, lambda item, _path: self._leaf(item, False), OMIT), None]

    def _fixed(self, node: Tree) -> Any:
        if not node.constant and not node.evaluated:
            node.value = evaluate(node, lambda item, _path: self._leaf(item, False), OMIT)
            node.evaluated = True
        return node.value

    def _leaf(self, node: Any, ask: bool) -> Any:
        """Resolve a text with expressions, a vaulted scalar or what only the engine knows.

        :param ask: the engine may be asked for this host alone.
        """
        resolver = self._resolver
        if isinstance(node, Vaulted):
            return resolver.decrypt(node.raw)
        if isinstance(node, Text) and node.source.pure:
            source = node.source
            if source.parts is not None:
                value = self._join(source.parts)
                if value is not _UNDECIDABLE:
                    return value
            key = self._key(source)
            if key is not None:
                hit = resolver.remembered(key)
                return hit[0] if hit is not None else resolver.evaluate_pure(key, node.raw, self)
        if not ask:
            raise _Undecidable
        self._refuse_circles(node, ())
        return resolver.ask_engine(node.raw, self.available)

    def _refuse_circles(self, node: Tree, way: tuple[str, ...]) -> None:
        """Refuse what refers back to itself: the engine takes seconds for each host to find out."""
        for name in node.names - self._straight:
            if name in way:
                raise ResolveError(f"refers to itself ({' -> '.join((*way[way.index(name) :], name))})", origin_of(node.raw))
            value = self._variables.get(name)
            if value is not None and not isinstance(value, (bool, int, float)) and name not in self._resolver.constants:
                self._refuse_circles(self._resolver.compile(value), (*way, name))
            self._straight.add(name)

    def _key(self, source: Source) -> Hashable | None:
        """Return what decides the result of a pure source, nothing when that cannot be told."""
        variables, constants = self._variables, self._resolver.constants
        key: list[Any] = [source.text]
        for name in source.names:
            if name in constants:
                continue
            if name in variables:
                held = self._pure(name)
                if held is _UNDECIDABLE:
                    return None
                if held[1] is None:
                    held[1] = freeze(held[0])
                key.append(held[1])
            elif name not in SAFE_GLOBALS:
                key.append(_MISSING)
            else:
                key.append(None)
        return tuple(key)

    def _join(self, parts: tuple[str | Path, ...]) -> Any:
        """Put plain text and values together; undecidable where the engine's rules go beyond that."""
        if len(parts) == 1 and isinstance(parts[0], Path):
            value = self._follow(parts[0])
            return _UNDECIDABLE if value is OMIT else value
        texts = []
        for part in parts:
            if isinstance(part, Path):
                value = self._follow(part)
                if type(value) not in _JOINABLE:
                    return _UNDECIDABLE
                part = str(value)
            texts.append(part)
        return "".join(texts)

    def _follow(self, path: Path) -> Any:
        if path.name not in self._variables or path.name in self._resolver.constants:
            return _UNDECIDABLE
        held = self._pure(path.name)
        if held is _UNDECIDABLE:
            return held
        value = held[0]
        for key, dotted in zip(path.keys, path.dotted, strict=True):
            # Exact types: a tagged subclass may mean something else to the engine.
            kinds = type(value), type(key)
            if kinds[0] is dict:
                found = kinds[1] is str and key in value and not (dotted and hasattr(dict, key))
            else:
                found = kinds == (list, int) and 0 <= key < len(value)
            if not found:
                return _UNDECIDABLE
            value = value[key]
        return value


def freeze(value: Any) -> Hashable:
    """Return a value as a key: equal only for values that no expression can tell apart, so ``1``, ``1.0`` and ``True`` differ."""
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return ("dict", *((freeze(key), freeze(item)) for key, item in value.items()))
    if kind is list:
        return ("list", *map(freeze, value))
    if value is OMIT:
        return OMIT
    if value is None or kind in _JOINABLE or isinstance(value, (datetime.date, datetime.time)):
        return (kind, repr(value))
    raise _Undecidable


def _first_line(exc: BaseException, limit: int = 300) -> str:
    text = " ".join(str(exc).split()) or type(exc).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _origin_of_error(exc: BaseException | None) -> str | None:
    """Return where the innermost expression of an error was written."""
    found = None
    while exc is not None:
        found = origin_of(getattr(exc, "obj", None)) or found
        exc = exc.__cause__
    return found
