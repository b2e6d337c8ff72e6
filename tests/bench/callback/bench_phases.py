# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells where the publish action spends its time, from inside a real ``ansible-playbook`` run.

``BENCH_OUT`` names the JSON file to write. ``BENCH_DETAIL=1`` times the steps too (that costs about a tenth), ``BENCH_PROFILE`` names a file for
cProfile's statistics.
"""

from __future__ import annotations

import cProfile
import functools
import json
import os
import resource
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_phases
type: aggregate
short_description: Time the steps of the publish action
description: Wraps the steps of the publish action with clocks, for the benchmark.
"""

_ROOT = "ansible_collections.dialtone.phones.plugins"
# Step of the table, module, class or nothing, function.
_STEPS = (
    ("variables", "plugin_utils.fleet", "Fleet", "_resolve"),
    ("variables", "plugin_utils.fleet", "Fleet", "_raw"),
    ("digest", "plugin_utils.fleet", "Fleet", "input_digest"),
    ("build", "plugin_utils.phone", "PhoneBuilder", "build"),
    ("fit and check", "plugin_utils.production", "Production", "_check_unique"),
    ("fit and check", "plugin_utils.production", "Production", "_row"),
    ("gate record", "plugin_utils.production", None, "gate_record"),
    ("render", "plugin_utils.production", "PhoneRow", "render"),
    ("render", "plugin_utils.production", "Production", "render_book"),
    ("compare", "plugin_utils.publish.plan", "Plan", "__init__"),
    ("transfer", "module_utils.release.archive", None, "write"),
    ("transfer", "action.publish", "ActionModule", "send"),
    ("apply", "action.publish", "ActionModule", "release"),
)


class _Clock:
    """Gives every moment to the innermost step that is running."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._stack: list[str] = ["other"]
        self._since = time.perf_counter()

    def _switch(self) -> None:
        now = time.perf_counter()
        self.spent[self._stack[-1]] = self.spent.get(self._stack[-1], 0.0) + now - self._since
        self._since = now

    def wrap(self, step: str, function: Any) -> Any:
        @functools.wraps(function)
        def timed(*args: Any, **more: Any) -> Any:
            self._switch()
            # A status is a question to the server, the rest of its commands change it.
            self._stack.append("status" if more.get("command") in ("status", "verify") else step)
            try:
                return function(*args, **more)
            finally:
                self._switch()
                self._stack.pop()

        return timed

    def stop(self) -> dict[str, float]:
        self._switch()
        return self.spent


def _measured(run: Any) -> Any:
    @functools.wraps(run)
    def measured(self: Any, *args: Any, **more: Any) -> Any:
        clock = _Clock()
        if os.environ.get("BENCH_DETAIL"):
            for step, module, owner, name in _STEPS:
                place: Any = __import__(f"{_ROOT}.{module}", fromlist=["x"])
                place = getattr(place, owner) if owner else place
                setattr(place, name, clock.wrap(step, getattr(place, name)))
        profile = cProfile.Profile() if os.environ.get("BENCH_PROFILE") else None
        begin, cpu = time.perf_counter(), time.process_time()
        try:
            return profile.runcall(run, self, *args, **more) if profile else run(self, *args, **more)
        finally:
            found = {
                "action_s": time.perf_counter() - begin,
                "action_cpu_s": time.process_time() - cpu,
                "steps": clock.stop(),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
            with open(os.environ["BENCH_OUT"], "w", encoding="utf-8") as file:
                json.dump(found, file)
            if profile:
                profile.dump_stats(os.environ["BENCH_PROFILE"])

    return measured


class CallbackModule(CallbackBase):
    """Wraps the action before any worker is forked."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_phases"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if os.environ.get("BENCH_OUT"):
            from ansible_collections.dialtone.phones.plugins.action import publish

            publish.ActionModule.run = _measured(publish.ActionModule.run)
