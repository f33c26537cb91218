"""What `fsck` can find, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "altered",  # payload and salt do not give the stored leaf
    "rewritten",  # payload and leaf agree, but another entry was signed at this index
    "reordered",  # as rewritten, and it is an entry that was signed at another index
    "missing",  # no entry at this index
    "doubled",  # two entries at this index
    "added",  # an entry that the head does not know
    "malformed",  # the payload is not canonical
    "column_mismatch",  # a generated column says something else than the payload
    "head_mismatch",  # the head counts otherwise than the entries do
    "rolled_back",  # the database holds fewer entries than were signed
    "checkpoint_invalid",  # a checkpoint is not signed by the trail key, or is malformed
    "checkpoint_mismatch",  # a signed checkpoint is not over these entries
    "checkpoint_missing",  # entries are there and the folder holds no checkpoint
    "tile_damaged",  # a tile is not there, cut off, or not what was signed
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where (None where it is about no one entry), what, and a line for a person."""

    index: int | None
    kind: FindingKind
    line: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What a check of the whole trail found.

    Attributes:
        entries: entries read.
        size: entries the head says there are.
        signed_size: entries under the last checkpoint in the trail's folder; 0 where there is none.
        outside_size: entries under the largest valid checkpoint that came from outside; 0 where there was none.
        findings: everything wrong, in the order found.
        seconds: how long the check took.
    """

    entries: int
    size: int
    signed_size: int
    outside_size: int
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def indices(self) -> tuple[int, ...]:
        """The entries that something is wrong with, ascending, each once."""
        return tuple(sorted({finding.index for finding in self.findings if finding.index is not None}))

    @property
    def roll_back(self) -> str:
        """What can be said about a database and folder that were both put back to an older state."""
        if self.outside_size:
            return f"roll-back before entry {self.outside_size} is excluded by an outside checkpoint"
        return "roll-back cannot be excluded: no outside checkpoint was given"

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        verdict = "nothing found" if self.ok else f"{len(self.findings)} findings"
        return [
            f"{self.entries} entries read, {self.signed_size} under a signed checkpoint: {verdict}",
            *(finding.line for finding in self.findings),
            self.roll_back,
        ]
