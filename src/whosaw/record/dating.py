"""When entries say they were made, against when they were signed.

A checkpoint over `size` entries was signed at a known moment: what lies below it cannot have been made after that
moment, and what lies above was recorded after it, so that an older date means it was delayed on its way or dated back.
Under a simulated clock moments mean nothing to each other, and an entry is compared with its neighbours only.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Protocol

from whosaw.record.auditrows import AuditBlock, AuditColumns
from whosaw.record.findings import Finding

_MOST_NAMED = 10_000


class Dating(Protocol):
    """Takes chunks of rows in order, then says which are dated wrongly."""

    def take(self, rows: AuditBlock | AuditColumns) -> None:
        """Check one chunk."""
        ...

    def findings(self) -> list[Finding]:
        """Return what was found."""
        ...


class ByCheckpoints:
    """Compares every entry with the checkpoints before and after it."""

    def __init__(self, anchors: Iterable[tuple[int, int]], bound_us: int) -> None:
        """Prepare.

        Args:
            anchors: (entries under a checkpoint, when it was signed in µs), in any order.
            bound_us: how far a date may lie outside, µs, > 0.
        """
        known = sorted(set(anchors))
        self._sizes = [size for size, _ in known]
        times = [at_us for _, at_us in known]
        # invariant: what lies below checkpoint n was signed by `_before[n]`, and what lies above it after `_after[n]`
        self._after = [*accumulate(times, max)]
        self._before = [*accumulate(reversed(times), min)][::-1]
        self._bound_us = bound_us
        self._found: list[Finding] = []

    def take(self, rows: AuditBlock | AuditColumns) -> None:
        """Check one chunk, a stretch between two checkpoints at a time."""
        index, times = rows.dated()
        if not self._sizes or not index:
            return
        first, last = bisect_right(self._sizes, index[0]), bisect_right(self._sizes, index[-1])
        edges = [bisect_left(index, size) for size in self._sizes[first:last]]
        for segment, (start, end) in enumerate(pairwise([0, *edges, len(index)]), first):
            self._check(segment, index[start:end], times[start:end])

    def findings(self) -> list[Finding]:
        """Return what was found."""
        return self._found

    def _check(self, segment: int, index: Sequence[int], times: Sequence[int]) -> None:
        """Check entries that lie below the checkpoint `segment` and not below the one before it."""
        if not times:
            return
        after = self._after[segment - 1] - self._bound_us if segment else None
        before = self._before[segment] + self._bound_us if segment < len(self._before) else None
        if (after is None or min(times) >= after) and (before is None or max(times) <= before):
            return
        for each, at_us in zip(index, times, strict=True):
            if after is not None and at_us < after:
                line = f"dated {_text(at_us)}, and recorded after {_text(self._after[segment - 1])}"
                _name(self._found, Finding(each, "back_dated", f"entry {each}: {line}"))
            elif before is not None and at_us > before:
                line = f"dated {_text(at_us)}, and signed at {_text(self._before[segment])} already"
                _name(self._found, Finding(each, "post_dated", f"entry {each}: {line}"))


class ByNeighbours:
    """Compares every entry with the entries before and after it."""

    def __init__(self, bound_us: int) -> None:
        """Prepare; a date may lie `bound_us` µs, > 0, behind one before it."""
        self._bound_us = bound_us
        self._reached_us: int | None = None  # the latest date so far that was not itself out of place
        self._held: tuple[int, int] | None = None  # the last entry of the chunk before, not judged yet
        self._found: list[Finding] = []

    def take(self, rows: AuditBlock | AuditColumns) -> None:
        """Check one chunk but for its last entry, whose neighbour is still to come."""
        dated = [*zip(*rows.dated(), strict=True)]
        if self._held is not None:
            dated.insert(0, self._held)
        for (index, at_us), (_, next_us) in pairwise(dated):
            self._judge(index, at_us, next_us)
        self._held = dated[-1] if dated else None

    def findings(self) -> list[Finding]:
        """Return what was found, the last entry among it."""
        if self._held is not None:
            self._judge(*self._held, self._held[1])
            self._held = None
        return self._found

    def _judge(self, index: int, at_us: int, next_us: int) -> None:
        reached_us = self._reached_us
        if reached_us is not None and at_us < reached_us - self._bound_us:
            line = f"entry {index}: dated {_text(at_us)}, and entries before it {_text(reached_us)}"
            _name(self._found, Finding(index, "back_dated", line))
        elif at_us > next_us + self._bound_us and reached_us is not None and reached_us <= next_us + self._bound_us:
            line = f"entry {index}: dated {_text(at_us)}, and the next entry {_text(next_us)}"
            _name(self._found, Finding(index, "post_dated", line))
        elif reached_us is None or at_us > reached_us:
            self._reached_us = at_us


def _name(found: list[Finding], finding: Finding) -> None:
    if len(found) < _MOST_NAMED:
        found.append(finding)


def _text(at_us: int) -> str:
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{at_us} µs"
