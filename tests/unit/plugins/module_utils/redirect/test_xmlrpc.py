# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC as the services speak it."""

from __future__ import annotations

import xmlrpc.client

import pytest
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.transport import Malformed
from ansible_collections.dialtone.phones.plugins.module_utils.redirect.xmlrpc import Fault, decode_response, encode_call, strings


def answer(inner: str) -> bytes:
    return f"<?xml version='1.0'?>\n<methodResponse><params><param><value>{inner}</value></param></params></methodResponse>".encode()


@pytest.mark.parametrize(
    ("inner", "value"),
    [
        ("<array><data><value><boolean>1</boolean></value><value>OK</value></data></array>", [True, "OK"]),
        ("<array><data><value><boolean>0</boolean></value><value><string>OK</string></value></data></array>", [False, "OK"]),
        ("<array><data><value><i4>1</i4></value><value><nil/></value></data></array>", [1, None]),
        ("<array><data></data></array>", []),
        ("<array/>", []),
        ("plain", "plain"),
        ("", ""),
        ("<struct><member><name>mac</name><value>a</value></member></struct>", {"mac": "a"}),
        ("<string>a &amp; b</string>", "a & b"),
        ("\n  <boolean>true</boolean>\n", True),
        ("<dateTime.iso8601>2011-07-12T05:32:12Z</dateTime.iso8601>", "2011-07-12T05:32:12Z"),
    ],
)
def test_values_with_and_without_a_type(inner, value):
    assert decode_response(answer(inner)) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"<methodResponse/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><methodResponse/>",
        b"\xff\xfe\x00",
        answer("<int>x</int>"),
        answer("<base64>a</base64>"),
        answer("<array><data><value>" * 30000 + "</value></data></array>" * 30000),
        b"<a></b>",
    ],
)
def test_anything_else_is_malformed(body):
    with pytest.raises(Malformed):
        decode_response(body)


def test_a_fault_carries_its_number_and_text():
    with pytest.raises(Fault) as caught:
        decode_response(xmlrpc.client.dumps(xmlrpc.client.Fault(201, "text")).encode())
    assert (caught.value.code, caught.value.text) == (201, "text")


def test_a_call_is_read_by_the_standard_library():
    params = ("a<b", True, 5, ["x", "ü"], None)
    assert xmlrpc.client.loads(encode_call("redirect.x", params)) == (("a<b", True, 5, ["x", "ü"], None), "redirect.x")


def test_strings_are_found_however_deep():
    assert strings([True, ["a", {"b": "c"}], 1]) == ["a", "c"]
