"""The openings of one beneficiary's customers, read by an engine in parts: Spark on many machines, or DuckDB here.

Orders, work records and completeness are small or one pass, and read in the process; the accesses are what grows. An
engine carries out two questions about them: what was opened of these people, and to whom the tickets cited there
belong. What comes back fits into memory, so every engine gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from ibis import _

from whosaw.app.tracelake import customers_of, exposed
from whosaw.lake.among import among
from whosaw.lake.answers import DUCKDB
from whosaw.lake.completeness import measure
from whosaw.lake.duck import run_duck
from whosaw.lake.exposure import Exposure
from whosaw.lake.lookover import Lookover, look_over
from whosaw.lake.named import ENTRIES, MOST_PEOPLE
from whosaw.lake.opened import Opened, opened
from whosaw.trace.inputs import Accesses, Bool, Int64


def exposure_over(lake: Path, beneficiary: str | None, subjects: Iterable[str], engine: str) -> Exposure | None:
    """Return what `load_exposure` does, of the beneficiary's customers and some more subjects alone.

    Args:
        lake: the folder.
        beneficiary: whose orders say who could have been contacted.
        subjects: who turned up, by reference.
        engine: `duckdb`, or a Spark master as `local[*]` or `spark://HOST:PORT`.

    Returns:
        None where no orders say who could have been contacted, or where logs of one name differ in whether they say
        why: then the lake itself has to be read.

    Raises:
        EngineMissing, EngineFailed: the engine is not there, or gave up.
        BeneficiaryUnknown: the lake knows beneficiaries, but not this one.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    # an older lake may hold a trail twice, as a log and as itself; the numbers asked about are those of the logs
    look = replace(look_over(lake), trails=(), files=())
    silent = _silent(look)
    with opened(lake) as open_lake:
        customers = customers_of(open_lake, lake, beneficiary, subjects)
        if customers is None or silent is None:
            return None
        parts = [
            _run(look, _openings(customers.numbers[at : at + MOST_PEOPLE]), engine)
            for at in range(0, customers.numbers.size, MOST_PEOPLE)
        ]
        rows = pa.concat_tables(parts)
        foreign = _foreign(open_lake, look, rows, engine)
        everybody = _run(look, ENTRIES.filter(ENTRIES.subject.notnull()).select("actor").distinct(), engine)
        completeness = measure(open_lake)
    columns = {name: rows.column(name).to_numpy() for name in ("actor", "subject", "at_us")}
    accesses = Accesses(
        actor=columns["actor"].astype(np.int64),
        subject=np.searchsorted(customers.numbers, columns["subject"]),
        at_us=columns["at_us"].astype(np.int64),
        irregular=_irregular(rows, foreign, silent),
        has_reasons=customers.has_reasons,
    )
    return exposed(customers, (accesses, np.unique(everybody.column("actor").to_numpy())), completeness)


def _run(look: Lookover, expression: Any, engine: str) -> pa.Table:
    if engine == DUCKDB:
        return run_duck(look, expression)
    from whosaw.lake.spark import run_spark  # a JVM: only where it is asked for

    return run_spark(look, expression, engine)


def _silent(look: Lookover) -> frozenset[str] | None:
    """Return the logs that never say why; None where logs of one name differ in it."""
    says: dict[str, set[bool]] = {}
    for source in look.imports.sources if look.imports else ():
        if source.kind == "accesses" and source.accepted:
            says.setdefault(source.name, set()).add(source.says_why)
    if any(len(words) > 1 for words in says.values()):
        return None
    return frozenset(name for name, words in says.items() if words == {False})


def _openings(numbers: Int64) -> Any:
    """Return the question what was opened of some people, and why."""
    seen = ENTRIES.filter(among(ENTRIES.subject, numbers.tolist()))
    return seen.select("trail", "actor", "subject", "at_us", "purpose", "verified", "reason")


def _foreign(open_lake: Opened, look: Lookover, rows: pa.Table, engine: str) -> set[tuple[int, int]]:
    """Return the (ticket, subject) among the rows where the ticket is known to belong to somebody else.

    As in `whosaw.lake.exposure`: a ticket belongs to the subject it was opened for; where no work records say, to that
    of its first use.
    """
    unchecked = rows.filter(rows.column("verified").is_null())
    cited = unchecked.filter(unchecked.column("purpose").is_valid()).select(["purpose", "subject"])
    pairs = set(zip(*(cited.column(name).to_pylist() for name in ("purpose", "subject")), strict=True))
    tickets = sorted({ticket for ticket, _ in pairs})
    owners = set(open_lake.rows(_FIRST_WORK, [tickets]))
    recorded = {ticket for ticket, _ in owners}
    unknown = [ticket for ticket in tickets if ticket not in recorded]
    for at in range(0, len(unknown), MOST_PEOPLE):
        used = _run(look, _first_use(unknown[at : at + MOST_PEOPLE]), engine)
        owners |= set(zip(*(used.column(name).to_pylist() for name in ("purpose", "subject")), strict=True))
    return pairs - owners


_FIRST_WORK = """
    SELECT ticket, subject FROM tickets WHERE ticket IN (SELECT unnest(?::BIGINT[]))
    QUALIFY at_us = min(at_us) OVER (PARTITION BY ticket)
"""


def _first_use(tickets: list[int]) -> Any:
    uses = ENTRIES.filter(among(ENTRIES.purpose, tickets), ENTRIES.verified.isnull(), ENTRIES.subject.notnull())
    uses = uses.select("purpose", "subject", "at_us")
    first = uses.group_by("purpose").agg(first_us=_.at_us.min())
    joined = uses.inner_join(first, [uses.purpose == first.purpose, uses.at_us == first.first_us])
    return joined.select("purpose", "subject").distinct()


def _irregular(rows: pa.Table, foreign: set[tuple[int, int]], silent: frozenset[str]) -> Bool:
    """Return per row whether no reason was given or verified, or a ticket of somebody else."""
    columns = (rows.column(name).to_pylist() for name in ("trail", "verified", "purpose", "subject", "reason"))
    flags = [
        trail not in silent
        and (
            not verified
            if verified is not None
            else (ticket, subject) in foreign
            if ticket is not None
            else reason is None
        )
        for trail, verified, ticket, subject, reason in zip(*columns, strict=True)
    ]
    return np.array(flags, np.bool_)
