# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a phone's files from its pack.

Most vendors' files are lists of parameters, so rendering them has two steps. The pack's template writes ``name = value`` lines, whatever the
vendor's syntax is. They become a list in which a name stands once (a raw ``phone_parameters`` entry takes the place of what the template wrote),
and the file's layout writes that list in the vendor's syntax, where escaping is the layout's and not the template author's. A file without a
layout is what its template gives; XML templates escape by themselves.

Templates run in a sandbox without lookups. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

import jinja2
import jinja2.meta
import jinja2.nodes
from ansible_collections.dialtone.phones.plugins.module_utils.gate.names import pin_name
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.fit import HOME, book_refusals, fit_book, page_file
from ansible_collections.dialtone.phones.plugins.plugin_utils.books.phonebook import Phonebooks
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import SHIPPED, FileSpec, Model, Pack
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.sandbox import RefusedError, make_environment
from ansible_collections.dialtone.phones.plugins.plugin_utils.xml_tree import TreeError, write_tree

_PARAMETER = re.compile(r"(?P<name>.+?) =(?: (?P<value>.*))?")

Parameters = list[tuple[str, str]]


class RenderedFile(NamedTuple):
    """One file of a phone."""

    name: str
    content: bytes
    sha256: str


class RenderError(Exception):
    """A template failed for one phone; says which, where, and why."""

    def __init__(self, host: str, file: str, template: str, line: int | None, message: str) -> None:
        place = f"{template}, line {line}" if line else template
        super().__init__(f"{host}: {file}: {place}: {message}")
        self.host, self.file, self.template, self.line, self.message = host, file, template, line, message


class PackRenderer:
    """Renders phones of one pack; templates are compiled once."""

    # Common files depend on few variables: results are kept by the values these had.
    _REMEMBERED = 1024

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._env = make_environment(pack.folders)
        self._loader: jinja2.BaseLoader = self._env.loader  # type: ignore[assignment]
        self._used: dict[str, frozenset[str] | None] = {}
        self._kept: OrderedDict[tuple, tuple[bytes, str]] = OrderedDict()
        # Book -> what phones of this vendor had no room for.
        self.book_notes: dict[str, list[str]] = {}

    def render(self, phone: Phone, model: Model, context: Mapping[str, Any]) -> list[RenderedFile]:
        """Return the files of one phone.

        :param phone: as :func:`fit` left it.
        :param context: what templates see beside ``phone`` and ``model``.
        :raises RenderError: a template failed.
        """
        variables = {
            **context,
            "phone": phone,
            "model": model,
            "values": self.pack.values,
            "key_types": self.pack.key_types,
            "pack": self.pack.data,
            "mac": phone["mac"],
        }
        wanted = [spec for spec in self.pack.files if spec.template is not None and spec.kind != "phonebook" and spec.for_model(model)]
        # Files that others name by what they hold come first; what they themselves name has its plain name.
        done = {spec.name: self._rendered(phone, spec, variables) for spec in wanted if spec.pinned}
        if done:
            pins = {file.name: pin_name(file.name.lower(), file.sha256) for file in done.values()}
            variables["names"] = {stem: pins.get(name, name) for stem, name in context["names"].items()}
        done.update((spec.name, self._rendered(phone, spec, variables)) for spec in wanted if not spec.pinned)
        return [done[spec.name] for spec in wanted]

    def _rendered(self, phone: Phone, spec: FileSpec, variables: dict[str, Any]) -> RenderedFile:
        name = self.pack.file_name(spec.name, phone["mac"], variables["model"])
        return RenderedFile(name, *self._file(phone, spec, name, variables))

    def render_book(self, books: Phonebooks, listing: dict[str, Any]) -> list[RenderedFile]:
        """Return the files of one book: one, or a menu and its pages. What was left out is told in ``book_notes``, by the book's name.

        :param listing: one of those that :func:`context.books_of` lists for a phone.
        :raises RenderError: a template failed.
        :raises ProblemsError: the book can't be read, or not be written for phones of this vendor.
        """
        rule = self.pack.data["phonebook"]
        name, file = listing["name"], listing["file"]
        entries = books.entries(name)
        problems = book_refusals(f"phonebook {name} for {self.pack.vendor}", listing["title"], entries, rule)
        if problems:
            raise ProblemsError(problems, "nothing was published")
        pages, self.book_notes[name] = fit_book(entries, rule, listing["entries"])
        book = {"name": name, "title": listing["title"], "home": HOME, "pages": []}
        if len(pages) > 1:
            book["pages"] = [
                {"file": page_file(file, number), "first": page[0].name, "last": page[-1].name} for number, page in enumerate(pages, 1)
            ]
            files = [self._book_file(file, rule.get("menu") or rule["template"], {**book, "entries": pages[0], "page": 0})]
            return files + [
                self._book_file(page_file(file, number), rule["template"], {**book, "entries": page, "page": number})
                for number, page in enumerate(pages, 1)
            ]
        return [self._book_file(file, rule["template"], {**book, "entries": pages[0], "page": 1})]

    def _book_file(self, file: str, template: str, book: dict[str, Any]) -> RenderedFile:
        try:
            text = self._env.get_template(template).render(book=book, pack=self.pack.data)
        except jinja2.TemplateError as exc:
            where, line = self._place(exc, template)
            raise RenderError(f"phonebook {book['name']}", file, where, line, self._reason(exc)) from exc
        content = text.encode("utf-8")
        if template.endswith(".xml.j2"):
            self._check_xml(f"phonebook {book['name']}", file, template, content)
        return RenderedFile(file, content, hashlib.sha256(content).hexdigest())

    def _file(self, phone: Phone, spec: FileSpec, name: str, variables: dict[str, Any]) -> tuple[bytes, str]:
        template = self.pack.file_name(spec.template, phone["mac"], variables["model"])
        try:
            slot = self._slot(spec, variables)
            kept = self._kept.get(slot) if slot else None
            if kept is None:
                content = self._text(phone, spec, template, variables).encode("utf-8")
                if spec.xml:
                    self._check_xml(phone["host"], name, f"{self.pack.vendor}/{template}", content)
                kept = content, hashlib.sha256(content).hexdigest()
                if slot:
                    self._kept[slot] = kept
                    if len(self._kept) > self._REMEMBERED:
                        self._kept.popitem(last=False)
        except RenderError:
            raise
        except Exception as exc:  # a template, and the filters it names, may raise anything
            where, line = self._place(exc, template)
            raise RenderError(phone["host"], name, where, line, self._reason(exc)) from exc
        return kept

    def _slot(self, spec: FileSpec, variables: dict[str, Any]) -> tuple | None:
        """Return the values a common file depends on, as a key; None for files that are made for each phone."""
        if spec.kind != "common" or spec.raw:
            return None
        if spec.template not in self._used:
            try:
                self._used[spec.template] = self._phone_names(spec)
            except jinja2.TemplateError:
                self._used[spec.template] = None  # rendering it will tell where the fault is
        used = self._used[spec.template]
        if used is None:
            return None
        phone = variables["phone"]
        if not used <= phone.keys():
            return None  # the template asks for what no phone has, and will be told so
        return (spec.name, variables["model"].name, repr(variables.get("firmware")), *(repr(phone[name]) for name in sorted(used)))

    def _phone_names(self, spec: FileSpec) -> frozenset[str] | None:
        """Return the phone's variables that a template reads, following what it includes; None when that can't be told or is per phone."""
        names: set[str] = set()
        waiting, seen = [spec.template], set()
        if spec.layout:
            waiting += [name for name in (self.pack.data["layouts"][spec.layout].get("template"),) if name]
        while waiting:
            current = waiting.pop()
            if current in seen or current is None or "{" in current:
                if current is None or "{" in (current or ""):
                    return None
                continue
            seen.add(current)
            tree = self._env.parse(self._loader.get_source(self._env, current)[0])
            if {"server", "books", "mac", "names"} & jinja2.meta.find_undeclared_variables(tree):
                return None
            attributes = 0
            for node in tree.find_all(jinja2.nodes.Getattr):
                if isinstance(node.node, jinja2.nodes.Name) and node.node.name == "phone":
                    names.add(node.attr)
                    attributes += 1
            bare = sum(1 for node in tree.find_all(jinja2.nodes.Name) if node.name == "phone")
            if bare != attributes:
                return None
            waiting += jinja2.meta.find_referenced_templates(tree)
        return frozenset(names)

    def _text(self, phone: Phone, spec: FileSpec, template: str, variables: dict[str, Any]) -> str:
        text = self._env.get_template(template).render(variables)
        if spec.layout is None:
            return text
        layout = self.pack.data["layouts"][spec.layout]
        parameters = parse_parameters(text)
        if spec.raw and phone["parameters"]:
            parameters = with_raw(parameters, raw_parameters(phone["parameters"], self.pack.data["booleans"]))
        if "template" in layout:
            return self._env.get_template(layout["template"]).render(variables, parameters=parameters)
        return write_tree(parameters, layout) if "root" in layout else write_lines(parameters, layout)

    def _place(self, exc: BaseException, template: str) -> tuple[str, int | None]:
        """Return the template file and line of the innermost frame that is a template."""
        if isinstance(exc, jinja2.TemplateSyntaxError):
            return _template_name(exc.filename) if exc.filename else exc.name or template, exc.lineno
        folders = tuple(str(folder) for folder in self.pack.folders)
        for frame in reversed(traceback.extract_tb(exc.__traceback__)):
            if frame.filename.startswith(folders):
                return _template_name(frame.filename), frame.lineno
        return f"{self.pack.vendor}/{template}", None

    @staticmethod
    def _reason(exc: BaseException) -> str:
        if isinstance(exc, jinja2.TemplateNotFound):
            return f"template {exc.name} is not in the pack"
        if isinstance(exc, RefusedError | TreeError | jinja2.TemplateError):
            return str(exc)
        if isinstance(exc, RecursionError):
            return "includes itself, or goes too deep"
        if isinstance(exc, UnicodeError):
            return "is not encoded in UTF-8" if isinstance(exc, UnicodeDecodeError) else "gives a character that UTF-8 cannot write"
        # Messages of Python's own errors may quote a value, which may be a secret.
        return f"{type(exc).__name__} in an expression"

    @staticmethod
    def _check_xml(host: str, name: str, template: str, content: bytes) -> None:
        try:
            expat.ParserCreate().Parse(content, True)
        except expat.ExpatError as exc:
            raise RenderError(host, name, template, None, f"the result is not well-formed XML ({exc})") from exc


def _template_name(path: str) -> str:
    """Return how a message calls a template: a shipped one by its pack, one of a user's folder in full."""
    return str(Path(path).relative_to(SHIPPED)) if Path(path).is_relative_to(SHIPPED) else path


def parse_parameters(text: str) -> Parameters:
    """Return the ``name = value`` lines of a rendered template; blank lines and lines that begin with ``##`` are the author's own.

    :raises ValueError: a line is neither (told by number, since it may hold a secret).
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("##"):
            continue
        match = _PARAMETER.fullmatch(line)
        if not match:
            raise jinja2.TemplateError(f"output line {number} is not of the form 'name = value'")
        found.append((match["name"], match["value"] or ""))
    return found


def raw_parameters(given: Mapping[str, Any], booleans: list[str]) -> Parameters:
    """Return ``phone_parameters`` as a parameter list.

    :param booleans: the vendor's words for true and false.
    """
    result = []
    for name in sorted(given):
        value = given[name]
        for one in value if isinstance(value, list) else [value]:
            text = "" if one is None else booleans[0] if one is True else booleans[1] if one is False else str(one)
            result.append((name, text.strip()))
    return result


def with_raw(parameters: Parameters, raw: Parameters) -> Parameters:
    """Return the list with raw parameters in place of those of the same name; new ones come last."""
    values: dict[str, list[str]] = {}
    for name, value in raw:
        values.setdefault(name, []).append(value)
    result: Parameters = []
    for name, value in parameters:
        if name not in values:
            result.append((name, value))
        elif values[name] is not None:
            result += [(name, own) for own in values[name]]
            values[name] = None  # type: ignore[assignment]
    for name, own in values.items():
        result += [(name, value) for value in own or []]
    return result


def write_lines(parameters: Parameters, layout: Mapping[str, Any]) -> str:
    """Write a parameter list as lines.

    :param layout: ``header`` (text of the first lines), ``separator`` between name and value, ``quote`` around the value.
    """
    separator, quote = layout.get("separator", " = "), layout.get("quote", "")
    lines = [f"{name}{separator}{quote}{value}{quote}".rstrip() for name, value in parameters]
    header = layout.get("header", "")
    return (f"{header}\n" if header else "") + "\n".join(lines) + "\n"
