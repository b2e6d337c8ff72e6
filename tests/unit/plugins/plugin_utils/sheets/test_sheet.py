# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.dialtone.phones.plugins.plugin_utils.sheets.sheet import SheetError, read_sheet

KNOWN = {"mac", "number", "name"}.__contains__
TEXT = "number,name,mac\n1001,Jörg Müller,001565aabbcc\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_the_encoding_is_found_out(codec):
    assert [row.cells for row in read_sheet(TEXT.encode(codec), KNOWN)][1] == ["1001", "Jörg Müller", "001565aabbcc"]


def test_bytes_that_the_code_page_lacks_are_latin_1():
    assert read_sheet(b"number,name,mac\n1,\x81\xfc,x\n", KNOWN)[1].cells[1] == "\x81ü"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter):
    assert read_sheet(TEXT.replace(",", delimiter).encode(), KNOWN)[0].cells == ["number", "name", "mac"]


def test_known_columns_decide_against_a_delimiter_that_is_only_frequent():
    data = b'number;"name, first, last, and title";mac\n1;x;2\n'
    assert read_sheet(data, KNOWN)[0].cells == ["number", "name, first, last, and title", "mac"]


def test_a_named_delimiter_and_a_sep_line_decide():
    assert read_sheet(b"a|b;c\n", KNOWN, delimiter="pipe")[0].cells == ["a", "b;c"]
    rows = read_sheet(b"sep=;\r\nnumber;mac\r\n1;2\r\n", KNOWN)
    assert [(row.line, row.cells) for row in rows] == [(2, ["number", "mac"]), (3, ["1", "2"])]


def test_rows_keep_the_number_of_their_first_line_and_blank_ones_are_skipped():
    rows = read_sheet(b'\nnumber,name,mac\n\n1,"two\nlines",x\n , ,\n2,y,z\n', KNOWN)
    assert [(row.line, row.cells[0]) for row in rows] == [(2, "number"), (4, "1"), (7, "2")]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "is empty"),
        (b"\n ,\n", {}, "is empty"),
        (b'number,mac\n1,"x\n2,y\n', {}, "line 2: the quotes of this row do not match"),
        (b"number,mac\n1,\xff\n", {"encoding": "utf-8"}, "line 2: is not encoded in utf-8"),
        (b"number,mac\n", {"encoding": "klingon"}, "encoding 'klingon' is not known"),
        (b"number,mac\n", {"delimiter": "x"}, "delimiter 'x' is not one of"),
    ],
)
def test_what_is_no_table_is_refused(data, options, message):
    with pytest.raises(SheetError) as caught:
        read_sheet(data, KNOWN, **options)
    assert str(caught.value).startswith(message)


def test_a_stray_nul_is_told_by_its_line_and_not_taken_for_another_encoding():
    with pytest.raises(SheetError, match="line 3: holds a NUL character"):
        read_sheet(b"number;mac\n1;2\n3\0;4\n", lambda _header: True)
