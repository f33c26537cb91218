"""The question asked of Arrow tables: references as the log has them, times with a zone; no lake and no server."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whosaw.app.routing import told_apart
from whosaw.trace import Accesses, Actors, Attribution, Population, Settings, Sightings, attribute
from whosaw.trace.errors import InputRefused
from whosaw.trace.inputs import NEVER, Int64

_DEFAULT = Settings()
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer about tables, and what its indices stand for.

    Args:
        found: the answer.
        actors: references of the actors, by index.
        subjects: references of the subjects, by index.
    """

    found: Attribution
    actors: tuple[Any, ...]
    subjects: tuple[Any, ...]

    @property
    def probabilities(self) -> dict[Any, float]:
        """Actor → probability, the most probable first; who cannot be told from another stands beside him."""
        return {
            self.actors[actor]: candidate.probability
            for candidate in self.found.candidates
            for actor in candidate.actors
        }


def attribute_tables(
    accesses: pa.Table,
    sightings: pa.Table,
    *,
    orders: pa.Table | None = None,
    work: pa.Table | None = None,
    services: Collection[Any] = (),
    settings: Settings = _DEFAULT,
) -> Answered:
    """Return who could have leaked, from tables whose rows may stand in any order.

    Args:
        accesses: `actor`, `subject`, `at`, and `irregular` where the log says why records were opened.
        sightings: `subject`, `contacted_at`, and `weight` (0 to 1) where some are believed less than others.
        orders: `subject`, `at` of what was bought from whom the complaints are about: then those who bought could have
            been contacted, since their first order; else everybody whose record was opened, since then. With `route`,
            what decides who serves a subject (region, language), they are matched by that of their first order too.
        work: genuine work items: `subject`, `at`, `in_context` where some are about that beneficiary, and `kind` where
            work is routed by skill.
        services: actors that are machines.
        settings: the method's constants.

    Raises:
        InputRefused: a column is missing, holds nulls, or a time carries no zone; or as `attribute` says.
    """
    actor, actors = _numbered(accesses, "actor", "accesses")
    known = [_column(accesses, "subject", "accesses")]
    known += [
        _column(table, "subject", name) for table, name in ((orders, "orders"), (work, "work")) if table is not None
    ]
    if any(each.type != known[0].type for each in known):
        raise InputRefused("column `subject` differs in type between the tables")
    subjects = pc.unique(pa.chunked_array([chunk for each in known for chunk in each.chunks], known[0].type))
    subject, at_us = _places(known[0], subjects), _times(accesses, "at", "accesses")
    reasons = "irregular" in accesses.column_names
    irregular = _column(accesses, "irregular", "accesses").to_numpy() if reasons else np.zeros(at_us.size, np.bool_)
    if work is not None and "kind" in work.column_names:  # of several items of one moment the last counts
        work = work.sort_by([("at", "ascending"), ("kind", "ascending")])
    entered_us = np.full(len(subjects), NEVER)
    first, when_us = (subject, at_us)
    if orders is not None:
        first, when_us = _places(known[1], subjects), _times(orders, "at", "orders")
    np.minimum.at(entered_us, first, when_us)
    found = attribute(
        Accesses(actor, subject, at_us, irregular.astype(np.bool_), has_reasons=reasons),
        replace(
            Population(entered_us, *_work(work, subjects)),
            work_kind=_kinds(work, subjects, entered_us),
            stratum=_routes(orders, subjects),
        ),
        _sightings(sightings, subjects),
        Actors(len(actors), np.isin(np.array(actors, object), list(services))),
        settings,
    )
    return Answered(found, actors, tuple(subjects.to_pylist()))


def _sightings(table: pa.Table, subjects: pa.Array) -> Sightings:
    """Return the complaints; a subject that no table knows gets an index of its own kind."""
    told = _column(table, "subject", "sightings")
    if told.type != subjects.type:
        raise InputRefused("column `subject` differs in type between the tables")
    trust = np.ones(len(table))
    if "weight" in table.column_names:
        trust = _column(table, "weight", "sightings").cast(pa.float64()).to_numpy()
    return Sightings(_places(told, subjects), _times(table, "contacted_at", "sightings"), trust)


def _work(table: pa.Table | None, subjects: pa.Array) -> tuple[Any, ...]:
    if table is None:
        return ()
    context = np.zeros(len(table), np.bool_)
    if "in_context" in table.column_names:
        context = _column(table, "in_context", "work").to_numpy().astype(np.bool_)
    return _places(_column(table, "subject", "work"), subjects), _times(table, "at", "work"), context


def _kinds(table: pa.Table | None, subjects: pa.Array, entered_us: Int64) -> Int64 | None:
    """Return the kind of each work item; `None` where they do not differ."""
    if table is None or "kind" not in table.column_names:
        return None
    subject, _, context = _work(table, subjects)
    return told_apart(_numbered(table, "kind", "work")[0], context & (entered_us != NEVER)[subject], subject)


def _routes(table: pa.Table | None, subjects: pa.Array) -> Int64 | None:
    """Return the route of each subject by its first order; `None` where they do not differ."""
    if table is None or "route" not in table.column_names:
        return None
    subject, route = _places(_column(table, "subject", "orders"), subjects), _column(table, "route", "orders")
    named = np.sort(np.array(pc.unique(route).to_pylist(), object))
    place = _places(route, pa.array(named.tolist(), route.type))
    order = np.lexsort((place, _times(table, "at", "orders"), subject))
    ordered, first = np.unique(subject[order], return_index=True)
    found = np.full(len(subjects), _UNKNOWN, np.int64)
    found[ordered] = place[order][first]
    return told_apart(found, found != _UNKNOWN, np.arange(found.size))


def _numbered(table: pa.Table, column: str, name: str) -> tuple[Int64, tuple[Any, ...]]:
    told = _column(table, column, name)
    distinct = pc.unique(told)
    return _places(told, distinct), tuple(distinct.to_pylist())


def _places(column: pa.ChunkedArray, among: pa.Array) -> Int64:
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=among), _UNKNOWN).to_numpy(), np.int64)


def _times(table: pa.Table, column: str, name: str) -> Int64:
    told = _column(table, column, name)
    if not pa.types.is_timestamp(told.type) or told.type.tz is None:
        raise InputRefused(f"column `{column}` of the {name} is `{told.type}`, not times with a zone")
    return np.asarray(told.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(), np.int64)


def _column(table: pa.Table, column: str, name: str) -> pa.ChunkedArray:
    if column not in table.column_names:
        raise InputRefused(f"the {name} have no column `{column}`")
    told = table.column(column)
    if told.null_count:
        raise InputRefused(f"column `{column}` of the {name} holds {told.null_count} nulls")
    return told
