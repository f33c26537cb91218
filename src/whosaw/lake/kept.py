"""Columns that a mapping keeps, encrypted beside the lake: nobody reads them by reading the Parquet files.

A file holds chunks; each is the nonce (12 bytes) and the AES-256-GCM sealing of zlib-packed JSON lines
``[row identity, {column: value}]``, bound to the file's own label and the chunk's place in it. Every file has a key of
its own in `kept.keys` (0600): who removes the key has removed every copy of the file, wherever it went.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa

from whosaw.lake.errors import LakeDamaged
from whosaw.terms.durable import write_whole

KEPT = "kept"
KEYS = "kept.keys"

_MAGIC = b"whosaw-kept-1\n"
_LABEL_BYTES = 16
_NONCE_BYTES = 12

Row = tuple[str, dict[str, str]]


class Keeper:
    """Writes one file of kept columns; use as a context manager.

    Args:
        path: the file, made anew (0600).

    Attributes:
        key: what it is encrypted under.
        rows: how many rows it holds.
    """

    _FLAGS: ClassVar[int] = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

    def __init__(self, path: Path) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a library that most imports do without

        self.key = AESGCM.generate_key(bit_length=256)
        self.rows = 0
        self._seal = AESGCM(self.key)
        self._label = secrets.token_bytes(_LABEL_BYTES)
        self._count = 0
        self._file: BinaryIO = os.fdopen(os.open(path, self._FLAGS, 0o600), "wb")
        self._file.write(_MAGIC + self._label)

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, identities: Sequence[bytes], columns: dict[str, pa.Array]) -> None:
        """Keep what n rows hold in some columns; a row that holds nothing there is left out."""
        names = list(columns)
        cells = zip(*(values.to_pylist() for values in columns.values()), strict=True)
        rows = (
            (identity.hex(), {name: cell for name, cell in zip(names, row, strict=True) if cell})
            for identity, row in zip(identities, cells, strict=True)
        )
        self.write(row for row in rows if row[1])

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows as one chunk."""
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        if not lines:
            return
        nonce = secrets.token_bytes(_NONCE_BYTES)
        packed = zlib.compress("\n".join(lines).encode(), 6)
        sealed = nonce + self._seal.encrypt(nonce, packed, self._label + self._count.to_bytes(8, "big"))
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)
        self._count += 1
        self.rows += len(lines)


def read_kept(path: Path, key: bytes) -> Iterator[list[Row]]:
    """Yield the rows of a file of kept columns, chunk by chunk.

    Raises:
        LakeDamaged: it is damaged, or the key is another file's.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC) + _LABEL_BYTES)
            label, seal, place = start[len(_MAGIC) :], AESGCM(key), 0
            if not start.startswith(_MAGIC):
                raise LakeDamaged(f"`{path.name}` holds no kept columns")
            while size := file.read(4):
                sealed = file.read(int.from_bytes(size, "big"))
                nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
                packed = seal.decrypt(nonce, rest, label + place.to_bytes(8, "big"))
                lines: list[Any] = [json.loads(line) for line in zlib.decompress(packed).decode().split("\n")]
                yield [(identity, cells) for identity, cells in lines]
                place += 1
    except (InvalidTag, ValueError, zlib.error) as error:
        raise LakeDamaged(f"the kept columns in `{path.name}` cannot be read") from error


def keys_of(folder: Path) -> dict[str, bytes]:
    """Return file name → key of every file of kept columns.

    Raises:
        LakeDamaged: the file of keys cannot be read.
    """
    try:
        text = (folder / KEYS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {name: bytes.fromhex(key) for name, key in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise LakeDamaged(f"`{KEYS}` of lake `{folder}` cannot be read") from error


def add_key(folder: Path, name: str, key: bytes) -> None:
    """Note the key of a file of kept columns, durably; to be done before the file becomes part of the lake."""
    _write_keys(folder, keys_of(folder) | {name: key})


def forget_keys(folder: Path) -> None:
    """Forget the keys of files that are no longer there."""
    keys = keys_of(folder)
    left = {name: key for name, key in keys.items() if (folder / KEPT / name).exists()}
    if left != keys:
        _write_keys(folder, left)


def _write_keys(folder: Path, keys: dict[str, bytes]) -> None:
    body = json.dumps({name: key.hex() for name, key in keys.items()}, indent=1)
    write_whole(folder / KEYS, body, draft=".draft")
