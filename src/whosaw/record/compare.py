"""Setting the stored entries against what was signed of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from whosaw.prove.merkle import HASH_BYTES
from whosaw.record.auditrows import AuditBlock, AuditColumns
from whosaw.record.erased import ANNOUNCING, Announcement, unannounced
from whosaw.record.findings import Finding, FindingKind
from whosaw.record.heads import compare_heads
from whosaw.record.recheck import Odd, RowChecker
from whosaw.record.resume import FsckState
from whosaw.record.signed import IN_FOLDER, Signed
from whosaw.record.tiles import TILE_BYTES, split_items

_MAX_NAMED_GAP = 10_000
_MAX_GAP = 1_000_000  # an index further out is not a place in this trail
_HOLE = bytes(HASH_BYTES)


class JunctionBroken(Exception):
    """The entries are not those that an earlier check had read; internal to the check."""


class Comparison:
    """Takes the stored entries in order, then compares them with the tiles and checkpoints."""

    # invariant: `_leaves` holds the stored leaf of every index below `_next`, a hole where there is none
    # invariant: `_digest` is over `_leaves` while `_whole`, which is until the first index that is out of place

    def __init__(self, head_size: int, earlier: FsckState | None = None) -> None:
        """Prepare.

        Args:
            head_size: entries that the head says there are.
            earlier: what an earlier run checked of the entries themselves; these are only read here.
        """
        self.read = 0
        self._head_size = head_size
        self._earlier = earlier
        self._digest = sha256()
        self._whole = True
        self._next = 0
        self._leaves = bytearray()
        self._holes: set[int] = set()
        self._altered: dict[int, bytes] = {}
        self._erased: set[int] = set()
        self._marks: list[tuple[int, int]] = []
        self._announced: dict[int, Announcement] = {}
        self._rows = RowChecker()
        self._findings: list[Finding] = []
        if earlier is not None:
            self._altered = {index: bytes.fromhex(leaf) for index, leaf in earlier.altered.items()}
            self._findings += earlier.findings

    @property
    def erased(self) -> int:
        """How many entries have only their leaf left."""
        return len(self._erased)

    def take(self, rows: AuditBlock | AuditColumns) -> list[tuple[int, bytes]]:
        """Check entries, which come ordered by index.

        Returns:
            Index and payload of those that were looked at one by one. No other payload names an actor outside the
            columns, or a set of subjects.

        Raises:
            JunctionBroken: an earlier run had read other entries up to here.
        """
        if isinstance(rows, AuditBlock):
            if self._earlier is not None and self._next <= self._earlier.size:
                self._check_junction(self._earlier)
            return self._take_block(rows)
        known, end = 0, len(rows.indices)
        if self._earlier is not None and self._next < self._earlier.size:
            known = bisect_left(rows.indices, self._earlier.size)
            self._take_known(rows.cut(0, known))
            if known < end or self._next == self._earlier.size:
                self._check_junction(self._earlier)
        if known < end:
            self._take_rows(rows.cut(known, end) if known else rows)
        return [(index, raw) for index, raw in zip(rows.indices, rows.payload, strict=True) if raw]

    def take_marks(self, marks: Iterable[tuple[int, int]]) -> None:
        """Take (index, index of the announcing entry) of every entry that the database says was erased."""
        self._marks += marks

    def state(self, origin: str) -> FsckState | None:
        """Return how far the entries were checked, or None where one was out of place: that must be seen again."""
        if not self._whole or self._next == 0 or (self._earlier is not None and self._next <= self._earlier.size):
            return None
        altered = {index: leaf.hex() for index, leaf in self._altered.items()}
        return FsckState(origin, self._next, self._digest.hexdigest(), altered, tuple(self._findings))

    def finish(self, signed: Signed) -> list[Finding]:
        """Return every finding about the entries.

        Raises:
            JunctionBroken: there are fewer entries than an earlier run had read.
        """
        if self._earlier is not None and self._next < self._earlier.size:
            raise JunctionBroken
        self._check_end(signed)
        found, agreed = compare_heads(bytes(self._leaves), signed)
        self._findings += found
        if agreed is not None:
            self._compare_leaves(agreed)
        for index, leaf in sorted(self._altered.items()):
            kept = signed.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES]
            what = "its leaf hash was altered" if leaf and leaf == kept else "payload or salt was altered"
            self._find(index, "altered", f"{what} after it was recorded")
        self._findings += unannounced(self._erased, self._marks, self._announced)
        return self._findings

    def _take_known(self, rows: AuditColumns) -> None:
        """Read rows whose payload an earlier run checked."""
        self._erased.update(index for index, salt in zip(rows.indices, rows.salt, strict=True) if salt is None)
        self._note_announcements((index, raw) for index, raw in zip(rows.indices, rows.payload, strict=True) if raw)
        self._add_each(rows.indices, rows.leaf)

    def _take_rows(self, rows: AuditColumns) -> None:
        odd = self._rows.check(rows)
        self._note(odd, rows.indices)
        self._add_each(rows.indices, rows.leaf)

    def _take_block(self, block: AuditBlock) -> list[tuple[int, bytes]]:
        odd = self._rows.check_block(block)
        indices = range(block.first, block.first + block.rows)
        self._note(odd, indices)
        if block.first == self._next and indices.stop <= self._head_size:
            self.read += block.rows
            self._digest.update(block.leaves)
            self._leaves += block.leaves
            self._next = indices.stop
        else:
            self._add_each(indices, split_items(block.leaves))
        return [(indices[at], raw) for at, raw in odd.single]

    def _note(self, odd: Odd, indices: Sequence[int]) -> None:
        """Keep what is wrong with entries at these indices."""
        for at, leaf in odd.leaves.items():
            self._altered[indices[at]] = leaf
        for at in odd.malformed:
            self._find(indices[at], "malformed", "the payload is not in its canonical form")
        for at in odd.columns:
            self._find(indices[at], "column_mismatch", "a column says something else than the payload")
        self._erased.update(indices[at] for at in odd.erased)
        self._note_announcements((indices[at], raw) for at, raw in odd.single if at not in odd.leaves)

    def _note_announcements(self, payloads: Iterable[tuple[int, bytes]]) -> None:
        for index, raw in payloads:
            if any(kind in raw for kind in ANNOUNCING):
                said = Announcement.read(raw)
                if said is not None:
                    self._announced[index] = said

    def _add_each(self, indices: Sequence[int], leaves: Iterable[bytes | None]) -> None:
        """Put stored leaves in their places."""
        self.read += len(indices)
        for index, leaf in zip(indices, leaves, strict=True):
            self._place(index, leaf)

    def _place(self, index: int, leaf: bytes | None) -> None:
        if index == self._next and index < self._head_size and leaf is not None and len(leaf) == HASH_BYTES:
            self._digest.update(leaf)
            self._leaves += leaf
            self._next = index + 1
            return
        self._whole = False
        if index >= self._head_size or index < 0:
            self._find(index, "added", "added without the head's knowledge")
        elif index - self._next > _MAX_GAP:
            self._find(index, "added", "lies far beyond every entry before it")
        elif index < self._next:
            self._find(index, "doubled", "stands twice")
        else:
            self._skip_to(index)
            self._leaves += leaf if leaf is not None and len(leaf) == HASH_BYTES else _HOLE
            self._next = index + 1

    def _skip_to(self, index: int) -> None:
        gap = range(self._next, index)
        if len(gap) > _MAX_NAMED_GAP:
            line = f"entries {gap[0]} to {gap[-1]}: missing"
            self._findings.append(Finding(gap[0], "missing", line))
        else:
            self._findings += [Finding(each, "missing", f"entry {each}: missing") for each in gap]
        self._holes.update(gap)
        self._leaves += bytes(HASH_BYTES * len(gap))
        self._next = index

    def _check_junction(self, earlier: FsckState) -> None:
        if not self._whole or self._next != earlier.size or self._digest.hexdigest() != earlier.digest:
            raise JunctionBroken

    def _check_end(self, signed: Signed) -> None:
        """Compare where the entries end with what the head says and what was signed."""
        self._skip_to(max(self._next, min(self._head_size, signed.size)))
        if self._next != self._head_size:
            line = f"the head counts {self._head_size} entries, and the entries end at {self._next}"
            self._findings.append(Finding(None, "head_mismatch", line))
        most = max((head.size for head, _ in signed.heads), default=0)
        if most > self._head_size:
            line = f"rolled back: {most} entries were signed, and {self._head_size} to {most - 1} are gone"
            self._findings.append(Finding(None, "rolled_back", line))
        in_folder = any(where == IN_FOLDER for _, where in signed.heads)
        if (signed.heads or self._head_size) and not in_folder and not signed.findings:
            line = "entries are there, and the trail's folder holds no checkpoint of them"
            self._findings.append(Finding(None, "checkpoint_missing", line))

    def _compare_leaves(self, published: bytes) -> None:
        """Name every stored leaf that is not the one published at its index."""
        stored = bytes(self._leaves[: len(published)])
        different = [index for index in _differences(stored, published) if index not in self._holes]
        different = [index for index in different if index not in self._altered]
        if not different:
            return
        places = {leaf: index for index, leaf in enumerate(split_items(published))}
        for index in different:
            origin = places.get(stored[index * HASH_BYTES : (index + 1) * HASH_BYTES])
            if origin is None:
                line = f"entry {index}: rewritten together with its leaf hash; another entry was signed here"
                self._findings.append(Finding(index, "rewritten", line))
            else:
                line = f"entry {index}: holds what was signed as entry {origin}"
                self._findings.append(Finding(index, "reordered", line))

    def _find(self, index: int, kind: FindingKind, what: str) -> None:
        self._findings.append(Finding(index, kind, f"entry {index}: {what}"))


def _differences(stored: bytes, published: bytes) -> Iterator[int]:
    """Yield the indices below both ends whose hashes differ; equal stretches are passed a tile at a time."""
    end = min(len(stored), len(published))
    for start in range(0, end, TILE_BYTES):
        stop = min(start + TILE_BYTES, end)
        if stored[start:stop] != published[start:stop]:
            for at in range(start, stop, HASH_BYTES):
                if stored[at : at + HASH_BYTES] != published[at : at + HASH_BYTES]:
                    yield at // HASH_BYTES
