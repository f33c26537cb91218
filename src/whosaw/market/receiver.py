"""The shop's door for measures: signed webhooks, each done once, however often it is sent.

The answer is kept in the transaction that brought the measure about. A message that comes again, after its answer was
lost on the way, is answered from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whosaw.market.connector import ShopMarketplace
from whosaw.market.errors import MarketError, MeasureUnreadable
from whosaw.store.webhook import WebhookForged, check
from whosaw.terms import Clock, SystemClock

PATH = "/measures"
MAX_BYTES = 1024 * 1024

_FORGET_NOT = "insert into measure_answers (id, answer, at) values (%s, %s, %s)"
_ANSWERED = "select answer from measure_answers where id = %s"
_ALONE = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
_IMPOSED = {"warn_seller": "warned", "terminate_seller": "terminated"}
_LIFTED = {"unwarn_seller": "warned", "reinstate_seller": "terminated"}


class MeasureReceiver:
    """Takes the measures that `whosaw.answer.connector` sends."""

    def __init__(self, url: str, secret: str, clock: Clock | None = None) -> None:
        """Describe the door; `app` is the ASGI application that takes POST at `PATH`.

        Args:
            url: the shop's database, as `shop_connector`.
            secret: shared with who sends.
            clock: tells when a measure began; a message's own age is told by the machine's.
        """
        self._url = url
        self._secret = secret
        self._clock = clock or SystemClock()
        self.app = Starlette(routes=[Route(PATH, self._post, methods=["POST"])])

    async def take(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
        """Do what one message orders, or answer again what was answered before.

        Args:
            headers: by lower-case name.
            body: exactly as received.

        Raises:
            WebhookForged: it is not signed under the secret, or too old.
            MeasureUnreadable: it orders what the shop does not know.
            UnknownSeller: the shop has no such seller.
        """
        identity = check(self._secret, headers, body, SystemClock().now().timestamp())
        said = _read(body)
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            await connection.execute(_ALONE, [identity])
            before = await (await connection.execute(_ANSWERED, [identity])).fetchone()
            if before is not None:
                kept: Mapping[str, Any] = before[0]
                return kept
            done = await self._do(ShopMarketplace.over(connection, self._clock), said)
            await connection.execute(_FORGET_NOT, [identity, Jsonb(dict(done)), self._clock.now()])
            return done

    async def _post(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                return JSONResponse({"error": "too_large"}, 413)
        try:
            return JSONResponse(await self.take(dict(request.headers), bytes(body)))
        except WebhookForged as forged:
            return JSONResponse({"error": forged.code}, 401)
        except MarketError as wrong:
            return JSONResponse({"error": wrong.code}, 422)

    async def _do(self, shop: ShopMarketplace, said: Mapping[str, Any]) -> Mapping[str, Any]:
        kind, target, step = (str(said[name]) for name in ("kind", "target", "step"))
        if kind in _IMPOSED:
            more = {name: each for name, each in said.items() if name not in {"kind", "target", "step"}}
            return {"changed": await shop.impose(target, _IMPOSED[kind], step, more)}
        if kind in _LIFTED:
            return {"changed": await shop.lift(target, _LIFTED[kind])}
        if kind in {"restore_reviews", "delete_reviews"}:
            change = shop.restore_reviews if kind == "restore_reviews" else shop.delete_reviews
            return {"reviews": await change(said["reviews"], step, note=str(said.get("note", "")))}
        if kind in {"withhold_funds", "release_funds"}:
            move = shop.withhold_funds if kind == "withhold_funds" else shop.release_funds
            return {"amount_cents": await move(target, step)}
        if kind == "suspend_seller":
            return {"changed": await shop.suspend_seller(target, said["statement"], step)}
        if kind == "unsuspend_seller":
            return {"changed": await shop.unsuspend_seller(target, step)}
        raise MeasureUnreadable("the message orders no measure that the shop knows")


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as cause:
        raise MeasureUnreadable("the message is no JSON") from cause
    plain = isinstance(said, dict) and all(isinstance(said.get(name), str) for name in ("kind", "target", "step"))
    if not plain or (str(said["kind"]).endswith("_reviews") and not _keys(said.get("reviews"))):
        raise MeasureUnreadable("the message lacks what it must say")
    if said["kind"] == "suspend_seller" and not isinstance(said.get("statement"), dict):
        raise MeasureUnreadable("a suspension needs its statement of reasons")
    found: Mapping[str, Any] = said
    return found


def _keys(reviews: object) -> bool:
    return isinstance(reviews, list) and all(isinstance(each, str) for each in reviews)
