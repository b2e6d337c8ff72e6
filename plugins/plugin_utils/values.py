# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Raw inventory values in a compiled form: what is plain is taken over once, what needs work is marked.

Raw values carry Ansible's tags (trust, origin, ciphertext); this is the only place of the collection that looks at them.
"""

from __future__ import annotations

import datetime
import os
import pickle
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from ansible.parsing.vault import EncryptedString, VaultHelper
from ansible.template import is_trusted_as_template
from ansible_collections.dialtone.phones.plugins.plugin_utils.expressions import Source, may_hold_expression

try:  # Ansible has no public way to ask where a value was written.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

_PLAIN = frozenset({str, int, bool, float, type(None)})
_PLAIN_KEYS = frozenset({str})

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A cache that forgets what was not asked for lately; holds at most twice its limit."""

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[key] = value


class Tree:
    """A compiled value. ``raw`` keeps the object alive, so that its id stays its own.

    ``constant``: ``value`` is the plain value. ``fixed``: the same for every host, though a part of it may still have to be decrypted.
    """

    __slots__ = ("constant", "evaluated", "fixed", "literal", "names", "pure", "raw", "seal", "value")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.constant = False
        self.fixed = False
        self.evaluated = False
        self.value: Any = None
        # Free names of all expressions inside.
        self.names: frozenset[str] = frozenset()
        self.pure = True
        # Holds untrusted text that looks like an expression, and stays as it is.
        self.literal = False
        self.seal: bytes | None = None


class Constant(Tree):
    """Needs no work."""

    __slots__ = ()

    def __init__(self, raw: Any, value: Any, literal: bool = False) -> None:
        super().__init__(raw)
        self.constant = self.fixed = True
        self.value = value
        self.literal = literal


class Text(Tree):
    """A trusted text with expressions."""

    __slots__ = ("source",)

    def __init__(self, raw: Any, source: Source) -> None:
        super().__init__(raw)
        self.source = source
        self.names = frozenset(source.names)
        self.pure = source.pure


class Vaulted(Tree):
    """A scalar that has to be decrypted; its plaintext is never looked at for expressions."""

    __slots__ = ()

    def __init__(self, raw: EncryptedString) -> None:
        super().__init__(raw)
        self.fixed = True


class Unknown(Tree):
    """A value of a type that only the engine knows."""

    __slots__ = ()

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.pure = False


class Branch(Tree):
    """A list or dictionary with work inside: pairs of key and compiled value; a list has positions for keys."""

    __slots__ = ("items",)

    def __init__(self, raw: Any, items: list[tuple[Any, Tree]]) -> None:
        super().__init__(raw)
        self.items = items
        self.fixed = all(node.fixed for _key, node in items)
        self.names = frozenset().union(*(node.names for _key, node in items))
        self.pure = all(node.pure for _key, node in items)
        self.literal = any(node.literal for _key, node in items)


def compile_value(raw: Any, source: Callable[[str], Source]) -> Tree:
    """Compile a raw value.

    :param source: gives what is known of a text with expressions.
    """
    if isinstance(raw, str):
        if not may_hold_expression(raw):
            return Constant(raw, str.__str__(raw))
        if is_trusted_as_template(raw):
            return Text(raw, source(raw))
        return Constant(raw, str.__str__(raw), literal=True)
    if isinstance(raw, dict):
        items = [(plain(key), compile_value(item, source)) for key, item in raw.items()]
        if all(node.constant for _key, node in items):
            return Constant(raw, {key: node.value for key, node in items}, any(node.literal for _key, node in items))
        return Branch(raw, items)
    if isinstance(raw, (list, tuple)):
        nodes = [compile_value(item, source) for item in raw]
        if all(node.constant for node in nodes):
            return Constant(raw, [node.value for node in nodes], any(node.literal for node in nodes))
        return Branch(raw, list(enumerate(nodes)))
    if isinstance(raw, EncryptedString):
        return Vaulted(raw)
    if raw is None or isinstance(raw, (bool, int, float, datetime.date, datetime.time)):
        return Constant(raw, plain(raw))
    return Unknown(raw)


def evaluate(node: Tree, leaf: Callable[[Any, str], Any], omitted: object, path: str = "") -> Any:
    """Return the value of a compiled value.

    :param leaf: resolves what needs work, given the node and the path to it.
    :param omitted: the mark of an item that is to be left out.
    """
    if node.constant:
        return node.value
    if not isinstance(node, Branch):
        return leaf(node, path)
    if isinstance(node.raw, dict):
        pairs = ((key, evaluate(item, leaf, omitted, f"{path}.{key}")) for key, item in node.items)
        return {key: value for key, value in pairs if value is not omitted}
    values = (evaluate(item, leaf, omitted, f"{path}[{key}]") for key, item in node.items)
    return [value for value in values if value is not omitted]


def seal(node: Tree) -> bytes:
    """Return a digest of a value as it was written: expressions before templating, vaulted scalars by ciphertext. Kept with the node."""
    if node.seal is None:
        node.seal = blake2b(_written(node).encode("utf-8", "surrogatepass"), digest_size=24).digest()
    return node.seal


def _written(node: Tree) -> str:
    if node.constant:
        try:
            return f"c{node.value!r}"
        except ValueError:  # a number of more digits than Python writes
            return f"p{pickle.dumps(node.value).hex()}"
    if isinstance(node, Branch):
        return f"b{isinstance(node.raw, tuple)}{isinstance(node.raw, dict)}({','.join(f'{key!r}:{_written(item)}' for key, item in node.items)})"
    if isinstance(node, Text):
        return f"t{node.source.text!r}"
    if isinstance(node, Vaulted):
        return f"v{VaultHelper.get_ciphertext(node.raw, with_tags=False)!r}"
    return "?"


def is_plain(value: Any) -> bool:
    """Tell whether a raw value carries no tag anywhere: it is its own result, since text without trust is never an expression."""
    kind = type(value)
    if kind is dict:
        return all(type(key) in _PLAIN_KEYS and (type(item) in _PLAIN or is_plain(item)) for key, item in value.items())
    if kind is list:
        return all(type(item) in _PLAIN or is_plain(item) for item in value)
    return kind in _PLAIN


def plain(value: Any) -> Any:
    """Return a finished value without Ansible's tagged subclasses; tuples become lists."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is float:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, EncryptedString):
        return str.__str__(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime.datetime):
        return datetime.datetime.combine(datetime.date(value.year, value.month, value.day), _plain_time(value), value.tzinfo)
    if isinstance(value, datetime.date):
        return datetime.date(value.year, value.month, value.day)
    if isinstance(value, datetime.time):
        return _plain_time(value).replace(tzinfo=value.tzinfo)
    return value


def _plain_time(value: datetime.datetime | datetime.time) -> datetime.time:
    return datetime.time(value.hour, value.minute, value.second, value.microsecond, fold=value.fold)


def place_of(value: Any) -> tuple[str, int, int] | None:
    """Return the file, line and column (from 1) that a value was written at, nothing when any of that is not known."""
    try:
        origin = Origin.get_tag(value) if Origin is not None and value is not None else None
        return (str(origin.path), int(origin.line_num), int(origin.col_num)) if origin is not None else None
    except Exception:  # no path, no line, or a marker in place of a value
        return None


def origin_of(value: Any) -> str | None:
    """Return where a value was written as ``file:line:column``, nothing when that is not known."""
    try:
        origin = Origin.get_tag(value) if Origin is not None and value is not None else None
    except Exception:  # a marker in place of a value answers every question with an error
        return None
    if origin is None:
        return None
    text = str(origin)
    here = os.getcwd() + os.sep
    return text.removeprefix(here)
