"""Asking a lake: a named question on an engine, the answer as an Arrow table, and where it was saved."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from whosaw.lake.counted import actor_exposure
from whosaw.lake.duck import duck, means_of, run_duck
from whosaw.lake.errors import LakeUnwritable, OutputUnknown, SubjectUnknown
from whosaw.lake.lookover import Lookover, look_over
from whosaw.lake.named import Asked, expression, question_of

DUCKDB = "duckdb"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a lake said.

    Args:
        table: the rows.
        grades: of the records it could rest on, the weakest first: `imported`, `trail`.
        rejected: rows of imported logs that could not be used.
        engine: what answered.
    """

    table: pa.Table
    grades: tuple[str, ...]
    rejected: int
    engine: str


def ask(where: str | Path, name: str, asked: Asked | None = None, engine: str = DUCKDB, memory: str = "") -> Answer:
    """Ask a named question.

    Args:
        where: the lake, a path or a URL.
        name: of the question, see `whosaw.lake.named.QUESTIONS`.
        asked: what it is about.
        engine: `duckdb`, or a Spark master as `local[*]` or `spark://HOST:PORT`.
        memory: how much DuckDB may take before it spills; what the question needs at scale where empty.

    Raises:
        QuestionUnknown, QuestionIncomplete: it cannot be asked so.
        EngineMissing, EngineFailed: the engine is not there, or gave up.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    look = look_over(where)
    about = replace(asked or Asked(), trails=look.names())
    meant = expression(name, about)
    if question_of(name).needs == "subjects":
        look = look.about(about.subjects)
    means = replace(means_of(name), memory=memory) if memory else means_of(name)
    if engine != DUCKDB:
        from whosaw.lake.spark import run_spark  # a JVM: only where it is asked for

        table = run_spark(look, meant, engine)
    elif name == "actor-exposure":
        table = actor_exposure(look, about, means)
    else:
        table = run_duck(look, meant, means)
    return Answer(table, grades_of(look), look.rejected(), engine)


def grades_of(look: Lookover) -> tuple[str, ...]:
    """Return the grades of all records in a lake, the weakest first."""
    found = {"trail"} if look.trails else set()
    found |= {each.grade for each in (look.imports.sources if look.imports else ()) if each.kind == "accesses"}
    return tuple(sorted(found))


def numbers_in(where: str | Path, space: str, keys: list[str]) -> dict[str, tuple[int, ...]]:
    """Return by source the numbers that a stand-alone lake gave to references of its imported logs.

    Raises:
        SubjectUnknown: no log names one of them.
    """
    look = look_over(where)
    sources = [each.name for each in (look.imports.sources if look.imports else ()) if each.kind == "accesses"]
    if not sources or look.imports is None or look.imports.numbers is None:
        raise SubjectUnknown(f"no log in lake `{look.place.text}` names `{keys[0]}`")
    table = pq.read_table(look.place.dataset_files([look.imports.numbers])[0][0])
    known = dict(
        zip(
            zip(table["space"].to_pylist(), table["key"].to_pylist(), strict=True),
            table["number"].to_pylist(),
            strict=True,
        )
    )
    missing = [key for key in keys if (space, key) not in known]
    if missing:
        raise SubjectUnknown(f"no log in lake `{look.place.text}` names `{missing[0]}`")
    numbers = tuple(known[space, key] for key in keys)
    return dict.fromkeys(sources, numbers)


def save(table: pa.Table, path: Path) -> None:
    """Write an answer to a file of the owner's alone (0600), as its name says: .csv, .parquet or .json.

    Raises:
        OutputUnknown: its name ends otherwise.
        LakeUnwritable: it cannot be written.
    """
    body = _bodies(table, path.suffix)
    draft = path.with_name(path.name + ".draft")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        draft.replace(path)
    except OSError as error:
        raise LakeUnwritable(f"cannot write `{path}`: {error.strerror or error}") from error


def _bodies(table: pa.Table, suffix: str) -> bytes:
    sink = io.BytesIO()
    if suffix == ".csv":
        pacsv.write_csv(table, sink)
    elif suffix == ".parquet":
        pq.write_table(table, sink, compression="zstd")
    elif suffix == ".json":
        sink.write(json.dumps(table.to_pylist(), indent=1, ensure_ascii=False, default=str).encode() + b"\n")
    else:
        raise OutputUnknown(f"an answer cannot be written as `{suffix[:20]}`")
    return sink.getvalue()


__all__ = ["Answer", "Asked", "ask", "duck", "grades_of", "numbers_in", "save"]
