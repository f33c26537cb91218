"""The witness's side of ``add-checkpoint`` (c2sp.org/tlog-witness): what is cosigned, and what is refused how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from whosaw.prove import Checkpoint, Note, NoteInvalid, ProofMismatch, VerifierKey, check_consistency
from whosaw.prove.cosign import CosigningKey
from whosaw.prove.merkle import EMPTY_ROOT, HASH_BYTES
from whosaw.prove.note import NoteSignature, decode_base64
from whosaw.record.witness.ask import AddCheckpoint
from whosaw.record.witness.memory import Memory, Slot
from whosaw.terms import Clock

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as HTTP gives it: status, content type, body."""

    status: int
    body: bytes
    content_type: str = TEXT


class _Refusal(Exception):
    """Leaves the checks with the answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Witness:
    """One witness over its memory. Any number of threads may call it.

    It knows nothing of the entries: it only refuses whatever does not continue what it cosigned before.
    """

    def __init__(self, key: CosigningKey, logs: Iterable[VerifierKey], memory: Memory, clock: Clock) -> None:
        """Witness the trails whose keys are given.

        Args:
            key: signs the cosignatures.
            logs: trail keys; several of one name are that trail's, as during a rotation.
            memory: what was cosigned so far.
            clock: dates the cosignatures; the world's, for a cosignature is a statement about real time.
        """
        self._key = key
        self._memory = memory
        self._clock = clock
        self._logs: dict[str, list[VerifierKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)

    @property
    def verifier(self) -> VerifierKey:
        """The key that a policy names."""
        return self._key.verifier

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign what the body asks for, or refuse with the status that says why.

        200 cosigned; 400 malformed, or the old size is larger than the new; 403 not signed by a key of that trail; 404
        unknown trail; 409 another size was cosigned last, which the body names; 422 the proof does not hold.

        Raises:
            WitnessDamaged: what was cosigned before cannot be read; nothing is cosigned.
            OSError: it could not be made durable; nothing is cosigned.
        """
        try:
            asked = _parsed(body)
            signatures = self._verified(asked.note)
            checkpoint = _checkpoint(asked)
            with self._memory.held(checkpoint.origin) as slot:
                _check_continues(asked, checkpoint, slot.last())
                return self._cosign(asked.note, signatures, slot)
        except _Refusal as refusal:
            return refusal.answer

    def latest(self, name: str) -> bytes | None:
        """Return the last cosigned checkpoint of the trail whose origin has the hex SHA-256 `name`, if any."""
        return self._memory.note(name)

    def _verified(self, note: Note) -> list[NoteSignature]:
        keys = self._logs.get(note.text.partition("\n")[0])
        if keys is None:
            raise _refusal(404, "this trail is not witnessed here")
        try:
            return [line for _, line in note.verify(keys)]
        except NoteInvalid as cause:
            raise _refusal(403, str(cause)) from cause

    def _cosign(self, note: Note, signatures: list[NoteSignature], slot: Slot) -> Answer:
        line = self._key.cosign(note.text, int(self._clock.now().timestamp()))
        slot.put(
            Note(note.text, (*signatures, line)).format()
        )  # before the answer: what was said must not be forgotten
        return Answer(200, line.line().encode())


def _parsed(body: bytes) -> AddCheckpoint:
    try:
        return AddCheckpoint.parse(body)
    except NoteInvalid as cause:
        raise _refusal(400, str(cause)) from cause


def _checkpoint(asked: AddCheckpoint) -> Checkpoint:
    text = asked.note.text
    try:
        checkpoint = Checkpoint.parse(text)
    except NoteInvalid as cause:
        if _empty_otherwise(text):
            raise _refusal(422, "an empty tree has one root only") from cause
        raise _refusal(400, str(cause)) from cause
    if asked.old > checkpoint.size:
        raise _refusal(400, "the old size is larger than the new")
    return checkpoint


def _empty_otherwise(text: str) -> bool:
    """Whether this would be a checkpoint if its root were that of no entries."""
    lines = text.split("\n")
    try:
        return len(lines) == 4 and lines[1] == "0" and len(decode_base64(lines[2])) == HASH_BYTES
    except NoteInvalid:
        return False


def _check_continues(asked: AddCheckpoint, new: Checkpoint, last: Checkpoint | None) -> None:
    known = (last.size, last.root) if last is not None else (0, EMPTY_ROOT)
    if asked.old != known[0]:
        raise _Refusal(Answer(409, f"{known[0]}\n".encode(), SIZE))
    try:
        check_consistency(known, (new.size, new.root), asked.proof)
    except ProofMismatch as cause:
        raise _refusal(422, str(cause)) from cause


def _refusal(status: int, why: str) -> _Refusal:
    return _Refusal(Answer(status, why.encode() + b"\n"))
