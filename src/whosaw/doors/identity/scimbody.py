"""Reads what a SCIM client sends, and says what is wrong in SCIM's own form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
    SCIMException,
)
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

BODY_BYTES_MOST = 1_048_576
MEDIA = "application/scim+json"
_DEEP_MOST = 20
_ACCEPTED = ("application/scim+json", "application/json")


async def body(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Raises:
        SCIMException: it is too large, not JSON in UTF-8, nested beyond reason, or holds what no text may.
    """
    kind = request.headers.get("content-type", MEDIA).partition(";")[0].strip().lower()
    if kind not in _ACCEPTED:
        raise InvalidSyntaxException(detail=f"send {MEDIA}")
    gathered = bytearray()
    try:
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) > BODY_BYTES_MOST:
                raise PayloadTooLargeException(detail=f"a body fits into {BODY_BYTES_MOST} bytes")
    except ClientDisconnect as cause:
        raise InvalidSyntaxException(detail="the body was broken off") from cause
    try:
        found = json.loads(gathered.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidSyntaxException(detail="the body is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidSyntaxException(detail="the body is not an object")
    _check_texts(found)
    return found


def error_response(status: int, detail: str, scim_type: str | None = None) -> Response:
    """Return an answer that says what is wrong (RFC 7644, 3.12)."""
    told = Error(status=status, scim_type=scim_type, detail=detail)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return json_response(told.model_dump(scim_ctx=Context.DEFAULT), status, headers)


def refused_response(problem: SCIMException | ValidationError) -> Response:
    """Return the answer for what SCIM's own rules refuse."""
    if isinstance(problem, SCIMException):
        told = problem.to_error()
    else:
        told = Error.from_validation_errors(problem.errors(include_url=False, include_input=False)[:1])[0]
    return error_response(told.status or 400, told.detail or "it cannot be read", told.scim_type)


def json_response(told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in SCIM's media type; nothing of it is to be stored on the way."""
    # \ud800 and the like are written as escapes, so that every text can be answered
    raw = json.dumps(told, ensure_ascii=True, allow_nan=False).encode()
    return Response(raw, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA)


def _refuse(name: str) -> object:
    raise ValueError(name)


def _check_texts(found: object) -> None:
    """Refuse what PostgreSQL keeps in no text, and depth, without recursion."""
    waiting: list[tuple[object, int]] = [(found, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEP_MOST:
            raise InvalidSyntaxException(detail="it is nested too deeply")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, str) and ("\x00" in value or not _encodes(value)):
            raise InvalidValueException(detail="a text holds a sign that is none")


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
