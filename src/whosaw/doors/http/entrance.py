"""What every route does first: who asks, is he not asking too often, and what did he send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from whosaw.doors.http.bodies import Sent, read_body, read_query
from whosaw.doors.http.throttle import Throttle
from whosaw.gate import TokenRefused, Tokens

Seen = Callable[[str, str], None]
"""Is told who asked, and from which address."""


class Authenticator(Protocol):
    """Says who asks, by what the ``Authorization`` header holds."""

    async def actor(self, authorization: str, *, suspended_may: bool = False) -> str:
        """Return whose it is; an empty header is nobody's.

        Args:
            authorization: the header's value.
            suspended_may: let somebody through who is suspended, for what refuses and records him itself.

        Raises:
            TokenRefused: it is nobody's; the message does not say why.
        """
        ...


class PersonalTokens:
    """Personal tokens alone: ``Bearer ws_…``."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def actor(self, authorization: str, *, suspended_may: bool = False) -> str:
        """Return whose token it is; whether he is suspended, the gate and the routes find out themselves.

        Raises:
            TokenRefused: it is nobody's.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("no valid token")
        return await self._tokens.actor(token.strip())


class Entrance:
    """The door step. Who asks is who the header says, whatever else the request claims."""

    def __init__(self, authenticator: Authenticator, throttle: Throttle, seen: Seen | None = None) -> None:
        self._authenticator = authenticator
        self._throttle = throttle
        self._seen = seen

    async def actor(self, request: Request) -> str:
        """Return who asks.

        Raises:
            TokenRefused: nobody.
            TooMany: somebody who asks too often, or an address that tried too many tokens.
        """
        header = request.headers.get("authorization", "")
        address = request.client.host if request.client else ""
        if header:
            self._throttle.check_address(address, header)
        try:
            actor = await self._authenticator.actor(header, suspended_may=True)
        except TokenRefused:
            if header:
                self._throttle.failed(address)
            raise
        self._throttle.good(header)
        self._throttle.spend(actor)
        if self._seen is not None:
            self._seen(actor, address)
        return actor

    async def ask(self, request: Request, most_bytes: int) -> tuple[str, Sent]:
        """Return who asks and what he sent.

        Raises:
            TokenRefused, TooMany: as `actor`.
            HttpError: what was sent cannot be read.
        """
        actor = await self.actor(request)
        if request.scope["query_string"]:
            read_query(request)
        return actor, await read_body(request, most_bytes)
