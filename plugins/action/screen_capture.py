# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches the screens of the play's phones: what M(dialtone.phones.screen_capture) documents."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.dialtone.phones.plugins.module_utils.paced import Pace, paced
from ansible_collections.dialtone.phones.plugins.plugin_utils.fleet import FleetError, read_fleet
from ansible_collections.dialtone.phones.plugins.plugin_utils.problems import Problem, ProblemsError
from ansible_collections.dialtone.phones.plugins.plugin_utils.run_settings import read_settings
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens import client
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.client import CaptureError, Limits, Screen, fetch_screen
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.image import Picture
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.sheet import Card, contact_sheet
from ansible_collections.dialtone.phones.plugins.plugin_utils.screens.targets import find_screens
from ansible_collections.dialtone.phones.plugins.plugin_utils.whole_file import replace_file

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "dest": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "dict", "default": {}},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "concurrency": {"type": "int", "default": 16},
    "rate": {"type": "float", "default": 50.0},
    "timeout": {"type": "float", "default": 10.0},
    "max_size": {"type": "int", "default": 8 << 20},
    "strict": {"type": "bool", "default": False},
}
_SHOWN = 20
# Several steps, each of which may take nearly its whole time.
_PATIENCE = 4
Shot = Picture | str


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        task_vars = task_vars or {}
        if client.requests is None:
            raise AnsibleActionFail("the Python library requests is missing on the controller: pip install requests")
        basedir = Path(self._loader.get_basedir())
        try:
            check(args)
            fleet = read_fleet(task_vars, self._templar)
            settings = read_settings(fleet, basedir)
            problems: list[Problem] = []
            named = set(map(str, args["addresses"]))
            places = fleet.places([host for host in fleet.batch if host not in named], problems)
            if problems:
                raise ProblemsError(problems, "no phone was asked")
            found = find_screens(fleet, settings, args, places)
        except (ProblemsError, FleetError) as exc:
            raise AnsibleActionFail(str(exc)) from None
        phones: dict[str, dict[str, Any]] = {host: {"state": "unknown", "msg": why} for host, why in found.left_out.items()}
        if self._task.check_mode:
            phones.update({screen.host: {"state": "planned", "msg": f"at {screen.base}{screen.paths[0]}"} for screen in found.screens})
            return {**result, **summary(phones, args["strict"])}
        verify = (args["ca_path"] or True) if args["validate_certs"] else False
        shots = take(found.screens, Limits(args["timeout"], args["max_size"], verify), Pace(args["rate"], args["concurrency"]))
        try:
            files = save(basedir / args["dest"], found.screens, shots, found.left_out)
        except OSError as exc:
            raise AnsibleActionFail(f"dest: {exc.filename}: {exc.strerror}") from None
        for host in (screen.host for screen in found.screens):
            shot = shots[host]
            if isinstance(shot, str):
                phones[host] = {"state": "failed", "msg": shot}
            else:
                phones[host] = {"state": "captured", "msg": "", "file": files[host], "width": shot.width, "height": shot.height}
        return {**result, "sheet": files[""], **summary(phones, args["strict"])}


def check(args: Mapping[str, Any]) -> None:
    """Refuse options that can't work.

    :raises ProblemsError: with all that is wrong with them.
    """
    problems = []
    for name, least, most in (("rate", 0.01, 1_000_000), ("concurrency", 1, 1_000_000), ("timeout", 0.1, 86_400), ("max_size", 1, 1 << 30)):
        if not args[name] >= least:
            problems.append(Problem(name, f"got {args[name]:g}, wanted at least {least:g}"))
        elif args[name] > most:
            problems.append(Problem(name, f"got {args[name]:g}, wanted at most {most:,}"))
    if args["ca_path"] and not os.path.isfile(args["ca_path"]):
        problems.append(Problem("ca_path", f"{args['ca_path']} is not there"))
    if problems:
        raise ProblemsError(problems, "no phone was asked")


def take(screens: list[Screen], limits: Limits, pace: Pace) -> dict[str, Shot]:
    """Ask all phones, some at once, and return by host a picture, or why there is none."""
    shots: dict[str, Shot] = {}

    async def one(screen: Screen) -> None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Shot] = loop.create_future()

        def give(shot: Shot) -> None:
            if not answer.done():
                answer.set_result(shot)

        def ask() -> None:
            try:
                shot: Shot = fetch_screen(screen, limits)
            except CaptureError as exc:
                shot = str(exc)
            except Exception as exc:  # one phone's odd answer must not cost the others' pictures
                shot = f"answers in a way that is not understood ({type(exc).__name__})"
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(give, shot)

        # A thread that nobody joins: a phone that drips byte after byte can hold its own for as long as it likes.
        threading.Thread(target=ask, daemon=True).start()
        patience = limits.timeout * _PATIENCE
        try:
            shots[screen.host] = await asyncio.wait_for(answer, patience)
        except asyncio.TimeoutError:
            shots[screen.host] = f"has not sent its whole screen within {patience:g} s"

    asyncio.run(paced(screens, one, pace))
    return shots


def save(dest: Path, screens: list[Screen], shots: Mapping[str, Shot], left_out: Mapping[str, str]) -> dict[str, str]:
    """Write pictures and contact sheet; return their paths by host, the sheet's under an empty name."""
    dest.mkdir(mode=0o700, parents=True, exist_ok=True)
    files: dict[str, str] = {}
    taken: set[str] = {"index.html"}
    cards = []
    for screen in screens:
        shot = shots[screen.host]
        about = f"{screen.vendor} {screen.model}"
        if isinstance(shot, str):
            cards.append(Card(screen.host, about, None, shot))
            continue
        cards.append(Card(screen.host, about, shot, ""))
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", screen.host).lstrip(".") or "phone"
        name, number = f"{stem}.{shot.suffix}", 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}.{shot.suffix}"
        taken.add(name)
        replace_file(dest / name, shot.content)
        files[screen.host] = str(dest / name)
    cards += [Card(host, "", None, why) for host, why in left_out.items()]
    when = time.strftime("%Y-%m-%d at %H:%M:%S %Z")
    replace_file(dest / "index.html", contact_sheet(cards, when).encode())
    files[""] = str(dest / "index.html")
    return files


def summary(phones: dict[str, dict[str, Any]], strict: bool) -> dict[str, Any]:
    """Return the result of the task."""
    counts: dict[str, int] = {}
    for phone in phones.values():
        counts[phone["state"]] = counts.get(phone["state"], 0) + 1
    missed = [f"{host}: {phone['msg']}" for host, phone in phones.items() if phone["state"] in ("failed", "unknown")]
    more = [f"and {len(missed) - _SHOWN} more phones without a picture, see not_captured"] if len(missed) > _SHOWN else []
    result: dict[str, Any] = {
        "changed": bool(counts.get("captured") or counts.get("planned")),
        "phones": phones,
        "counts": dict(sorted(counts.items())),
        "not_captured": missed,
    }
    if missed and strict:
        result.update(failed=True, msg=f"{len(missed)} phones have no picture: {'; '.join([*missed[:_SHOWN], *more])}")
    else:
        result["warnings"] = [*missed[:_SHOWN], *more]
    return result
