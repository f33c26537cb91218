"""Grants: access that others approve, for a time, for one purpose: asked for, decided, in force, over.

Each step is first an entry of kind ``grant`` and then a change of the row; whatever falls between leaves an entry
without effect, never an effect without its entry. One step is decided at a time, over all processes, so that the rules
that look across requests hold exactly and of two approvals that race only one counts. An attempt that the rules forbid
is an entry too (``denied``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

from whosaw.catalog import Catalog
from whosaw.gate import askedqueries, standingqueries
from whosaw.gate import grantsqueries as queries
from whosaw.gate.approval import Approver, Reason, rule
from whosaw.gate.approvalpeople import ApprovalRefused, Directory, approver, is_there
from whosaw.gate.approvalqueries import approver_state, deciding
from whosaw.gate.grantsask import (
    REASON_MOST,
    Grant,
    GrantAsk,
    GrantInvalid,
    NoSuchGrant,
    State,
    check_ask,
    declared_kind,
    grant_of,
)
from whosaw.gate.grantsentries import Step, grant_entry
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.database import Connection
from whosaw.store.numbers import assign
from whosaw.terms import Clock

DECIDE_WITHIN = timedelta(hours=72)
AUTOMATIC = "whosaw"  # who acts where nobody does
_TABLE: Final = "standing_grant"


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says about a grant: which one, who, at which door, and for a no or an end why."""

    grant: int
    by: str
    door: str = "console"
    reason: str = ""


class Grants:
    """The grants of one whosaw; writes as the owner of its database. Any number of processes may have one."""

    def __init__(self, db: Database, appender: Appender, catalog: Catalog, directory: Directory, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._catalog = catalog
        self._directory = directory
        self._clock = clock

    async def request(self, ask: GrantAsk) -> Grant:
        """Ask for a grant; the same ask again is the same grant.

        Raises:
            GrantInvalid: it makes no sense, or this person cannot ask for anything now.
            TrailUnavailable: it could not be recorded, and was not asked.
        """
        declared = check_ask(self._catalog, ask)
        row = (await self._directory([ask.holder])).get(ask.holder)
        numbers = await askedqueries.named(self._db, ask.holder, ask.subject, ask.purpose, ask.target)
        async with deciding(self._db) as connection:
            known = await askedqueries.by_ask(connection, _TABLE, ask.ask)
            if known is not None:
                return await _one(connection, known)
            at = self._clock.now()
            suspended = (await approver_state(connection, numbers["holder"], None, at))[0]
            if suspended or not is_there(row, at):
                raise GrantInvalid("holder: nobody asks who is suspended, has left or is not in the directory")
            cells: dict[str, object] = {
                "ask": ask.ask,
                "classes": sorted(ask.classes or declared.classes),
                "minutes": ask.minutes or int(declared.hours_most * 60),
                "action": ask.action,
                "digest": ask.digest,
                "case_ref": ask.case,
                **{name: number for name, number in numbers.items() if name != "holder"},
            }
            grant = await askedqueries.new_id(connection, _TABLE)
            step = Step("requested", numbers["holder"], numbers["holder"], grant, ask.kind, ask.door)
            entry = await self._record(step, at, cells | {"stated": ask.reason})
            cells |= {"id": grant, "kind": ask.kind, "holder": numbers["holder"], "entry": entry}
            cells |= {"approvals": declared.approvals, "requested_at": at, "decide_by": at + DECIDE_WITHIN}
            await askedqueries.add(connection, _TABLE, cells)
            return await _one(connection, grant)

    async def approve(self, word: Word) -> Grant:
        """Approve a request; with its last approval the grant is in force. The same word again changes nothing.

        Raises:
            NoSuchGrant: there is none of this number.
            ApprovalRefused: a rule forbids that this person decides this; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        return await self._decide(word, approves=True)

    async def refuse(self, word: Word) -> Grant:
        """Refuse a request; one refusal ends it.

        Raises:
            GrantInvalid: without a reason.
            NoSuchGrant: there is none of this number.
            ApprovalRefused: a rule forbids that this person decides this; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        _check_reason(word.reason)
        return await self._decide(word, approves=False)

    async def revoke(self, word: Word, *, ordered: bool = False) -> Grant:
        """End a request or a grant before its time; what is over stays as it is.

        Args:
            word: by its holder, or by somebody of a function that may approve its kind.
            ordered: by the operator of this machine, who may end any.

        Raises:
            GrantInvalid: without a reason.
            NoSuchGrant: there is none of this number.
            ApprovalRefused: somebody else's, and none of his functions approves it; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and the grant goes on.
        """
        _check_reason(word.reason)
        row = (await self._directory([word.by])).get(word.by) if not ordered else None
        number = (await assign(self._db, "actor", [word.by]))[word.by]
        async with deciding(self._db) as connection:
            grant, at = await _one(connection, word.grant), self._clock.now()
            if not ordered and word.by != grant.holder:
                who = await approver(connection, word.by, row, (number, None), at)
                reason = _may_not_end(who, declared_kind(self._catalog, grant.kind).approvers)
                if reason is not None:
                    step = Step("denied", number, grant.holder_number, grant.id, grant.kind, word.door)
                    await self._record(step, at, {"reason": reason})
                    raise ApprovalRefused(reason)
            if grant.state not in ("requested", "in_force"):
                return grant
            step = Step("revoked", number, grant.holder_number, grant.id, grant.kind, word.door)
            await self._record(step, at, {"stated": word.reason})
            await queries.end(connection, grant.id, "revoked", at)
            return await _one(connection, grant.id)

    async def consume(self, grant: int, holder: str, door: str) -> bool:
        """Use up a second person's word; true for exactly one caller, and then it is recorded before he may go on.

        The row comes first here: of several that race one alone may write that it was used. If the entry then fails,
        the grant is spent and nothing is done with it.

        Raises:
            TrailUnavailable: it could not be recorded; nothing may be done.
        """
        at = self._clock.now()
        number = (await assign(self._db, "actor", [holder]))[holder]
        if not await standingqueries.consume(self._db, grant, number, at):
            return False
        await self._record(Step("used", number, number, grant, "second_person", door), at, {})
        return True

    async def expire(self) -> int:
        """Record and end what nobody decided in time and what has run out; return how much."""
        automatic = (await assign(self._db, "actor", [AUTOMATIC]))[AUTOMATIC]
        async with deciding(self._db) as connection:
            at = self._clock.now()
            over = await queries.run_out(connection, at)
            steps = [Step("expired", automatic, holder, grant, kind, "console") for grant, holder, kind in over]
            if steps:
                await self._appender.append_many([grant_entry(step, at, {}) for step in steps])
            for step in steps:
                await queries.end(connection, step.grant, "expired", at)
        return len(over)

    async def latest(
        self, states: Sequence[State] = get_args(State), *, holder: str | None = None, limit: int = 100
    ) -> list[Grant]:
        """Return the latest grants in any of `states`, of one holder where given; newest first."""
        return [grant_of(row) for row in await queries.many(self._db, states, holder, limit)]

    async def _decide(self, word: Word, *, approves: bool) -> Grant:
        row = (await self._directory([word.by])).get(word.by)
        number = (await assign(self._db, "actor", [word.by]))[word.by]
        async with deciding(self._db) as connection:
            grant, at = await _one(connection, word.grant), self._clock.now()
            if any((each.approver, each.approves) == (word.by, approves) for each in grant.given):
                return grant
            pending = grant.pending(declared_kind(self._catalog, grant.kind))
            who = await approver(connection, word.by, row, (number, grant.holder_number), at)
            ruling = rule(pending, who, at, approves=approves)
            change = "approved" if approves else "refused"
            step = Step(change, number, grant.holder_number, grant.id, grant.kind, word.door)
            if ruling.reason is not None or ruling.function is None:
                reason = ruling.reason or "approval.wrong_function"
                await self._record(step.denied(), at, {"reason": reason})
                raise ApprovalRefused(reason)
            more = {"function": ruling.function} | ({"stated": word.reason} if word.reason else {})
            entry = await self._record(step, at, more)
            await queries.add_verdict(connection, (grant.id, number), ruling.function, step.change, (at, entry))
            if not approves:
                await queries.end(connection, grant.id, "refused", at)
            elif sum(each.approves for each in grant.given) + 1 >= grant.approvals:
                await queries.put_in_force(connection, grant.id, at)
            return await _one(connection, grant.id)

    async def _record(self, step: Step, at: datetime, more: Mapping[str, object]) -> int:
        return (await self._appender.append(grant_entry(step, at, more))).index


async def _one(connection: Connection, grant: int) -> Grant:
    row = await queries.one(connection, grant)
    if row is None:
        raise NoSuchGrant(f"there is no grant {grant}")
    return grant_of(row)


def _may_not_end(who: Approver, functions: frozenset[str]) -> Reason | None:
    """Return why somebody may not end another person's grant; ending hurts nobody, so the rules are few."""
    if who.suspended or not who.listed:
        return "approval.suspended"
    return None if who.functions & functions else "approval.wrong_function"


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_MOST or "\x00" in reason:
        raise GrantInvalid(f"reason: say why, in 1 to {REASON_MOST} characters")
