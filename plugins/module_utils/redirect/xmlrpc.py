# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC as these services speak it: values with and without a type, a boolean before the text, and now and then a real fault.

The standard library's client accepts neither untyped values nor a pinned transport, so the few lines of the format are here.
"""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from typing import Any, List, Tuple
from xml.sax.saxutils import escape

from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Client, Malformed, Reply


class Fault(Exception):
    """The service answered with an XML-RPC fault."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"fault {code}")
        self.code = code
        self.text = text


def encode_value(value: Any) -> str:
    """One value with its type spelled out."""
    if value is None:
        return "<value><nil/></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, int):
        return f"<value><int>{value}</int></value>"
    if isinstance(value, (list, tuple)):
        return f"<value><array><data>{''.join(encode_value(item) for item in value)}</data></array></value>"
    return f"<value><string>{escape(str(value))}</string></value>"


def encode_call(method: str, params: Tuple[Any, ...]) -> bytes:
    """The body of a call."""
    inner = "".join(f"<param>{encode_value(value)}</param>" for value in params)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>{method}</methodName><params>{inner}</params></methodCall>'.encode()
    )


def _decode(element: ET.Element) -> Any:
    children = list(element)
    if not children:
        return (element.text or "").strip()
    child = children[0]
    text = (child.text or "").strip()
    tag = child.tag.rsplit("}", 1)[-1]
    if tag == "array":
        return [_decode(item) for data in child for item in data]
    if tag == "struct":
        members = {}
        for member in child:
            name, value = member.find("name"), member.find("value")
            if name is None or value is None:
                raise Malformed("the body is not XML-RPC")
            members[name.text or ""] = _decode(value)
        return members
    if tag == "nil":
        return None
    if tag == "boolean":
        return text.lower() in ("1", "true")
    if tag in ("int", "i4", "i8"):
        try:
            return int(text)
        except ValueError:
            raise Malformed("the body is not XML-RPC") from None
    if tag == "base64":
        try:
            return base64.b64decode(text)
        except ValueError:
            raise Malformed("the body is not XML-RPC") from None
    return child.text or ""


def decode_response(content: bytes) -> Any:
    """The value of an answer.

    :raises Malformed: not XML-RPC, or a document type, which no service sends and an attacker might.
    :raises Fault: the service refused with a fault.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise Malformed("the body declares a document type")
    try:
        return _decode_root(ET.fromstring(content.strip()))
    except (ET.ParseError, LookupError, RecursionError):
        raise Malformed("the body is not XML") from None
    except Malformed:
        raise
    except ValueError:
        raise Malformed("the body is not XML") from None


def _decode_root(root: ET.Element) -> Any:
    fault = root.find("fault/value")
    if fault is not None:
        detail = _decode(fault)
        if not isinstance(detail, dict):
            detail = {"faultString": detail}
        try:
            code = int(detail.get("faultCode") or 0)
        except (TypeError, ValueError):
            code = 0
        raise Fault(code, str(detail.get("faultString") or ""))
    value = root.find("params/param/value")
    if root.tag != "methodResponse" or value is None:
        raise Malformed("the body is not XML-RPC")
    return _decode(value)


def _parse(reply: Reply) -> Any:
    if reply.status >= 400:
        return None
    try:
        return decode_response(reply.content)
    except Fault as fault:
        return fault


def basic(username: str, password: str) -> str:
    """The value of an Authorization header, UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def call(client: Client, url: str, authorization: str, method: str, *params: Any, repeatable: bool) -> Reply:
    """One call; ``reply.value`` is the decoded value, or a Fault, or None for a refusal at HTTP level."""

    def prepare(verb: str, target: str, body: bytes) -> Tuple[str, dict]:
        return target, {"Content-Type": "text/xml", "Authorization": authorization}

    return client.request("POST", url, prepare=prepare, body=encode_call(method, params), parse=_parse, repeatable=repeatable)


def strings(value: Any) -> List[str]:
    """Every text within a value, however deep: lists of MACs come bare, in pairs and in structs."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return []
