"""Erasure: payload and salt of entries die, and the map row that leads from a number to a person; leaves stay.

In this order, each step durable before the next: the order is written down, an entry announces how many entries die and
commits to which (never whom), and one call of the database carries the order out, whole or not at all. Whatever was
interrupted is finished by `resume`. What stays is a hash of 32 random bytes and a text that nobody has any more: it
leads nowhere, and every proof, checkpoint and bundle made before still verifies.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import ClassVar, Literal, cast

from whosaw.prove import Payload, canonical
from whosaw.record import erasurequeries as queries
from whosaw.record.appender import Appender
from whosaw.record.errors import RecordError
from whosaw.store import Database
from whosaw.store.database import Connection
from whosaw.store.numbers import keys_of
from whosaw.terms import Clock, to_us

_INDEX_BYTES = 8
_TELLING_CHARS = 3
_SIGN_IN_LIFE = timedelta(days=1)  # no signed token and no visit lives longer
_TABLES = (
    *("trail_entry", "trail_exposure", "number_map", "trail_erasure_order"),
    *("person", "person_subject", "person_password", "person_passkey"),
)


class ErasureHeld(RecordError, PermissionError):
    """A legal hold forbids this erasure; what is held is kept, and used for nothing but the hold's ground."""

    code: ClassVar[str] = "record.erasure_held"
    hint = "`whosaw hold list` shows it; when it is lifted, erase again"


class NothingToErase(RecordError, LookupError):
    """The record holds nothing under this number."""

    code: ClassVar[str] = "record.nothing_to_erase"
    hint = "check the key; an erasure that was done already leaves nothing to find"


class ReasonNames(RecordError, ValueError):
    """The stated reason names whom it is about, and the entry that holds it stays for ever."""

    code: ClassVar[str] = "record.reason_names"
    hint = "state the ground, not the person: for example `asked for under article 17`"


@dataclass(frozen=True, slots=True)
class Mandate:
    """Who orders an erasure (the number of an actor) and on what ground, in words that name nobody."""

    by: int
    reason: str


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure carried out: the index of the entry that announced it, and how many entries lost their payload."""

    entry: int
    entries: int


async def erase_subject(db: Database, appender: Appender, clock: Clock, subject: int, mandate: Mandate) -> Erased:
    """Erase what the record holds about a subject.

    The payload and salt of every entry about the subject die, the map row of the subject's number, and the references
    of work that no other entry gives as its purpose.

    Args:
        db: the trail's database, as its owner.
        appender: announces the erasure.
        clock: dates it.
        subject: the subject's number.
        mandate: who orders it, and why.

    Raises:
        ErasureHeld: a legal hold stands on the subject, or on who looked; the refusal is recorded.
        NothingToErase: neither an entry nor a map row has this number.
        ReasonNames: the reason holds the subject's key.
        TrailUnavailable: the announcement was not recorded; `resume` goes on from there.
    """
    return await _erase(db, appender, clock, ("subject", subject), mandate)


async def erase_actor(db: Database, appender: Appender, clock: Clock, actor: int, mandate: Mandate) -> Erased:
    """Erase the map row of an actor, his tokens, and his lines in the staff directory and among the sign-ins.

    The entries that tell others who looked at their data stay, under a number that leads to nobody.

    Raises:
        ErasureHeld, NothingToErase, ReasonNames, TrailUnavailable: as in `erase_subject`.
    """
    return await _erase(db, appender, clock, ("actor", actor), mandate)


async def resume(db: Database, appender: Appender) -> list[Erased]:
    """Finish every erasure that was interrupted, and return what was done.

    An order that a hold now forbids is withdrawn: the payloads stay.
    """
    done = []
    for order in await queries.open_orders(db):
        try:
            done.append(await carry_out(db, appender, order))
        except (ErasureHeld, NothingToErase):
            continue
    return done


async def sweep(db: Database, appender: Appender, clock: Clock, by: int) -> list[Erased]:
    """Erase what was recorded under erased numbers afterwards, by doors that had remembered them.

    What a hold on a member of staff keeps is passed over, until a later sweep.
    """
    done = []
    for subject in await queries.late_subjects(db):
        async with queries.placing(db) as conn:
            indices = await queries.subject_indices(conn, subject)
            held = await queries.standing_hold(conn, ("subject", subject), indices)
        if held is None and indices:
            with suppress(NothingToErase):  # another process swept it meanwhile
                mandate = Mandate(by, "recorded after the erasure")
                done.append(await erase_subject(db, appender, clock, subject, mandate))
    return done


async def rewrite(db: Database) -> None:
    """Write the tables anew, so that the database's files hold no replaced row version either.

    PostgreSQL leaves the bytes of a replaced row in the table's file until the space is used again. The trail takes no
    entry while this runs, some seconds for a million entries. The write-ahead log keeps them until it is recycled.
    """
    await queries.rewrite_tables(db, _TABLES)


async def _erase(
    db: Database, appender: Appender, clock: Clock, whose: tuple[Literal["subject", "actor"], int], mandate: Mandate
) -> Erased:
    space, number = whose
    key = (await keys_of(db, space, [number])).get(number)
    if key is not None:
        _check_reason(mandate.reason, key)
    async with queries.placing(db) as conn:
        order = await queries.open_order(conn, space, number)
        held = None
        if order is None:
            indices = await queries.subject_indices(conn, number) if space == "subject" else []
            held = await queries.standing_hold(conn, whose, indices)
            if held is not None:
                await queries.note_asked(conn, held[0], clock.now())
            elif not indices and not await queries.is_known(conn, space, number):
                raise NothingToErase("the record holds nothing under this number")
            else:
                order = await place_order(conn, clock, whose, indices, mandate)
        if order is not None and space == "actor":
            await queries.remove_tokens(conn, number)
            await queries.remove_staff(conn, number, clock.now() - _SIGN_IN_LIFE)
    if order is None and held is not None:
        await appender.append(_refusal(clock, whose, mandate, held[2]))
        raise _held(held[1], held[2])
    return await carry_out(db, appender, cast("queries.Order", order))


async def place_order(
    conn: Connection,
    clock: Clock,
    whose: tuple[str, int] | None,
    indices: Sequence[int],
    mandate: Mandate,
    more: Payload | None = None,
) -> queries.Order:
    """Write an order down, with the entry that will announce it.

    Args:
        conn: inside `placing`.
        clock: dates the announcement.
        whose: space and number whose map row dies; None for pruning.
        indices: entries whose payloads die, ascending.
        mandate: who orders it, and why.
        more: what else the announcement says.
    """
    ask = secrets.token_hex(16)
    kind = "pruning" if whose is None else "erasure"
    payload: Payload = {
        "kind": kind,
        "at": to_us(clock.now()),
        "actor": mandate.by,
        "door": "console",
        "entries": len(indices),
        "indices": digest_of(indices),
        "reason": mandate.reason,
        "ask": ask,
        **({} if whose is None else {"space": whose[0]}),
        **(more or {}),
    }
    return await queries.place(conn, kind, whose, indices, (ask, canonical(payload).decode()))


async def carry_out(db: Database, appender: Appender, order: queries.Order) -> Erased:
    """Announce an order where that was not done yet, and carry it out.

    Raises:
        ErasureHeld: a hold was added meanwhile; the order is withdrawn.
        NothingToErase: another process finished or withdrew it meanwhile.
    """
    async with queries.carrying_out(db, order.id) as conn:
        current = await queries.refresh(conn, order)
        if current is None:
            raise NothingToErase("another process finished this erasure meanwhile")
        entry = current.entry
        if entry is None:
            entry = await queries.announced_at(conn, current)
        if entry is None:
            entry = (await appender.append(cast("Payload", json.loads(current.payload)))).index
        await queries.set_entry(conn, current, entry)
    async with queries.placing(db) as conn:
        held = await queries.forbidding_hold(conn, order)
        if held is not None:
            await queries.withdraw(conn, order)
        elif await queries.refresh(conn, order) is None:
            raise NothingToErase("another process finished this erasure meanwhile")
        else:
            return Erased(entry, await queries.carry_out(conn, order))
    raise _held(held[1], held[2])


def digest_of(indices: Sequence[int]) -> str:
    """Return what an announcement commits to: SHA-256 in hex over the indices, ascending, 8 bytes each, big-endian."""
    return sha256(b"".join(index.to_bytes(_INDEX_BYTES, "big") for index in sorted(indices))).hexdigest()


def _check_reason(reason: str, key: str) -> None:
    bare = key.partition(":")[2] or key
    named = [key] if len(bare) < _TELLING_CHARS else [key, bare]  # `17` alone may be the article's number
    if any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", reason, re.IGNORECASE) for each in named):
        raise ReasonNames("the reason names whom it is about")


def _held(ground: str, review_on: date) -> ErasureHeld:
    return ErasureHeld(f"a legal hold stands: {ground}; it is to be reviewed on {review_on}")


def _refusal(clock: Clock, whose: tuple[str, int], mandate: Mandate, review_on: date) -> Payload:
    about = {"subject": whose[1]} if whose[0] == "subject" else {"target": whose[1]}
    return {
        "kind": "erasure_refused",
        "at": to_us(clock.now()),
        "actor": mandate.by,
        "door": "console",
        "reason": "hold",
        "review": review_on.isoformat(),
        **about,
    }
