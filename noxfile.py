# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix of ansible-core versions: `nox -l` lists it, `nox -s sanity-2.19` runs one cell."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

try:
    import antsibull_nox
except ImportError:
    print("antsibull-nox is missing: make dev", file=sys.stderr)
    sys.exit(2)

HERE = Path(__file__).parent


def use_own_home() -> None:
    """ansible-test fetches a pip installer from a site that many networks can't reach; from its cache it takes this stand-in, which uses ensurepip."""
    home = HERE / ".cache" / "ansible-test-home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        shutil.copyfile(HERE / "tests" / "sanity" / "get_pip.py", cache / f"get_pip_{version}.py")
    os.environ["HOME"] = str(home)


def use_real_pythons() -> None:
    """ansible-test runs every python3.N it finds; a version manager's shim of a version that is not active is found and does not run."""
    folders: list[str] = []
    for folder in os.environ["PATH"].split(os.pathsep):
        if Path(folder).name == "shims":
            folders += sorted(str(path) for path in Path(folder).parent.glob("versions/3.*/bin"))
        else:
            folders.append(folder)
    os.environ["PATH"] = os.pathsep.join(folders)


use_own_home()
use_real_pythons()
antsibull_nox.load_antsibull_nox_toml()
for core in ("2.19", "2.20", "2.21"):
    for kind in ("sanity", "units", "integration"):
        antsibull_nox.add_ansible_test_session(
            name=f"{kind}-{core}",
            description=f"ansible-test {kind} with ansible-core {core}",
            ansible_test_params=[kind, "--venv", "--requirements", "-v", *os.environ.get("ANSIBLE_TEST_ARGS", "").split()],
            default=False,
            ansible_core_version=core,
            ansible_core_source="pypi",
            # Copying results back fails over ansible-test's own temporary files.
            callback_after=lambda: shutil.rmtree("tests/output/.tmp", ignore_errors=True),
        )
