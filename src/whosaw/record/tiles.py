"""Tiles of the Merkle tree (c2sp.org/tlog-tiles): where they lie and what is in them; no disk here.

Item i of tile n at level l is the root of the 256^l leaves from (256·n + i)·256^l on. A full tile holds 256 items of 32
bytes; the last tile of a level may be partial and is then served as ``.p/<width>``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import iter_unpack

from whosaw.prove.merkle import HASH_BYTES

WIDTH = 256
HEIGHT = 8  # a tile spans 8 levels of the tree
TILE_BYTES = WIDTH * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: level ≥ 0, number ≥ 0 within the level, 1..256 items."""

    level: int
    number: int
    body: bytes

    @property
    def path(self) -> str:
        """Where it lies under the trail's folder."""
        return tile_path(self.level, self.number, len(self.body) // HASH_BYTES)


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile of `width` items (1..256) under the trail's folder.

    Raises:
        ValueError: no such tile.
    """
    if not 0 <= level <= 63 or number < 0 or not 1 <= width <= WIDTH:
        raise ValueError(f"no tile of level {level}, number {number}, width {width}")
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (level, number, width) of every tile of a tree of `size` leaves, level by level."""
    level = 0
    items = size
    while items:
        for number in range(items // WIDTH):
            yield level, number, WIDTH
        if items % WIDTH:
            yield level, items // WIDTH, items % WIDTH
        level += 1
        items //= WIDTH


class TileEdge:
    """The right edge of the tree in tiles: takes leaves, gives tiles back as they fill."""

    # invariant: _edge[l] holds the items of level l's partial tile, and _full[l] counts the level's full tiles

    def __init__(self) -> None:
        self._edge: list[list[bytes]] = [[]]
        self._full: list[int] = [0]

    def extend(self, leaves: Sequence[bytes]) -> list[Tile]:
        """Add leaf hashes and return the tiles that became full."""
        filled: list[Tile] = []
        at = 0
        while at < len(leaves):
            taken = leaves[at : at + WIDTH - len(self._edge[0])]
            self._edge[0].extend(taken)
            at += len(taken)
            self._carry(filled)
        return filled

    def partials(self) -> list[Tile]:
        """Return the partial tiles at the edge now."""
        return [Tile(level, self._full[level], b"".join(items)) for level, items in enumerate(self._edge) if items]

    def _carry(self, filled: list[Tile]) -> None:
        level = 0
        while len(self._edge[level]) == WIDTH:
            items = self._edge[level]
            body = b"".join(items)
            filled.append(Tile(level, self._full[level], body))
            self._edge[level] = []
            self._full[level] += 1
            if level + 1 == len(self._edge):
                self._edge.append([])
                self._full.append(0)
            self._edge[level + 1].append(tile_root(body))
            level += 1


def tile_root(body: bytes) -> bytes:
    """Return the root over the 256 items of a full tile, which is one item of the level above."""
    while len(body) > HASH_BYTES:  # two children are one piece of bytes here: a check hashes a million such
        body = b"".join([sha256(b"\x01" + pair).digest() for (pair,) in iter_unpack(f"{2 * HASH_BYTES}s", body)])
    return body


def split_items(body: bytes) -> list[bytes]:
    """Return the 32-byte items of a tile."""
    return [body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES)]
