"""What holds people up now: kept in step with the other processes, made a suspension where it says stop, released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from whosaw.app import watchlivequeries as queries
from whosaw.app.canaries import Canaries
from whosaw.app.errors import AppError
from whosaw.app.looks import operator
from whosaw.app.rounds import every
from whosaw.app.services import Services
from whosaw.app.watchdesk import ReviewRefused, check_reviewer
from whosaw.app.watchentries import enter
from whosaw.app.watchprompts import KEPT_DAYS
from whosaw.store.numbers import assign, find

REFRESH_EVERY_S = 1.0
CANARIES_EVERY_S = 60.0
_LEAST = 10


class NoSuchFriction(AppError, LookupError):
    """Nothing of this number holds anybody up."""

    code: ClassVar[str] = "app.no_such_friction"
    hint = "`whosaw watch live` lists what does; it may have ended by itself"


@dataclass(frozen=True, slots=True)
class Held:
    """Something that holds somebody up, or did.

    Attributes:
        id: its number.
        actor: the person, by number.
        sign: what was noticed: `canary`, `burst`, `enumeration`, `places`.
        step: what is asked of him: `reason`, `second_person`, `stop`.
        enforced: false where it is only recorded.
        begun_at, until_at: from when until when.
        entry: of the trail.
        released_by: who ended it before, or None.
    """

    id: int
    actor: int
    sign: str
    step: str
    enforced: bool
    begun_at: datetime
    until_at: datetime
    entry: int
    released_by: str | None


async def keep_live(services: Services) -> None:
    """Keep this process in step, and have stops become suspensions; for ever. Idle without ``[watch.live]``."""
    if services.catalog.watch is None or services.catalog.watch.live is None:
        return

    async def step() -> None:
        await services.gate.friction.refresh(services.clock.now())
        await stop_who_must(services)

    await every(REFRESH_EVERY_S, step, failed="what holds people up is read again later")


async def keep_canaries(services: Services) -> None:
    """Tell of touched canaries every minute, whichever doors run, each touch once; old friction dies; for ever."""
    canaries = Canaries(services)

    async def step() -> None:
        await canaries.alarm()
        await queries.prune(services.db, services.clock.now() - timedelta(days=KEPT_DAYS))

    await every(CANARIES_EVERY_S, step, failed="touched canaries are told later")


async def stop_who_must(services: Services) -> int:
    """Suspend whoever a step `stop` holds up, each once whoever does it; it takes two to let him in again.

    Raises:
        RecordError: it could not be recorded; the gate of this process refuses him all the same.
    """
    done = 0
    for number, key in await queries.stops(services.db, services.clock.now()):
        async with queries.stopping(services.db, number, services.clock.now()) as mine:
            if mine and key not in await services.suspensions.among([key]):
                reason = f"asks that looked like a theft under way (friction {number})"
                await services.suspensions.suspend(key, reason=reason, by=operator(), kind="safety")
                done += 1
    return done


async def held(services: Services, limit: int = 100) -> Sequence[Held]:
    """Return what holds people up and what did, the newest first."""
    return [Held(*row) for row in await queries.held(services.db, limit)]


async def holding(services: Services) -> Sequence[Held]:
    """Return what holds people up at this moment, each person's latest alone: releasing it ends all before it."""
    return [Held(*row) for row in await queries.holding(services.db, services.clock.now())]


async def release(services: Services, number: int, *, by: str, note: str) -> Held:
    """Let somebody go on, as a second person who has looked at it; recorded first.

    Raises:
        NoSuchFriction: nothing of this number holds anybody up now.
        ReviewRefused: he may not, it is himself, or he says too little.
        RecordError: it could not be recorded; it stands.
    """
    await check_reviewer(services, by)
    row = await queries.one(services.db, number)
    if row is None or row[6] <= services.clock.now() or row[8] is not None:
        raise NoSuchFriction(f"nothing of number {number} holds anybody up")
    found = Held(*row)
    if await find(services.db, "actor", by) == found.actor:
        raise ReviewRefused("nobody releases himself")
    said = " ".join(note.split())
    if len(said) < _LEAST:
        raise ReviewRefused("a release needs its why", hint="say it in a sentence with --because")
    await assign(services.db, "actor", [by])
    payload: dict[str, Any] = {
        "change": "released",
        "friction": number,
        "target": found.actor,
        "sha256": sha256(said.encode()).hexdigest(),
    }
    await enter(services, payload, by=by)
    await queries.release(services.db, number, (services.clock.now(), by, said))
    await services.gate.friction.refresh(services.clock.now())
    return Held(*(await queries.one(services.db, number) or ()))
