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
    "column_mismatch",  # a search column says something else than the payload
    "head_mismatch",  # the head counts otherwise than the entries do
    "rolled_back",  # the database holds fewer entries than were signed
    "checkpoint_invalid",  # a checkpoint is not signed by the trail key, or is malformed
    "checkpoint_mismatch",  # a signed checkpoint is not over these entries
    "checkpoint_missing",  # entries are there and the folder holds no checkpoint
    "tile_damaged",  # a tile is not there, cut off, or not what was signed
    "payload_lost",  # payload and salt are gone, and no erasure says so
    "erasure_unannounced",  # marked as erased, and the entry that should announce it does not
    "forked",  # two checkpoints of the trail key cannot both be of one trail
    "receipt_invalid",  # a line of a receipt journal is malformed, or not signed by the receipt key
    "receipt_missing",  # an entry was promised, and is not there
    "receipt_mismatch",  # another entry than the promised one is there
    "number_lost",  # a number is in use, or was given, and its map row is gone without an erasure
    "number_unknown",  # a number is in use that was never given
    "back_dated",  # dated long before it was recorded: delayed on its way, or dated back
    "post_dated",  # dated long after it was recorded
    "exposure_missing",  # an entry names a set of subjects that is not there, or that cannot be one
    "exposure_altered",  # a set is not the one that its hash names, or is malformed
    "exposure_miscounted",  # a set holds more or fewer numbers than its entry, or its row, says
    "exposure_unlinked",  # the row that leads from an entry to its set is missing, or leads elsewhere
    "exposure_orphan",  # a set that no entry names, long after it was stored
    "changed_since",  # not what an earlier, interrupted check had read
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
        outside_names: the witnesses that cosigned the largest outside checkpoint, as far as a policy names them.
        receipts: promised entries that were looked for.
        erased: entries whose payload died by an erasure; of these only the leaf is checked.
        resumed_at: entries whose payload an earlier run had checked and this one did not.
    """

    entries: int
    size: int
    signed_size: int
    outside_size: int
    findings: tuple[Finding, ...]
    seconds: float
    outside_names: tuple[str, ...] = ()
    receipts: int = 0
    erased: int = 0
    resumed_at: int = 0

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
            by = f", cosigned by {', '.join(self.outside_names)}" if self.outside_names else ""
            return f"roll-back before entry {self.outside_size} is excluded by an outside checkpoint{by}"
        return "roll-back cannot be excluded: no outside checkpoint was given"

    def lines(self) -> list[str]:
        """Return the report as lines for a terminal."""
        verdict = "nothing found" if self.ok else f"{len(self.findings)} findings"
        said = [f"{self.entries} entries read, {self.signed_size} under a signed checkpoint: {verdict}"]
        if self.resumed_at:
            said.append(f"resumed: the payloads of entries 0 to {self.resumed_at - 1} were checked by an earlier run")
        if self.erased:
            said.append(f"{self.erased} entries were erased: their leaves are checked, their payloads cannot be")
        if self.receipts:
            said.append(f"{self.receipts} receipts compared with the entries they promise")
        return [*said, *(finding.line for finding in self.findings), self.roll_back]
