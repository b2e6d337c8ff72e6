# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Jinja expression in a variable refers to, and whether its result depends on that alone.

Nothing is evaluated here. A source that is not certain to be pure (a lookup, a clock, a filter nobody vouched for) is called impure, which costs
time and never correctness.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from jinja2 import Environment, TemplateError, defaults, meta, nodes

# Names that the engine offers to every expression and that always mean the same.
SAFE_GLOBALS = frozenset({"range", "dict", "namespace", "cycler", "joiner", "omit"})
# Names whose result may differ from one call to the next, or that reach what cannot be listed.
IMPURE_NAMES = frozenset({"lookup", "query", "q", "now", "undef", "lipsum", "vars", "self", "caller"})

_OVERRIDE = "#jinja2:"
_PURE_FILTERS = (frozenset(defaults.DEFAULT_FILTERS) - {"random"}) | frozenset(
    [
        "b64decode",
        "b64encode",
        "basename",
        "bool",
        "checksum",
        "combinations",
        "combine",
        "comment",
        "commonpath",
        "dict2items",
        "difference",
        "dirname",
        "extract",
        "flatten",
        "from_json",
        "from_yaml",
        "from_yaml_all",
        "hash",
        "human_readable",
        "human_to_bytes",
        "intersect",
        "items2dict",
        "log",
        "mandatory",
        "md5",
        "normpath",
        "path_join",
        "permutations",
        "pow",
        "product",
        "quote",
        "regex_escape",
        "regex_findall",
        "regex_replace",
        "regex_search",
        "rekey_on_member",
        "root",
        "sha1",
        "split",
        "splitext",
        "subelements",
        "symmetric_difference",
        "ternary",
        "to_datetime",
        "to_json",
        "to_nice_json",
        "to_nice_yaml",
        "to_uuid",
        "to_yaml",
        "type_debug",
        "union",
        "unique",
        "urldecode",
        "urlsplit",
        "win_basename",
        "win_dirname",
        "win_splitdrive",
        "zip",
        "zip_longest",
    ]
)
_PURE_TESTS = frozenset(defaults.DEFAULT_TESTS) | frozenset(
    [
        "all",
        "any",
        "contains",
        "falsy",
        "in",
        "isnan",
        "issubset",
        "issuperset",
        "match",
        "nan",
        "regex",
        "search",
        "subset",
        "superset",
        "truthy",
        "urn",
        "uri",
        "url",
        "version",
        "version_compare",
    ]
)
# These take the name of another filter or test as text.
_BY_NAME = {"map": _PURE_FILTERS, "select": _PURE_TESTS, "reject": _PURE_TESTS, "selectattr": _PURE_TESTS, "rejectattr": _PURE_TESTS}
_BUILTIN = "ansible.builtin."


class Path(NamedTuple):
    """A variable, and the keys that lead into it."""

    name: str
    keys: tuple[str | int, ...]
    # For each key, whether it was written with a dot: there an attribute of the value comes before its item.
    dotted: tuple[bool, ...]


class Source(NamedTuple):
    """One distinct text with expressions."""

    text: str
    # Free names in alphabetical order; empty when the text cannot be parsed.
    names: tuple[str, ...]
    # The result is decided by the text and the values of the names.
    pure: bool
    # Pieces of plain text and paths, where the source has nothing else; then it needs no engine.
    parts: tuple[str | Path, ...] | None


class _Anything(dict):
    """Filters and tests are judged by name: the parser has to accept all of them."""

    def get(self, key: str, default: Any = None) -> Any:
        return len

    def __contains__(self, key: object) -> bool:
        return True


def _environment() -> Environment:
    # The engine's own settings, as far as they change what a text means.
    environment = Environment(trim_blocks=True, autoescape=False)
    environment.globals.clear()
    environment.filters = _Anything()
    environment.tests = _Anything()
    return environment


_ENVIRONMENT = _environment()


def may_hold_expression(text: str) -> bool:
    """Tell whether the engine would look into the text at all."""
    return ("{" in text and ("{{" in text or "{%" in text or "{#" in text)) or text.startswith(_OVERRIDE)


def analyse(text: str) -> Source:
    """Find the free names of a text and judge its purity."""
    text = str.__str__(text)
    if text.startswith(_OVERRIDE):
        return Source(text, (), False, None)
    try:
        tree = _ENVIRONMENT.parse(text)
        names = tuple(sorted(meta.find_undeclared_variables(tree)))
        pure = IMPURE_NAMES.isdisjoint(names) and _is_pure(tree)
    except (TemplateError, RecursionError, ValueError):  # the last: a constant of more digits than Python writes
        return Source(text, (), False, None)
    return Source(text, names, pure, _parts(tree, text) if pure else None)


def _is_pure(tree: nodes.Template) -> bool:
    if next(meta.find_referenced_templates(tree), tree) is not tree:
        return False
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        name = node.name.removeprefix(_BUILTIN)
        if name not in (_PURE_FILTERS if isinstance(node, nodes.Filter) else _PURE_TESTS):
            return False
        if isinstance(node, nodes.Filter) and name in _BY_NAME and not _names_pure(node, _BY_NAME[name], name):
            return False
        if name == "to_datetime" and not node.args and not node.kwargs:
            continue
    return True


def _names_pure(node: nodes.Filter, allowed: frozenset[str], name: str) -> bool:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return False
    # selectattr(attribute, test, ...), select(test, ...), map(filter, ...); a bare map(attribute=...) names none.
    at = 1 if name.endswith("attr") else 0
    if len(node.args) <= at:
        return True
    chosen = node.args[at]
    return isinstance(chosen, nodes.Const) and isinstance(chosen.value, str) and chosen.value.removeprefix(_BUILTIN) in allowed


def _parts(tree: nodes.Template, text: str) -> tuple[str | Path, ...] | None:
    # Line ends are rewritten by the engine: such texts are its business.
    if "\r" in text or text.endswith("\n") or len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts: list[str | Path] = []
    for node in tree.body[0].nodes:
        part = node.data if isinstance(node, nodes.TemplateData) else _path(node)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _path(node: nodes.Node) -> Path | None:
    keys: list[str | int] = []
    dotted: list[bool] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
            dotted.append(True)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and type(node.arg.value) in (str, int):
            keys.append(node.arg.value)
            dotted.append(False)
        else:
            return None
        node = node.node
    return Path(node.name, tuple(reversed(keys)), tuple(reversed(dotted)))
