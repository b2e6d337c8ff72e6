# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop: sockets (given by systemd or made here), log, the HTTP server, and the sweep that writes down what has expired."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import logging.handlers
import os
import socket
import sys
import time
from typing import Dict, Optional

import uvicorn
from claims import StoreError

from .app import App
from .config import Config, ConfigError, load
from .contacts import Contacts
from .devices import Devices
from .gate import Gate
from .keep import keep_running
from .keeper import Keeper

log = logging.getLogger("dialtone-gate")
_SWEEP = 10


class JsonFormatter(logging.Formatter):
    """One JSON object a line; only fields that are never secret."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update({key: getattr(record, key) for key in ("mac", "ip", "reason") if hasattr(record, key)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="dialtone-gate", description="The gate's daemon; nginx asks it about one-time URLs.")
    parser.add_argument("--config", default="/etc/dialtone/gate.json")
    parser.add_argument("--check", action="store_true", help="only read the configuration")
    parser.add_argument(
        "--keep", action="store_true", help="hold the sockets and start the daemon anew when it dies, where no service manager does"
    )
    options = parser.parse_args()
    try:
        config = load(options.config)
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    if options.check:
        return 0
    _start_log(config)
    try:
        listeners = _given_sockets() or _own_sockets(config)
    except OSError as exc:
        log.error("%s: %s", config.sockets, exc.strerror)
        return 1
    if options.keep:
        keep_running()
    return asyncio_run(_serve(config, listeners))


def asyncio_run(main_coroutine) -> int:
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    return asyncio.run(main_coroutine)


def _start_log(config: Config) -> None:
    handler: logging.Handler = logging.handlers.WatchedFileHandler(config.log) if config.log else logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _given_sockets() -> Optional[Dict[str, socket.socket]]:
    """Return the sockets that systemd holds for the service, by their type; they stay open across restarts, so nothing is lost meanwhile."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    found = {}
    for number in range(3, 3 + int(os.environ.get("LISTEN_FDS", "0"))):
        sock = socket.socket(fileno=number)
        found["gate" if sock.type == socket.SOCK_STREAM else "log"] = sock
    return found if set(found) == {"gate", "log"} else None


def _own_sockets(config: Config) -> Dict[str, socket.socket]:
    """Make the sockets; the folder belongs to nginx's group (with the set-group-id bit), and so do they."""
    made = {}
    before = os.umask(0o117)
    try:
        for name, kind in (("gate", socket.SOCK_STREAM), ("log", socket.SOCK_DGRAM)):
            path = os.path.join(config.sockets, name + ".sock")
            # A fresh socket is bound beside and renamed over: there is never a moment without one.
            fresh = path + ".new"
            if os.path.lexists(fresh):
                os.unlink(fresh)
            sock = socket.socket(socket.AF_UNIX, kind)
            sock.bind(fresh)
            if kind == socket.SOCK_STREAM:
                sock.listen(1024)
            os.replace(fresh, path)
            made[name] = sock
    finally:
        os.umask(before)
    return made


async def _serve(config: Config, listeners: Dict[str, socket.socket]) -> int:
    devices, keeper = Devices(config.root), Keeper(config.store)
    # nginx never sends more than a line; the buffer must hold a boot storm's worth of them.
    listeners["log"].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    listeners["log"].setblocking(False)
    transport, _protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Contacts(devices, keeper), sock=listeners["log"]
    )
    gate = Gate(config, devices, keeper)
    settings = uvicorn.Config(
        App(gate),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=1024,
        timeout_keep_alive=75,
    )
    sweep = asyncio.ensure_future(_sweep(keeper, gate))
    log.info("started")
    try:
        await uvicorn.Server(settings).serve(sockets=[listeners["gate"]])
    finally:
        sweep.cancel()
        transport.close()
        await gate.settle()
        keeper.close()
        log.info("stopped")
    return 0


async def _sweep(keeper: Keeper, gate: Gate) -> None:
    shared = b""
    while True:
        try:
            if keeper.is_shared:
                key = await keeper.write(lambda store: store.nonce_key())
                if key != shared:
                    gate.share_nonces(key)
                    shared = key
            for mac in await keeper.write(lambda store: (store.expire(), keeper.mark_seen(store))[0]):
                log.info("spent", extra={"mac": mac, "reason": "end of the window"})
        except StoreError:
            pass
        except Exception:
            log.exception("the sweep failed")
        await asyncio.sleep(_SWEEP)
