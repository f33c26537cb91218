"""A gate that counts and times what it answers, and may tell spans of it; who, whom and what stay out of both."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from whosaw.app.metrics import Metrics
from whosaw.ask import ActionAsk, Ask, AskInvalid, BulkAsk, LookupAsk
from whosaw.decide import Decision
from whosaw.gate import Gate
from whosaw.gate.acting import Deed
from whosaw.gate.disclosing import Disclosure, Evaluation
from whosaw.gate.judged import Judged
from whosaw.gate.lookups import Found


class Decided(Protocol):
    """Any answer to an ask."""

    @property
    def decision(self) -> Decision:
        """Return what was decided."""
        ...


class Telling(Protocol):
    """Who is told of answered asks beside the metrics."""

    def answered(self, kind: str, outcomes: dict[str, int], started_ns: int) -> None:
        """Take notice of asks that were answered together, the first outcome first."""
        ...


Many = TypeVar("Many", bound=Sequence[Decided])
One = TypeVar("One", bound=Decided)
T = TypeVar("T")


class MeasuredGate(Gate):
    """The same gate; every answer is counted."""

    def __init__(self, gate: Gate, metrics: Metrics, telling: Telling | None = None) -> None:
        """Count what `gate` answers."""
        self._gate = gate
        self.friction = gate.friction
        self._metrics = metrics
        self._telling = telling

    async def disclose(self, ask: Ask) -> Disclosure:
        """Answer one ask."""
        return await self._one("disclosure", self._gate.disclose(ask))

    async def disclose_many(self, asks: Sequence[Ask]) -> list[Disclosure]:
        """Answer many asks."""
        return await self._many("disclosure", self._gate.disclose_many(asks))

    async def disclose_bulk(self, ask: BulkAsk) -> list[Disclosure]:
        """Answer about every subject of one ask."""
        return await self._many("bulk", self._gate.disclose_bulk(ask))

    async def evaluate(self, ask: Ask) -> Evaluation:
        """Say what one ask would be answered."""
        return await self._one("evaluation", self._gate.evaluate(ask))

    async def evaluate_many(self, asks: Sequence[Ask]) -> list[Evaluation]:
        """Say what many asks would be answered."""
        return await self._many("evaluation", self._gate.evaluate_many(asks))

    async def consider(self, ask: Ask) -> Judged:
        """Return what would be decided, unrecorded and uncounted."""
        return await self._gate.consider(ask)

    async def lookup(self, ask: LookupAsk) -> Found:
        """Say whose an exact value is."""
        return await self._one("lookup", self._gate.lookup(ask))

    async def act(self, ask: ActionAsk) -> Deed:
        """Decide one action."""
        return await self._one("action", self._gate.act(ask))

    async def act_many(self, asks: Sequence[ActionAsk]) -> list[Deed]:
        """Decide many actions."""
        return await self._many("action", self._gate.act_many(asks))

    async def _one(self, kind: str, work: Awaitable[One]) -> One:
        return await self._timed(kind, work, lambda answer: {answer.decision.outcome: 1})

    async def _many(self, kind: str, work: Awaitable[Many]) -> Many:
        return await self._timed(
            kind, work, lambda answers: dict(Counter(str(answer.decision.outcome) for answer in answers))
        )

    async def _timed(self, kind: str, work: Awaitable[T], outcomes: Callable[[T], dict[str, int]]) -> T:
        started_ns = time.time_ns()
        start = time.perf_counter()
        try:
            answer = await work
        except BaseException as problem:
            self._note(kind, {_failure(problem): 1}, start, started_ns)
            raise
        self._note(kind, outcomes(answer), start, started_ns)
        return answer

    def _note(self, kind: str, outcomes: dict[str, int], start: float, started_ns: int) -> None:
        seconds = time.perf_counter() - start
        for outcome, count in outcomes.items():
            self._metrics.answered(kind, outcome, count, seconds)
        if self._telling is not None:
            self._telling.answered(kind, outcomes, started_ns)


def _failure(problem: BaseException) -> str:
    if isinstance(problem, asyncio.CancelledError):
        return "cancelled"
    return "invalid" if isinstance(problem, AskInvalid) else "failed"
