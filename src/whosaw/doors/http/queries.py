"""The statements of what the door remembers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from whosaw.gate.queries import numbers
from whosaw.store import Database


async def claim(
    db: Database, key: bytes, actor: str, said: bytes, times: tuple[datetime, datetime]
) -> tuple[bytes, str | None]:
    """Keep a request, or find the one that was kept under its key; return its hash and its receipt.

    Args:
        db: the door's role will do.
        key: SHA-256 of the key.
        actor: whose it is.
        said: keyed hash of the request.
        times: now, and before when a kept one counts no more.
    """
    now, oldest = times
    (number,) = await numbers(db, [("actor", actor)])
    async with db.connection() as connection:
        rows = await connection.execute(
            "insert into door_request as r (key_sha256, actor, said, at) values (%s, %s, %s, %s) "
            "on conflict (key_sha256) do update set "
            "said = case when r.at < %s then excluded.said else r.said end, "
            "receipt = case when r.at < %s then null else r.receipt end, "
            "at = case when r.at < %s then excluded.at else r.at end returning said, receipt",
            [key, number, said, now, oldest, oldest, oldest],
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101 - it was written or updated
        return bytes(row[0]), row[1]


async def settle(db: Database, key: bytes, receipt: str) -> None:
    """Keep the receipt of the first answer."""
    async with db.connection() as connection:
        await connection.execute(
            "update door_request set receipt = %s where key_sha256 = %s and receipt is null", [receipt, key]
        )


async def sweep(db: Database, oldest: datetime) -> None:
    """Forget what was kept before `oldest`."""
    async with db.connection() as connection:
        await connection.execute("delete from door_request where at < %s", [oldest])


async def add_counts(db: Database, counts: Mapping[bytes, int], times: tuple[datetime, datetime]) -> dict[bytes, int]:
    """Add to what all processes counted, and return what that is now.

    Args:
        db: the door's role will do.
        counts: by digest of whom they are about.
        times: now, and before when a count begins anew.
    """
    now, oldest = times
    async with db.connection() as connection:
        # in one order for all processes, so that two of them never wait for each other
        rows = await connection.execute(
            "insert into door_pace as p (who, counted, at) "
            "select w, n, %(now)s from unnest(%(who)s::bytea[], %(counted)s::bigint[]) as t (w, n) order by w "
            "on conflict (who) do update set at = excluded.at, "
            "counted = excluded.counted + case when p.at < %(oldest)s then 0 else p.counted end "
            "returning who, counted",
            {"who": list(counts), "counted": list(counts.values()), "now": now, "oldest": oldest},
        )
        return {bytes(who): int(counted) for who, counted in await rows.fetchall()}


async def forget_counts(db: Database, oldest: datetime) -> None:
    """Forget what was last counted before `oldest`."""
    async with db.connection() as connection:
        await connection.execute("delete from door_pace where at < %s", [oldest])
