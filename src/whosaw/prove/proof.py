"""Offline proofs of one entry in one file (c2sp.org/tlog-proof): index, inclusion path, signed checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.prove.checkpoint import Checkpoint, parse_decimal
from whosaw.prove.errors import NoteInvalid
from whosaw.prove.merkle import HASH_BYTES, check_inclusion
from whosaw.prove.note import MAX_NOTE_BYTES, decode_base64, encode_base64
from whosaw.prove.policy import Policy

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_PATH = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof that an entry is at `index` of the tree in `checkpoint`.

    Attributes:
        index: the entry's place, from 0.
        path: hashes from the leaf's sibling to the root's child, 32 bytes each.
        checkpoint: the signed note, as its bytes.
        extra: bytes nobody vouches for, or None.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, raw: bytes) -> TlogProof:
        """Read a ``.tlog-proof`` file.

        Raises:
            NoteInvalid: malformed in any way.
        """
        if len(raw) > MAX_NOTE_BYTES:
            raise NoteInvalid(f"a proof longer than {MAX_NOTE_BYTES} bytes")
        try:
            head, gap, checkpoint = raw.decode("utf-8").partition("\n\n")
        except UnicodeDecodeError as cause:
            raise NoteInvalid("a proof is not UTF-8") from cause
        lines = head.split("\n")
        if not gap or lines.pop(0) != PROOF_HEADER:
            raise NoteInvalid(f"a proof starts with the line `{PROOF_HEADER}`")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise NoteInvalid("a proof without index")
        index = parse_decimal(lines.pop(0).removeprefix("index "))
        if len(lines) > _MAX_PATH:
            raise NoteInvalid(f"a path of more than {_MAX_PATH} hashes")
        path = tuple(decode_base64(line) for line in lines)
        if any(len(each) != HASH_BYTES for each in path):
            raise NoteInvalid(f"a hash in a proof has {HASH_BYTES} bytes")
        return cls(index, path, checkpoint.encode(), extra)

    def format(self) -> bytes:
        """Return the proof as the bytes of a file."""
        lines = [PROOF_HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(encode_base64(each) for each in self.path)
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint

    def verify(self, leaf: bytes, policy: Policy) -> Checkpoint:
        """Return the checkpoint that covers the entry with this leaf hash.

        Raises:
            NoteInvalid: the policy does not accept the checkpoint.
            ProofMismatch: the entry is not at this index of that tree.
        """
        checkpoint, _ = policy.check(self.checkpoint)
        check_inclusion(leaf, self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint
