"""What was signed and published of the trail: checkpoints from folder, database and outside, and the tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whosaw.prove import Checkpoint, NoteInvalid, Policy, VerifierKey, open_checkpoint
from whosaw.prove.cosign import cosigned_at
from whosaw.prove.merkle import HASH_BYTES
from whosaw.prove.note import COSIGNATURE, Note
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
        outside_size: entries under the largest valid checkpoint from outside.
        outside_names: the witnesses that cosigned it.
        outside: where the checkpoints from outside came from, by the words in `heads`.
        heads: every valid checkpoint with where it came from.
        anchors: (entries, when in µs) of what was signed at a known moment.
        findings: what is wrong with checkpoints and tiles by themselves.
    """

    keys: Sequence[VerifierKey]
    policy: Policy | None = None
    size: int = 0
    leaves: bytes = b""
    tile_roots: list[bytes | None] = field(default_factory=list)
    outside_size: int = 0
    outside_names: tuple[str, ...] = ()
    outside: set[str] = field(default_factory=set)
    anchors: list[tuple[int, int]] = field(default_factory=list)
    heads: list[tuple[Checkpoint, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, note: bytes, where: str) -> Checkpoint | None:
        """Take one checkpoint if this trail's key signed it; a finding if not."""
        try:
            head, _ = open_checkpoint(note, self.keys)
        except NoteInvalid as cause:
            self.findings.append(Finding(None, "checkpoint_invalid", f"the checkpoint {where}: {cause}"))
            return None
        self.heads.append((head, where))
        self.anchors += [(head.size, at_us) for _, at_us in self._cosigned(note)]
        return head

    def add_outside(self, note: bytes, where: str) -> None:
        """Take one checkpoint that was kept elsewhere; where there is a policy, it must be accepted by that."""
        head = self.add(note, where)
        if head is None:
            return
        self.outside.add(where)
        try:
            if self.policy is not None:
                self.policy.check(note)
        except NoteInvalid as cause:
            line = f"the checkpoint {where}: not by the policy: {cause}"
            self.findings.append(Finding(None, "checkpoint_invalid", line))
            return
        if head.size > self.outside_size:
            self.outside_size = head.size
            self.outside_names = tuple(name for name, _ in self._cosigned(note))

    def add_kept(self, rows: Iterable[tuple[int, bytes, int, str]]) -> None:
        """Take the checkpoints that the database keeps: size, root, time in µs and note of each."""
        for size, root, at_us, note in rows:
            where = f"of size {size} in the database"
            head = self.add(note.encode(), where)
            self.anchors.append((size, at_us))
            if head is not None and (head.size, head.root) != (size, root):
                line = f"the checkpoint {where}: its columns are not what its note says"
                self.findings.append(Finding(None, "checkpoint_invalid", line))

    def _cosigned(self, note: bytes) -> list[tuple[str, int]]:
        """Return the policy's witnesses that cosigned a note, each with when, in µs."""
        if self.policy is None:
            return []
        parsed = Note.parse(note)
        try:
            known = parsed.verify([*self.keys, *self.policy.witnesses.values()])
        except NoteInvalid:
            return []
        return [(key.name, cosigned_at(line) * 1_000_000) for key, line in known if key.kind == COSIGNATURE]


def read_signed(
    folder: Path, keys: Sequence[VerifierKey], outside: Sequence[bytes], policy: Policy | None = None
) -> Signed:
    """Read checkpoint and tiles in `folder`, what witnesses hold against it, and the checkpoints kept elsewhere."""
    shelf = Shelf(folder)
    signed = Signed(keys, policy)
    note = shelf.checkpoint()
    head = signed.add(note, IN_FOLDER) if note is not None else None
    if head is not None:
        signed.size = head.size
        signed.leaves, signed.tile_roots = _read_tiles(shelf, head.size, signed.findings)
    cosigned = shelf.cosigned()
    if cosigned is not None:
        signed.add(cosigned, "cosigned in the folder")
    for number, held in enumerate(shelf.contradictions(), 1):
        signed.add_outside(held, f"that a witness holds, number {number},")
    for number, other in enumerate(outside, 1):
        signed.add_outside(other, f"from outside, number {number},")
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
            roots[level].append(tile_root(body) if body else None)
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
