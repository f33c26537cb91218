"""The index on disk: the answer of the log in memory, extended without rebuilding, silent where it is not current."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.app.traceasked import Asked, rank_on_disk
from whosaw.app.traceindex import ROW, IndexRefused, open_index
from whosaw.app.traceindexbuild import create, extend
from whosaw.trace import Accesses, Actors, Duties, InputRefused, Population, Settings, Sightings, attribute
from whosaw.trace.settings import DAY_US

COLUMNS = ("subject", "actor", "at_us", "irregular")


def write(path: Path, log: Accesses, kept: Any = slice(None)) -> Path:
    """Write some rows of a log, sorted by subject and no further."""
    order = np.argsort(log.subject[kept], kind="stable")
    rows = [column[kept][order] for column in (log.subject, log.actor, log.at_us, log.irregular)]
    pq.write_table(pa.table(dict(zip(COLUMNS, rows, strict=True))), path)
    return path


@pytest.fixture
def case() -> tuple[Accesses, Actors, Asked, Population]:
    """3,000 subjects of whom 600 are asked about; actor 5 passes twelve of those on; equal times and repeated rows."""
    generator = np.random.default_rng(8)
    subject, actor = generator.integers(0, 3000, 40_000), generator.integers(0, 60, 40_000)
    at_us = generator.integers(0, 60, 40_000) * DAY_US
    irregular = generator.random(40_000) < 0.1
    asked = np.sort(generator.choice(3000, 600, replace=False))
    sold = asked[generator.choice(600, 12, replace=False)]
    log = Accesses(
        np.concatenate([actor, np.full(12, 5), actor[:500]]),
        np.concatenate([subject, sold, subject[:500]]),
        np.concatenate([at_us, np.full(12, 50 * DAY_US), at_us[:500]]),
        np.concatenate([irregular, np.ones(12, np.bool_), irregular[:500]]),
    )
    place = np.searchsorted(asked, sold)
    entered_us = generator.integers(0, 20, 600) * DAY_US
    sightings = Sightings(place, np.full(12, 55 * DAY_US))
    return log, Actors(60, np.zeros(60, np.bool_)), Asked(asked, entered_us, sightings), Population(entered_us)


def in_memory(case: tuple[Accesses, Actors, Asked, Population], settings: Settings) -> Any:
    """The same question with the whole log in memory, numbered as in the files."""
    log, actors, asked, _ = case
    entered_us = np.full(3000, np.iinfo(np.int64).max)
    entered_us[asked.subject] = asked.entered_us
    sightings = Sightings(asked.subject[asked.sightings.subject], asked.sightings.contacted_us)
    return attribute(log, Population(entered_us), sightings, actors, settings)


def test_the_answer_from_disk_is_that_of_the_log_in_memory(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path
) -> None:
    log, actors, asked, _ = case
    settings = Settings(complete=True, max_controls=200)
    disk = create(tmp_path / "index", [write(tmp_path / "log.parquet", log)], has_reasons=True)
    found = rank_on_disk(disk, asked, actors, settings)
    assert found.candidates[0].actors == (5,) and found.scope.certain
    assert found == in_memory(case, settings)


def test_rows_brought_in_later_give_the_same_answer_as_an_index_built_at_once(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path
) -> None:
    log, actors, asked, _ = case
    parts = [write(tmp_path / f"{n}.parquet", log, slice(n, None, 3)) for n in range(3)]
    folder = tmp_path / "index"
    create(folder, parts[:1], has_reasons=True)
    before = {path: path.stat().st_mtime_ns for path in (folder / "000000").iterdir()}
    disk = extend(folder, parts)
    assert {path: path.stat().st_mtime_ns for path in (folder / "000000").iterdir()} == before  # nothing is rebuilt
    assert len(disk.segments) == 3 and disk.rows == log.actor.size
    assert rank_on_disk(disk, asked, actors, Settings()) == in_memory(case, Settings())
    assert extend(folder, parts).rows == disk.rows  # what is in stays out


def rows_of(log: Accesses) -> list[tuple[Any, ...]]:
    """Subject, actor, time and irregularity of every access."""
    columns = (log.subject, log.actor, log.at_us, log.irregular)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_subjects_near_one_another_far_apart_and_absent_are_read_in_the_order_asked(tmp_path: Path) -> None:
    """Spans of a few rows between spans of thousands, numbers with gaps: rows come as the log has them."""
    generator = np.random.default_rng(4)
    numbers = np.sort(generator.choice(5000, 900, replace=False)) + 7
    subject = np.repeat(numbers, np.where(generator.random(900) < 0.1, 700, 3))
    log = Accesses(
        generator.integers(0, 60, subject.size), subject, generator.integers(0, 9, subject.size), subject % 3 == 0
    )
    asked = generator.permutation(np.append(generator.choice(numbers, 200, replace=False), [0, 6, 4_999_999, -1]))
    asked = np.append(asked, np.setdiff1d(np.arange(7, 900), [*numbers, *asked])[:50])
    parts = [write(tmp_path / f"{n}.parquet", log, slice(n, None, 2)) for n in range(2)]
    create(tmp_path / "index", parts[:1], has_reasons=True)
    disk = extend(tmp_path / "index", parts)
    found = disk.accesses_of(asked)
    place = {number: at for at, number in enumerate(asked.tolist())}
    known = sorted((place[number], *rest) for number, *rest in rows_of(log) if number in place)
    assert sorted(rows_of(found)) == known and len(known) > 1000
    for segment in disk.segments:  # each subject's rows together, subjects as asked, whatever way they were read
        at = segment.places(numbers.astype(np.uint32))
        actor, _, _ = segment.read(np.asarray(segment.start[at])[::-1], np.asarray(segment.start[at + 1])[::-1])
        rows = np.fromfile(segment.rows, ROW)["actor"]
        backward = [rows[segment.start[k] : segment.start[k + 1]] for k in at[::-1].tolist()]
        assert np.array_equal(actor, np.concatenate(backward))


def test_an_index_older_than_the_lake_or_with_rows_that_are_gone_refuses(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path
) -> None:
    log, _, _, _ = case
    parts = [write(tmp_path / f"{n}.parquet", log, slice(n, None, 2)) for n in range(2)]
    create(tmp_path / "index", parts[:1], has_reasons=True)
    with pytest.raises(IndexRefused, match="older than the lake: it lacks 1 of its files"):
        open_index(tmp_path / "index", parts)
    extend(tmp_path / "index", parts)
    assert open_index(tmp_path / "index", parts).rows == log.actor.size
    with pytest.raises(IndexRefused, match="holds 1 files the lake lost"):
        open_index(tmp_path / "index", parts[1:])
    write(parts[0], log, slice(0, 9))  # the same name with other rows, as after an erasure
    with pytest.raises(IndexRefused, match="older than the lake"):
        open_index(tmp_path / "index", parts)


def test_a_build_that_died_leaves_the_index_as_it_was(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path
) -> None:
    log, actors, asked, _ = case
    folder, first = tmp_path / "index", write(tmp_path / "a.parquet", log)
    create(folder, [first], has_reasons=True)
    (folder / "000001").mkdir()  # a segment that no manifest names
    (folder / "000001" / "rows").write_bytes(b"half")
    assert open_index(folder, [first]).rows == log.actor.size
    disk = extend(folder, [first, write(tmp_path / "b.parquet", log)])  # every row a second time changes nothing
    assert rank_on_disk(disk, asked, actors, Settings()) == in_memory(case, Settings())


def cut(folder: Path) -> None:
    path = folder / "000000" / "rows"
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "is damaged"),
        (lambda folder: (folder / "000000" / "rows").unlink(), "cannot be read"),
        (lambda folder: (folder / "index.json").write_text("{}"), "holds no index"),
        (lambda folder: (folder / "index.json").write_text(json.dumps({"format": "other"})), "holds no index"),
    ],
)
def test_a_damaged_index_is_refused(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    file = write(tmp_path / "log.parquet", case[0])
    create(tmp_path / "index", [file], has_reasons=True)
    damage(tmp_path / "index")
    with pytest.raises(IndexRefused, match=said):
        open_index(tmp_path / "index", [file])


def test_files_that_cannot_be_indexed_are_refused(
    case: tuple[Accesses, Actors, Asked, Population], tmp_path: Path
) -> None:
    log = case[0]
    rows = {"subject": log.subject, "actor": log.actor, "at_us": log.at_us, "irregular": log.irregular}
    pq.write_table(pa.table(rows), tmp_path / "unsorted.parquet")
    with pytest.raises(IndexRefused, match="not sorted by subject"):
        create(tmp_path / "index", [tmp_path / "unsorted.parquet"], has_reasons=True)
    pq.write_table(pa.table({"subject": log.subject}), tmp_path / "lacks.parquet")
    with pytest.raises(IndexRefused, match="lacks column `actor`"):
        create(tmp_path / "index", [tmp_path / "lacks.parquet"], has_reasons=True)
    empty = write(tmp_path / "empty.parquet", replace(log), slice(0, 0))
    with pytest.raises(IndexRefused, match="holds no row"):
        create(tmp_path / "index", [empty], has_reasons=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(IndexRefused, match="something that is no index"):
        create(tmp_path / "other", [empty], has_reasons=True)


def test_duties_explain_on_disk_what_they_explain_in_memory(
    tmp_path: Path, case: tuple[Accesses, Actors, Asked, Population]
) -> None:
    log, actors, asked, _ = case
    disk = create(tmp_path / "index", [write(tmp_path / "log.parquet", log)], has_reasons=True)
    place = np.flatnonzero(np.isin(asked.subject, log.subject[log.actor == 5]))
    duty = Duties(np.array([5]), np.zeros(place.size, np.int64), place, np.full(place.size, 10 * DAY_US))
    told = rank_on_disk(disk, replace(asked, duties=duty), actors, Settings())
    entered_us = np.full(3000, np.iinfo(np.int64).max)
    entered_us[asked.subject] = asked.entered_us
    sightings = Sightings(asked.subject[asked.sightings.subject], asked.sightings.contacted_us)
    whole = replace(duty, subject=asked.subject[place])
    assert told == attribute(log, Population(entered_us), sightings, actors, Settings(), duties=whole)
    (why,) = told.explanations
    assert (why.actor, why.seen, why.of) == (5, 12, 12) and 0 < why.expected < 6
    with pytest.raises(InputRefused, match="a duty names"):
        rank_on_disk(disk, replace(asked, duties=replace(duty, subject=np.full(place.size, 600))), actors, Settings())
