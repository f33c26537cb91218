"""Whatever a CSV writer writes comes back record by record with its raw bytes, for any chunk size."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from whosaw.lake.records import read_records

CELLS = st.text(st.sampled_from('ab ",;\r\n\tä€'), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=8)


def written(rows: list[list[str]], ending: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows(rows)
    return text.getvalue().encode()


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.integers(1, 40))
def test_written_rows_come_back_with_their_lines_and_bytes(
    rows: list[list[str]], ending: str, chunk_bytes: int
) -> None:
    found, lines, malformed = [], [], []
    if ending == "\n":  # Python 3.11 does not quote a lone carriage return then, so nobody could read it back
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    text = written(rows, ending)
    for records in read_records(io.BytesIO(text), ",", chunk_bytes):
        found += records.raws
        lines += records.lines
        malformed += records.malformed
    assert malformed == []
    assert [next(csv.reader([raw.decode()], strict=True)) for raw in found] == rows
    assert b"".join(raw + ending.encode() for raw in found) == text
    starts = [text[: sum(len(raw) + len(ending) for raw in found[:index])].count(b"\n") for index in range(len(found))]
    assert lines == [start + 1 for start in starts]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_cut_the_same_way_whatever_the_chunks(text: bytes, chunk_bytes: int) -> None:
    def cut(size: int) -> list[tuple[int, bytes, bool]]:
        parts = []
        for records in read_records(io.BytesIO(text), ",", size):
            parts += [(line, raw, True) for line, raw in zip(records.lines, records.raws, strict=True)]
            parts += [(line, raw, False) for line, raw in records.malformed]
        return sorted(parts)

    assert cut(chunk_bytes) == cut(1 << 20)


@given(st.text(st.sampled_from('a",\n\r'), max_size=30), st.integers(1, 10))
def test_no_byte_is_lost_and_none_invented(text: str, chunk_bytes: int) -> None:
    kept = bytearray()
    for records in read_records(io.BytesIO(text.encode()), ",", chunk_bytes):
        kept += b"".join([*records.raws, *(raw for _, raw in records.malformed)])
    endings = str.maketrans("", "", "\r\n")
    assert sorted(kept.decode().translate(endings)) == sorted(text.translate(endings))
