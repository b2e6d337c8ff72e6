# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate on the server's own terms, without Ansible: what is armed, who claimed it, and the verbs that close.

It never arms and never holds a secret: a new URL comes from the controller's unlock verb. ``reopen`` lets one named address use a spent URL again
for at most 30 minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import re
import sys
import time

sys.path.insert(0, os.environ.get("DIALTONE_GATE_CODE", "/usr/local/lib/dialtone-gate"))

from claims import Store, StoreError, open_store
from claims.backends import is_shared
from claims.model import MAX_REOPEN, network_of
from claims.owner import acting_as_owner


class UsageError(Exception):
    """Something the caller asked for cannot be done; one sentence."""


def main() -> int:
    options = arguments()
    try:
        settings = read_settings(options.config)
        with acting_as_owner(settings["store"]):
            return options.run(options, settings)
    except (StoreError, UsageError) as exc:
        print(f"gatectl: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except OSError as exc:
        # A file that was named, most likely: it is there already, or is not, or may not be read.
        print(f"gatectl: {exc.filename + ': ' if isinstance(exc.filename, str) else ''}{exc.strerror}", file=sys.stderr)
        return 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gatectl", description="Look at and close one-time URLs on this provisioning server.")
    parser.add_argument("--config", default="/etc/dialtone/gate.json", help="the gate's settings (default: %(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run, text: str, macs: str = "") -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        if macs:
            made.add_argument("mac", nargs=macs, type=mac_argument, help="MAC address, any usual spelling")
        return made

    verb("status", status, "Show the store and its phones.", "*").add_argument(
        "--json", action="store_true", help="as JSON, with everything known"
    )
    log = verb("log", show_log, "Show the audit trail, latest last.", "*")
    log.add_argument("-n", type=int, default=50, dest="limit", help="how many events (default: %(default)s)")
    log.add_argument("--json", action="store_true", help="one JSON object a line")
    verb("lock", close, "Close claims until an operator unlocks them from the controller.", "+")
    verb("spend", close, "End claims now, as if the phones had arrived at home.", "+")
    again = verb("reopen", reopen, "Let one address use a spent URL again, for a while.")
    again.add_argument("mac", type=mac_argument, help="MAC address, any usual spelling")
    again.add_argument("--address", required=True, help="the address that may fetch")
    again.add_argument("--minutes", type=int, default=10, help=f"1 to {MAX_REOPEN // 60} (default: %(default)s)")
    verb("backup", backup, "Write a consistent copy of the store.").add_argument("file", help="a file that does not exist yet")
    verb("restore", restore, "Put a copy back; all claims stay closed until confirmed.").add_argument(
        "file", help="a file that backup wrote"
    )
    verb("confirm", confirm, "Open the claims of a restored store.")
    return parser.parse_args()


def read_settings(path: str) -> dict:
    try:
        with open(path, encoding="utf-8") as stream:
            settings = json.load(stream)
    except (OSError, ValueError) as exc:
        raise UsageError(f"{path}: cannot be read: {exc}") from exc
    if not isinstance(settings, dict) or not isinstance(settings.get("store"), str):
        raise UsageError(f"{path}: names no store, so these are not the gate's settings")
    return settings


def mac_argument(text: str) -> str:
    mac = re.sub(r"[:. -]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", mac):
        raise argparse.ArgumentTypeError(f"{text!r} is not a MAC address (twelve hexadecimal digits, separators optional)")
    return mac


def caller() -> str:
    name = os.environ.get("SUDO_USER") or getpass.getuser()
    return f"gatectl:{name}"


def clock(seconds: object) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(seconds))) if seconds else "-"


def status(options: argparse.Namespace, settings: dict) -> int:
    store = open_store(settings["store"])
    found = store.status(options.mac or None)
    # A phone that never had a one-time URL comes home all the same.
    for mac, contact in found.pop("seen").items():
        found["devices"][mac] = {"state": "", "claim_generation": 0, **found["devices"].get(mac, {}), **contact}
    if options.json:
        print(json.dumps(found, indent=2, sort_keys=True))
        return 0
    counts: dict = {}
    for row in found["devices"].values():
        counts[row["state"] or "never armed"] = counts.get(row["state"] or "never armed", 0) + 1
    print(f"store {store.name}" + (", CLOSED until confirmed" if found["closed"] else ""))
    print(", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "no phones")
    for mac in sorted(found["devices"]) if options.mac or len(found["devices"]) <= 50 else ():
        row = found["devices"][mac]
        left = f" {row['window_left']} s left" if row.get("window_left") else ""
        print(
            f"{mac}  {row['state'] or 'never armed'}{left}  generation {row['claim_generation']}  claimed {clock(row.get('claimed_at'))}"
            f" by {row.get('claim_ip') or '-'}  last contact {clock(row.get('last_contact'))}"
        )
    for mac in options.mac:
        if mac not in found["devices"]:
            print(f"{mac}  not known")
    return 0


def show_log(options: argparse.Namespace, settings: dict) -> int:
    for event in open_store(settings["store"]).events(options.mac or None, options.limit):
        if options.json:
            print(json.dumps(event))
        else:
            print(
                f"{clock(event['at'])}  {event['mac'] or '-':12}  {event['event']:12}  {event['ip'] or '-':15}  {event['by'] or '-'}  {event['detail']}"
            )
    return 0


def close(options: argparse.Namespace, settings: dict) -> int:
    store: Store = open_store(settings["store"])
    results = (store.lock if options.verb == "lock" else store.spend)(options.mac, caller())
    return report(results)


def reopen(options: argparse.Namespace, settings: dict) -> int:
    try:
        net = network_of(options.address, settings.get("claim_prefix_v4", 32), settings.get("claim_prefix_v6", 64))
    except ValueError as exc:
        raise UsageError(f"--address: {options.address!r} is not an address") from exc
    if not 1 <= options.minutes <= MAX_REOPEN // 60:
        raise UsageError(f"--minutes: {options.minutes} is not between 1 and {MAX_REOPEN // 60}")
    return report([open_store(settings["store"]).reopen(options.mac, net, options.minutes * 60, caller())])


def report(results: list) -> int:
    for row in results:
        print(f"{row['mac']}  {row['state'] or 'not known'}{'' if row['changed'] else '  unchanged'}  {row.get('msg', '')}".rstrip())
    return 1 if any(row.get("failed") for row in results) else 0


def sqlite_path(settings: dict) -> str:
    if is_shared(settings["store"]):
        raise UsageError("the store is a PostgreSQL database: use pg_dump and pg_restore, then gatectl confirm")
    return settings["store"]


def backup(options: argparse.Namespace, settings: dict) -> int:
    store = open_store(sqlite_path(settings))
    # Written as the store's owner inside its folder, then handed to the caller: the owner may not write where root may.
    copy = f"{settings['store']}.backup.{os.getpid()}"
    try:
        store.backup(copy)  # type: ignore[attr-defined]
        with open(copy, "rb") as stream:
            content = stream.read()
    finally:
        if os.path.exists(copy):
            os.unlink(copy)
    with as_caller(), open(os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(content)
    print(f"{options.file}: {len(content)} bytes; events up to {store.events(limit=1)[-1]['id']}")
    return 0


def restore(options: argparse.Namespace, settings: dict) -> int:
    path = sqlite_path(settings)
    with as_caller(), open(options.file, "rb") as stream:
        content = stream.read()
    fresh = f"{path}.restore"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        target.write(content)
        os.fsync(target.fileno())
    try:
        store = open_store(fresh)
        store.close_claims("restored", caller())
        # In one file before it is renamed: a log left beside it under the old name would be lost.
        store.execute("PRAGMA journal_mode=DELETE")
        store.execute("PRAGMA journal_mode=WAL")
        store.close()
    except StoreError:
        os.unlink(fresh)
        raise
    for tail in ("-wal", "-shm"):
        if os.path.exists(fresh + tail):
            os.unlink(fresh + tail)
    if os.path.exists(path):
        keep_replaced(path)
    # What was seen of the store that was replaced says nothing about this one.
    for tail in ("-wal", "-shm", ".seen"):
        if os.path.exists(path + tail):
            os.unlink(path + tail)
    os.replace(fresh, path)
    print(
        f"{path}: restored from {options.file}; all claims are closed. Compare with what was claimed since, lock or spend those, then: gatectl confirm"
    )
    return 0


def keep_replaced(path: str) -> None:
    """Put the store that is being replaced aside, whole where it still can be read."""
    with contextlib.suppress(StoreError):
        store = open_store(path)
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        store.close()
    os.replace(path, f"{path}.replaced")


def confirm(_options: argparse.Namespace, settings: dict) -> int:
    changed = open_store(settings["store"]).confirm(caller())
    print("claims are open again" if changed else "nothing was closed")
    return 0


class as_caller:
    """For a moment root again: files named on the command line belong to who calls."""

    def __enter__(self) -> None:
        self._before = (os.geteuid(), os.getegid())
        if os.getuid() == 0:
            os.seteuid(0)
            os.setegid(0)

    def __exit__(self, *_failure: object) -> None:
        if os.getuid() == 0:
            os.setegid(self._before[1])
            os.seteuid(self._before[0])


if __name__ == "__main__":
    sys.exit(main())
