# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's clocks are put on functions by their names, and a run of it takes long: a name that is gone must be seen here."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest

_FILE = Path(__file__).parents[1] / "bench" / "callback" / "bench_phases.py"
_SPEC = importlib.util.spec_from_file_location("bench_phases", _FILE)
bench_phases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(bench_phases)


@pytest.mark.parametrize(("step", "module", "owner", "name"), bench_phases._STEPS)
def test_each_step_of_the_benchmark_is_a_function_of_the_collection(step, module, owner, name):
    place = importlib.import_module(f"{bench_phases._ROOT}.{module}")
    assert callable(getattr(getattr(place, owner) if owner else place, name)), step
