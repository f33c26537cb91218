"""However a log is cut, repeated and ordered, the lake holds each row as often as the file that holds it most."""

from __future__ import annotations

import tempfile
from collections import Counter
from functools import reduce
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.opened import opened

MAPPING = read_mapping(
    {
        "kind": "accesses",
        "columns": {"actor": "actor", "subject": "subject", "at": "at"},
        "time": {"format": "epoch_us"},
    }
)
ROW = st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["s", "t"]), st.integers(0, 3))
FILES = st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=4)


@settings(max_examples=15)
@given(FILES, st.randoms(use_true_random=False))
def test_the_lake_is_the_union_of_its_files_in_any_order(
    files: list[list[tuple[str, str, int]]], random: object
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs = []
        for index, rows in enumerate(files):
            log = Path(folder) / f"{index}.csv"
            log.write_text("actor,subject,at\n" + "".join(f"{a},{s},{at}\n" for a, s, at in rows), encoding="utf-8")
            logs.append(log)
        order = [*logs, *logs]
        random.shuffle(order)  # type: ignore[attr-defined]
        lake = Path(folder) / "lake"
        reports = [import_log(log, MAPPING, lake) for log in order]
        for report in reports:
            assert report.rows == report.accepted + report.rejected + report.duplicates
        usable = [Counter(row for row in rows if row[0]) for rows in files]
        expected = reduce(lambda one, other: one | other, usable)
        with opened(lake) as open_lake:
            found = open_lake.rows(
                """
                SELECT a.key, s.key, at_us FROM accesses
                JOIN numbers a ON a.space = 'actor' AND a.number = actor
                JOIN numbers s ON s.space = 'subject' AND s.number = subject
                """
            )
            numbers = open_lake.rows("SELECT space, count(*), max(number), count(DISTINCT key) FROM numbers GROUP BY 1")
        assert Counter(found) == expected
        assert all(count == highest == keys for _, count, highest, keys in numbers)
