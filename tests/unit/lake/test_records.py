"""Records keep their raw bytes, whatever quotes, line endings and chunk borders do."""

from __future__ import annotations

import io

import pytest

from whosaw.lake.errors import LogUnreadable
from whosaw.lake.records import MAX_RECORD_BYTES, read_records


def cut(text: bytes, chunk_bytes: int = 1 << 20) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    whole: list[tuple[int, bytes]] = []
    malformed: list[tuple[int, bytes]] = []
    for records in read_records(io.BytesIO(text), ",", chunk_bytes):
        whole += zip(records.lines, records.raws, strict=True)
        malformed += records.malformed
    return whole, malformed


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a,b\nc,d\n", [(1, b"a,b"), (2, b"c,d")]),
        (b"a,b\r\nc,d", [(1, b"a,b"), (2, b"c,d")]),
        (b"a,b\n\n\r\nc,d\n", [(1, b"a,b"), (4, b"c,d")]),
        (b'a,"b\nc"\nd,e\n', [(1, b'a,"b\nc"'), (3, b"d,e")]),
        (b'a,"b\r\nc"\r\nd,e\r\n', [(1, b'a,"b\r\nc"'), (3, b"d,e")]),
        (b'"say ""hi""",x\n', [(1, b'"say ""hi""",x')]),
        (b'5" nail,x\n6" nail,y\n', [(1, b'5" nail,x'), (2, b'6" nail,y')]),
        (b'"",\n', [(1, b'"",')]),
        (b"", []),
        (b"\n", []),
        ("ä,ö\n".encode(), [(1, "ä,ö".encode())]),
    ],
)
def test_records_are_cut_where_they_end(text: bytes, expected: list[tuple[int, bytes]], chunk_bytes: int) -> None:
    assert cut(text, chunk_bytes) == (expected, [])


@pytest.mark.parametrize("chunk_bytes", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    ("text", "whole", "malformed"),
    [
        (b'a,b\n"never closed,x\nc,d\n', [(1, b"a,b"), (3, b"c,d")], [(2, b'"never closed,x')]),
        (b'"a"b,c\nd,e\n', [(2, b"d,e")], [(1, b'"a"b,c')]),
        (b"a\rb,c\nd,e\n", [(2, b"d,e")], [(1, b"a\rb,c")]),
        (b"a,\0\nd,e\n", [(2, b"d,e")], [(1, b"a,\0")]),
        (b'd,e\n"open', [(1, b"d,e")], [(2, b'"open')]),
    ],
)
def test_a_malformed_record_ends_with_its_line_and_reading_goes_on(
    text: bytes, whole: list[tuple[int, bytes]], malformed: list[tuple[int, bytes]], chunk_bytes: int
) -> None:
    assert cut(text, chunk_bytes) == (whole, malformed)


@pytest.mark.parametrize("start", [b"", b'"'])
def test_a_line_without_end_is_refused_instead_of_kept_in_memory(start: bytes) -> None:
    with pytest.raises(LogUnreadable, match="line 2 of the log is longer"):
        cut(b"a,b\n" + start + b"x" * (MAX_RECORD_BYTES + 2), 1 << 16)
