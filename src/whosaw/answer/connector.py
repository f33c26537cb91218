"""The company's own system behind signed webhooks: each measure is one message, however often it has to be sent.

A message's identity is made of step, measure and target, so that a receiver that has seen it answers again what it
answered then. The form is that of Standard Webhooks 1.0.0 (`store.webhook`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, ClassVar

import httpx

from whosaw.answer.errors import AnswerError
from whosaw.store.webhook import sign
from whosaw.terms import Clock

_TRIES = 4
_PAUSE_S = 0.5


class MarketplaceUnreachable(AnswerError, ConnectionError):
    """The company's system did not take a measure; the step stands as begun."""

    code: ClassVar[str] = "answer.marketplace_unreachable"
    hint = "put its address and secret right, then resume the case's steps; what it took is not done twice"


class WebhookMarketplace:
    """Sellers, money and reviews, as the receiver of webhooks does what it is told."""

    def __init__(self, url: str, secret: str, clock: Clock, *, pause_s: float = _PAUSE_S) -> None:
        """Describe the receiver; nothing is sent yet.

        Args:
            url: takes POST.
            secret: shared with it.
            clock: tells the time that is signed.
            pause_s: seconds before the second try; doubled for each further one.
        """
        self._url = url
        self._secret = secret
        self._clock = clock
        self._pause_s = pause_s

    async def suspend_seller(self, seller: str, statement: Mapping[str, Any], case: str) -> bool:
        """Suspend a seller and hand over the statement of reasons."""
        return bool((await self._do("suspend_seller", seller, case, statement=dict(statement)))["changed"])

    async def unsuspend_seller(self, seller: str, case: str) -> bool:
        """Lift the suspension."""
        return bool((await self._do("unsuspend_seller", seller, case))["changed"])

    async def withhold_funds(self, seller: str, case: str) -> int:
        """Hold back the seller's balance; return cents."""
        return int((await self._do("withhold_funds", seller, case))["amount_cents"])

    async def release_funds(self, seller: str, case: str) -> int:
        """Give back what was held back; return cents."""
        return int((await self._do("release_funds", seller, case))["amount_cents"])

    async def restore_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Put deleted reviews back; `note` is what their writers are told."""
        return await self._reviews("restore_reviews", reviews, case, note)

    async def delete_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Delete reviews; `note` is what their writers are told."""
        return await self._reviews("delete_reviews", reviews, case, note)

    async def _reviews(self, kind: str, reviews: Sequence[str], case: str, note: str) -> list[str]:
        more = {"note": note} if note else {}
        return list((await self._do(kind, "reviews", case, reviews=sorted(reviews), **more))["reviews"])

    async def measure(self, kind: str, target: str, case: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Order any other measure: ``warn_seller``, ``terminate_seller`` and their undoing."""
        return await self._do(kind, target, case, **params)

    async def _do(self, kind: str, target: str, case: str, **more: Any) -> Mapping[str, Any]:
        said = {"kind": kind, "target": target, "step": case, **more}
        body = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        identity = "msg_" + sha256(body).hexdigest()[:40]
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            for attempt in range(_TRIES):
                if attempt:
                    await asyncio.sleep(self._pause_s * 2 ** (attempt - 1))
                headers = sign(self._secret, identity, int(self._clock.now().timestamp()), body)
                try:
                    answer = await client.post(
                        self._url, content=body, headers={**headers, "content-type": "application/json"}
                    )
                except httpx.HTTPError:
                    continue
                if answer.status_code == httpx.codes.OK:
                    return _answer(answer)
                if answer.is_client_error and answer.status_code not in {408, 425, 429}:
                    raise MarketplaceUnreachable(f"the company's system refused `{kind}`: {answer.status_code}")
        raise MarketplaceUnreachable(f"the company's system did not take `{kind}` in {_TRIES} tries")


def _answer(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError as cause:
        raise MarketplaceUnreachable("the company's system answered what is no JSON") from cause
    if not isinstance(said, dict):
        raise MarketplaceUnreachable("the company's system answered what is no object")
    return said
