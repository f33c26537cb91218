"""The routes of the hot path: disclosures, one and many, lookups, actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from whosaw.ask import action_from_json, ask_from_json, bulk_from_json, lookup_from_json
from whosaw.doors.http import told
from whosaw.doors.http.bodies import Sent
from whosaw.doors.http.entrance import Entrance
from whosaw.doors.http.repeats import Claim, Repeats
from whosaw.gate import Gate
from whosaw.prove import encode_receipt
from whosaw.terms import Clock

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
        claim = await self._claim(request, actor, sent)
        if claim is not None:
            ask = replace(ask, repeats=claim.index)
        answer = await self.gate.disclose(ask)
        receipt = encode_receipt(answer.receipt)
        return told.disclosed(answer, receipt, await self._settled(claim, receipt))

    async def bulk(self, request: Request) -> Response:
        """Answer one ask for the same fields of many subjects."""
        actor, sent = await self.entrance.ask(request, BULK_BYTES_MOST)
        ask = bulk_from_json(sent.value, actor=actor, at=self.clock.now())
        claim = await self._claim(request, actor, sent)
        if claim is not None:
            ask = replace(ask, repeats=claim.index)
        answers = await self.gate.disclose_bulk(ask)
        return told.disclosed_bulk(ask, answers, await self._settled(claim, encode_receipt(answers[0].receipt)))

    async def lookups(self, request: Request) -> Response:
        """Answer whose an exact value is."""
        actor, sent = await self.entrance.ask(request, LOOKUP_BYTES_MOST)
        ask = lookup_from_json(sent.value, actor=actor, at=self.clock.now())
        claim = await self._claim(request, actor, sent)
        if claim is not None:
            ask = replace(ask, repeats=claim.index)
        answer = await self.gate.lookup(ask)
        receipt = encode_receipt(answer.receipt)
        return told.found(answer, receipt, await self._settled(claim, receipt))

    async def actions(self, request: Request) -> Response:
        """Decide and record one action; the caller does it only on 200."""
        actor, sent = await self.entrance.ask(request, ACTION_BYTES_MOST)
        ask = action_from_json(sent.value, actor=actor, at=self.clock.now())
        claim = await self._claim(request, actor, sent)
        if claim is not None:
            ask = replace(ask, repeats=claim.index)
        answer = await self.gate.act(ask)
        receipt = encode_receipt(answer.receipt)
        return told.decided(answer, receipt, await self._settled(claim, receipt))

    async def _claim(self, request: Request, actor: str, sent: Sent) -> Claim | None:
        if self.repeats is None:
            return None
        return await self.repeats.claim(request, actor, sent.raw, self.clock.now())

    async def _settled(self, claim: Claim | None, receipt: Mapping[str, object]) -> Mapping[str, object]:
        """Remember the first answer; return what the answer to a repeat says besides."""
        if claim is None or self.repeats is None:
            return _NOTHING
        await self.repeats.settle(claim, receipt)
        return {"repeats": claim.first} if claim.first is not None else _NOTHING
