"""Reading the trail: entries by time, subject and actor, and their proofs against the latest checkpoint."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString, cast

from whosaw.prove import (
    BundleEntry,
    Checkpoint,
    ExposureInvalid,
    NoteInvalid,
    Payload,
    VerifierKey,
    check_exposure,
    check_inclusion,
    entry_leaf,
    open_checkpoint,
)
from whosaw.prove.exposure import claimed_exposure
from whosaw.prove.merkle import inclusion_proof
from whosaw.record import exposurequeries, queries
from whosaw.record.errors import CheckpointMissing, EntryErased, TrailDamaged
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database

_CHUNK_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as stored: its place and its payload."""

    index: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class ProvedEntries:
    """Entries, each proved against one signed checkpoint: what a bundle is made of.

    Attributes:
        checkpoint: the signed note.
        size: entries it covers.
        entries: ordered by index.
        sets: by hash in hex, the sets of subjects that these entries name: salt and bitmap. Empty unless asked for.
    """

    checkpoint: bytes
    size: int
    entries: list[BundleEntry]
    sets: dict[str, bytes] = field(default_factory=dict)


def entries_from(db: Database, first: int = 0) -> AsyncIterator[Entry]:
    """Yield every entry from index `first` on, in order."""
    return _entries(db, "true", [], after=first - 1)


def entries_at(db: Database, indices: Iterable[int]) -> AsyncIterator[Entry]:
    """Yield the entries at these places, in order; what is erased or not there is left out."""
    return _entries(db, "index = any(%s)", [sorted(set(indices))])


def entries_between(db: Database, since_us: int, until_us: int, *, before: int | None = None) -> AsyncIterator[Entry]:
    """Yield the entries dated from `since_us` on and before `until_us` (µs since 1970), in order of index.

    Below index `before` alone where it is given, as for `entries_by_subject`.
    """
    return _entries(db, "at_us >= %s and at_us < %s", [since_us, until_us], before=before)


async def trail_size(db: Database) -> int:
    """Return how many entries are durable: each index below is taken, and no later append gets one of them."""
    async with db.connection() as conn:
        return await queries.head_size(conn)


def entries_by_subject(
    db: Database, subject: int, since_us: int = 0, *, before: int | None = None
) -> AsyncIterator[Entry]:
    """Yield the entries about the subject with this number, dated from `since_us` on, in order of index.

    Among them are those that name a set of subjects in which the number stands; these say no `subject`.

    Args:
        db: where the trail is.
        subject: the number.
        since_us: µs since 1970.
        before: only entries below this index; where it is no more than `trail_size` was, the same ones whenever it is
            asked, until something is erased.
    """
    in_a_set = "index = any(array(select trail_exposing(%s)))"
    return _entries(db, f"(subject = %s or {in_a_set}) and at_us >= %s", [subject, subject, since_us], before=before)


def entries_by_actor(db: Database, actor: int, since_us: int = 0, *, before: int | None = None) -> AsyncIterator[Entry]:
    """Yield the entries of the actor with this number, dated from `since_us` on and below index `before`, in order."""
    return _entries(db, "actor = %s and at_us >= %s", [actor, since_us], before=before)


async def entries_exposing(db: Database, subjects: Iterable[int]) -> set[int]:
    """Return the indices of entries that name a set in which one of the subjects' numbers stands."""
    return {index for subject in subjects for index in await exposurequeries.exposing(db, subject)}


async def exposed_subjects(db: Database, entry: Entry) -> list[int]:
    """Return the numbers of the set that an entry names, ascending; none where it names none.

    Raises:
        TrailDamaged: the set is not there, or is not what was signed.
    """
    try:
        claimed = claimed_exposure(entry.payload)
        if claimed is None:
            return []
        return check_exposure(entry.payload, await exposurequeries.sealed(db, claimed[0]) or b"")
    except ExposureInvalid as cause:
        raise TrailDamaged(f"the set of entry {entry.index} is not what was signed: {cause}") from cause


async def prove_entries(
    db: Database, folder: Path, key: VerifierKey, indices: Iterable[int], *, sets: bool = False
) -> ProvedEntries:
    """Return the entries at `indices` with their proofs against one checkpoint, each proof checked.

    It is the last one that the quorum of the witnesses cosigned where that covers them, else the last one signed.

    Args:
        db: where the entries are.
        folder: the trail's folder, with checkpoint and tiles.
        key: the trail key's public half.
        indices: places in the trail; repeated ones are one.
        sets: whether the sets that entries name are returned too; each holds the numbers of many.

    Raises:
        CheckpointMissing: nothing was signed yet, or an index lies beyond what was.
        EntryErased: an entry's payload was erased or pruned.
        TrailDamaged: an entry or its set is not there, or is not what was signed.
        NoteInvalid: the checkpoint is not signed by `key`.
    """
    wanted = sorted(set(indices))
    shelf = Shelf(folder)
    note, head = _checkpoint_over(shelf, key, wanted[-1] if wanted else 0)
    if wanted and not 0 <= wanted[0] <= wanted[-1] < head.size:
        raise CheckpointMissing(f"the last checkpoint covers {head.size} entries, not index {wanted[-1]}")
    nodes = TileNodes(shelf, head.size)
    proved = []
    for index, _, salt, payload in await queries.sealed_entries(db, wanted):
        if salt is None or payload is None:
            raise EntryErased(f"entry {index} was erased: of it only the leaf is left")
        proof = tuple(inclusion_proof(index, head.size, nodes))
        try:
            check_inclusion(entry_leaf(salt, payload.encode()), index, head.size, proof, head.root)
        except ValueError as cause:
            raise TrailDamaged(f"entry {index} is not what was signed: {cause}") from cause
        proved.append(BundleEntry(index, salt, payload, proof))
    if len(proved) != len(wanted):
        missing = sorted(set(wanted) - {each.index for each in proved})
        raise TrailDamaged(f"entry {missing[0]} is not in the database")
    return ProvedEntries(note, head.size, proved, await _sets(db, proved) if sets else {})


async def _sets(db: Database, entries: Iterable[BundleEntry]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in entries:
        payload = json.loads(entry.payload)
        try:
            claimed = claimed_exposure(payload)
            if claimed is None:
                continue
            found[claimed[0].hex()] = sealed = await exposurequeries.sealed(db, claimed[0]) or b""
            check_exposure(payload, sealed)
        except ExposureInvalid as cause:
            raise TrailDamaged(f"the set of entry {entry.index} is not what was signed: {cause}") from cause
    return found


def _checkpoint_over(shelf: Shelf, key: VerifierKey, index: int) -> tuple[bytes, Checkpoint]:
    cosigned = shelf.cosigned()
    if cosigned is not None:
        with suppress(NoteInvalid):  # right after a rotation what was cosigned last is of the key before
            head, _ = open_checkpoint(cosigned, [key])
            if index < head.size:
                return cosigned, head
    note = shelf.checkpoint()
    if note is None:
        raise CheckpointMissing("no checkpoint was signed yet")
    return note, open_checkpoint(note, [key])[0]


async def _entries(
    db: Database, condition: LiteralString, bound: list[object], after: int = -1, before: int | None = None
) -> AsyncIterator[Entry]:
    if before is not None:
        condition, bound = f"({condition}) and index < %s", [*bound, before]
    # by pages, so that no connection is held while the caller thinks
    while rows := await queries.payloads_where(db, condition, bound, after, _CHUNK_ROWS):
        for index, payload in rows:
            yield Entry(index, cast("Payload", json.loads(payload)))
        after = rows[-1][0]
        if len(rows) < _CHUNK_ROWS:
            return
