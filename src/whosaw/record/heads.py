"""Setting the signed checkpoints against the leaves, and against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from whosaw.prove import Checkpoint
from whosaw.prove.merkle import HASH_BYTES, CompactRange
from whosaw.record.findings import Finding
from whosaw.record.signed import IN_FOLDER, Signed
from whosaw.record.tiles import TILE_BYTES, WIDTH, split_items, tile_root


def compare_heads(stored: bytes, signed: Signed) -> tuple[list[Finding], bytes | None]:
    """Compare every signed root with the leaves that the folder's tiles, then the database, hold for it.

    Args:
        stored: the leaf hashes in the database, 32 bytes each, from index 0 on.
        signed: everything signed.

    Returns:
        The findings, and the leaves that carry the folder's own checkpoint: None where there is none or nothing
        carries it.
    """
    findings: list[Finding] = []
    sizes = {head.size for head, _ in signed.heads}
    roots = _roots(signed.leaves + stored[len(signed.leaves) :], sizes, signed.tile_roots)
    agreed: bytes | None = signed.leaves if signed.size else None
    top = next((head for head, where in signed.heads if where == IN_FOLDER), None)
    if top is not None and roots.get(top.size) != top.root:
        roots = _roots(stored, sizes, [])
        agreed = None
        if roots.get(top.size) == top.root:
            findings.append(Finding(None, "tile_damaged", "the tiles are not those that were signed"))
    for head, where in signed.heads:
        if head.size in roots and roots[head.size] != head.root:
            line = f"the checkpoint {where}: it was not signed over these {head.size} entries"
            findings.append(Finding(None, "checkpoint_mismatch", line))
    return [*findings, *_forks(signed, roots)], agreed


def _forks(signed: Signed, roots: dict[int, bytes]) -> list[Finding]:
    """Name what the trail's key signed that cannot all be of one trail: readers were shown different ones."""
    found = []
    by_size: defaultdict[int, list[tuple[Checkpoint, str]]] = defaultdict(list)
    for head, where in signed.heads:
        by_size[head.size].append((head, where))
    for size, heads in sorted(by_size.items()):
        other = next((each for each in heads if each[0].root != heads[0][0].root), None)
        if other is not None:
            line = f"forked: two trees of {size} entries were signed, {heads[0][1]} and {other[1]}"
            found.append(Finding(None, "forked", line))
    outside = [(head, where) for head, where in signed.heads if where in signed.outside and head.size in roots]
    same = next((each for each in outside if roots[each[0].size] == each[0].root and each[0].size), None)
    for head, where in outside:
        if same is not None and roots[head.size] != head.root and head.size != same[0].size:
            line = f"forked: the checkpoints {same[1]} and {where} are of two different trails"
            found.append(Finding(None, "forked", line))
    return found


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
            grown.append_subtree(known or tile_root(tile), WIDTH)
        edge = grown.copy()
        edge.extend(split_items(leaves[grown.size * HASH_BYTES : size * HASH_BYTES]))
        roots[size] = edge.root()
    return roots
