"""Columns that look personal and that the catalog does not know, and how much of what looks personal it covers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whosaw.catalog.model import Catalog
from whosaw.catalog.personal import Guess, looks_personal
from whosaw.catalog.source import Source
from whosaw.catalog.tables import TableShape, read_tables, sample


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A column that looks personal and is neither a field nor `identifying`."""

    source: str
    table: str
    column: str
    guess: Guess

    @property
    def place(self) -> str:
        """Where it is: ``shop.orders.note``."""
        return f"{self.source}.{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what looks personal the catalog knows.

    Attributes:
        covered: columns that are fields or `identifying`.
        uncovered: those that look personal and are neither; staff's own are left out, whom the directory is about.
    """

    covered: int
    uncovered: tuple[Uncovered, ...]

    @property
    def share(self) -> float:
        """Covered columns among all that are covered or look personal, 0 to 1; 1 where there is none."""
        every = self.covered + len(self.uncovered)
        return self.covered / every if every else 1.0


async def coverage(catalog: Catalog, sources: Mapping[str, Source]) -> Coverage:
    """Look at every table of the sources that hold subjects.

    Raises:
        SourceUnreachable, SourceRefused: as for `Source.rows`.
    """
    known = {
        (kind.source, kind.table, column)
        for kind in catalog.subjects.values()
        for column in (*kind.identifying, *_fields(catalog, kind.name))
    }
    passed_over = {(kind.source, kind.table, kind.key) for kind in catalog.subjects.values()} | {
        (kind.source, kind.table, kind.region) for kind in catalog.subjects.values() if kind.region
    }
    found = []
    for name in dict.fromkeys(kind.source for kind in catalog.subjects.values()):
        of_people = {kind.table for kind in catalog.subjects.values() if kind.source == name}
        for shape in await read_tables(sources[name]):
            if _is_staff(catalog, name, shape):
                continue
            values = await sample(sources[name], shape)
            for column in shape.columns:
                if (name, shape.name, column.name) in known | passed_over:
                    continue
                guess = looks_personal(column, values.get(column.name, ()), of_people=shape.name in of_people)
                if guess is not None:
                    found.append(Uncovered(name, shape.name, column.name, guess))
    return Coverage(len(known), tuple(found))


def _fields(catalog: Catalog, kind: str) -> Iterable[str]:
    return (field.column for field in catalog.fields.values() if field.subject_kind == kind)


def _is_staff(catalog: Catalog, source: str, shape: TableShape) -> bool:
    if catalog.actors.source != source or any(kind.table == shape.name for kind in catalog.subjects.values()):
        return False
    return re.search(rf"\b{re.escape(shape.bare)}\b", catalog.actors.query, re.IGNORECASE) is not None
