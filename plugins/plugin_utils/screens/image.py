# Copyright (c) 2026, The dialtone.phones contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of displays: told from other answers, checked to be whole, and brought from BMP to PNG with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
# No desk phone's display comes near; what claims more is hostile or broken.
_SIDE = 4096


class ImageError(ValueError):
    """An answer is no usable picture; the message is a clause."""


class Picture(NamedTuple):
    content: bytes
    width: int
    height: int
    suffix: str  # png, or jpg: that can't be brought to PNG without a decoder


def read_picture(content: bytes) -> Picture:
    """Return what a phone answered as a picture.

    :raises ImageError: no picture, or not a whole one.
    """
    if content.startswith(_PNG):
        return _png(content)
    if content.startswith(b"BM"):
        return _bmp(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    raise ImageError("is no picture (PNG, BMP and JPEG are known)")


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= _SIDE and 0 < height <= _SIDE):
        raise ImageError(f"is a picture of {width}x{height} pixels, which no display has")


def _png(content: bytes) -> Picture:
    place, size = len(_PNG), (0, 0)
    while place + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        end = place + 12 + length
        if end > len(content):
            break
        if zlib.crc32(content[place + 4 : end - 4]) != struct.unpack(">I", content[end - 4 : end])[0]:
            raise ImageError("is a damaged PNG")
        if kind == b"IHDR" and length == 13:
            size = struct.unpack(">II", content[place + 8 : place + 16])
        if kind == b"IEND":
            _check_size(*size)
            return Picture(content[:end], *size, "png")
        place = end
    raise ImageError("is a PNG that was cut short")


def _jpeg(content: bytes) -> Picture:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], struct.unpack(">H", content[place + 2 : place + 4])[0]
        # The frame headers; of the same range, 4, 8 and 12 are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            _check_size(width, height)
            if b"\xff\xd9" not in content[-64:]:
                break
            return Picture(content, width, height, "jpg")
        place += 2 + max(length, 2)
    raise ImageError("is a JPEG that was cut short")


def _bmp(content: bytes) -> Picture:
    try:
        start, header = struct.unpack("<II", content[10:18])
        if header == 12:
            width, height, _planes, depth = struct.unpack("<HHHH", content[18:26])
            packing, colours, entry = 0, 0, 3
        else:
            width, height, _planes, depth, packing = struct.unpack("<iiHHI", content[18:34])
            colours, entry = struct.unpack("<I", content[46:50])[0], 4
    except struct.error:
        raise ImageError("is a BMP that was cut short") from None
    upwards, height = height > 0, abs(height)
    _check_size(width, height)
    if packing not in (0, 3) or depth not in (1, 4, 8, 16, 24, 32) or (packing == 3 and depth not in (16, 32)):
        raise ImageError(f"is a BMP of {depth} bits packed in way {packing}, which is not known here")
    stride = (width * depth + 31) // 32 * 4
    if start + stride * height > len(content):
        raise ImageError("is a BMP that was cut short")
    if depth <= 8:
        # A colour that the palette lacks is black.
        table = content[14 + header : 14 + header + entry * min(colours or 1 << depth, 256)]
        palette = b"".join(table[at + 2 : at + 3] + table[at + 1 : at + 2] + table[at : at + 1] for at in range(0, len(table) - 2, entry))
        palette = palette.ljust(3 << depth, b"\0")
        convert = _palette_row(palette, depth, width)
    elif depth == 24 or (depth == 32 and packing == 0):
        convert = _bgr_row(depth // 8, width)
    else:
        masks = struct.unpack("<III", content[54:66]) if packing == 3 else (0x7C00, 0x3E0, 0x1F)
        convert = _masked_row(masks, depth // 8, width)
    rows = range(height - 1, -1, -1) if upwards else range(height)
    pixels = b"".join(b"\0" + convert(content[start + row * stride : start + (row + 1) * stride]) for row in rows)
    return Picture(_write_png(width, height, pixels), width, height, "png")


def _palette_row(palette: bytes, depth: int, width: int) -> Callable[[bytes], bytes]:
    per_byte, mask = 8 // depth, (1 << depth) - 1
    colours = [palette[number * 3 : number * 3 + 3] for number in range(1 << depth)]
    # What each byte of the row stands for, worked out once.
    pieces = [b"".join(colours[(byte >> (8 - depth * (at + 1))) & mask] for at in range(per_byte)) for byte in range(256)]
    return lambda row: b"".join(pieces[byte] for byte in row)[: width * 3]


def _bgr_row(step: int, width: int) -> Callable[[bytes], bytes]:
    def convert(row: bytes) -> bytes:
        result = bytearray(width * 3)
        for channel in range(3):
            result[2 - channel :: 3] = row[channel : width * step : step]
        return bytes(result)

    return convert


def _masked_row(masks: tuple[int, ...], step: int, width: int) -> Callable[[bytes], bytes]:
    if not all(masks):
        raise ImageError("is a BMP without colours")
    parts = [((mask & -mask).bit_length() - 1, mask, mask >> ((mask & -mask).bit_length() - 1)) for mask in masks]

    def convert(row: bytes) -> bytes:
        values = struct.unpack(f"<{width}{'H' if step == 2 else 'I'}", row[: width * step])
        return bytes(((value & mask) >> shift) * 255 // most for value in values for shift, mask, most in parts)

    return convert


def _write_png(width: int, height: int, pixels: bytes) -> bytes:
    """Write eight-bit RGB; every row begins with its filter, which is none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels, 9)) + chunk(b"IEND", b"")
