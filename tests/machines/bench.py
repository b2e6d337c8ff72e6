# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set the role up on a machine in namespaces and measure its gate there: `make bench` and `make bench-gate`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .machine import make_bridge
from .servers import TOP, Servers


def main() -> int:
    output = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench")
    output.mkdir(parents=True, exist_ok=True)
    make_bridge()
    with tempfile.TemporaryDirectory(prefix="dialtone-gate-bench-") as folder:
        servers = Servers(Path(folder), 1, False, "127.0.0.1")
        # A file system of its own, as on a server: on a machine's layers each file that is opened is opened twice.
        servers.machines[0].sh("mkdir -p /var/lib/dialtone && mount -t tmpfs -o mode=0755 tmpfs /var/lib/dialtone")
        try:
            # Far beyond what is measured: the limits themselves are, only what they refuse isn't.
            limits = {
                f"provisioning_server_{who}_{what}": value
                for who in ("phone", "stranger")
                for what, value in (("rate", 6000000), ("burst", 100000))
            }
            servers.set_up(**limits)
            command = ["-m", "tests.gate.bench", "--json", str((output / "gate.json").resolve())]
            done = servers.python(servers.machines[0], *command, check=False)
        finally:
            servers.stop()
    print(done.stdout, done.stderr, sep="", end="")
    if done.returncode == 0:
        (output / "gate.txt").write_text(done.stdout, encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    if str(TOP) not in sys.path:
        sys.path.insert(0, str(TOP))
    sys.exit(main())
