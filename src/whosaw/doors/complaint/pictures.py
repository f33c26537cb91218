"""A picture without what a camera or telephone writes into it: place, time, device and name would tell who took it."""

from __future__ import annotations

import struct
import zlib

PICTURE_MOST = 5 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM"})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length


class PictureUnfit(ValueError):
    """The picture cannot be taken; the message says why to whoever sent it."""


def bare(raw: bytes) -> bytes:
    """Return a PNG or JPEG with nothing but the picture in it.

    Raises:
        PictureUnfit: it is too large, of another form, or not whole.
    """
    if len(raw) > PICTURE_MOST:
        raise PictureUnfit("The picture may have 5 MB at most.")
    try:
        if raw.startswith(_PNG):
            return _bare_png(raw)
        if raw.startswith(b"\xff\xd8"):
            return _bare_jpeg(raw)
    except (IndexError, struct.error):
        raise PictureUnfit("The picture is not whole.") from None
    raise PictureUnfit("Send a picture as PNG or JPEG.")


def _bare_png(raw: bytes) -> bytes:
    kept, at = bytearray(_PNG), len(_PNG)
    while True:
        (length,) = struct.unpack_from(">I", raw, at)
        kind, end = raw[at + 4 : at + 8], at + 12 + length
        if end > len(raw) or struct.unpack_from(">I", raw, end - 4)[0] != zlib.crc32(raw[at + 4 : end - 4]):
            raise PictureUnfit("The picture is not whole.")
        if kind in _PNG_KEPT:
            kept += raw[at:end]
        if kind == b"IEND":
            return bytes(kept)  # and nothing of what stands behind it
        at = end


def _bare_jpeg(raw: bytes) -> bytes:
    kept, at = bytearray(b"\xff\xd8"), 2
    while True:
        if raw[at] != 0xFF:
            raise PictureUnfit("The picture is not whole.")
        marker = raw[at + 1]
        if marker == 0xFF:  # a byte that fills
            at += 1
        elif marker == 0xD9:
            return bytes(kept + b"\xff\xd9")
        elif marker in _STANDALONE:
            kept += raw[at : at + 2]
            at += 2
        else:
            (length,) = struct.unpack_from(">H", raw, at + 2)
            end = at + 2 + length
            if marker == 0xDA:  # the picture itself, up to the next marker that is none of its own
                end = _scan_end(raw, end)
            if not (0xE1 <= marker <= 0xEF or marker == 0xFE):  # EXIF, XMP, IPTC, profiles, comments
                kept += raw[at:end]
            at = end


def _scan_end(raw: bytes, at: int) -> int:
    while True:
        at = raw.find(b"\xff", at)
        if at < 0 or at + 1 >= len(raw):
            raise PictureUnfit("The picture is not whole.")
        if raw[at + 1] == 0 or 0xD0 <= raw[at + 1] <= 0xD7:
            at += 2
        else:
            return at
