"""Functions that the directory does not give: proposed by one, confirmed by another, and only then good for a vote.

Who confirms must himself have a function that the catalog lets approve something; only where the directory gives none
and nobody has one yet, the first may be confirmed by anybody of the directory. The rules of `approval` hold besides:
not about oneself, nobody suspended, nobody made or changed within 24 hours; and the new function counts as a change of
whoever gets it, so that it cannot be used for 24 hours either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from whosaw.catalog import Catalog
from whosaw.gate import grantsfunctionsqueries as queries
from whosaw.gate.approval import Pending, rule
from whosaw.gate.approvalpeople import ApprovalRefused, Directory, approver, is_there
from whosaw.gate.approvalqueries import deciding
from whosaw.gate.errors import GateError
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import Clock, to_us

_FIRST = frozenset({"first"})


class FunctionInvalid(GateError, ValueError):
    """This function cannot be given to this person, or there is no such proposal."""

    code: ClassVar[str] = "gate.function_invalid"
    hint = "a function that [grants] or [break_glass] names, to somebody of the directory who does not have it yet"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A function of somebody: proposed, and good once somebody else confirmed it.

    Attributes:
        actor: whose; empty where he was erased.
        confirmed_at: when it was; None while it is only proposed.
    """

    id: int
    actor: str
    function: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


class Functions:
    """Functions that two signed; writes as the owner of the database."""

    def __init__(self, db: Database, appender: Appender, catalog: Catalog, directory: Directory, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._directory = directory
        self._clock = clock
        glass = catalog.break_glass
        named = [kind.approvers for kind in catalog.grants.values()] + ([glass.reviewers] if glass else [])
        self._known = frozenset[str]().union(*named)
        self._in_directory = "function" in catalog.actors.attributes

    async def propose(self, actor: str, function: str, *, by: str) -> Assignment:
        """Propose that `actor` has a function; the same proposal again is the same.

        Raises:
            FunctionInvalid: nothing names the function, the directory does not list the person, or he proposes himself.
            TrailUnavailable: it could not be recorded, and is not proposed.
        """
        if function not in self._known:
            raise FunctionInvalid(f"nothing in the catalog is approved by `{function[:40]}`")
        row = (await self._directory([actor])).get(actor)
        if not is_there(row, self._clock.now()) or actor == by:
            raise FunctionInvalid(f"`{actor[:40]}` cannot be given a function by this person")
        numbers = await assign(self._db, "actor", [actor, by])
        async with deciding(self._db) as connection:
            known = await queries.open_one(connection, numbers[actor], function)
            if known is not None:
                return Assignment(*known)
            at = self._clock.now()
            entry = await self._record("proposed", numbers[by], at, (numbers[actor], function), {})
            made = (numbers[actor], function, numbers[by], at, entry)
            return Assignment(*await queries.add(connection, made))

    async def confirm(self, assignment: int, *, by: str) -> Assignment:
        """Confirm a proposal of somebody else; confirming again changes nothing.

        Raises:
            FunctionInvalid: there is no such proposal.
            ApprovalRefused: a rule forbids that this person confirms it; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        row = (await self._directory([by])).get(by)
        number = (await assign(self._db, "actor", [by]))[by]
        async with deciding(self._db) as connection:
            found = await queries.one(connection, assignment)
            if found is None:
                raise FunctionInvalid(f"there is no proposal {assignment}")
            proposal, at = Assignment(*found), self._clock.now()
            if proposal.confirmed_at is not None:
                return proposal
            about = ((await assign(self._db, "actor", [proposal.actor]))[proposal.actor], proposal.function)
            who = await approver(connection, by, row, (number, None), at)
            signers = self._known
            if not self._in_directory and not await queries.any_confirmed(connection):
                who, signers = replace(who, functions=_FIRST), _FIRST
            concerns = frozenset({proposal.actor})
            ruling = rule(Pending(proposal.proposed_by, concerns, signers, False, True, None), who, at, approves=True)
            if ruling.reason is not None:
                await self._record("denied", number, at, about, {"reason": ruling.reason})
                raise ApprovalRefused(ruling.reason)
            await self._record("confirmed", number, at, about, {})
            await queries.confirm(connection, assignment, number, at)
            return replace(proposal, confirmed_by=by, confirmed_at=at)

    async def end(self, assignment: int, *, by: str) -> None:
        """Take a function away, or a proposal back; one person is enough.

        Raises:
            FunctionInvalid: there is no such assignment.
            TrailUnavailable: it could not be recorded, and the function stays.
        """
        number = (await assign(self._db, "actor", [by]))[by]
        async with deciding(self._db) as connection:
            found = await queries.one(connection, assignment)
            if found is None:
                raise FunctionInvalid(f"there is no proposal {assignment}")
            held, at = Assignment(*found), self._clock.now()
            about = ((await assign(self._db, "actor", [held.actor]))[held.actor], held.function)
            await self._record("ended", number, at, about, {})
            await queries.end(connection, assignment, at)

    async def standing(self) -> Sequence[Assignment]:
        """Return every function that was given or proposed and not ended."""
        return [Assignment(*row) for row in await queries.standing(self._db)]

    async def _record(
        self, change: str, actor: int, at: datetime, about: tuple[int, str], more: Mapping[str, str]
    ) -> int:
        receipt = await self._appender.append(
            {
                "kind": "function",
                "at": to_us(at),
                "actor": actor,
                "target": about[0],
                "function": about[1],
                "door": "console",
                "change": change,
                **more,
            }
        )
        return receipt.index
