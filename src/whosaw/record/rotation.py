"""Rotation: another key signs from here on, and everybody can see where, and follow.

Of the trail key, in this order, each step durable before the next, so that a rotation that was interrupted goes on when
it is ordered again: the new key is made; an entry names old and new; the old key signs the tree with that entry in it;
a hand-over is published beside the tiles (`whosaw.prove.handover`); the keyring and the key file are changed; a second
entry says that the new key has begun, and the new key signs the tree with it. The last checkpoint of the old key and
the first of the new are both kept in the database, the last of the old beside the hand-over too.

While it runs this process leads, so no other signs; a server that runs must be stopped first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from whosaw.prove import Checkpoint, SigningKey, VerifierKey, open_checkpoint
from whosaw.prove.handover import Handover, KeyRole, open_handover, sign_handover
from whosaw.prove.merkle import EMPTY_ROOT
from whosaw.record import queries
from whosaw.record.appender import Appender
from whosaw.record.errors import CheckpointMissing, KeyRefused, RecordError
from whosaw.record.integrator import Integrator
from whosaw.record.keys import (
    Ended,
    Keys,
    RingKey,
    create_key,
    finish_switch,
    load_key,
    load_or_create,
    owner_name,
    read_keyring,
    write_keyring,
)
from whosaw.record.shelf import Shelf
from whosaw.store import Database
from whosaw.store.database import Connection
from whosaw.terms import Clock, to_us
from whosaw.terms.durable import UMASK, sync_folder, write_whole

Ground = Literal["planned", "lost", "stolen"]


class TrailInUse(RecordError, RuntimeError):
    """Another process signs this trail now, with the key that is to end."""

    code: ClassVar[str] = "record.trail_in_use"
    hint = "stop the server, rotate, start it again"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one trail's parts are."""

    db: Database
    keys_folder: Path
    trail_folder: Path
    clock: Clock
    base: str = "whosaw.local"

    def name(self, role: KeyRole) -> str:
        """Return the name of a key here."""
        return f"{owner_name(self.clock, self.base)}/{role}"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: the keys, the last tree under the old one, and the hand-over's file."""

    old: VerifierKey
    new: VerifierKey
    last: Checkpoint
    path: Path


async def rotate_trail(place: Place, *, by: int, ground: Ground) -> Rotated:
    """Let a new key sign the trail's checkpoints.

    Args:
        place: the trail.
        by: number of who orders it.
        ground: `planned`: the old key hands over. `lost` or `stolen`: it does not, and verifiers must get the new
            policy another way; after a theft the old key is not in the policy any more.

    Raises:
        TrailInUse: another process signs now.
        CheckpointMissing: nothing was signed yet, so there is nothing to hand over.
        KeyRefused: the keys cannot be used.
        TrailUnavailable: an entry could not be recorded; order it again.
    """
    async with _leading(place.db) as conn:
        done = await _unfinished(conn, place)
        if done is None:
            done = await _hand_over_trail(conn, place, by, ground)
        after = load_or_create(place.keys_folder, place.clock, place.base)
        async with Appender(place.db, after, place.clock) as appender:
            await _announce(conn, appender, place.clock, ("trail", "begun", ground), (done.old, done.new, by))
        await Integrator(place.db, after, place.trail_folder, place.clock).step()
    return done


async def _hand_over_trail(conn: Connection, place: Place, by: int, ground: Ground) -> Rotated:
    """Do everything up to and with the change of the key file."""
    old, new = _old_and_new(place, "trail", ground)
    before = _keys_before(place, old, new)
    async with Appender(place.db, before, place.clock) as appender:
        said: tuple[KeyRole, str, Ground] = ("trail", "announced", ground)
        await _announce(conn, appender, place.clock, said, (_public(old), new.verifier, by))
    if isinstance(old, SigningKey) and ground == "planned":
        await Integrator(place.db, before, place.trail_folder, place.clock).step()
    note = Shelf(place.trail_folder).checkpoint()
    if note is None:
        raise CheckpointMissing("nothing was signed yet: there is nothing to hand over")
    last, _ = open_checkpoint(note, before.verifiers)
    handover = Handover("trail", last, _public(old), new.verifier)
    path = _publish(place, handover, new, old if ground == "planned" else None, note)
    _switch(place, "trail", new.verifier, _ended(ground))
    return Rotated(_public(old), new.verifier, last, path)


async def _unfinished(conn: Connection, place: Place) -> Rotated | None:
    """Return the rotation that an earlier try carried as far as the key file, or None."""
    ring = read_keyring(place.keys_folder)
    known = [each.key for each in ring if each.role == "trail"]
    finish_switch(place.keys_folder, "trail", place.name("trail"), ring)
    if len(known) < 2 or await _recorded(conn, known[-1], "begun"):
        return None
    path = _handover_path(place, "trail", known[-1])
    handover, _ = open_handover(path.read_bytes())
    return Rotated(handover.old, handover.new, handover.last, path)


async def rotate_receipt(place: Place, *, by: int, ground: Ground) -> Rotated:
    """Let a new key sign receipts; doors that run use it when they are started again. Arguments as in `rotate_trail`.

    Raises:
        KeyRefused, TrailUnavailable: as in `rotate_trail`.
    """
    async with place.db.connection() as conn:
        finish_switch(place.keys_folder, "receipt", place.name("receipt"), read_keyring(place.keys_folder))
        old, new = _old_and_new(place, "receipt", ground)
        note = Shelf(place.trail_folder).checkpoint()
        trail = load_key(place.keys_folder / "trail.key", place.name("trail"))
        known = [each.key for each in read_keyring(place.keys_folder) if each.role == "trail"]
        last = open_checkpoint(note, known)[0] if note is not None else Checkpoint(trail.name, 0, EMPTY_ROOT)
        # under the new key: the old one may be lost, and the entry must not wait for it
        async with Appender(place.db, Keys(trail, new), place.clock) as appender:
            said: tuple[KeyRole, str, Ground] = ("receipt", "announced", ground)
            await _announce(conn, appender, place.clock, said, (_public(old), new.verifier, by))
        handover = Handover("receipt", last, _public(old), new.verifier)
        path = _publish(place, handover, new, old if ground == "planned" else None, None)
        _switch(place, "receipt", new.verifier, _ended(ground))
    return Rotated(_public(old), new.verifier, last, path)


@asynccontextmanager
async def _leading(db: Database) -> AsyncIterator[Connection]:
    async with db.connection() as conn:
        if not await queries.try_lead(conn):
            raise TrailInUse("another process signs this trail now")
        try:
            yield conn
        finally:
            if not conn.closed:
                await queries.stop_leading(conn)


def _old_and_new(place: Place, role: KeyRole, ground: Ground) -> tuple[SigningKey | VerifierKey, SigningKey]:
    """Return the ending key, its private half only where it is there, and the following one, made if need be."""
    name = place.name(role)
    ring = [each.key for each in read_keyring(place.keys_folder) if each.role == role]
    path = place.keys_folder / f"{role}.key"
    if not ring:
        ring = [load_key(path, name).verifier]
    following = path.with_suffix(".key.next")
    try:
        if not following.exists():
            create_key(following, name)
        new = load_key(following, name)
        if ground == "lost":
            return ring[-1], new
        old = load_key(path, name)
    except OSError as cause:
        if isinstance(cause, KeyRefused):
            raise
        raise KeyRefused(f"cannot use the keys in `{place.keys_folder}`: {cause.strerror or cause}") from cause
    if old.verifier != ring[-1]:
        raise KeyRefused(f"`{path}` is not the last key of the keyring")
    return old, new


def _keys_before(place: Place, old: SigningKey | VerifierKey, new: SigningKey) -> Keys:
    """Return the keys to announce with: the old trail key where it is there, else the new one in its place."""
    former = tuple(each.key for each in read_keyring(place.keys_folder) if each.role == "trail")
    receipt = load_key(place.keys_folder / "receipt.key", place.name("receipt"))
    if isinstance(old, SigningKey):
        return Keys(old, receipt, tuple(key for key in former if key != old.verifier))
    return Keys(new, receipt, former or (old,))


def _public(key: SigningKey | VerifierKey) -> VerifierKey:
    return key.verifier if isinstance(key, SigningKey) else key


def _ended(ground: Ground) -> Ended:
    return "" if ground == "planned" else ground


async def _announce(
    conn: Connection,
    appender: Appender,
    clock: Clock,
    said: tuple[KeyRole, str, Ground],
    keys: tuple[VerifierKey, VerifierKey, int],
) -> None:
    """Record one step of a rotation, unless an earlier try has done so."""
    role, step, ground = said
    old, new, by = keys
    if await _recorded(conn, new, step):
        return
    await appender.append(
        {
            "kind": "key_rotation",
            "at": to_us(clock.now()),
            "actor": by,
            "door": "console",
            "key": role,
            "step": step,
            "ground": ground,
            "old": str(old),
            "new": str(new),
        }
    )


async def _recorded(conn: Connection, new: VerifierKey, step: str) -> bool:
    rows = await conn.execute(
        "select 1 from trail_entry where kind = 'key_rotation' and payload::json ->> 'new' = %s"
        " and payload::json ->> 'step' = %s limit 1",
        [str(new), step],
    )
    return await rows.fetchone() is not None


def _handover_path(place: Place, role: KeyRole, new: VerifierKey) -> Path:
    return place.trail_folder / "handover" / f"{role}-{new.key_id.hex()}.note"


def _publish(
    place: Place, handover: Handover, new: SigningKey, old: SigningKey | VerifierKey | None, last_note: bytes | None
) -> Path:
    """Write the hand-over, durably, with the old key's last checkpoint beside it; one of an earlier try stays."""
    path = _handover_path(place, handover.role, handover.new)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        open_handover(path.read_bytes())
        return path
    if last_note is not None:
        write_whole(path.with_suffix(".checkpoint"), last_note, mode=UMASK)
    write_whole(path, sign_handover(handover, new, old if isinstance(old, SigningKey) else None), mode=UMASK)
    sync_folder(path.parent)
    return path


def _switch(place: Place, role: KeyRole, new: VerifierKey, ended: Ended) -> None:
    """Change keyring and key file; where this stops in between, `load_or_create` does the rest."""
    ring = read_keyring(place.keys_folder)
    if all(each.key != new for each in ring):
        last = max(at for at, each in enumerate(ring) if each.role == role)
        ring[last] = replace(ring[last], ended=ended)
        write_keyring(place.keys_folder, [*ring, RingKey(role, new)])
    following = place.keys_folder / f"{role}.key.next"
    following.rename(place.keys_folder / f"{role}.key")
    sync_folder(place.keys_folder)
