"""Cosignatures (c2sp.org/tlog-cosignature, Ed25519): a witness's dated word that a tree continues the last it saw.

The line's payload is eight bytes of POSIX seconds and the 64-byte signature over time and checkpoint body. The format
does not bind the witness's name, so a witness key signs nothing else and belongs to one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from whosaw.prove.errors import NoteInvalid
from whosaw.prove.note import COSIGNATURE, Note, NoteSignature, SigningKey, VerifierKey, cosigned_message

_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class CosigningKey:
    """A witness's private key; on disk it is written as any Ed25519 signing key is."""

    key: SigningKey = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half, as a policy's ``witness`` line names it."""
        return VerifierKey(self.key.name, COSIGNATURE, self.key.verifier.public)

    def cosign(self, text: str, time_s: int) -> NoteSignature:
        """Return the line that cosigns a checkpoint body.

        Args:
            text: the body, with its last newline and without signatures.
            time_s: POSIX seconds, 0 to 2^63 - 1.

        Raises:
            NoteInvalid: no such time.
        """
        if not 0 <= time_s < 1 << 63:
            raise NoteInvalid(f"not a time for a cosignature: {time_s}")
        signature = self.key.sign(cosigned_message(text, time_s))
        return NoteSignature(self.key.name, self.verifier.key_id, time_s.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(line: NoteSignature) -> int:
    """Return the POSIX seconds in a cosignature line that `Note.verify` accepted."""
    return int.from_bytes(line.signature[:_TIME_BYTES], "big")


def read_cosignatures(text: str, raw: bytes, key: VerifierKey) -> tuple[NoteSignature, ...]:
    """Return the lines of a witness's answer that are `key`'s and good; lines of unknown keys are passed over.

    Args:
        text: the checkpoint body that was to be cosigned.
        raw: the answer: note signature lines.
        key: the witness's key.

    Raises:
        NoteInvalid: malformed, `key`'s line does not verify, or it has none.
    """
    answered = Note.parse(text.encode() + b"\n" + raw)
    if answered.text != text:
        raise NoteInvalid("the answer is more than signature lines")
    return tuple(line for _, line in answered.verify([key]))


def add_signatures(note: Note, lines: Iterable[NoteSignature]) -> Note:
    """Return `note` with `lines`, each in the place of an earlier line of the same key where there is one."""
    merged = {(line.name, line.key_id): line for line in note.signatures}
    merged |= {(line.name, line.key_id): line for line in lines}
    return Note(note.text, tuple(merged.values()))


def keep_good(note: Note, keys: Sequence[VerifierKey]) -> Note:
    """Return `note` with only those lines of `keys` that verify, each key's last one, and none of anybody else."""
    known = {(key.name, key.key_id): key for key in keys}
    good: dict[tuple[str, bytes], NoteSignature] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            with suppress(NoteInvalid):
                Note(note.text, (line,)).verify([key])
                good[line.name, line.key_id] = line
    return Note(note.text, tuple(good.values()))


def cosigners(note: Note, keys: Sequence[VerifierKey]) -> list[tuple[VerifierKey, int]]:
    """Return which of the witness `keys` cosigned `note`, and when (POSIX seconds).

    Raises:
        NoteInvalid: a line of one of them does not verify.
    """
    known = {(key.name, key.key_id) for key in keys}
    if not any((line.name, line.key_id) in known for line in note.signatures):
        return []
    return [(key, cosigned_at(line)) for key, line in note.verify(keys)]
