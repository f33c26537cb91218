"""Fetches what was decided to leave, and nothing else; called only with entries that are durable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from whosaw.catalog import Catalog, Source
from whosaw.catalog.keyed import Row
from whosaw.catalog.statements import subject_statement
from whosaw.decide import Decision
from whosaw.gate.together import together
from whosaw.terms import SubjectRef


class Fetcher:
    """Reads protected columns; one query per set of fields for a whole batch."""

    def __init__(self, catalog: Catalog, sources: Mapping[str, Source]) -> None:
        self._catalog = catalog
        self._sources = sources

    async def rows(self, decided: Iterable[tuple[SubjectRef, Decision]]) -> dict[SubjectRef, dict[str, object]]:
        """Return subject → field → value of every field that is not denied."""
        wanted: defaultdict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
        for subject, decision in decided:
            leaving = tuple(sorted(item.field for item in decision.fields if item.effect != "deny"))
            if leaving:
                wanted[subject.kind, leaving].add(subject.key)
        rows: defaultdict[SubjectRef, dict[str, object]] = defaultdict(dict)
        fetched = await together(*(self._fetch(kind, names, keys) for (kind, names), keys in wanted.items()))
        for (kind, names), found in zip(wanted, fetched, strict=True):
            for row in found:
                rows[SubjectRef(kind, str(row["key"]))].update({name: row[f"f{i}"] for i, name in enumerate(names)})
        return rows

    async def _fetch(self, kind: str, names: Sequence[str], keys: Iterable[str]) -> Sequence[Row]:
        declared = self._catalog.subjects[kind]
        statement = subject_statement(declared, [self._catalog.fields[name] for name in names])
        return await self._sources[declared.source].rows(statement, keys=sorted(keys))
