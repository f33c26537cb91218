"""What whosaw may do in the shop: mark reviews, suspend sellers, withhold their funds; and undo each of these.

Every method can be repeated: it changes what is not yet so, and returns what it changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg.types.json import Jsonb

from whosaw.market.errors import UnknownSeller
from whosaw.terms import Clock, SystemClock

_SUSPENDED = "suspended"
_WITHHELD = "funds_withheld"

_MARK_DELETED = """
    update reviews set deleted_at = %s, deleted_by = %s
    where id = any(%s) and deleted_at is null returning id"""
_RESTORE = """
    update reviews set deleted_at = null, deleted_by = null
    where id = any(%s) and deleted_at is not null returning id"""
_IMPOSE = """
    insert into seller_measures (seller_id, measure, statement, amount_cents, case_reference, since)
    values (%s, %s, %s, %s, %s, %s)
    on conflict (seller_id, measure) where lifted_at is null do nothing returning id"""
_LIFT = """
    update seller_measures set lifted_at = %s
    where seller_id = %s and measure = %s and lifted_at is null returning coalesce(amount_cents, 0)"""
_NOTE = """
    insert into review_notes (review_id, text, case_reference, at)
    select id, %s, %s, %s from reviews where id = any(%s) on conflict do nothing"""
_NOTES = "select review_id, text from review_notes where case_reference = %s order by review_id"
_LOCK_SELLER = "select balance_cents from sellers where id = %s for no key update"
_MOVE_BALANCE = "update sellers set balance_cents = balance_cents + %s where id = %s"


class ShopMarketplace:
    """The shop as seen by the role `shop_connector`; keys may carry their kind (``review:R-000012``)."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        """Describe the connection; it is opened for each call and closed after it, or kept for an ``async with``.

        Args:
            url: the shop's database, as `shop_connector`.
            clock: tells when a measure began or ended; the machine's own where left out.
        """
        self._url = url
        self._clock = clock or SystemClock()
        self._kept: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._turn = asyncio.Lock()  # guards the kept connection: one transaction at a time

    async def __aenter__(self) -> Self:
        """Keep one connection open."""
        self._kept = await psycopg.AsyncConnection.connect(self._url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the kept connection."""
        if self._kept is not None:
            await self._kept.close()
            self._kept = None

    async def delete_review(self, review: str, *, by: str, at: datetime) -> bool:
        """Mark a review deleted by a member of staff; its own date stays. True where it was not deleted before."""
        async with self._transaction() as connection:
            rows = await connection.execute(_MARK_DELETED, (at, by, [_bare(review)]))
            return await rows.fetchone() is not None

    async def delete_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Mark reviews deleted; return those that were visible, sorted. `note` is as for `restore_reviews`."""
        gone = await self._change_reviews(_MARK_DELETED, (self._clock.now(), f"case:{case}"), reviews)
        await self._tell(gone, case, note)
        return gone

    async def restore_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Make deleted reviews visible under their original date and votes; return those that were deleted, sorted.

        Args:
            reviews: their keys.
            case: the step that orders it.
            note: what the writers of those that come back are told; empty tells them nothing.
        """
        back = await self._change_reviews(_RESTORE, (), reviews)
        await self._tell(back, case, note)
        return back

    async def notes(self, case: str) -> Mapping[str, str]:
        """Return what a step had reviewers told, by review."""
        async with self._transaction() as connection:
            return {str(key): str(text) for key, text in await (await connection.execute(_NOTES, [case])).fetchall()}

    async def suspend_seller(self, seller: str, statement: Mapping[str, str | int | list[str]], case: str) -> bool:
        """Suspend a seller with a statement of reasons; true where the seller was not suspended before.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        async with self._transaction() as connection:
            key, _ = await _lock(connection, seller)
            values = (key, _SUSPENDED, Jsonb(dict(statement)), None, case, self._clock.now())
            return await (await connection.execute(_IMPOSE, values)).fetchone() is not None

    async def unsuspend_seller(self, seller: str, case: str) -> bool:
        """End a seller's suspension, if it is in force; the row stays as history.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        del case
        async with self._transaction() as connection:
            key, _ = await _lock(connection, seller)
            rows = await connection.execute(_LIFT, (self._clock.now(), key, _SUSPENDED))
            return await rows.fetchone() is not None

    async def withhold_funds(self, seller: str, case: str) -> int:
        """Take a seller's balance out of what is paid to it.

        Returns:
            The amount withheld by this call in cents; 0 where funds were withheld before.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        async with self._transaction() as connection:
            key, balance_cents = await _lock(connection, seller)
            values = (key, _WITHHELD, None, balance_cents, case, self._clock.now())
            if await (await connection.execute(_IMPOSE, values)).fetchone() is None:
                return 0
            await connection.execute(_MOVE_BALANCE, (-balance_cents, key))
            return balance_cents

    async def release_funds(self, seller: str, case: str) -> int:
        """Give withheld funds back; return the amount in cents, 0 where none were withheld.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        del case
        async with self._transaction() as connection:
            key, _ = await _lock(connection, seller)
            row = await (await connection.execute(_LIFT, (self._clock.now(), key, _WITHHELD))).fetchone()
            released_cents = int(row[0]) if row else 0
            await connection.execute(_MOVE_BALANCE, (released_cents, key))
            return released_cents

    async def impose(self, seller: str, measure: str, case: str, statement: Mapping[str, Any]) -> bool:
        """Put a measure without money in force: ``warned`` or ``terminated``; true where it was not before.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        async with self._transaction() as connection:
            key, _ = await _lock(connection, seller)
            values = (key, measure, Jsonb(dict(statement)), None, case, self._clock.now())
            return await (await connection.execute(_IMPOSE, values)).fetchone() is not None

    async def lift(self, seller: str, measure: str) -> bool:
        """End such a measure; true where it was in force.

        Raises:
            UnknownSeller: the shop has no such seller.
        """
        async with self._transaction() as connection:
            key, _ = await _lock(connection, seller)
            rows = await connection.execute(_LIFT, (self._clock.now(), key, measure))
            return await rows.fetchone() is not None

    @classmethod
    def over(cls, connection: psycopg.AsyncConnection[tuple[Any, ...]], clock: Clock) -> Self:
        """Return the shop over an open connection; what is done joins the transaction that is open on it."""
        made = cls("", clock)
        made._kept = connection
        return made

    async def _tell(self, reviews: Sequence[str], case: str, note: str) -> None:
        if note and reviews:
            async with self._transaction() as connection:
                values = (note, case, self._clock.now(), [_bare(each) for each in reviews])
                await connection.execute(_NOTE, values)

    async def _change_reviews(self, statement: str, values: tuple[object, ...], reviews: Sequence[str]) -> list[str]:
        given = {_bare(review): review for review in reviews}
        async with self._transaction() as connection:
            rows = await (await connection.execute(statement, (*values, list(given)))).fetchall()
        return sorted(given[str(key)] for (key,) in rows)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        if self._kept is None:
            async with await psycopg.AsyncConnection.connect(self._url) as connection:
                yield connection
            return
        async with self._turn, self._kept.transaction():
            yield self._kept


async def _lock(connection: psycopg.AsyncConnection[tuple[Any, ...]], seller: str) -> tuple[str, int]:
    """Return a seller's key and balance in cents, held until the transaction ends."""
    row = await (await connection.execute(_LOCK_SELLER, (_bare(seller),))).fetchone()
    if row is None:
        raise UnknownSeller(f"there is no seller `{seller}`")
    return _bare(seller), int(row[0])


def _bare(key: str) -> str:
    return key.rpartition(":")[2]
