"""Open a log, plain or compressed, as one stream of bytes; what is wrong with it is said in the lake's own errors."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from whosaw.lake.errors import LogEmpty, LogEncoding, LogMissing, LogUnreadable

PARQUET = b"PAR1"

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ARCHIVES = {b"PK\x03\x04": "a zip archive", b"\xfd7zX": "compressed with xz", b"BZh": "compressed with bzip2"}
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BUFFER_BYTES = 1 << 18


def magic_of(log: Path) -> bytes:
    """Return the first bytes of a log.

    Raises:
        LogMissing: it cannot be opened.
        LogEmpty: there are none.
        LogUnreadable: it is an archive that cannot be read as it is.
    """
    try:
        with log.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise LogMissing(f"cannot open log `{log}`: {error.strerror or error}") from error
    if not start:
        raise LogEmpty(f"log `{log}` is empty")
    for magic, what in _ARCHIVES.items():
        if start.startswith(magic):
            raise LogUnreadable(f"log `{log}` is {what}", hint="unpack it first, or compress it with gzip or zstd")
    return start


@contextmanager
def open_log(log: Path) -> Iterator[BinaryIO]:
    """Open a log for reading bytes, unpacked where it begins as gzip or zstd does, behind a byte order mark.

    Raises:
        LogEncoding: it looks like UTF-16.
        LogUnreadable: the compressed stream is damaged or cut short.
    """
    with log.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        try:
            with _unpacked(log, file, start) as stream:
                _skip_mark(stream)
                yield cast(BinaryIO, stream)
        except EOFError as error:
            raise LogUnreadable("the compressed log is cut short") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise LogUnreadable("the compressed log is damaged") from error
        except OSError as error:
            if start != _ZSTD or isinstance(error, LogUnreadable):
                raise
            what = "cut short" if "Truncated" in str(error) else "damaged"
            raise LogUnreadable(f"the compressed log is {what}") from error


def _unpacked(log: Path, file: BinaryIO, start: bytes) -> io.BufferedReader:
    if start.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=file), _BUFFER_BYTES)
    if start == _ZSTD:
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(log)), "zstd"), _BUFFER_BYTES)
    return io.BufferedReader(io.FileIO(log), _BUFFER_BYTES)


def _skip_mark(stream: io.BufferedReader) -> None:
    start = stream.peek(len(_BOM))[: len(_BOM)]
    if start.startswith(_UTF16) or start[1:2] == b"\0":
        raise LogEncoding("line 1 of the log is not UTF-8 but looks like UTF-16", hint="export the log as UTF-8")
    if start == _BOM:
        stream.read(len(_BOM))
