"""What was signed and published of the trail: checkpoints from folder, database and outside, and the tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whosaw.prove import Checkpoint, NoteInvalid, VerifierKey, open_checkpoint
from whosaw.prove.merkle import HASH_BYTES
from whosaw.record.errors import TrailDamaged
from whosaw.record.findings import Finding
from whosaw.record.shelf import Shelf
from whosaw.record.tiles import HEIGHT, WIDTH, split_items, tile_path, tile_root, tiles_of

IN_FOLDER = "in the folder"


@dataclass(slots=True)
class Signed:
    """Everything signed that could be read.

    Attributes:
        size: entries under the checkpoint in the folder; 0 where there is none.
        leaves: the leaf hashes by the tiles, `size` × 32 bytes; holes are zero bytes and named in `findings`.
        tile_roots: the root over each full tile of leaves, None where the tile is not there.
        heads: every valid checkpoint with where it came from.
        findings: what is wrong with checkpoints and tiles by themselves.
    """

    key: VerifierKey
    size: int = 0
    leaves: bytes = b""
    tile_roots: list[bytes | None] = field(default_factory=list)
    outside_size: int = 0
    heads: list[tuple[Checkpoint, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, note: bytes, where: str) -> Checkpoint | None:
        """Take one checkpoint if this trail's key signed it; a finding if not."""
        try:
            head, _ = open_checkpoint(note, [self.key])
        except NoteInvalid as cause:
            self.findings.append(Finding(None, "checkpoint_invalid", f"the checkpoint {where}: {cause}"))
            return None
        self.heads.append((head, where))
        return head

    def add_kept(self, rows: Iterable[tuple[int, bytes, str]]) -> None:
        """Take the checkpoints that the database keeps: size, root and note of each."""
        for size, root, note in rows:
            where = f"of size {size} in the database"
            head = self.add(note.encode(), where)
            if head is not None and (head.size, head.root) != (size, root):
                line = f"the checkpoint {where}: its columns are not what its note says"
                self.findings.append(Finding(None, "checkpoint_invalid", line))


def read_signed(folder: Path, key: VerifierKey, outside: Sequence[bytes]) -> Signed:
    """Read checkpoint and tiles in `folder`, and the checkpoints kept elsewhere."""
    shelf = Shelf(folder)
    signed = Signed(key)
    note = shelf.checkpoint()
    head = signed.add(note, IN_FOLDER) if note is not None else None
    if head is not None:
        signed.size = head.size
        signed.leaves, signed.tile_roots = _read_tiles(shelf, head.size, signed.findings)
    for number, other in enumerate(outside, 1):
        given = signed.add(other, f"from outside, number {number},")
        signed.outside_size = max(signed.outside_size, given.size if given else 0)
    return signed


def _read_tiles(shelf: Shelf, size: int, findings: list[Finding]) -> tuple[bytes, list[bytes | None]]:
    """Return the leaves by the tiles, and the root over each full tile of them.

    Tiles that are not there, or that disagree with the level above, are named.
    """
    roots: list[list[bytes | None]] = []  # by level, of its full tiles
    leaves = bytearray()
    for level, number, width in tiles_of(size):
        if level == len(roots):
            roots.append([])
        body = _read_tile(shelf, (level, number, width), findings)
        if level == 0:
            leaves += body or bytes(width * HASH_BYTES)
        else:
            _compare_level(level, number, split_items(body or b""), roots[level - 1], findings)
        if width == WIDTH:
            roots[level].append(tile_root(split_items(body)) if body else None)
    return bytes(leaves), roots[0] if roots else []


def _read_tile(shelf: Shelf, tile: tuple[int, int, int], findings: list[Finding]) -> bytes | None:
    try:
        return shelf.tile(*tile)
    except (TrailDamaged, OSError) as cause:
        findings.append(Finding(None, "tile_damaged", str(cause)))
        return None


def _compare_level(
    level: int, number: int, items: list[bytes], below: list[bytes | None], findings: list[Finding]
) -> None:
    for at, item in enumerate(items, number * WIDTH):
        if below[at] is not None and below[at] != item:
            first = at << (HEIGHT * level)
            line = f"the tiles `{tile_path(level - 1, at)}` and above do not agree: entries {first} and on"
            findings.append(Finding(None, "tile_damaged", line))
