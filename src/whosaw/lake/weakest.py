"""The weakest grade that an answer from a lake rests on; shown with every answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whosaw.lake.grades import LETTERS, MEANINGS, TRAIL
from whosaw.lake.manifest import Manifest, Source, read_manifest


@dataclass(frozen=True, slots=True)
class Weakest:
    """The weakest grade an answer rests on.

    Args:
        letter: `trail`, a letter, or empty where there is nothing to rest on.
        sources: names of the logs of that grade.
        reasons: why the import lowered one of them, if it did.
    """

    letter: str
    sources: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Return one sentence for a person."""
        if not self.letter:
            return "weakest grade: none, the lake holds no accesses"
        name = "own trail" if self.letter == TRAIL else self.letter
        why = f"; lowered: {'; '.join(self.reasons)}" if self.reasons else ""
        return f"weakest grade: {name} ({MEANINGS[self.letter]}){why}"


def weakest_grade(lake: Path) -> Weakest:
    """Return the weakest grade among the accesses of a lake: what every answer from it rests on at best.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    return weakest_of(read_manifest(lake.resolve()))


def weakest_of(manifest: Manifest, names: set[str] | None = None) -> Weakest:
    """Return the weakest grade among a manifest's accesses, or among those whose log's name is in `names`."""
    used = [
        source
        for source in manifest.sources
        if source.kind == "accesses" and source.accepted and (names is None or source.name in names)
    ]
    if not used:
        return Weakest("", ())
    worst = max(map(_rank, used))
    those = [source for source in used if _rank(source) == worst]
    reasons = dict.fromkeys(source.lowered for source in those if source.lowered)
    letter = TRAIL if not worst else LETTERS[worst - 1]
    return Weakest(letter, tuple(dict.fromkeys(source.name for source in those)), tuple(reasons))


def _rank(source: Source) -> int:
    """Return 0 for the own trail, 1 for A … 4 for D; a log imported before there were grades counts as D."""
    if source.grade == TRAIL:
        return 0
    return 1 + LETTERS.index(source.letter) if source.letter in LETTERS else len(LETTERS)
