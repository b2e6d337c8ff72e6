# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC for simulated services, written on the standard library's parser so that it shares nothing with the client."""

from __future__ import annotations

import base64
import xmlrpc.client
from xml.sax.saxutils import escape

from redirect.base import Answer, Request, Simulator, after


def typed(value: object) -> str:
    """The body of a proper answer."""
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True, encoding="utf-8")


def untyped(good: bool, payload: object) -> str:
    """The body as Yealink writes it: a boolean, then values without a type."""
    if isinstance(payload, list):
        inner = "<value><array><data>" + "".join(f"<value>{escape(item)}</value>" for item in payload) + "</data></array></value>"
    else:
        inner = f"<value>{escape(payload)}</value>"
    return (
        '<?xml version="1.0"?><methodResponse><params><param><value><array><data>'
        f"<value><boolean>{int(good)}</boolean></value>{inner}</data></array></value></param></params></methodResponse>"
    )


def fault(code: int, text: str) -> str:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, text))


class XmlRpcSimulator(Simulator):
    """A service whose methods are the Python methods ``rpc_<name>``."""

    default_path = "/xmlrpc"
    prefix = "redirect."

    def password(self) -> str:
        return self.account["password"]

    def call_name(self, request: Request) -> str:
        try:
            return xmlrpc.client.loads(request.body)[1].rsplit(".", 1)[-1]
        except Exception:
            return request.path

    def handle(self, request: Request) -> Answer:
        wanted = base64.b64encode(f"{self.account['username']}:{self.password()}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return Answer(401, b"", {"WWW-Authenticate": "Basic"})
        if request.path != self.default_path:
            return Answer(404, b"no such page")
        if request.method != "POST" or request.headers.get("content-type", "").split(";")[0] != "text/xml":
            return Answer(415, b"text/xml is wanted")
        try:
            params, method = xmlrpc.client.loads(request.body)
        except Exception:
            return self._xml(fault(-32700, "parse error"))
        function = getattr(self, f"rpc_{after(self.prefix, method).replace('.', '_')}", None)
        if function is None or not method.startswith(self.prefix):
            return self._xml(fault(-32601, "unknown method"))
        try:
            return self._xml(function(*params))
        except TypeError:
            return self._xml(fault(-32602, "wrong number of parameters"))

    @staticmethod
    def _xml(text: str) -> Answer:
        return Answer(200, text.encode(), {"Content-Type": "text/xml"})
