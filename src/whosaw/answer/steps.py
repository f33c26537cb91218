"""Steps of a case: planned, approved, done, undone; recorded before they bite, and done once however often they run.

The order of work, and what a crash in each place leaves:

1. ``doing`` is committed: a second run begins again at 2.
2. The entry is appended to the trail and its index kept. A crash between the two writes a second entry of the same
   ``ask``; the effect still comes after an entry.
3. The effect, which the other side takes once per case (`answer.effects`).
4. ``done`` and the outcome are committed: a second run returns them.

An advisory lock per step keeps two processes from doing this side by side.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from whosaw.answer import stepqueries as queries
from whosaw.answer.carrying import Order, carry, take_back
from whosaw.answer.desk import Desk
from whosaw.answer.effects import Effects
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.ladder import RULES
from whosaw.answer.notes import Payload, Receipted
from whosaw.answer.queries import evidence_so_far
from whosaw.answer.rules import Gone, check_named, check_person, check_ready, check_works_here, nobody_gone
from whosaw.answer.step import Kind, Step, step_of
from whosaw.store import Database, NumberMap
from whosaw.store.database import Connection
from whosaw.terms import Clock, to_us


class Steps:
    """Plans, approves, carries out and undoes steps."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        record: Callable[[Payload], Awaitable[Receipted]],
        effects: Effects,
        desk: Desk | None = None,
        gone: Gone = nobody_gone,
    ) -> None:
        """Use `record` to append to the trail and `effects` to act.

        Args:
            db: where cases are.
            clock: tells the time of everything here.
            record: appends one payload durably and returns its receipt.
            effects: the doors, the marketplace and the letters.
            desk: who may work on a case; without one, only whom the case suspects may not.
            gone: says who has left.
        """
        self._db = db
        self._clock = clock
        self._record = record
        self._effects = effects
        self._desk = desk
        self._gone = gone
        self._numbers = NumberMap(db)

    async def plan(
        self, case: str, kind: Kind, target: str, *, by: str, reason: str, params: Mapping[str, Any] | None = None
    ) -> Step:
        """Return the case's live step of this kind and target, planned now if there is none.

        Args:
            case: the case's id.
            kind: what is to be done.
            target: an actor's key, the seller, or the case's id for restorations and letters.
            by: who plans it.
            reason: why, without names.
            params: ``{"statement": …}`` to suspend a seller, ``{"reviews": […], "note": …}`` for reviews.

        Raises:
            UnknownCase: there is no such case.
            StepRefused: the case does not carry the step, or the planner is under suspicion.
        """
        await self._check_person(case, by)  # first: what the verdict carries is told to nobody who may not know
        await check_named(self._db, case, kind, target)
        await check_works_here(self._gone, kind, target)
        given = dict(params or {})
        identity = f"{kind}:{target}"
        if kind in {"restore_reviews", "delete_reviews"}:
            identity += ":" + sha256(json.dumps(sorted(given["reviews"])).encode()).hexdigest()
        if kind == "preserve":  # what came since is kept by another step: undoing this one would bare it for a while
            about_staff = [name for name, rule in RULES.items() if rule.about == "actor"]
            identity += f":{await evidence_so_far(self._db, case, about_staff)}"
            carried_out, newest = await queries.preserved_so_far(self._db, case, identity)
            if self._desk is None or not await self._desk.unheld(case):
                identity = newest or identity
            elif carried_out:  # a hold that was lifted since is put back by a step of its own
                identity += f":{carried_out}"
        if kind == "resuspend_seller":
            identity += f":{given.get('entry')}"
        if RULES[kind].about == "actor":  # whoever looks at the case later gives nobody a number
            await self._numbers.numbers("actor", [target])
        values = {
            "kind": kind,
            "target": target,
            "identity": identity,
            "reason": reason,
            "by": by,
            "at": self._clock.now(),
        }
        return step_of(await queries.plan_step(self._db, case, values, given))

    async def approve(self, step_id: str, person: str) -> Step:
        """Note that `person` approves; one person counts once.

        Raises:
            UnknownCase: there is no such step.
            StepRefused: `person` is under suspicion in this case.
        """
        step = await self.get(step_id)
        await self._check_person(step.case, person)
        await queries.approve(self._db, step_id, person, self._clock.now())
        return await self.get(step_id)

    async def carry_out(self, step_id: str, *, by: str) -> Step:
        """Do an approved step, once; on a step that is done, return it unchanged.

        Raises:
            UnknownCase: there is no such step.
            StepRefused: approvals are missing, it was undone, or the case no longer carries it.
        """
        async with self._alone(step_id) as connection:
            step = await self._read(connection, step_id)
            if step.state == "done":
                return step
            if step.state in {"undoing", "undone"}:
                raise StepRefused("undone", f"the step `{step_id}` was undone", hint="plan it again")
            await self._check_before(step, by)
            await queries.set_doing(connection, step_id, by)
            if step.entry is None:
                await self._announce(connection, step, [by], undo=False)
            outcome = await carry(self._effects, self._db, step, self._clock.now())
            if step.state == "doing":
                outcome["resumed"] = "an earlier run was cut; what it had already changed is not counted here"
            await queries.set_done(connection, step_id, outcome, self._clock.now())
            return await self._read(connection, step_id)

    async def undo(self, step_id: str, *, by: Sequence[str], reason: str) -> Step:
        """Take a done step back, once; on a step that is undone, return it unchanged.

        Args:
            step_id: the step.
            by: different persons, as many as undoing needs.
            reason: why, without names.

        Raises:
            UnknownCase: there is no such step.
            StepRefused: it was not begun, cannot be undone, or too few persons or one under suspicion order it.
        """
        async with self._alone(step_id) as connection:
            step = await self._read(connection, step_id)
            if step.state == "undone":
                return step
            if step.state == "planned":
                raise StepRefused("not_done", f"the step `{step_id}` is not done", hint="carry it out first")
            if step.state in {"done", "doing"}:
                await self._check_undo(step, by)
                await queries.set_undoing(connection, step_id, by, reason)
            orders = await queries.undoers(connection, step_id)
            if step.undo_entry is None:
                await self._announce(connection, step, orders, undo=True)
            outcome = await take_back(
                self._effects, self._db, step, Order(step.undo_reason or reason, orders, self._clock.now())
            )
            await queries.set_undone(connection, step_id, outcome, self._clock.now())
            return await self._read(connection, step_id)

    async def resume(self, case: str) -> Sequence[Step]:
        """Finish every step of a case that a crash cut, and return them."""
        finished = []
        for step in await self.list(case):
            if step.state == "doing" and step.carried_by:
                finished.append(await self.carry_out(step.id, by=step.carried_by))
            elif step.state == "undoing":
                finished.append(await self.undo(step.id, by=(), reason=step.undo_reason or ""))
        return finished

    async def get(self, step_id: str) -> Step:
        """Return one step.

        Raises:
            UnknownCase: there is no such step.
        """
        async with self._db.connection() as connection:
            return await self._read(connection, step_id)

    async def list(self, case: str) -> Sequence[Step]:
        """Return the steps of a case in the order they were planned."""
        return [step_of(row) for row in await queries.steps(self._db, case)]

    async def _check_person(self, case: str, person: str) -> None:
        if self._desk is None:
            await check_person(self._db, case, person)
        else:
            await self._desk.check(case, person)

    async def _check_before(self, step: Step, by: str) -> None:
        await check_named(self._db, step.case, step.kind, step.target)
        for person in {by, *step.approved_by}:
            await self._check_person(step.case, person)
        needed = RULES[step.kind].approvals
        if not step.approved:
            have = len(step.approved_by)
            raise StepRefused(
                "approvals",
                f"the step `{step.id}` needs {needed} approvals and has {have}",
                hint="have another person approve it" if have else "have it approved",
            )
        if needed > 1 and self._desk is not None:
            functions = await self._desk.functions(step.case)
            if functions and len({functions[person] for person in step.approved_by}) < needed:
                raise StepRefused(
                    "same_function",
                    f"the step `{step.id}` was approved by people of one function",
                    hint="have a person of another function approve it",
                )
        if step.state == "planned":
            await check_works_here(self._gone, step.kind, step.target)
            now = self._clock.now()
            await check_ready(self._db, step.case, step.kind, step.target, params=step.params, at=now)
            if self._desk is not None and RULES[step.kind].about != "case":
                await self._desk.check_preserved(step.case)

    async def _check_undo(self, step: Step, by: Sequence[str]) -> None:
        needed = RULES[step.kind].undo
        if needed is None:
            raise StepRefused("irreversible", "what left the house cannot be taken back", hint="send a correction")
        for person in by:
            await self._check_person(step.case, person)
        if len(set(by)) < needed:
            raise StepRefused("approvals", f"undoing `{step.id}` needs {needed} different persons, not {len(set(by))}")

    async def _announce(self, connection: Connection, step: Step, by: Sequence[str], *, undo: bool) -> None:
        deciders = by if undo else step.approved_by
        people = list(dict.fromkeys([*by, *deciders]))
        numbers = dict(zip(people, await self._numbers.numbers("actor", people), strict=True))
        (purpose,) = await self._numbers.numbers("purpose", [f"case:{step.case}"])
        did = "undo" if undo else "do"
        payload: Payload = {
            "kind": "case_work",
            "at": to_us(self._clock.now()),
            "actor": numbers[by[0]],
            "purpose": purpose,
            "door": "console",
            "fields": [],
            "decision": "allow",
            "verified": "yes",
            "reason": f"case.step_{'undone' if undo else 'done'}",
            "mode": "enforce",
            "ask": sha256(f"{step.id} {did}".encode()).hexdigest()[:32],
            "action": f"case.{did}.{step.kind}",
            "object": f"step:{step.id}",
            "approved_by": [numbers[person] for person in deciders],
        }
        if RULES[step.kind].about == "actor":
            (payload["target"],) = await self._numbers.numbers("actor", [step.target])
        elif RULES[step.kind].about == "seller":
            payload["beneficiary"] = step.target
        receipt = await self._record(payload)
        await queries.set_entry(connection, step.id, receipt.index, undo=undo)

    @asynccontextmanager
    async def _alone(self, step_id: str) -> AsyncIterator[Connection]:
        async with self._db.connection() as connection:
            await queries.lock_step(connection, step_id)
            try:
                yield connection
            finally:
                await queries.unlock_step(connection, step_id)

    async def _read(self, connection: Connection, step_id: str) -> Step:
        row = await queries.step_on(connection, step_id)
        if row is None:
            raise UnknownCase(f"there is no step `{step_id}`")
        return step_of(row)
