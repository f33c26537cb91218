"""Pictures lose what a camera writes into them, keep the picture, and are refused where they are none."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.doors.complaint.pictures import PICTURE_MOST, PictureUnfit, bare

SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd3\x56"


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_jpeg_keeps_its_picture_and_loses_place_device_and_name() -> None:
    jfif, table = segment(0xE0, b"JFIF\0\x01\x01"), segment(0xDB, b"\0" * 65)
    told = segment(0xE1, b"Exif\0\0 GPS 52.52 N") + segment(0xED, b"Photoshop by Jane") + segment(0xFE, b"my phone")
    raw = b"\xff\xd8" + jfif + told + table + SCAN + b"\xff\xd9" + b"and a second picture with GPS"
    assert bare(raw) == b"\xff\xd8" + jfif + table + SCAN + b"\xff\xd9"


def test_a_png_keeps_its_picture_and_loses_texts_times_and_what_follows() -> None:
    head, end = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13), chunk(b"IEND", b"")
    told = chunk(b"tEXt", b"Author\0Jane") + chunk(b"eXIf", b"GPS") + chunk(b"iTXt", b"XMP") + chunk(b"tIME", b"\0" * 7)
    data = chunk(b"IDAT", b"picture")
    assert bare(head + told + data + end + b"trailing GPS") == head + data + end


@pytest.mark.parametrize(
    "raw", [b"", b"GIF89a", b"<svg/>", b"\xff\xd8", b"\xff\xd8\xff\xe1\x00", b"\x89PNG\r\n\x1a\n", b"\xff\xd8" + SCAN]
)
def test_what_is_no_whole_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(PictureUnfit):
        bare(raw)


def test_a_picture_that_is_too_large_is_refused() -> None:
    with pytest.raises(PictureUnfit, match="5 MB"):
        bare(b"\xff\xd8" + bytes(PICTURE_MOST))


@given(st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]), st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_refused(head: bytes, rest: bytes) -> None:
    try:
        found = bare(head + rest)
    except PictureUnfit:
        return
    assert found.startswith(head[:2])
