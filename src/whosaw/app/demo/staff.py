"""The employees at work: every fifth day live through the HTTP door, the other days in bulk through the same gate."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from whosaw.app.demo.livedoor import DESKS, LiveDoor
from whosaw.app.services import Services
from whosaw.ask import ActionAsk, Ask, new_ask_id
from whosaw.client import Denied
from whosaw.market import PlannedAction, PlannedAsk, ShopMarketplace, World
from whosaw.terms import Clock, PurposeRef, SharedClock, SubjectRef, WhosawError

_LIVE_EVERY_DAYS = 5
_BULK_ASKS = 512

Planned = PlannedAsk | PlannedAction


@dataclass(slots=True)
class Worked:
    """Counts of what was asked and how it ended."""

    live: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    observed: int = 0

    def add(self, outcome: str, reason: str, would: str | None, *, live: bool) -> None:
        """Count one ask."""
        kind = {"allow": "allowed", "mask": "masked", "alias": "masked", "deny": "denied"}[outcome]
        self.outcomes[kind] += 1
        self.live += live
        self.observed += would is not None
        if kind != "allowed":
            self.reasons[kind, reason] += 1

    @property
    def total(self) -> int:
        """Return all asks."""
        return sum(self.outcomes.values())


class Staff:
    """Lets a world's plan of work happen, day by day, in the order of time."""

    def __init__(self, services: Services, door: LiveDoor, clock: SharedClock, shop: ShopMarketplace) -> None:
        self._services = services
        self._door = door
        self._clock = clock
        self._shop = shop
        self.worked = Worked()

    async def work_day(self, day: int, planned: Sequence[Planned]) -> None:
        """Work one day: live if it is one of every five, else in bulk."""
        if day % _LIVE_EVERY_DAYS == _LIVE_EVERY_DAYS - 1:
            await self._live(planned)
        else:
            for start in range(0, len(planned), _BULK_ASKS):
                await self._bulk(planned[start : start + _BULK_ASKS])

    async def _bulk(self, planned: Sequence[Planned]) -> None:
        asks: list[Ask] = []
        deeds: list[tuple[PlannedAction, ActionAsk]] = []
        for each in planned:  # in the order of time: each is stamped as the clock passes it
            clock = self._move(each.at)
            if isinstance(each, PlannedAsk):
                asks.append(_ask(each, clock))
            else:
                deeds.append((each, _action(each, clock)))
        answers = await self._services.gate.disclose_many(asks)
        acted = await self._services.gate.act_many([ask for _, ask in deeds])
        for decision in [*(answer.decision for answer in answers), *(deed.decision for deed in acted)]:
            self.worked.add(decision.outcome, decision.reason, decision.would, live=False)
        for (action, _), deed in zip(deeds, acted, strict=True):
            if deed.decision.outcome == "allow":
                await self._carry_out(action)

    async def _live(self, planned: Sequence[Planned]) -> None:
        waiting = iter(planned)
        try:
            async with asyncio.TaskGroup() as desks:
                for desk in range(DESKS):
                    desks.create_task(self._sit(desk, waiting))
        except* WhosawError as group:
            raise group.exceptions[0] from None

    async def _sit(self, desk: int, waiting: Iterator[Planned]) -> None:
        for each in waiting:
            self._move(each.at)
            client = self._door.client(each.actor, desk)
            if isinstance(each, PlannedAsk):
                answer = await client.disclose(each.subject, each.fields, each.purpose)
                if isinstance(answer, Denied):
                    self.worked.add("deny", answer.reason, None, live=True)
                else:
                    self.worked.add(answer.decision, answer.reason, answer.would, live=True)
                continue
            allowed = await client.act(each.action, each.object.partition(":")[2], each.purpose)
            if isinstance(allowed, Denied):
                self.worked.add("deny", allowed.reason, None, live=True)
            else:
                self.worked.add("allow", allowed.reason, None, live=True)
                await self._carry_out(each)

    async def _carry_out(self, action: PlannedAction) -> None:
        await self._shop.delete_review(action.object, by=action.actor, at=action.at)

    def _move(self, at: datetime) -> Clock:
        # live asks overlap: one that was planned a little earlier is asked at the present, never in the past
        if at > self._clock.now():
            self._clock.advance_to(at)
        return self._clock


def days_of(world: World, each_day: Callable[[int], None]) -> Iterator[tuple[int, list[Planned]]]:
    """Yield (day, what is planned, in order of time) for every day; `each_day` hears of each before it begins."""
    planned: list[Planned] = sorted([*world.plan, *world.actions], key=lambda each: each.at)
    for day, run in groupby(planned, lambda each: each.day):
        each_day(day)
        yield day, list(run)


def _ask(planned: PlannedAsk, clock: Clock) -> Ask:
    purpose = PurposeRef.parse(planned.purpose) if planned.purpose else None
    subject = SubjectRef.parse(planned.subject)
    return Ask(planned.actor, subject, planned.fields, purpose, "bulk", clock.now(), new_ask_id())


def _action(planned: PlannedAction, clock: Clock) -> ActionAsk:
    purpose = PurposeRef.parse(planned.purpose) if planned.purpose else None
    review = planned.object.partition(":")[2]
    return ActionAsk(planned.actor, planned.action, review, purpose, "bulk", clock.now(), new_ask_id())
