"""What was sent: bodies read whole, within a limit of size and time, and as strict JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from starlette.requests import Request

from whosaw.doors.http.errors import BodyTooLarge, BodyTooSlow, NotJson, QueryUnfit

_WAIT_S = 20.0
PAGE_MOST = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A body: its bytes, and what they say."""

    raw: bytes
    value: object


async def read_body(request: Request, most_bytes: int) -> Sent:
    """Return the JSON body.

    Args:
        request: of which nothing was read yet.
        most_bytes: what this route can need.

    Raises:
        BodyTooLarge: more was sent or announced.
        BodyTooSlow: it did not arrive within 20 seconds.
        NotJson: it is not JSON, not UTF-8, nested beyond reason, names a member twice, or was broken off.
    """
    announced = request.headers.get("content-length", "0")
    if len(announced) > 9 or int(announced) > most_bytes:  # digits: the server has checked that
        raise BodyTooLarge("the body is too large", hint=f"this route takes {most_bytes} bytes")
    gathered = bytearray()
    try:
        async with asyncio.timeout(_WAIT_S):
            more = True
            while more:
                message = await request.receive()
                if message["type"] != "http.request":
                    raise NotJson("the body was broken off")
                gathered += message.get("body", b"")
                if len(gathered) > most_bytes:
                    raise BodyTooLarge("the body is too large", hint=f"this route takes {most_bytes} bytes")
                more = message.get("more_body", False)
    except TimeoutError as cause:
        raise BodyTooSlow("the body did not arrive in time") from cause
    raw = bytes(gathered)
    return Sent(raw, parse(raw))


def parse(raw: bytes) -> object:
    """Return what JSON says.

    Raises:
        NotJson: it is none.
    """
    if not raw.strip():
        raise NotJson("the body is empty", hint="send one JSON object; {} where there is nothing to say")
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as cause:
        raise NotJson("the body is not JSON") from cause


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: at most `limit` of those below number `before`; None for the newest."""

    limit: int
    before: int | None


def read_page(request: Request, *also: str) -> Page:
    """Return which page the query string asks for.

    Args:
        request: whose query string.
        also: further parameters that the route takes.

    Raises:
        QueryUnfit: it holds another parameter, one twice, or a limit or cursor that is none.
    """
    query = read_query(request, "limit", "cursor", *also)
    limit, cursor = query.get("limit", "50"), query.get("cursor")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= PAGE_MOST):
        raise QueryUnfit(f"`limit` is a whole number of 1 to {PAGE_MOST}")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19 and cursor[0] != "0"):
        raise QueryUnfit("`cursor` is not the `next` of a page")
    return Page(int(limit), None if cursor is None else int(cursor))


def read_query(request: Request, *known: str) -> dict[str, str]:
    """Return the parameters of the query string, of which only those that are `known` may be there, each once.

    Raises:
        QueryUnfit: there are others.
    """
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise QueryUnfit("the query string holds what this route does not take")
    return dict(given)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):  # two readers of such a body may read two different things
        raise ValueError("a member is there twice")
    return members


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_members)  # made once: it is dear
