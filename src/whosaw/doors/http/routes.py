"""The routes of the HTTP door."""

from __future__ import annotations

import json
from typing import ClassVar

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from whosaw.ask import action_from_json, ask_from_json
from whosaw.doors.http.problems import denied_response
from whosaw.gate import Disclosure, Gate, TokenRefused, Tokens
from whosaw.prove import encode_receipt
from whosaw.reveal import Masked, Refused, Value
from whosaw.terms import Clock, WhosawError

_BODY_BYTES_MOST = 16_384
_NOT_STORED = {"Cache-Control": "no-store"}


class HttpError(WhosawError):
    """Base of what can be wrong with a request before it is an ask."""

    code: ClassVar[str] = "http.error"


class BodyTooLarge(HttpError, ValueError):
    """The body exceeds what an ask can need."""

    code: ClassVar[str] = "http.body_too_large"
    hint = f"an ask fits into {_BODY_BYTES_MOST} bytes"


class NotJson(HttpError, ValueError):
    """The body is not JSON in UTF-8."""

    code: ClassVar[str] = "http.not_json"
    hint = "send one JSON object as application/json in UTF-8"


class HttpDoor:
    """Routes over one gate. Who asks is who the token says, whatever else the request claims."""

    def __init__(self, gate: Gate, tokens: Tokens, clock: Clock) -> None:
        self._gate = gate
        self._tokens = tokens
        self._clock = clock
        self.router = APIRouter(prefix="/v1")
        self.router.add_api_route("/disclosures", self.disclosures, methods=["POST"])
        self.router.add_api_route("/actions", self.actions, methods=["POST"])
        self.router.add_api_route("/me", self.me, methods=["GET"])

    async def disclosures(self, request: Request) -> Response:
        """Answer one ask for fields of one subject."""
        actor = await self._actor(request)
        ask = ask_from_json(await _body(request), actor=actor, at=self._clock.now())
        answer = await self._gate.disclose(ask)
        receipt = encode_receipt(answer.receipt)
        if answer.values and all(isinstance(value, Refused) for value in answer.values.values()):
            return denied_response(answer.decision.reason, receipt, {"ask": ask.id})
        return JSONResponse({**_described(answer), "receipt": receipt}, headers=_NOT_STORED)

    async def actions(self, request: Request) -> Response:
        """Decide and record one action; the caller does it only on 200."""
        actor = await self._actor(request)
        ask = action_from_json(await _body(request), actor=actor, at=self._clock.now())
        answer = await self._gate.act(ask)
        receipt = encode_receipt(answer.receipt)
        if answer.decision.outcome != "allow":
            return denied_response(answer.decision.reason, receipt, {"ask": ask.id})
        allowed = {"ask": ask.id, "decision": "allow", "reason": answer.decision.reason, "receipt": receipt}
        return JSONResponse(allowed, headers=_NOT_STORED)

    async def me(self, request: Request) -> Response:
        """Say whose token was sent."""
        return JSONResponse({"actor": await self._actor(request)}, headers=_NOT_STORED)

    async def _actor(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("no valid token")
        return await self._tokens.actor(token.strip())


async def _body(request: Request) -> object:
    """Return the JSON body.

    Raises:
        BodyTooLarge: more than 16 KiB were sent or announced.
        NotJson: it is not JSON, not UTF-8, nested beyond reason, or was broken off.
    """
    announced = request.headers.get("content-length", "0")
    gathered = bytearray()
    if len(announced) > 9 or int(announced) > _BODY_BYTES_MOST:  # digits: the server has checked that
        raise BodyTooLarge("the body is too large")
    try:
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) > _BODY_BYTES_MOST:
                raise BodyTooLarge("the body is too large")
    except ClientDisconnect as cause:
        raise NotJson("the body was broken off") from cause
    try:
        return json.loads(gathered.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        raise NotJson("the body is not JSON") from cause


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _described(answer: Disclosure) -> dict[str, object]:
    described: dict[str, object] = {
        "ask": answer.ask.id,
        "subject": str(answer.ask.subject),
        "decision": answer.decision.outcome,
        "reason": answer.decision.reason,
        "fields": {name: _value(value) for name, value in answer.values.items()},
    }
    if answer.decision.would is not None:
        described["would"] = answer.decision.would
    return described


def _value(value: Value) -> dict[str, object]:
    if isinstance(value, Masked):
        return {"isMasked": True, "maskedPresentation": value.presentation, "rule": value.rule}
    if isinstance(value, Refused):
        return {"isDenied": True, "rule": value.rule}
    return {"value": value.value}
