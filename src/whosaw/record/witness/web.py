"""HTTP to the witnesses: bounded in time and in bytes, no redirects, no proxy from the environment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import httpx

_MOST_BYTES = 65_536


class WebFailed(Exception):
    """There was no answer, or none of a fit size; `word` says which: unreachable, timeout, too_long."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer."""

    status: int
    body: bytes


class Web:
    """One client for all witnesses, with kept connections; use it as an async context."""

    def __init__(self, timeout_s: float) -> None:
        """Give every exchange at most `timeout_s` seconds, from connecting to the last byte.

        Raises:
            ModuleNotFoundError: httpx is not installed.
        """
        import httpx

        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(timeout=timeout_s, trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, url: str, body: bytes, content_type: str = "text/plain; charset=utf-8") -> Reply:
        """Send `body`.

        Raises:
            WebFailed: no answer, or none of a fit size.
        """
        return await self._exchange("POST", url, body, {"Content-Type": content_type})

    async def get(self, url: str) -> Reply:
        """Fetch `url`.

        Raises:
            WebFailed: no answer, or none of a fit size.
        """
        return await self._exchange("GET", url, b"", {})

    async def _exchange(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        import httpx

        try:
            request = httpx.Request(method, url, content=body, headers=headers)
            # httpx times single reads: an answer that drips would never end
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.send(request, stream=True)
                try:
                    return Reply(answer.status_code, await _bounded(answer))
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx.TimeoutException) as cause:
            raise WebFailed("timeout") from cause
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as cause:
            raise WebFailed("unreachable") from cause


async def _bounded(answer: httpx.Response) -> bytes:
    gathered = bytearray()
    async for chunk in answer.aiter_bytes():
        gathered += chunk
        if len(gathered) > _MOST_BYTES:
            raise WebFailed("too_long")
    return bytes(gathered)
