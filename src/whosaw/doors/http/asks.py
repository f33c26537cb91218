"""The routes of the hot path: disclosures, one and many, lookups, actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from whosaw.ask import (
    ActionAsk,
    Ask,
    BulkAsk,
    LookupAsk,
    action_from_json,
    ask_from_json,
    bulk_from_json,
    lookup_from_json,
)
from whosaw.doors.http import told
from whosaw.doors.http.bodies import Sent
from whosaw.doors.http.entrance import Entrance
from whosaw.doors.http.repeats import Claim, Repeats
from whosaw.gate import Gate
from whosaw.prove import encode_receipt
from whosaw.terms import Clock

Asked = TypeVar("Asked", Ask, BulkAsk, LookupAsk, ActionAsk)
DISCLOSURE_BYTES_MOST = 32_768
BULK_BYTES_MOST = 4_194_304
LOOKUP_BYTES_MOST = 4_096
ACTION_BYTES_MOST = 1_048_576
_NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class AskRoutes:
    """What leads to the gate."""

    gate: Gate
    entrance: Entrance
    clock: Clock
    repeats: Repeats | None

    async def disclosures(self, request: Request) -> Response:
        """Answer one ask for fields of one subject."""
        actor, sent = await self.entrance.ask(request, DISCLOSURE_BYTES_MOST)
        ask = ask_from_json(sent.value, actor=actor, at=self.clock.now())
        ask, claim = await self._claimed(request, actor, sent, ask)
        answer = await self.gate.disclose(ask)
        receipt = encode_receipt(answer.receipt)
        return told.disclosed(answer, receipt, await self._settled(claim, receipt))

    async def bulk(self, request: Request) -> Response:
        """Answer one ask for the same fields of many subjects."""
        actor, sent = await self.entrance.ask(request, BULK_BYTES_MOST)
        ask = bulk_from_json(sent.value, actor=actor, at=self.clock.now())
        ask, claim = await self._claimed(request, actor, sent, ask)
        answers = await self.gate.disclose_bulk(ask)
        return told.disclosed_bulk(ask, answers, await self._settled(claim, encode_receipt(answers[0].receipt)))

    async def lookups(self, request: Request) -> Response:
        """Answer whose an exact value is."""
        actor, sent = await self.entrance.ask(request, LOOKUP_BYTES_MOST)
        ask = lookup_from_json(sent.value, actor=actor, at=self.clock.now())
        ask, claim = await self._claimed(request, actor, sent, ask)
        answer = await self.gate.lookup(ask)
        receipt = encode_receipt(answer.receipt)
        return told.found(answer, receipt, await self._settled(claim, receipt))

    async def actions(self, request: Request) -> Response:
        """Decide and record one action; the caller does it only on 200."""
        actor, sent = await self.entrance.ask(request, ACTION_BYTES_MOST)
        ask = action_from_json(sent.value, actor=actor, at=self.clock.now())
        ask, claim = await self._claimed(request, actor, sent, ask)
        answer = await self.gate.act(ask)
        receipt = encode_receipt(answer.receipt)
        return told.decided(answer, receipt, await self._settled(claim, receipt))

    async def _claimed(self, request: Request, actor: str, sent: Sent, ask: Asked) -> tuple[Asked, Claim | None]:
        """Return the ask with the entry that it repeats, and its claim where its request has a key."""
        claim = await self.repeats.claim(request, actor, sent.raw, self.clock.now()) if self.repeats else None
        return (ask if claim is None else replace(ask, repeats=claim.index)), claim

    async def _settled(self, claim: Claim | None, receipt: Mapping[str, object]) -> Mapping[str, object]:
        """Remember the first answer; return what the answer to a repeat says besides."""
        if claim is None or self.repeats is None:
            return _NOTHING
        await self.repeats.settle(claim, receipt)
        return {"repeats": claim.first} if claim.first is not None else _NOTHING
