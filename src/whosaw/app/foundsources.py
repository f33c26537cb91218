"""What a found list may have come from: exports that were kept, with rows seeded into them, or the log's queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from whosaw.app.foundrows import FEWEST, Prints, joined, listed_exports, log_queries
from whosaw.app.posing import Question
from whosaw.app.tracefiles import TraceFileInvalid
from whosaw.trace.fingerprint import Export, join_cells
from whosaw.trace.inputs import Bool

_APART = 0.9
"""Columns by which fewer of the rows differ say too little of whom a row is about."""

SEVERAL = 2
"""So many columns that tell people apart, or so many seeded rows, are no coincidence."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Exports or queries made before the list turned up.

    Args:
        exports: m of them; the place among the m stands as `actor`.
        made: m times who made it, how, and when.
        own: per reference the list by the columns that it shares with that export, where these differ.
        sure: per reference the seeded rows that two columns or more, each telling people apart, set off from everybody.
        later: how many more were made afterwards.
    """

    exports: list[Export] = field(default_factory=list)
    made: list[tuple[str, str, int]] = field(default_factory=list)
    own: dict[str, list[bytes]] = field(default_factory=dict)
    sure: dict[str, frozenset[bytes]] = field(default_factory=dict)
    later: int = 0


def queries_as_exports(lake: Path, question: Question, subjects: Sequence[int], found_us: int) -> Sources:
    """Return the log's queries as exports of the question's customers.

    Args:
        lake: the folder.
        question: for its customers.
        subjects: those on the list; other accounts than had opened one of them are left aside.
        found_us: when the list turned up.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    exposure, sources = question.exposure, Sources()
    place = {exposure.subjects[at]: at for at in np.flatnonzero(exposure.entered_us < found_us)}
    wanted = sorted({exposure.subjects[at] for at in subjects})
    for at, (name, actor, held, made_us) in enumerate(log_queries(lake, wanted, found_us)):
        rows = tuple(b"%d" % place[each] for each in held if each in place)
        sources.exports.append(Export(f"{name} ({at})", at, rows))
        sources.made.append((actor, "query", made_us))
    return sources


def kept_exports(sample: Path, exports: Path, salt: Path | None, found_us: int) -> tuple[list[bytes], Sources]:
    """Return the rows of a list, and the exports that were kept.

    Args:
        sample: CSV of the found rows.
        exports: CSV `reference,actor,file,seeds,at`.
        salt: the file whose secret prints were made with.
        found_us: when the list turned up.

    Raises:
        TraceFileInvalid: a file cannot be read, no column is common, or an export has no time.
    """
    cells, listed = listed_exports(sample, exports, salt, dated=True)
    earlier = [each for each in listed if each.made_us < found_us]
    sources = Sources(later=len(listed) - len(earlier))
    shared = [sorted(cells.keys() & each.columns.keys()) for each in listed]
    if listed and not any(shared):
        raise TraceFileInvalid(f"file `{sample.name}` has no column that an export has")
    for each, names in zip(listed, shared, strict=True):
        if each.made_us < found_us and names:
            held, own, seeds = joined(each.columns, names), joined(cells, names), _seeds(each, listed, names)
            if not (_tells_apart(held) and _tells_apart(own)):
                # of a list that shares a column of towns with an export, every row stands in it, a seeded one as well
                held, seeds = [], frozenset()
            rows = (*held, *(seeds - set(held)))
            sources.exports.append(Export(each.reference, len(sources.made), rows, seeds))
            sources.made.append((each.actor, "export", each.made_us))
            sources.own[each.reference] = own
            sources.sure[each.reference] = seeds & _set_off(each, cells, names)
    return [join_cells(row) for row in zip(*cells.values(), strict=True)], sources


def _tells_apart(rows: Sequence[bytes]) -> bool:
    """Return whether the columns that count tell nearly all rows from one another."""
    return len(set(rows)) >= _APART * len(rows)


def _seeds(one: Prints, listed: Sequence[Prints], names: Sequence[str]) -> frozenset[bytes]:
    """Return the seeded rows of an export that nothing else on record looks like by the columns that count."""
    ordinary = {row for each in listed for row in joined(each.columns, names)}
    foreign = {row for each in listed if each is not one for row in joined(each.seeds, names)}
    return frozenset(row for row in joined(one.seeds, names) if row and row not in ordinary | foreign)


def seeded_rows(sources: Sources, count: int) -> Bool:
    """Return per row of a list whether it looks like a seeded one of an export.

    Args:
        sources: exports.
        count: how many rows the list has.
    """
    found = np.zeros(count, np.bool_)
    for export in sources.exports:
        if export.seeds:
            found |= np.array([row in export.seeds for row in sources.own[export.reference]], np.bool_)
    return found


def without_seeds(sources: Sources, rows: Sequence[int]) -> Sources:
    """Return the exports without the seeded rows that some rows of the list look like: those are about somebody real.

    Args:
        sources: exports.
        rows: places in the list.
    """
    kept = []
    for export in sources.exports:
        real = {sources.own[export.reference][at] for at in rows} & export.seeds if export.seeds else frozenset()
        held = tuple(row for row in export.rows if row not in real) if real else export.rows
        kept.append(replace(export, rows=held, seeds=export.seeds - real))
    return replace(sources, exports=kept)


def _set_off(one: Prints, cells: Mapping[str, Sequence[bytes]], names: Sequence[str]) -> frozenset[bytes]:
    """Return the seeded rows of an export with cells in two columns or more of which each tells people apart.

    One column does not do: a seeded person is called like somebody, and a list from elsewhere may hold him. A column
    of few rows cannot show that it tells people apart.
    """
    apart = [
        name
        for name in names
        if len(one.columns[name]) >= FEWEST and _tells_apart(one.columns[name]) and _tells_apart(cells[name])
    ]
    told = zip(*(one.seeds[name] for name in apart if name in one.seeds), strict=True)
    return frozenset(
        row for row, own in zip(joined(one.seeds, names), told, strict=False) if sum(map(bool, own)) >= SEVERAL
    )
