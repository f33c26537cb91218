"""Checkpoints: the signed head of the trail (c2sp.org/tlog-checkpoint).

The body has exactly three lines: origin, size, base64 of the root. Extension lines are refused: no reader could audit
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from whosaw.prove.errors import NoteInvalid
from whosaw.prove.merkle import EMPTY_ROOT, HASH_BYTES
from whosaw.prove.note import Note, SigningKey, VerifierKey, check_key_name, decode_base64, encode_base64, sign_note

SIMULATED_SUFFIX = ".simulated"
MAX_SIZE = (1 << 63) - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the trail's name, how many entries it has, and their 32-byte root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the body of a checkpoint, strictly.

        Raises:
            NoteInvalid: not exactly three lines, a size with a leading zero, a root of the wrong length.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NoteInvalid("a checkpoint has exactly three lines")
        root = decode_base64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteInvalid(f"the root of a checkpoint has {HASH_BYTES} bytes")
        size = parse_decimal(lines[1])
        if size == 0 and root != EMPTY_ROOT:
            raise NoteInvalid("an empty tree has one root only")
        return cls(check_key_name(lines[0]), size, root)

    @property
    def simulated(self) -> bool:
        """Whether the trail was written under a clock that is not the world's: its origin says so."""
        return self.origin.partition("/")[0].endswith(SIMULATED_SUFFIX)

    def format(self) -> str:
        """Return the body: three lines, each with its newline."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_decimal(text: str) -> int:
    """Return a decimal number without sign or leading zeros that fits 63 bits.

    Raises:
        NoteInvalid: it is none.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise NoteInvalid(f"not a number: `{text[:40]!r}`")
    return int(text)


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the checkpoint as a note signed by the trail key.

    Raises:
        NoteInvalid: the key's name is not the checkpoint's origin.
    """
    if key.name != checkpoint.origin:
        raise NoteInvalid(f"the key `{key.name}` does not sign for `{checkpoint.origin}`")
    return sign_note(checkpoint.format(), [key]).format()


def open_checkpoint(raw: bytes, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, VerifierKey]:
    """Return the checkpoint in a note and the log key that signed it.

    Args:
        raw: the note.
        keys: log keys that may sign; the name of the one that did must be the origin.

    Raises:
        NoteInvalid: malformed, or none of the keys signed for this origin.
    """
    note = Note.parse(raw)
    checkpoint = Checkpoint.parse(note.text)
    # only the origin's own key may vouch for it: another log's signature says nothing here
    for key, _ in note.verify([key for key in keys if key.name == checkpoint.origin]):
        return checkpoint, key
    raise NoteInvalid("no known key signed this note")
