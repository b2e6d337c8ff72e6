# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom to notify, where, and with what words: the phones of a run as resyncing sees them."""

from __future__ import annotations

import datetime
import ipaddress
import re
import zoneinfo
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.dialtone.phones.plugins.module_utils.sip import Target
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import Fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.pack import Pack, PackError, Packs
from ansible_collections.dialtone.phones.plugins.plugin_utils.phone import Phone, PhoneBuilder
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError, did_you_mean, shown

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_ADDRESS = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::(?P<port6>[0-9]{1,5}))?|(?P<name>[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_OTHER = {"resync": "reboot", "reboot": "resync"}


class Event(NamedTuple):
    """What the NOTIFY says."""

    name: str
    content_type: str = ""
    body: str = ""


class Hours(NamedTuple):
    """When phones may be notified, in minutes since midnight of the phone's own zone; may reach over midnight."""

    start: int
    end: int

    def hold(self, minute: int) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


class Notices(NamedTuple):
    """Whom to notify, and who is left out: by host a state and why; ``needs`` by host what its vendor wants for it to work."""

    targets: list[Target]
    left_out: dict[str, tuple[str, str]]
    needs: dict[str, str]


def parse_hours(text: str) -> Hours | None:
    """Return the hours, or nothing for always.

    :raises ValueError: with a clause that fits behind a colon.
    """
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if not found:
        raise ValueError(f"got {shown(text)}, wanted hours such as 20:00-06:00")
    numbers = [int(number) for number in found.groups()]
    hours = Hours(numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3])
    if hours.start == hours.end:
        raise ValueError(f"got {text}, which is no time at all; leave it empty for always")
    return hours


def parse_address(text: Any, transport: str) -> tuple[str, int]:
    """Return the address and the port of a phone.

    :raises ValueError: with a clause that fits behind a colon.
    """
    text = str(text).strip()
    wanted = f"got {shown(text)}, wanted an address or a name, with an optional port (10.0.0.5, [2001:db8::5]:5060)"
    try:
        return str(ipaddress.ip_address(text)), _PORTS[transport]
    except ValueError:
        found = _ADDRESS.fullmatch(text)
    if not found:
        raise ValueError(wanted)
    port = int(found["port6"] or found["port"] or _PORTS[transport])
    if not 0 < port < 65536:
        raise ValueError(wanted)
    return found["six"] or found["name"], port


def event_of(pack: Pack, action: str) -> Event | str:
    """Return what a vendor's phones want to be told, or why they can't be told."""
    spec = pack.data.get("resync") or {}
    if not spec.get("event"):
        return f"phones of {pack.vendor} know no notification; they look for new files at their next start or poll"
    bodies = spec.get("body") or {}
    parameters = spec.get("parameters") or {}
    if action in bodies:
        return Event(spec["event"], spec.get("content_type", "text/plain"), bodies[action])
    if action not in parameters:
        return f"phones of {pack.vendor} know {_OTHER[action]} only"
    name = spec.get("reboot_event") or spec["event"] if action == "reboot" else spec["event"]
    return Event(f"{name};{parameters[action]}" if parameters[action] else name)


def notices(fleet: Fleet, packs: Packs, args: Mapping[str, Any], places: Mapping[str, Any], now: datetime.datetime) -> Notices:
    """Return whom to notify.

    :param args: options of the task.
    :param places: where phones are, by host, as the inventory says it.
    :param now: the time, with a zone.
    :raises ProblemsError: an option or a phone is described wrongly; all problems at once.
    """
    problems: list[Problem] = []
    hours = None
    try:
        hours = parse_hours(args["hours"])
    except ValueError as exc:
        problems.append(Problem("hours", str(exc)))
    hosts = _hosts(fleet, args["hosts"], problems)
    # A name such as 1001 is a number to YAML.
    addresses = {str(host): place for host, place in (args["addresses"] or {}).items()}
    known = set(fleet.hosts)
    for host in addresses:
        if host not in known:
            problems.append(Problem(f"addresses.{host}", f"is no phone of the inventory{did_you_mean(host, known)}"))
    result = Notices([], {}, {})
    builder = PhoneBuilder()
    for host, variables, unresolved in fleet.stream(hosts):
        phone, found = builder.build(host, variables)
        named = {problem.where.split(" (")[0] for problem in unresolved}
        found = unresolved + [problem for problem in found if problem.where not in named]
        pack = None if found else _pack(packs, phone, found)
        problems += found
        if pack is None:
            continue
        needs = (pack.data.get("resync") or {}).get("needs")
        if needs:
            result.needs[host] = needs
        try:
            target = _target(phone, pack, args, addresses.get(host) or places.get(host))
        except ValueError as exc:
            problems.append(Problem(f"{host}: {'addresses' if host in addresses else 'ansible_host'}", str(exc)))
            continue
        if isinstance(target, str):
            result.left_out[host] = ("skipped", target)
        elif hours and not hours.hold(_minute(now, phone["timezone"])):
            result.left_out[host] = ("postponed", f"is outside its hours {args['hours']} ({phone['timezone']})")
        else:
            result.targets.append(target)
    if problems:
        raise ProblemsError(problems, "nobody was notified")
    return result


def _hosts(fleet: Fleet, wanted: list[str] | None, problems: list[Problem]) -> list[str]:
    if wanted is None:
        return fleet.batch
    batch = set(fleet.batch)
    for host in dict.fromkeys(wanted):
        if host not in batch:
            problems.append(Problem("hosts", f"{shown(host)} is no phone of this play{did_you_mean(host, batch)}"))
    chosen = batch.intersection(wanted)
    return [host for host in fleet.batch if host in chosen]


def _pack(packs: Packs, phone: Phone, problems: list[Problem]) -> Pack | None:
    try:
        return packs.wanted(phone["vendor"])
    except PackError as exc:
        problems.append(Problem(f"{phone['host']}: phone_vendor", str(exc)))
        return None


def _target(phone: Phone, pack: Pack, args: Mapping[str, Any], place: Any) -> Target | str:
    """Return the phone as the sender wants it, or why there is no way to tell it."""
    if not phone["enabled"]:
        return "is not enabled"
    event = Event(args["event"]) if args["event"] else event_of(pack, "reboot" if args["reboot"] else "resync")
    if isinstance(event, str):
        return event
    line = next((line for line in phone["lines"] if line["enabled"]), None)
    if line is None:
        return "has no line that is enabled"
    domain = line["servers"][0]["host"]
    address, port, transport = "", 0, "udp"
    if args["via"] == "proxy":
        transport = args["transport"]
        address, port = args["pbx_host"], args["pbx_port"] or _PORTS[transport]
    if args["via"] == "direct":
        transport = args["transport"]
        if transport == "line":
            transport = line["servers"][0]["transport"]
            transport = "udp" if transport == "dns" else transport
        if not place:
            return "has no address: set its ansible_host, name it in addresses, or notify through the PBX"
        address, port = parse_address(place, transport)
    return Target(
        phone["host"],
        address,
        port,
        transport,
        line["user"],
        domain,
        line["auth_user"],
        (line["password"] or "") if args["via"] in ("direct", "proxy") else "",
        event.name,
        event.content_type,
        event.body,
        args["via"] == "proxy",
    )


def _minute(now: datetime.datetime, zone: str) -> int:
    local = now.astimezone(zoneinfo.ZoneInfo(zone))
    return local.hour * 60 + local.minute
