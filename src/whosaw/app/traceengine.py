"""The openings that a trace asks about, from the lake of a trail, read by whichever engine its size calls for.

An engine carries out one named question (`who-saw`); what comes back fits into memory, and the attribution is the same
arithmetic on it. So DuckDB on one machine and Spark on many give the same answer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whosaw.app.traceasked import Asked
from whosaw.lake.answers import DUCKDB, ask
from whosaw.lake.named import MOST_PEOPLE
from whosaw.lake.named import Asked as AskedOfLake
from whosaw.trace import Accesses, Actors, Attribution, Duties, Marks, Population, Settings, attribute
from whosaw.trace.inputs import Int64


def accesses_about(where: str | Path, trail: str, subjects: Int64, engine: str = DUCKDB) -> Accesses:
    """Return the openings of some subjects; subjects as positions among those given, actors as the trail numbers them.

    Args:
        where: the lake, a path or a URL.
        trail: whose numbers these are.
        subjects: n distinct numbers.
        engine: `duckdb`, or a Spark master as `local[*]` or `spark://HOST:PORT`.

    Raises:
        EngineMissing, EngineFailed: the engine is not there, or gave up.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    order = np.argsort(subjects)
    parts = []
    for start in range(0, subjects.size, MOST_PEOPLE):  # more, one question does not take
        some = tuple(int(number) for number in subjects[start : start + MOST_PEOPLE])
        table = ask(where, "who-saw", AskedOfLake(subjects={trail: some}), engine=engine).table
        parts.append(table.select(["actor", "subject", "at_us", "verified"]))
    rows = pa.concat_tables(parts)
    subject = rows.column("subject").to_numpy()
    return Accesses(
        actor=rows.column("actor").to_numpy().astype(np.int64),
        subject=order[np.searchsorted(subjects, subject, sorter=order)],
        at_us=rows.column("at_us").to_numpy().astype(np.int64),
        # the trail checked every reason when it was given
        irregular=~pc.fill_null(rows.column("verified"), fill_value=False).to_numpy().astype(np.bool_),
    )


def rank_over(
    where: str | Path,
    trail: str,
    asked: Asked,
    settings: Settings,
    *,
    services: Int64 | None = None,
    engine: str = DUCKDB,
) -> Attribution:
    """Answer one question on the lake of a trail.

    Args:
        where: the lake, a path or a URL.
        trail: whose numbers the question's are.
        asked: the question; its subjects as the trail numbers them.
        settings: the method's constants.
        services: numbers of the actors that are machines.
        engine: as for `accesses_about`.

    Returns:
        The answer; subjects as positions among those asked about, actors as the trail numbers them.

    Raises:
        As `accesses_about`; InputRefused as for `whosaw.trace.rank`.
    """
    accesses = accesses_about(where, trail, asked.subject, engine)
    machines = np.empty(0, np.int64) if services is None else services
    count = 1 + max(int(accesses.actor.max(initial=-1)), int(machines.max(initial=-1)))
    population = replace(asked.population or Population(asked.entered_us), entered_us=asked.entered_us)
    staff = Actors(count, np.isin(np.arange(count), machines))
    marks, duties = asked.marks or Marks(), asked.duties or Duties()
    return attribute(accesses, population, asked.sightings, staff, settings, marks=marks, duties=duties)
