# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIDR rules as nginx can look them up: one geo of all listed prefixes, and pairs of (set, prefix).

A client belongs to its most specific listed prefix, and a set of networks admits it when that prefix or one that encloses it is in the
set. nginx has no loop, so each level of enclosure is a map of its own; only prefixes that do enclose another listed one appear above level 0,
which keeps the whole linear in what was listed, however many sets share a wide network.
"""

from __future__ import annotations

import ipaddress
from typing import Dict, Iterable, List, Sequence, Tuple, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
# In a geo a zero-length prefix is the same thing as its default, so the whole of a family is written as its two halves.
_HALVES = {
    "0.0.0.0/0": ("0.0.0.0/1", "128.0.0.0/1"),
    "::/0": ("::/1", "8000::/1"),
}


class NetworkSets:
    """Collects sets of networks, then writes nginx's lookup for all of them."""

    def __init__(self) -> None:
        self._ids: Dict[Tuple[str, ...], int] = {}
        self._by_text: Dict[Tuple[str, ...], str] = {}
        self._parsed: Dict[str, Network] = {}

    def add(self, networks: Sequence[str]) -> str:
        """Return the id of a set of networks; no networks means no rule, whose id is empty.

        :raises ValueError: a network that cannot be read.
        """
        text = tuple(networks)
        if not text:
            return ""
        known = self._by_text.get(text)
        if known is None:
            key = tuple(sorted({str(self._parse(item)) for item in text}))
            number = self._ids.setdefault(key, len(self._ids) + 1)
            known = self._by_text[text] = f"s{number}"
        return known

    def _parse(self, text: str) -> Network:
        network = self._parsed.get(text)
        if network is None:
            network = self._parsed[text] = parse_network(text)
        return network

    def render(self) -> str:
        """Return the geo and the maps that set ``$dialtone_in_set`` to 1 where ``$dialtone_set`` admits the client."""
        sets = {number: _halve(key) for key, number in self._ids.items()}
        prefixes = sorted({p for networks in sets.values() for p in networks}, key=_order)
        parents, reach = _nesting(prefixes)
        ids = {prefix: f"p{number}" for number, prefix in enumerate(prefixes)}
        lines = ["geo $dialtone_prefix0 {", '    default "";']
        lines += [f"    {prefix} {ids[prefix]};" for prefix in prefixes]
        lines.append("}")
        levels = max(reach.values(), default=0) + 1
        for level in range(1, levels):
            lines.append(f"map $dialtone_prefix{level - 1} $dialtone_prefix{level} {{")
            lines.append('    default "";')
            # Only a prefix that encloses something level-1 steps down can be the input here.
            lines += [f"    {ids[p]} {ids[parents[p]]};" for p in prefixes if p in parents and reach[p] >= level - 1]
            lines.append("}")
        for level in range(levels):
            lines.append(f'map "$dialtone_set:$dialtone_prefix{level}" $dialtone_admit{level} {{')
            lines.append('    default "";')
            for number in sorted(sets):
                lines += [f'    "s{number}:{ids[p]}" 1;' for p in sets[number] if reach[p] >= level]
            lines.append("}")
        admits = "".join(f"$dialtone_admit{level}" for level in range(levels))
        lines += [f'map "{admits}" $dialtone_in_set {{', '    default "";']
        # Each level that admits adds a digit.
        lines += [f'    "{"1" * count}" 1;' for count in range(1, levels + 1)]
        lines.append("}")
        return "\n".join(lines) + "\n"


def parse_network(text: object) -> Network:
    """Return a network from its CIDR spelling or a single address.

    :raises ValueError: not a network; bits set to the right of the prefix are an error too, since nobody means them.
    """
    # A scope id (fe80::1%eth0) may hold any character, and nginx knows none.
    if not isinstance(text, str) or "%" in text:
        raise ValueError(f"{text!r} is not a network in CIDR notation")
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as exc:
        raise ValueError(f"{text!r} is not a network in CIDR notation ({exc})") from exc


def render_list(variable: str, networks: Iterable[str]) -> str:
    """Return a geo that sets ``variable`` to 1 for clients inside the networks; for everybody when there are none."""
    wanted = sorted({p for n in networks for p in _halve((str(parse_network(n)),))}, key=_order)
    lines = [f"geo ${variable} {{", "    default %s;" % ('""' if wanted else "1")]
    lines += [f"    {prefix} 1;" for prefix in wanted]
    lines.append("}")
    return "\n".join(lines) + "\n"


def _halve(texts: Iterable[str]) -> List[str]:
    return [half for text in texts for half in _HALVES.get(text, (text,))]


def _order(text: str) -> Tuple[int, int, int]:
    network = ipaddress.ip_network(text)
    return network.version, int(network.network_address), network.prefixlen


def _nesting(prefixes: List[str]) -> Tuple[Dict[str, str], Dict[str, int]]:
    """Return each prefix's nearest enclosing one, and how many levels of enclosed ones each has below it."""
    parents: Dict[str, str] = {}
    reach = dict.fromkeys(prefixes, 0)
    stack: List[Tuple[int, int, str]] = []
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        last = int(network.broadcast_address)
        while stack and not (stack[-1][0] == network.version and stack[-1][1] >= last):
            stack.pop()
        if stack:
            parents[prefix] = stack[-1][2]
            for depth, (_version, _last, outer) in enumerate(reversed(stack), 1):
                reach[outer] = max(reach[outer], depth)
        stack.append((network.version, last, prefix))
    return parents, reach
