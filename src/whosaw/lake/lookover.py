"""One view of a whole lake: every trail in it, and every log that was imported, as the tables the questions read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whosaw.lake.engine import quoted
from whosaw.lake.manifest import NAME as IMPORTS
from whosaw.lake.manifest import Manifest, read_manifest
from whosaw.lake.place import Folder, Place, Store, place_of
from whosaw.lake.trailmanifest import RowFile, TrailManifest, trails_in
from whosaw.lake.trailrows import COLUMNS

REVEALED = "=reveal"


@dataclass(frozen=True, slots=True)
class Lookover:
    """What a lake consists of at one moment.

    Args:
        place: the lake.
        trails: their manifests.
        files: every Parquet file of the trails, relative to the lake.
        imports: the manifest of imported logs; None where there is none.
    """

    place: Folder | Store
    trails: tuple[TrailManifest, ...]
    files: tuple[str, ...]
    imports: Manifest | None

    def classes(self) -> list[tuple[str, str, str]]:
        """Return (trail, field, class) of every trail."""
        return [(each.origin, name, held) for each in self.trails for name, held in sorted(each.classes.items())]

    def names(self) -> tuple[str, ...]:
        """Return what rows of it can name as their trail: trails, and imported logs of accesses."""
        logs = {each.name for each in (self.imports.sources if self.imports else ()) if each.kind == "accesses"}
        return tuple(sorted({each.origin for each in self.trails} | logs))

    def about(self, people: Mapping[str, Sequence[int]]) -> Lookover:
        """Return it with those files alone that can hold a row about one of these subjects, given by trail."""
        held = [(each.origin, file) for each in self.trails for file in each.files]
        wanted = {trail: sorted(numbers) for trail, numbers in people.items()}
        kept = [
            name
            for name, (origin, file) in zip(self.files, held, strict=True)
            if _can_hold(file, wanted.get(origin, []))
        ]
        return replace(self, files=tuple(kept))

    def between(self, low: int, high: int) -> Lookover:
        """Return it with those files alone that can hold a row about a subject from `low` to `high`, in any trail."""
        held = [file for each in self.trails for file in each.files]
        kept = [name for name, file in zip(self.files, held, strict=True) if _meets(file, low, high)]
        return replace(self, files=tuple(kept))

    def rejected(self) -> int:
        """Return how many rows of imported logs could not be used."""
        sources = self.imports.sources if self.imports else ()
        return sum({(source.sha256, source.mapping): source.rejected for source in sources}.values())


def look_over(where: str | Path) -> Lookover:
    """Return what the lake at a path or URL consists of.

    Raises:
        NotALake: nothing that is a lake lies there.
        LakeDamaged: a manifest cannot be read.
    """
    place = place_of(where)
    found = trails_in(place)
    files = [f"{_relative(place, folder)}/{name}" for folder, manifest in found for name in manifest.names()]
    imports = None
    if isinstance(place, Folder) and ((place.path / IMPORTS).exists() or not found):
        imports = read_manifest(place.path)
    return Lookover(place, tuple(manifest for _, manifest in found), tuple(files), imports)


def _can_hold(file: RowFile, numbers: Sequence[int]) -> bool:
    if file.low is None or file.high is None:
        return False
    at = bisect_left(numbers, file.low)
    return at < len(numbers) and numbers[at] <= file.high


def _meets(file: RowFile, low: int, high: int) -> bool:
    return file.low is not None and file.high is not None and file.low <= high and file.high >= low


def _relative(place: Place, folder: Place) -> str:
    return folder.text.removeprefix(place.text).lstrip("/")


def entries_sql(look: Lookover, rows: str, imported: Mapping[str, str], quote: Callable[[str], str] = quoted) -> str:
    """Return the query that is the table `entries`, in words that every engine understands.

    Args:
        look: the lake.
        rows: name or table expression of the trails' rows; empty where there are none.
        imported: name or table expression of the imported `accesses` and `numbers`; empty where there are none.
        quote: writes a text as the engine does.
    """
    parts = []
    if rows:
        parts.append(f"SELECT {', '.join(COLUMNS.names)}, 'trail' AS grade FROM {rows}")
    if imported and look.imports is not None:
        parts.append(_imported_sql(look, look.imports, imported, quote))
    if not parts:
        nothing = ", ".join(f"CAST(NULL AS {_SQL[str(each.type)]}) AS {each.name}" for each in COLUMNS)
        parts.append(f"SELECT {nothing}, CAST(NULL AS STRING) AS grade WHERE 1 = 0")
    return " UNION ALL ".join(parts)


def _imported_sql(look: Lookover, imports: Manifest, imported: Mapping[str, str], quote: Callable[[str], str]) -> str:
    """Return imported accesses as entries: who wrote the log is their trail, and an access shows unless it says less.

    Rows that an older version exported from a trail which lies here as a trail of its own are not counted twice.
    """
    origins = {each.origin for each in look.trails}
    sources = [
        (number, each.name, each.grade)
        for number, each in enumerate(imports.sources)
        if each.kind == "accesses" and not (each.grade == "trail" and each.name in origins)
    ]
    name = " ".join(f"WHEN {number} THEN {quote(text)}" for number, text, _ in sources)
    grade = " ".join(f"WHEN {number} THEN {quote(word)}" for number, _, word in sources)
    here = ", ".join(str(number) for number, _, _ in sources) or "-1"
    key, accesses = imported["numbers"], imported["accesses"]
    texts = {space: f"of_{space}" for space in ("fields", "beneficiary", "door", "reason")}
    joins = " ".join(
        f"LEFT JOIN (SELECT number, key FROM {key} WHERE space = '{space}') {alias} ON {alias}.number = a.{space}"
        for space, alias in texts.items()
    )
    values = {
        "trail": f"CASE a.source {name} END" if name else "CAST(NULL AS STRING)",
        "kind": "'disclosure'",
        "shown": "true",
        "at_us": "a.at_us",
        "actor": "a.actor",
        "subject": "a.subject",
        "purpose": "a.ticket",
        "verified": "a.verified",
        "in_set": "false",
        **{space: f"{alias}.key" for space, alias in texts.items()},
    }
    columns = ", ".join(
        f"{values.get(each.name, f'CAST(NULL AS {_SQL[str(each.type)]})')} AS {each.name}" for each in COLUMNS
    )
    graded = f"CASE a.source {grade} END" if grade else "CAST(NULL AS STRING)"
    return f"SELECT {columns}, {graded} AS grade FROM {accesses} a {joins} WHERE a.source IN ({here})"


_SQL = {"string": "STRING", "int64": "BIGINT", "bool": "BOOLEAN"}
