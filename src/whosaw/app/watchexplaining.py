"""What explains flagged looks though nobody recorded it then: a recall, told by telephone. Declared afterwards.

One reviewer declares it, another agrees, and neither may be flagged for these looks, have made any of them, or have a
conflict of interest in a case about whom they would profit. It is about the customers of one party on certain days,
and about nobody of the staff: it silences no person, and every colleague's looks at them count alike. They become
half excused, so that they are no evidence and make no tie of a person normal; they count in his role's share, as
half-excused looks do. Runs from the next night on weigh so; what was flagged before stands, and is recomputed as it
was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from whosaw.app import watchexplainqueries as queries
from whosaw.app import watchqueries
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.app.watchalerts import tell_withdrawn
from whosaw.app.watchconflict import conflicted, note_denied
from whosaw.app.watchdesk import check_reviewer
from whosaw.app.watchentries import enter
from whosaw.app.watchreplay import NoSuchFlag
from whosaw.app.watchrun import run_files, told_of
from whosaw.prove import Payload
from whosaw.store.numbers import keys_of
from whosaw.terms import from_us, to_us
from whosaw.terms.odds import in_odds

MOST_DAYS = 31
"""Longer than a recall takes; what lasts is work, and belongs into the work records or a template."""

KEPT_DAYS = 400
"""Longer than a run looks back: so long it is kept what was said, and by whom."""

_LEAST, _MOST = 10, 1_000
_DAY = timedelta(days=1)


class ExplanationRefused(AppError, PermissionError):
    """This person may not declare it or agree to it, or it says what cannot be."""

    code: ClassVar[str] = "app.explanation_refused"
    hint = "two reviewers, neither of whom looked himself; at most 31 days that the flag's run had read"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Something that explains looks afterwards.

    Attributes:
        id: its number.
        flag: the flag that it was declared for.
        beneficiary: of whose customers.
        since_us, until_us: looks from when until when.
        because: what happened, in a sentence; this and who said so are empty where that has died in time.
        declared_by, declared_at: who said so, and when.
        agreed_by, agreed_at: who agreed; None where nobody did yet.
        withdrawn_by, withdrawn_at: who took it back; None where it stands.
    """

    id: int
    flag: str
    beneficiary: str
    since_us: int
    until_us: int
    because: str
    declared_by: str
    declared_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None

    @property
    def state(self) -> str:
        """Return `declared`, `agreed` or `withdrawn`."""
        return "withdrawn" if self.withdrawn_at else "agreed" if self.agreed_at else "declared"

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return from_us(self.since_us).date(), (from_us(self.until_us) - _DAY).date()

    def told(self) -> dict[str, Any]:
        """Return it as plain values; days as people give them."""
        return {
            "explanation": self.id,
            "flag": self.flag,
            "beneficiary": self.beneficiary,
            "from": self.days[0].isoformat(),
            "until": self.days[1].isoformat(),
            "because": self.because,
            "declared_by": self.declared_by,
            "agreed_by": self.agreed_by,
            "withdrawn_by": self.withdrawn_by,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A flag as it would be with an explanation.

    Attributes:
        tier, evidence: of the month, as they were flagged.
        tier_now, evidence_now: with the explanation.
        looks, people: how many looks nothing else explains whole, and of how many people, it covers.
    """

    tier: str
    evidence: str
    tier_now: str
    evidence_now: str
    looks: int
    people: int


async def explanations(services: Services) -> Sequence[Explanation]:
    """Return all of them, the newest first."""
    return [Explanation(*row) for row in await queries.every(services.db)]


async def declare(
    services: Services, flag: str, *, by: str, because: str, since: date | None = None, until: date | None = None
) -> Explanation:
    """Declare what explains looks at the customers of whom a flag is about; it counts once somebody else agrees.

    Args:
        services: everything opened.
        flag: id of the flag.
        by: who.
        because: what happened, in a sentence.
        since: the first day (UTC); that of the flag's first look where left out.
        until: the last day; that of its last look where left out.

    Raises:
        NoSuchFlag: there is none.
        ReviewRefused: he reviews no flags.
        ExplanationRefused: he has a conflict of interest, says too little, or the days cannot be.
        RecordError: it could not be recorded.
    """
    await check_reviewer(services, by)
    row = await watchqueries.flag(services.db, flag)
    if row is None:
        raise NoSuchFlag(f"there is no flag `{flag[:64]}`")
    beneficiary, day, told = row[4], row[1], row[7]
    if not beneficiary:
        raise ExplanationRefused(
            "the flag names nobody who profits", hint="have the work recorded, or declare a template"
        )
    said = " ".join(because.split())
    if not _LEAST <= len(said) <= _MOST:
        raise ExplanationRefused(f"{len(said)} characters explain nothing", hint="say what happened in a sentence")
    looks = [from_us(at).date() for at, _ in told["rows"]]
    first = since or min(looks, default=day)
    last = until or max(looks, default=day)
    if not (first <= last <= day and (last - first).days < MOST_DAYS):
        raise ExplanationRefused(f"from {first} until {last} is not at most {MOST_DAYS} days until {day}")
    await _check_conflict(services, (flag, beneficiary), by)
    since_us, until_us = (to_us(datetime.combine(each, time(), UTC)) for each in (first, last + _DAY))
    digest = sha256(f"{beneficiary}\0{since_us}\0{until_us}\0{said}".encode()).hexdigest()
    entry = await enter(services, {"change": "declared", "flag": flag, "sha256": digest}, by=by)
    values = (flag, beneficiary, since_us, until_us, said, by, services.clock.now(), entry)
    return Explanation(*(await queries.one(services.db, await queries.add(services.db, values)) or ()))


async def agree(services: Services, number: int, *, by: str) -> tuple[Explanation, Recomputed]:
    """Agree to what somebody else declared; return it, and what its flag would be with it.

    Raises:
        ReviewRefused: he reviews no flags.
        ExplanationRefused: he declared it, one of the two has a conflict of interest, or it is decided.
        RecordError: it could not be recorded.
    """
    await check_reviewer(services, by)
    found = await _open(services, number)
    if found.agreed_at is not None:
        raise ExplanationRefused(f"explanation {number} has been agreed to")
    if not found.declared_by:  # it may have been he: two people cannot be told from one any more
        raise ExplanationRefused(f"explanation {number} is too old to be agreed to", hint="declare it anew")
    if by == found.declared_by:
        raise ExplanationRefused("whoever declares it needs somebody else to agree")
    await _check_conflict(services, (found.flag, found.beneficiary), by, found.declared_by)
    again, lookers = await _recompute(services, found)
    if {by, found.declared_by} & lookers:
        raise await _conflict(services, found.flag, by)
    said: Payload = {"change": "agreed", "flag": found.flag, "explanation": number}
    entry = await enter(services, said, by=by)
    if not await queries.agree(services.db, number, (by, services.clock.now(), entry)):
        raise ExplanationRefused(f"explanation {number} was decided meanwhile")
    return await _open(services, number), again


async def withdraw(services: Services, number: int, *, by: str) -> Explanation:
    """Take an explanation back, whoever declared it: from the next run on it explains nothing any more.

    Whom it cleared may be a case again with the next run: what two have agreed nobody takes back without an alert.

    Raises:
        ReviewRefused: he reviews no flags.
        ExplanationRefused: there is none that stands, or he has a conflict of interest.
        RecordError: it could not be recorded; it stands.
    """
    await check_reviewer(services, by)
    found = await _open(services, number)
    if found.agreed_at is not None:
        await _check_conflict(services, (found.flag, found.beneficiary), by)
    entry = await enter(services, {"change": "withdrawn", "flag": found.flag, "explanation": number}, by=by)
    async with services.db.transaction() as connection:
        if not await queries.withdraw(connection, number, (by, services.clock.now(), entry)):
            raise ExplanationRefused(f"explanation {number} was withdrawn meanwhile")
        now = Explanation(*(await queries.row(connection, number) or ()))
        if now.agreed_at is not None:
            await tell_withdrawn(connection, number, entry, services.clock.now())
    return now


async def prune_explanations(services: Services) -> int:
    """Let what was said and by whom die once no run looks back so far; return how many.

    What it was about stays, so that runs of its time are recomputed, and so do the entries, with the hash of what was
    said. Nothing dies of a person under a legal hold, or while a case about that party is open.
    """
    return await queries.prune(services.db, services.clock.now() - timedelta(days=KEPT_DAYS))


async def _open(services: Services, number: int) -> Explanation:
    row = await queries.one(services.db, number)
    if row is None or row[11] is not None:
        raise ExplanationRefused(
            f"no explanation of number {number} stands", hint="`whosaw watch explanations` lists all"
        )
    return Explanation(*row)


async def _check_conflict(services: Services, of: tuple[str, str], by: str, *others: str) -> None:
    """Refuse whoever is flagged for these looks, or may not work on the open case about whom they would profit.

    It comes last: asked for nothing it would tell a reviewer whether a case suspects him.
    """
    for who in (by, *others):
        if await conflicted(services, of[1], who):
            raise await _conflict(services, of[0], by)


async def _conflict(services: Services, flag: str, by: str) -> ExplanationRefused:
    """Record it, and return one refusal for every conflict: which it is would tell somebody that he is suspected."""
    await note_denied(services, flag, by)
    return ExplanationRefused("somebody with a conflict of interest explains nothing here: two others decide")


async def _recompute(services: Services, found: Explanation) -> tuple[Recomputed, set[str]]:
    """Return the flag with the explanation, and who made the looks that it covers."""
    from whosaw.app.watching import covered, weighed_again
    from whosaw.app.watchobserved import genuine

    flag = await watchqueries.flag(services.db, found.flag)
    run = await watchqueries.run_of(services.db, flag[1]) if flag is not None else None
    if flag is None or run is None:
        raise NoSuchFlag(f"there is no flag `{found.flag}`")
    told: dict[str, Any] = run[6]
    this = (found.beneficiary, found.since_us, found.until_us)
    before = await told_of(services, told)
    with_it = replace(before, explained=(*before.explained, this))
    async with run_files(services, told) as (lake, files, _):
        watched, again = await asyncio.to_thread(weighed_again, lake, files, with_it, told["report"]["off"])
    rows = covered(watched, this)
    excused = int((rows & genuine(watched.observed.accesses, watched.observed.canary)).sum())
    lookers = {watched.actors[actor] for actor in set(watched.observed.accesses.actor[rows].tolist())}
    keys = await keys_of(services.db, "actor", [flag[2]])
    name = keys.get(flag[2], f"#{flag[2]}")
    at = watched.actors.index(name) if name in watched.actors else None
    tier, log_month = ("none", 0.0) if at is None else (again.tier[at], float(again.month[at]))
    return Recomputed(flag[3], flag[7]["evidence"], tier, in_odds(log_month), excused, len(lookers)), lookers
