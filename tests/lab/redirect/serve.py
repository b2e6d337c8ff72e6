# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one simulated redirect service in the foreground."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from redirect.base import Server, parse_faults  # noqa: E402

SERVICES = sorted(path.stem for path in (Path(__file__).parent / "services").glob("[a-z]*.py"))


def simulator(service: str, account: dict[str, str] | None = None):
    """A simulated service by name."""
    return importlib.import_module(f"redirect.services.{service}").SIMULATOR(account)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", required=True, choices=SERVICES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--tls-cert", help="PEM certificate chain; with --tls-key the service speaks https")
    parser.add_argument("--tls-key")
    parser.add_argument("--faults", default="", help="kind[:call[:times[:arg]]], separated by commas")
    parser.add_argument(
        "--accounts",
        help="JSON file with username, password, access_key_id, access_key_secret; else lab-user, lab-password, lab-key, lab-secret",
    )
    options = parser.parse_args()
    account = json.loads(Path(options.accounts).read_text()) if options.accounts else None
    made = simulator(options.service, account)
    made.faults = parse_faults(options.faults)
    tls = (options.tls_cert, options.tls_key) if options.tls_cert else None
    server = Server(made, options.port, options.address, tls)
    print(f"{options.service} at {made.base}{made.default_path}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
