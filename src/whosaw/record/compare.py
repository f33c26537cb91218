"""Setting the stored entries against what was signed of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from whosaw.prove.merkle import HASH_BYTES, CompactRange
from whosaw.record.findings import Finding
from whosaw.record.queries import AuditRow
from whosaw.record.recheck import RowChecker
from whosaw.record.signed import IN_FOLDER, Signed
from whosaw.record.tiles import TILE_BYTES, WIDTH, split_items, tile_root

_MAX_NAMED_GAP = 10_000
_MAX_GAP = 1_000_000  # an index further out is not a place in this trail
_HOLE = bytes(HASH_BYTES)


class Comparison:
    """Takes the stored entries in order, then compares them with the tiles and checkpoints."""

    # invariant: `_leaves` holds the stored leaf of every index below `_next`, a hole where there is none

    def __init__(self, head_size: int) -> None:
        self.read = 0
        self._head_size = head_size
        self._next = 0
        self._leaves = bytearray()
        self._holes: set[int] = set()
        self._altered: dict[int, bytes] = {}
        self._rows = RowChecker()
        self._findings: list[Finding] = []

    def take(self, rows: Sequence[AuditRow]) -> None:
        """Check one chunk of rows, which come ordered by index."""
        odd = self._rows.check(rows)
        for at, leaf in odd.leaves.items():
            self._altered[rows[at][0]] = leaf
        for at in odd.malformed:
            index = rows[at][0]
            line = f"entry {index}: the payload is not in its canonical form"
            self._findings.append(Finding(index, "malformed", line))
        for at in odd.columns:
            index = rows[at][0]
            line = f"entry {index}: a column beside the payload says something else than the payload"
            self._findings.append(Finding(index, "column_mismatch", line))
        self.read += len(rows)
        end = self._next + len(rows)
        if not odd.leaves and [row[0] for row in rows] == list(range(self._next, end)) and end <= self._head_size:
            self._leaves += b"".join([row[1] for row in rows])
            self._next = end
        else:
            for row in rows:
                self._place(row[0], row[1])

    def finish(self, signed: Signed) -> list[Finding]:
        """Return every finding about the entries."""
        self._check_end(signed)
        agreed = self._check_heads(signed)
        if agreed is not None:
            self._compare_leaves(agreed)
        for index, leaf in sorted(self._altered.items()):
            kept = signed.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES]
            what = "its leaf hash was altered" if leaf and leaf == kept else "payload or salt was altered"
            self._findings.append(Finding(index, "altered", f"entry {index}: {what} after it was recorded"))
        return self._findings

    def _place(self, index: int, leaf: bytes | None) -> None:
        if index >= self._head_size or index < 0:
            line = f"entry {index}: added without the head's knowledge"
            self._findings.append(Finding(index, "added", line))
        elif index - self._next > _MAX_GAP:
            self._findings.append(Finding(index, "added", f"entry {index}: lies far beyond every entry before it"))
        elif index < self._next:
            self._findings.append(Finding(index, "doubled", f"entry {index}: stands twice"))
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

    def _check_heads(self, signed: Signed) -> bytes | None:
        """Compare every signed root with the leaves that the folder's tiles, then the database, hold for it.

        Returns:
            The leaves that carry the folder's own checkpoint, or None where there is none or nothing carries it.
        """
        by_tiles = signed.leaves + bytes(self._leaves[len(signed.leaves) :])
        roots = _roots(by_tiles, {head.size for head, _ in signed.heads}, signed.tile_roots)
        agreed: bytes | None = signed.leaves if signed.size else None
        top = next((head for head, where in signed.heads if where == IN_FOLDER), None)
        if top is not None and roots.get(top.size) != top.root:
            stored = bytes(self._leaves)
            roots = _roots(stored, {head.size for head, _ in signed.heads}, [])
            agreed = None
            if roots.get(top.size) == top.root:
                self._findings.append(Finding(None, "tile_damaged", "the tiles are not those that were signed"))
        for head, where in signed.heads:
            if head.size in roots and roots[head.size] != head.root:
                line = f"the checkpoint {where}: it was not signed over these {head.size} entries"
                self._findings.append(Finding(None, "checkpoint_mismatch", line))
        return agreed

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


def _differences(stored: bytes, published: bytes) -> Iterator[int]:
    """Yield the indices below both ends whose hashes differ; equal stretches are passed a tile at a time."""
    end = min(len(stored), len(published))
    for start in range(0, end, TILE_BYTES):
        stop = min(start + TILE_BYTES, end)
        if stored[start:stop] != published[start:stop]:
            for at in range(start, stop, HASH_BYTES):
                if stored[at : at + HASH_BYTES] != published[at : at + HASH_BYTES]:
                    yield at // HASH_BYTES


def _roots(leaves: bytes, sizes: set[int], tile_roots: Sequence[bytes | None]) -> dict[int, bytes]:
    """Return the root at each of `sizes` that the leaves reach, from the roots of full tiles where they are known."""
    grown = CompactRange()
    roots: dict[int, bytes] = {}
    for size in sorted(sizes):
        if size * HASH_BYTES > len(leaves):
            break
        while grown.size + WIDTH <= size:
            number = grown.size // WIDTH
            known = tile_roots[number] if number < len(tile_roots) else None
            tile = leaves[number * TILE_BYTES : (number + 1) * TILE_BYTES]
            grown.append_subtree(known or tile_root(split_items(tile)), WIDTH)
        edge = grown.copy()
        edge.extend(split_items(leaves[grown.size * HASH_BYTES : size * HASH_BYTES]))
        roots[size] = edge.root()
    return roots
