"""What leads from a bundle's checkpoint to a later one: the trail was only added to since the bundle was built.

A file is a signed note (c2sp.org/signed-note) with the trail key's one signature over

    whosaw/later/v1
    <origin>
    <size>                    entries under the bundle's checkpoint
    <root>                    their root, base64
    <note>                    the later checkpoint with its cosignatures, base64
    <hash>                    the consistency proof, a line each, base64

Whoever holds the bundle needs nothing else of it: the older tree stands in the bundle, signed when it was built.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from whosaw.prove.checkpoint import Checkpoint
from whosaw.prove.errors import BundleInvalid, ProveError
from whosaw.prove.merkle import HASH_BYTES, check_consistency
from whosaw.prove.note import Note, SigningKey, VerifierKey, decode_base64, encode_base64, sign_note

FORMAT = "whosaw/later/v1"
_HEAD_LINES = 5
_HINT = "ask for it again where you got it: `whosaw evidence extend BUNDLE` makes one for this very bundle"

Opened = Callable[[bytes], tuple[Checkpoint, VerifierKey]]
"""Returns the checkpoint of a note whose signatures are believed, or raises `NoteInvalid`."""


def write_later(old: Checkpoint, note: bytes, proof: Sequence[bytes], seal: SigningKey) -> bytes:
    """Return the file that leads from `old` to the later checkpoint in `note`.

    Args:
        old: the tree of the bundle's checkpoint.
        note: the later checkpoint, signed and cosigned.
        proof: that the one tree continues the other, lowest hash first.
        seal: the trail key.
    """
    lines = [FORMAT + "\n" + old.format().rstrip("\n"), encode_base64(note), *map(encode_base64, proof)]
    return sign_note("\n".join(lines) + "\n", [seal]).format()


def check_later(
    raw: bytes, head: Checkpoint, keys: Collection[VerifierKey], opened: Opened
) -> tuple[Checkpoint, bytes]:
    """Return the later checkpoint that a bundle's leads to, and the note that it stands in.

    Args:
        raw: what `write_later` wrote.
        head: of the bundle.
        keys: trail keys that may have sealed the file.
        opened: opens the later checkpoint.

    Raises:
        BundleInvalid: it is malformed, altered, about another tree, or the later tree does not continue the bundle's.
    """
    try:
        note = Note.parse(raw)
        lines = note.text.split("\n")
        if len(note.signatures) != 1 or note.format() != raw or len(lines) <= _HEAD_LINES or lines[0] != FORMAT:
            raise BundleInvalid("the file is not what `whosaw evidence extend` writes")
        note.verify([key for key in keys if key.name == head.origin])
        if Checkpoint.parse("\n".join(lines[1:4]) + "\n") != head:
            raise BundleInvalid("the file leads from another checkpoint than the bundle's")
        signed = decode_base64(lines[4])
        later, _ = opened(signed)
        proof = [decode_base64(line) for line in lines[_HEAD_LINES:-1]]
        if later.origin != head.origin or later.size <= head.size or any(len(each) != HASH_BYTES for each in proof):
            raise BundleInvalid("the file names no later checkpoint of this trail")
        check_consistency((head.size, head.root), (later.size, later.root), proof)
    except ProveError as cause:
        raise BundleInvalid(f"what is to lead to a later checkpoint: {cause}", hint=_HINT) from cause
    return later, signed
