"""The asynchronous client of the HTTP door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar, Unpack

import httpx

from whosaw.client import asks, standing, wire
from whosaw.client.standing import Glass, GlassTerms, Grant, GrantTerms
from whosaw.client.values import Allowed, Answer, Denied, Found

T = TypeVar("T")


class AsyncClient:
    """One person's way to the door; open it with ``async with``.

    Every method raises `DoorError` where the door did not answer the ask; then nothing was shown.
    """

    def __init__(self, base_url: str, token: str = "", *, http: httpx.AsyncClient | None = None) -> None:
        """Describe the client.

        Args:
            base_url: address of the door, ``http://127.0.0.1:8484``.
            token: the person's token from ``whosaw user add``.
            http: a connection pool to share between clients; its owner closes it.
        """
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._base = base_url.rstrip("/")
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=10.0)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections that are its own."""
        if self._own:
            await self._http.aclose()

    async def disclose(
        self, subject: str, fields: Sequence[str], purpose: str | None = None, *, reason: str | None = None
    ) -> Answer | Denied:
        """Ask for `fields` of `subject`.

        Args:
            subject: ``customer:C-1``.
            fields: 1 to 64 distinct names of the catalog.
            purpose: the work it is for, ``ticket:T-1``.
            reason: why, in words, where a limit asks for it.
        """
        return await self._call(asks.disclose(subject, fields, purpose, reason))

    async def disclose_bulk(
        self, subjects: Sequence[str], fields: Sequence[str], purpose: str | None = None, *, reason: str | None = None
    ) -> list[Answer] | Denied:
        """Ask for the same `fields` of many subjects of one kind; the answers come in their order."""
        return await self._call(asks.disclose_bulk(subjects, fields, purpose, reason))

    async def lookup(self, lookup: str, value: str, purpose: str | None = None, *, reason: str | None = None) -> Found:
        """Ask whose an exact value is: an e-mail address, a phone number, an order number."""
        return await self._call(asks.lookup(lookup, value, purpose, reason))

    async def act(
        self,
        action: str,
        on: str | Sequence[str],
        purpose: str | None = None,
        *,
        reason: str | None = None,
        rows: int | None = None,
    ) -> Allowed | Denied:
        """Ask to do `action` to one object or several; do it only if the answer is `Allowed`."""
        return await self._call(asks.act(action, on, purpose, reason, rows))

    async def request_grant(self, kind: str, reason: str, **terms: Unpack[GrantTerms]) -> Grant:
        """Ask for access that others must approve.

        Args:
            kind: of the catalog's ``[grants]``.
            reason: why, in words.
            terms: what it is to open, and for how long; see `GrantTerms`.
        """
        return await self._call(standing.request_grant(kind, reason, terms))

    async def grants(self, whose: standing.Whose = "mine") -> list[Grant]:
        """List one's own grants, or those that wait for one's word; newest first."""
        return await self._all(partial(standing.grants, whose))

    async def approve_grant(self, number: int, reason: str | None = None) -> Grant:
        """Approve a grant that somebody else asked for."""
        return await self._call(standing.word(number, "approve", reason))

    async def refuse_grant(self, number: int, reason: str | None = None) -> Grant:
        """Refuse a grant that somebody else asked for."""
        return await self._call(standing.word(number, "refuse", reason))

    async def revoke_grant(self, number: int, reason: str | None = None) -> Grant:
        """End a grant before its time: one's own, or as an approver."""
        return await self._call(standing.word(number, "revoke", reason))

    async def break_glass(self, reason: str, **terms: Unpack[GlassTerms]) -> Glass:
        """Take access now, against policy: recorded first, told loudly, reviewed by two within a day."""
        return await self._call(standing.break_glass(reason, terms))

    async def glasses(self) -> list[Glass]:
        """List what one broke oneself, and to reviewers what waits for them; newest first."""
        return await self._all(standing.glasses)

    async def review_glass(self, number: int, verdict: standing.Verdict, reason: str) -> Glass:
        """Say whether breaking the glass was justified; the second reviewer's word settles it."""
        return await self._call(standing.review(number, verdict, reason))

    async def close_glass(self, number: int) -> Glass:
        """End one's own access before its time; it is reviewed all the same."""
        return await self._call(standing.close(number))

    async def me(self) -> Mapping[str, Any]:
        """Say how one stands: roles, suspension, grants in force, and what is left of budgets."""
        return await self._call(standing.me())

    async def _all(self, page: Callable[[str | None], wire.Call[tuple[list[T], str | None]]]) -> list[T]:
        """Return what stands on all pages; `page` asks for the one that a cursor leads to."""
        found, cursor = await self._call(page(None))
        while cursor is not None:
            more, cursor = await self._call(page(cursor))
            found += more
        return found

    async def _call(self, call: wire.Call[T]) -> T:
        to = self._base + call.path
        try:
            response = await self._http.request(call.method, to, json=call.body, headers=self._headers)
            answer: Any = response.json()
        except (httpx.HTTPError, ValueError) as cause:
            raise wire.no_answer(self._base) from cause
        return call.read(wire.answered(response.status_code, answer))
