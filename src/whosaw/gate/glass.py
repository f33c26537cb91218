"""Break-glass: access now, against policy, for somebody who must not wait: recorded first, loud, and reviewed by two.

The entry is durable before the access opens; the alert stands in the same transaction as the access, so that there is
no access without it. Two people of the reviewing functions say whether it was justified. What nobody reviews in time
is raised again, more urgently, until somebody does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from whosaw.catalog import Catalog
from whosaw.gate import askedqueries
from whosaw.gate import glassqueries as queries
from whosaw.gate.approval import rule, without_ring
from whosaw.gate.approvalpeople import (
    ApprovalRefused,
    Directory,
    DirectoryRow,
    Everybody,
    approver,
    functions_of,
    is_there,
    roles_of,
)
from whosaw.gate.approvalqueries import deciding, signed_for
from whosaw.gate.glassask import (
    Glass,
    GlassAsk,
    GlassRefused,
    NoSuchGlass,
    Review,
    State,
    check_ask,
    check_reason,
    declared_glass,
    glass_of,
)
from whosaw.gate.grants import AUTOMATIC
from whosaw.gate.standing import standing
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.store.database import Connection
from whosaw.store.numbers import assign
from whosaw.terms import Clock, to_us

ALERT_TEXTS = {
    "glass.broken": "Somebody took access against policy. Two people must review it.",
    "glass.unreviewed": "Access that was taken against policy was not reviewed in time.",
    "glass.unjustified": "A reviewer says that access taken against policy was not justified.",
}
_TABLE: Final = "standing_glass"
_REVIEWS = 2

Payload = dict[str, int | str | list[int | str]]
_People = dict[str, tuple[int, DirectoryRow | None]]


class Glasses:
    """The broken glass of one whosaw; writes as the owner of its database. Any number of processes may have one."""

    def __init__(
        self,
        db: Database,
        appender: Appender,
        catalog: Catalog,
        directory: Directory,
        clock: Clock,
        everybody: Everybody | None = None,
    ) -> None:
        """Work with these; without `everybody` it is not known whether too few reviewers are left: rings bar always."""
        self._everybody = everybody
        self._db = db
        self._appender = appender
        self._catalog = catalog
        self._directory = directory
        self._clock = clock

    async def break_(self, ask: GlassAsk) -> Glass:
        """Take access now; the same ask again is the same access.

        Raises:
            GlassInvalid: it makes no sense, or no reason is given.
            GlassRefused: this person may not; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and nothing opened.
        """
        declared = check_ask(self._catalog, ask)
        row = (await self._directory([ask.holder])).get(ask.holder)
        numbers = await askedqueries.named(self._db, ask.holder, ask.subject, ask.purpose)
        stands = (await standing(self._db, [ask.holder], self._clock.now(), self._catalog.conduct))[ask.holder]
        async with deciding(self._db) as connection:
            known = await askedqueries.by_ask(connection, _TABLE, ask.ask)
            if known is not None:
                return await _one(connection, known)
            at = self._clock.now()
            about = {"classes": sorted(ask.classes or declared.classes), **numbers, "ask": ask.ask}
            said = about | {"stated": ask.reason, "minutes": max(1, int(declared.minutes))}
            may = is_there(row, at) and bool(roles_of(row) & declared.roles)
            if not may or stands.suspended or not stands.acknowledged:
                await self._record("denied", (numbers["holder"], ask.door), at, said)
                raise GlassRefused(f"`{ask.holder[:40]}` may not break the glass")
            glass = await askedqueries.new_id(connection, _TABLE)
            entry = await self._record("broken", (numbers["holder"], ask.door), at, said | {"glass": glass})
            until = at + timedelta(minutes=declared.minutes)
            times = {"broken_at": at, "until_at": until, "review_by": at + timedelta(hours=declared.review_h)}
            await askedqueries.add(connection, _TABLE, {"id": glass, "entry": entry, **about, **times})
            told = {"glass": glass, "actor": numbers["holder"], "entry": entry}
            await raise_alert(connection, "break_glass", "high", "glass.broken", told, at=at)
            return await _one(connection, glass)

    async def review(self, review: Review) -> Glass:
        """Say whether it was justified; the second word settles it. One word that it was not ends the access at once.

        Raises:
            GlassInvalid: without a reason.
            NoSuchGlass: there is none of this number.
            ApprovalRefused: a rule forbids that this person reviews this; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        check_reason(review.reason)
        done = await self._review(review, None)
        if done is None and self._everybody is not None:  # only a ring bars him: who else is there?
            done = await self._review(review, await self._reviewers(await self._everybody()))
        assert done is not None  # noqa: S101 - told who is there, it answers or refuses
        return done

    async def _review(self, review: Review, reviewers: _People | None) -> Glass | None:
        """Review, told who else might where that matters; None where it matters and is not told yet."""
        declared = declared_glass(self._catalog)
        row = (await self._directory([review.by])).get(review.by)
        number = (await assign(self._db, "actor", [review.by]))[review.by]
        good = review.verdict == "justified"
        async with deciding(self._db) as connection:
            glass, at = await _one(connection, review.glass), self._clock.now()
            if any((each.approver, each.approves) == (review.by, good) for each in glass.given):
                return glass
            who = await approver(connection, review.by, row, (number, glass.holder_number), at)
            pending = glass.pending(declared)
            ruling = rule(pending, who, at, approves=good)
            said: dict[str, object] = {"glass": glass.id, "holder": glass.holder_number}
            if ruling.reason == "approval.circular" and who.ring_since is not None and self._everybody is not None:
                if reviewers is None:
                    return None
                others = [
                    await approver(connection, key, line, (his, glass.holder_number), at)
                    for key, (his, line) in reviewers.items()
                    if key != review.by
                ]
                if without_ring(pending, who, others, at, needed=_REVIEWS - len(glass.given)):
                    ruling = rule(pending, replace(who, ring_since=None), at, approves=True)
                    said["ring"] = "let off"
            if ruling.reason is not None or ruling.function is None:
                reason = ruling.reason or "approval.wrong_function"
                await self._record("denied", (number, review.door), at, said | {"reason": reason})
                raise ApprovalRefused(reason)
            said |= {"function": ruling.function, "verdict": review.verdict, "stated": review.reason}
            entry = await self._record("reviewed", (number, review.door), at, said)
            ids = (glass.id, number)
            await queries.add_review(connection, ids, ruling.function, review.verdict, (at, entry))
            await self._settle(connection, glass, good=good, at=at)
            return await _one(connection, glass.id)

    async def _reviewers(self, staff: Mapping[str, DirectoryRow]) -> _People:
        """Return everybody who has a reviewing function; before the lock, under which no second connection is taken."""
        functions = declared_glass(self._catalog).reviewers
        async with self._db.connection() as connection:
            keys = set(await signed_for(connection, functions))
        keys |= {key for key, row in staff.items() if functions_of(row) & functions}
        numbers = await assign(self._db, "actor", sorted(keys))
        return {key: (number, staff.get(key)) for key, number in numbers.items()}

    async def close(self, glass: int, by: str, door: str = "console") -> Glass:
        """End one's own access before its time; it is reviewed all the same.

        Raises:
            NoSuchGlass: he has none of this number.
            TrailUnavailable: it could not be recorded, and the access stays open.
        """
        async with deciding(self._db) as connection:
            found, at = await _one(connection, glass), self._clock.now()
            if found.holder != by:
                raise NoSuchGlass(f"there is no glass {glass} of this person")
            await self._record("closed", (found.holder_number, door), at, {"glass": glass})
            await queries.close(connection, glass, at)
            return await _one(connection, glass)

    async def escalate(self, at: datetime) -> int:
        """Raise again, more urgently, what should have been reviewed by `at`, once for every review period; count it.

        Raises:
            TrailUnavailable: it could not be recorded; nothing was raised, and the next call does it.
        """
        if self._catalog.break_glass is None:
            return 0
        automatic = (await assign(self._db, "actor", [AUTOMATIC]))[AUTOMATIC]
        async with deciding(self._db) as connection:
            late = await queries.overdue(connection, at, self._catalog.break_glass.review_h)
            for glass, holder, times in late:
                said = {"glass": glass, "holder": holder, "times": times + 1}
                await self._record("escalated", (automatic, "console"), at, said)
                await queries.escalated(connection, glass, times + 1)
                told = {"glass": glass, "actor": holder, "times": times + 1}
                await raise_alert(connection, "break_glass", "critical", "glass.unreviewed", told, at=at)
        return len(late)

    async def latest(self, *, unreviewed: bool = False, limit: int = 100) -> Sequence[Glass]:
        """Return the latest, or only those that wait for a review; newest first."""
        return [glass_of(row) for row in await queries.many(self._db, unreviewed=unreviewed, limit=limit)]

    async def _settle(self, connection: Connection, glass: Glass, *, good: bool, at: datetime) -> None:
        """Act on a review that was just recorded: `glass` is as it was before."""
        verdicts = [each.approves for each in glass.given] + [good]
        if not good:
            await queries.close(connection, glass.id, at)
            told = {"glass": glass.id, "actor": glass.holder_number}
            await raise_alert(connection, "break_glass", "critical", "glass.unjustified", told, at=at)
        if len(verdicts) >= _REVIEWS:
            state: State = "justified" if all(verdicts) else "disputed" if any(verdicts) else "unjustified"
            await queries.settle(connection, glass.id, state, at)

    async def _record(self, change: str, who: tuple[int, str], at: datetime, more: Mapping[str, object]) -> int:
        """Append the entry of one change; `who` is the actor's number and the door."""
        entry: Payload = {
            "kind": "break_glass",
            "at": to_us(at),
            "actor": who[0],
            "door": who[1],
            "change": change,
        }
        for name, value in more.items():
            if isinstance(value, list):
                entry[name] = [str(each) for each in value]
            elif isinstance(value, int | str):
                entry[name] = value
        return (await self._appender.append(entry)).index


async def _one(connection: Connection, glass: int) -> Glass:
    row = await queries.one(connection, glass)
    if row is None:
        raise NoSuchGlass(f"there is no glass {glass}")
    return glass_of(row)
