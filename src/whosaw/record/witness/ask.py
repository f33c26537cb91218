"""The body of ``add-checkpoint``: an old size, a consistency proof from it, and the signed checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.prove import Note, NoteInvalid
from whosaw.prove.checkpoint import parse_decimal
from whosaw.prove.merkle import HASH_BYTES
from whosaw.prove.note import decode_base64, encode_base64

MOST_BYTES = 65_536
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a witness is asked to cosign.

    Attributes:
        old: the size that the asker believes the witness last cosigned; 0 where he does not know.
        proof: hashes of 32 bytes from the tree of `old` entries to the one in `note`.
        note: the checkpoint, parsed and not yet verified.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, raw: bytes) -> AddCheckpoint:
        """Read the body, strictly.

        Raises:
            NoteInvalid: malformed in any way.
        """
        if len(raw) > MOST_BYTES:
            raise NoteInvalid(f"a request longer than {MOST_BYTES} bytes")
        head, gap, note = raw.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as cause:
            raise NoteInvalid("the proof is not ASCII") from cause
        if not gap or not lines[0].startswith("old "):
            raise NoteInvalid("a request begins with the line `old <size>` and has an empty line before the checkpoint")
        old = parse_decimal(lines[0].removeprefix("old "))
        proof = tuple(decode_base64(line) for line in lines[1:])
        if len(proof) > _MOST_HASHES or any(len(each) != HASH_BYTES for each in proof):
            raise NoteInvalid(f"a proof has at most {_MOST_HASHES} hashes of {HASH_BYTES} bytes")
        return cls(old, proof, Note.parse(note))

    def format(self) -> bytes:
        """Return the body."""
        lines = [f"old {self.old}", *(encode_base64(each) for each in self.proof)]
        return ("\n".join(lines) + "\n\n").encode() + self.note.format()
