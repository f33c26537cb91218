"""Preserving what a case stands on: legal holds, before anybody whom it touches can hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from whosaw.answer import Cases, SightingBook
from whosaw.answer.ladder import RULES
from whosaw.answer.step import KEPT, step_of
from whosaw.answer.stepqueries import preserving, steps
from whosaw.app.services import Services
from whosaw.record.hold import Holds
from whosaw.record.holdground import reground
from whosaw.store.numbers import assign, find, find_all

_REVIEW_AFTER = timedelta(days=180)


class Preserve:
    """Legal holds on everybody a case is about.

    That is whoever complained, whom the newest verdict suspects or a step is about, and who profits.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._holds = Holds(services.db, services.appender, services.clock)

    async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hold what is not held; return how many, and who is kept, by number: until this step is undone.

        The ground of each hold is the case, of which `case` is a step.
        """
        del target, params
        case = case.partition("/")[0]
        services = self._services
        review_on = (services.clock.now() + _REVIEW_AFTER).date()
        (by,) = (await assign(services.db, "actor", ["service:case"])).values()
        standing = {(hold.space, hold.number) for hold in await self._holds.standing()}
        wanted = await self._wanted(case)
        for space, number in sorted(wanted - standing):
            await self._holds.add(space, number, ground=case, review_on=review_on, by=by)  # type: ignore[arg-type]
        kept = {name: sorted(number for space, number in wanted if space == name) for name in ("actor", "subject")}
        return {"held": len(wanted - standing), KEPT: kept}

    async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Lift the holds whose ground is this case; whom another case keeps too is held on the ground of that one.

        Whom another `preserve` of this case keeps stays held: his hold goes with the last of them.
        """
        del target, params
        step, case = case, case.partition("/")[0]
        services = self._services
        (by,) = (await assign(services.db, "actor", ["service:case"])).values()
        still = await self._kept_by_others(case, step)
        mine = [each for each in await self._holds.standing() if each.ground == case]
        mine = [each for each in mine if (each.space, each.number) not in still]
        others = await self._wanted_by_others(case) if mine else {}
        # who asked to be erased is told first (GDPR art. 18(3)); until then his hold stands
        lifted, kept, untold = 0, 0, 0
        for hold in mine:
            if (hold.space, hold.number) in others:
                ground = others[hold.space, hold.number]
                await reground(services.db, services.appender, services.clock, hold, ground=ground, by=by)
                kept += 1
            elif hold.space == "subject" and hold.erasure_asked_at and not hold.told_at:
                untold += 1
            else:
                await self._holds.lift(hold.space, hold.number, reason=f"{case} no longer needs it", by=by)
                lifted += 1
        return {"lifted": lifted, "kept_for_others": kept, "to_be_told_first": untold}

    async def unheld(self, case: str) -> int:
        """Return of how many people of `case` nothing keeps the records yet."""
        standing = {(hold.space, hold.number) for hold in await self._holds.standing()}
        return len(await self._wanted(case) - standing)

    async def _kept_by_others(self, case: str, step: str) -> set[tuple[str, int]]:
        """Return whom the other live `preserve` steps of a case keep; one that does not say so keeps all it would."""
        kept: set[tuple[str, int]] = set()
        for each in map(step_of, await steps(self._services.db, case)):
            if each.kind != "preserve" or each.id == step or each.state not in {"doing", "done"}:
                continue
            said = (each.outcome or {}).get(KEPT)
            kept |= (
                {(space, number) for space, numbers in said.items() for number in numbers}
                if said is not None
                else await self._wanted(case)
            )
        return kept

    async def _wanted_by_others(self, case: str) -> dict[tuple[str, int], str]:
        """Return whom other cases with a live `preserve` want held, each with the first case that does."""
        wanted: dict[tuple[str, int], str] = {}
        for other in await preserving(self._services.db):
            for each in await self._wanted(other) if other != case else ():
                wanted.setdefault(each, other)
        return wanted

    async def _wanted(self, case: str) -> set[tuple[str, int]]:
        db = self._services.db
        cases = Cases(db, self._services.clock)
        subjects = {each.subject for each in await SightingBook(db).list(case=case)}
        beneficiary = await find(db, "subject", (await cases.get(case)).beneficiary)
        history = await cases.verdicts(case)
        live = [each for each in map(step_of, await steps(db, case)) if each.state != "undone"]
        about = {each.target for each in live if RULES[each.kind].about == "actor"}
        suspects = await find_all(db, "actor", sorted(about | (history[-1].suspected() if history else set())))
        held = {("subject", number) for number in subjects} | {("actor", number) for number in suspects.values()}
        return held if beneficiary is None else held | {("subject", beneficiary)}
