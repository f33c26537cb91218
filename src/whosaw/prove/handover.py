"""Hand-overs: how whoever trusts one key of a trail comes to trust the next, without taking anybody's word for it.

A hand-over is a signed note (c2sp.org/signed-note) of seven lines:

    whosaw/handover/v1
    trail                     which key: trail or receipt
    <origin>                  the trail's
    <size>                    entries under the last checkpoint of the old key
    <root>                    their root, base64
    <old verifier key>
    <new verifier key>

The new key always signs it, which shows that its holder has it. The old key signs it too where it still can be trusted:
then who trusts the old key may follow to the new one. Where the old key was lost or stolen only the new one signs, and
the new one must reach verifiers another way; they then know up to which tree the old one may be believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from whosaw.prove.checkpoint import Checkpoint, open_checkpoint
from whosaw.prove.errors import NoteInvalid
from whosaw.prove.note import Note, SigningKey, VerifierKey, sign_note
from whosaw.prove.policy import Policy

KeyRole = Literal["trail", "receipt"]

_HEADER = "whosaw/handover/v1"
_LINES = 7


@dataclass(frozen=True, slots=True)
class Handover:
    """One key follows another.

    Attributes:
        role: what the key signs: checkpoints (`trail`) or receipts.
        last: the tree as the old key signed it last.
        old: the key that ends.
        new: the key that follows it, under the same name.
    """

    role: KeyRole
    last: Checkpoint
    old: VerifierKey
    new: VerifierKey

    @classmethod
    def parse(cls, text: str) -> Handover:
        """Read the text of a hand-over, strictly.

        Raises:
            NoteInvalid: it is none.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[_LINES] or lines[0] != _HEADER or lines[1] not in ("trail", "receipt"):
            raise NoteInvalid("not a hand-over of keys")
        last = Checkpoint.parse("\n".join(lines[2:5]) + "\n")
        found = cls(cast("KeyRole", lines[1]), last, VerifierKey.parse(lines[5]), VerifierKey.parse(lines[6]))
        if found.old.name != found.new.name or found.old.kind != found.new.kind or found.old.public == found.new.public:
            raise NoteInvalid("a hand-over names two keys of one name")
        if found.role == "trail" and found.new.name != last.origin:
            raise NoteInvalid("a trail key has the trail's name")
        return found

    def format(self) -> str:
        """Return the text: seven lines, each with its newline."""
        return f"{_HEADER}\n{self.role}\n{self.last.format()}{self.old}\n{self.new}\n"


def sign_handover(handover: Handover, new: SigningKey, old: SigningKey | None) -> bytes:
    """Return the hand-over as a note.

    Args:
        handover: what is handed over.
        new: the following key.
        old: the ending key; None where it was lost or may be in other hands.

    Raises:
        NoteInvalid: a signing key is not the one that the hand-over names.
    """
    if new.verifier != handover.new or (old is not None and old.verifier != handover.old):
        raise NoteInvalid("a hand-over is signed by the keys that it names")
    return sign_note(handover.format(), [new] if old is None else [old, new]).format()


def open_handover(raw: bytes) -> tuple[Handover, bool]:
    """Return a hand-over that its new key signed, and whether the old key signed it too.

    Raises:
        NoteInvalid: malformed, not signed by the new key, or a signature does not verify.
    """
    note = Note.parse(raw)
    handover = Handover.parse(note.text)
    signed = {key for key, _ in note.verify([handover.old, handover.new])}
    if handover.new not in signed:
        raise NoteInvalid("the new key has not signed the hand-over")
    return handover, handover.old in signed


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Keys that may be believed, each with the last tree it may have signed; None where it has not ended."""

    last: Mapping[VerifierKey, Checkpoint | None]

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Every key."""
        return tuple(self.last)

    def open(self, raw: bytes) -> tuple[Checkpoint, VerifierKey]:
        """Return the checkpoint in a note and the key that vouches for it.

        Raises:
            NoteInvalid: malformed, signed by none of the keys, or by one that had ended before this tree.
        """
        current = [key for key, last in self.last.items() if last is None]
        try:
            return open_checkpoint(raw, current)
        except NoteInvalid:
            checkpoint, key = open_checkpoint(raw, self.last)
        last = self.last[key]
        if last is not None and (checkpoint.size > last.size or (checkpoint.size == last.size and checkpoint != last)):
            raise NoteInvalid(f"the key that signed this had ended at {last.size} entries")
        return checkpoint, key


def follow(trusted: Iterable[VerifierKey], handovers: Iterable[bytes], role: KeyRole = "trail") -> TrustedKeys:
    """Return the keys that `trusted` leads to through hand-overs, forwards and backwards.

    Forwards a hand-over counts that the trusted old key signed. Backwards the trusted new key says up to which tree its
    predecessor may be believed. Hand-overs that touch no trusted key are passed over: anybody can write them.

    Raises:
        NoteInvalid: a hand-over is malformed, or one key was handed over to two: the trail has been forked.
    """
    opened = [each for each in map(open_handover, handovers) if each[0].role == role]
    last: dict[VerifierKey, Checkpoint | None] = dict.fromkeys(trusted)
    next_of: dict[VerifierKey, VerifierKey] = {}
    waiting = opened
    while waiting:
        usable = [(each, by_old) for each, by_old in waiting if each.new in last or (by_old and each.old in last)]
        if not usable:
            break
        for each, _ in usable:
            if next_of.setdefault(each.old, each.new) != each.new:
                raise NoteInvalid(f"the key of `{each.old.name[:80]}` was handed over to two keys")
            last[each.old] = each.last
            last.setdefault(each.new, None)
        waiting = [each for each in waiting if each not in usable]
    return TrustedKeys(last)


def follow_policy(policy: Policy, handovers: Iterable[bytes]) -> Policy:
    """Return `policy` with the log keys added that its own were handed over to; witnesses and quorum stay.

    Raises:
        NoteInvalid: as in `follow`.
    """
    found = follow(policy.logs, handovers).keys
    return replace(policy, logs=(*policy.logs, *(key for key in found if key not in policy.logs)))
