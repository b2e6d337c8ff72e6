# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ASGI application: from nginx's subrequest to a question, and from the answer to a response. Only stubs have a body."""

from __future__ import annotations

import logging
from typing import Any, Awaitable, Callable, Dict

from . import bootstrap
from .gate import Answer, Gate

log = logging.getLogger("dialtone-gate")
_PREFIX = b"x-gate-"


class App:
    """Answers ``/claim``, ``/home``, ``/bootstrap`` and ``/health``; any failure inside is a 500 and a line in the log, never a pass."""

    def __init__(self, gate: Gate) -> None:
        self._questions = {"/claim": gate.claim, "/home": gate.home}
        self._stub = bootstrap.application(gate.bootstrap)

    async def __call__(self, scope: Dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        question = self._questions.get(scope["path"])
        asked = {name[7:].decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name.startswith(_PREFIX)}
        if scope["path"] == "/bootstrap":
            await self._stub(asked, send)
            return
        if question is not None:
            try:
                answer = await question(asked)
            except Exception:
                log.exception("a request could not be answered")
                answer = Answer(500, (("x-gate-reason", "failure"),))
        else:
            answer = Answer(204 if scope["path"] == "/health" else 404)
        headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
        if answer.status != 204:
            headers.append((b"content-length", b"0"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
