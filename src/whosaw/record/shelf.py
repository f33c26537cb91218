"""The trail's folder: the signed checkpoint and the tiles, written so that a crash leaves the old state or the new one.

checkpoint           the last signed note; cosignatures are added to it as they come
cosigned             the last note that the quorum of the witnesses cosigned
contradiction-<id>   a note of this trail's own key that a witness holds and this trail does not continue
stamps/<size>/…      time stamps over the checkpoint of that size
tile/<level>/<n>     hash tiles, immutable
lock                 held while something is written
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from whosaw.prove.cosign import add_signatures
from whosaw.prove.merkle import HASH_BYTES, LeafTree
from whosaw.prove.note import Note, NoteSignature
from whosaw.record.errors import TrailDamaged
from whosaw.record.tiles import HEIGHT, WIDTH, Tile, split_items, tile_path
from whosaw.terms.durable import UMASK, write_whole


class Shelf:
    """Reads and writes one trail's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def checkpoint(self) -> bytes | None:
        """Return the signed note, or None where nothing was signed yet."""
        try:
            return (self.folder / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against any other writer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def put_checkpoint(self, note: bytes) -> None:
        """Replace the checkpoint, durably."""
        self._put("checkpoint", note)

    def cosigned(self) -> bytes | None:
        """Return the last note that the quorum cosigned, or None where there is none."""
        try:
            return (self.folder / "cosigned").read_bytes()
        except FileNotFoundError:
            return None

    def put_cosigned(self, note: bytes) -> None:
        """Replace the note that the quorum cosigned, durably."""
        with self.locked():
            self._put("cosigned", note)

    def add_cosignatures(self, text: str, lines: Sequence[NoteSignature]) -> None:
        """Add lines to the published notes over the checkpoint body `text`; where a newer one stands, to neither."""
        with self.locked():
            for name in ("checkpoint", "cosigned"):
                with contextlib.suppress(FileNotFoundError):
                    standing = Note.parse((self.folder / name).read_bytes())
                    if standing.text == text:
                        self._put(name, add_signatures(standing, lines).format())

    def put(self, name: str, body: bytes) -> None:
        """Replace the file `name` under the folder, durably."""
        with self.locked():
            self._put(name, body)

    def put_contradiction(self, key_id: str, note: bytes) -> None:
        """Keep what the witness with this key id (hex) holds against this trail."""
        with self.locked():
            self._put(f"contradiction-{key_id}", note)

    def contradictions(self) -> list[bytes]:
        """Return what witnesses hold against this trail, if anything: evidence for a check of the whole trail."""
        return [path.read_bytes() for path in sorted(self.folder.glob("contradiction-" + "[0-9a-f]" * 8))]

    def put_tiles(self, tiles: Iterable[Tile]) -> None:
        """Write tiles durably; partial ones of a number that is now full go."""
        for tile in tiles:
            full = len(tile.body) == WIDTH * HASH_BYTES
            if full and (self.folder / tile.path).exists():
                continue  # a tile exists whole or not at all, and a full one never changes
            self._put(tile.path, tile.body)
            if full:
                shutil.rmtree(self.folder / (tile.path + ".p"), ignore_errors=True)

    def tile(self, level: int, number: int, width: int) -> bytes:
        """Return the first `width` items of a tile as bytes.

        Raises:
            TrailDamaged: it is not there or too short.
        """
        for have in dict.fromkeys((width, WIDTH)):  # a partial tile goes when the full one is there
            with contextlib.suppress(FileNotFoundError):
                body = (self.folder / tile_path(level, number, have)).read_bytes()
                if len(body) == have * HASH_BYTES:
                    return body[: width * HASH_BYTES]
        raise TrailDamaged(f"the tile `{tile_path(level, number, width)}` is missing or cut off")

    def _put(self, name: str, body: bytes) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, body, mode=UMASK)


class TileNodes:
    """The perfect subtrees of a tree of `size` leaves, read from tiles once each; call it as a `NodeReader`."""

    def __init__(self, shelf: Shelf, size: int) -> None:
        self._shelf = shelf
        self._size = size
        self._read: dict[tuple[int, int], LeafTree] = {}

    def __call__(self, height: int, index: int) -> bytes:
        """Return the root of the perfect subtree of 2^height leaves that starts at leaf index·2^height."""
        level, inside = divmod(height, HEIGHT)
        per_tile = HEIGHT - inside
        return self._tile(level, index >> per_tile)(inside, index & ((1 << per_tile) - 1))

    def _tile(self, level: int, number: int) -> LeafTree:
        if (level, number) not in self._read:
            width = min(WIDTH, (self._size >> (HEIGHT * level)) - WIDTH * number)
            self._read[level, number] = LeafTree(split_items(self._shelf.tile(level, number, width)))
        return self._read[level, number]
