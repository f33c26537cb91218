"""The gate's own statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from whosaw.store import Database
from whosaw.store.line import array

Kind = Literal["manual", "safety"]


async def suspended(db: Database, actors: Sequence[str]) -> set[str]:
    """Return which of `actors` are suspended now."""
    async with db.connection() as connection:
        rows = await connection.execute("select actor from gate_suspension where actor = any(%s)", [list(actors)])
        return {row[0] for row in await rows.fetchall()}


async def set_suspended(
    db: Database, actor: str, since: datetime, reason: str, by: str, *, kind: Kind = "manual"
) -> bool:
    """Suspend `actor` and end his sign-ins; return whether he was not suspended before.

    A safety suspension takes the place of one that a person ordered, and never the other way round.
    """
    async with db.transaction() as connection:
        rows = await connection.execute(
            "insert into gate_suspension as s (actor, since, reason, ordered_by, kind) values (%s, %s, %s, %s, %s) "
            "on conflict (actor) do update set since = excluded.since, kind = excluded.kind, reason = excluded.reason, "
            "ordered_by = excluded.ordered_by where s.kind = 'manual' and excluded.kind = 'safety' returning xmax = 0",
            [actor, since, reason, by, kind],
        )
        row = await rows.fetchone()
        await connection.execute(
            "insert into person_end as e (actor, before_at) values (%s, %s) "
            "on conflict (actor) do update set before_at = greatest(e.before_at, excluded.before_at)",
            [actor, since],
        )
        return bool(row and row[0])


async def suspension_kind(db: Database, actor: str) -> Kind | None:
    """Return of which kind the suspension of `actor` is, or None where he is not suspended."""
    async with db.connection() as connection:
        rows = await connection.execute("select kind from gate_suspension where actor = %s", [actor])
        row = await rows.fetchone()
        return row[0] if row else None


async def suspended_since(db: Database, actor: str) -> datetime | None:
    """Return since when `actor` is suspended, or None where he is not."""
    async with db.connection() as connection:
        rows = await connection.execute("select since from gate_suspension where actor = %s", [actor])
        row = await rows.fetchone()
        return row[0] if row else None


async def set_restored(db: Database, actor: str) -> bool:
    """Lift the suspension of `actor`; return whether there was one."""
    async with db.connection() as connection:
        done = await connection.execute("delete from gate_suspension where actor = %s", [actor])
        return done.rowcount == 1


async def save_tokens(db: Database, rows: Sequence[tuple[str, str, bytes]], made_at: datetime) -> None:
    """Keep tokens as (id, actor, SHA-256 of the secret)."""
    ids, actors, hashes = zip(*rows, strict=True)
    async with db.connection() as connection:
        await connection.execute(
            "insert into gate_token (id, actor, secret_sha256, made_at) "
            "select t.id, t.actor, t.hash, %s from unnest(%s::text[], %s::text[], %s::bytea[]) as t(id, actor, hash)",
            [made_at, list(ids), list(actors), list(hashes)],
        )


async def token(db: Database, identifier: str) -> tuple[str, bytes, datetime | None] | None:
    """Return (actor, SHA-256 of the secret, when it was revoked) of a token, or None."""
    statement = "select actor, secret_sha256, revoked_at from gate_token where id = $1"
    answer = await db.ask(statement, [identifier.encode()])
    return answer.rows[0] if answer.rows else None


async def tokens_good(db: Database, identifiers: Sequence[str]) -> set[tuple[str, str]]:
    """Return (id, actor) of those tokens that are not revoked."""
    statement = "select id, actor from gate_token where id = any($1) and revoked_at is null"
    return {(row[0], row[1]) for row in (await db.ask(statement, [array(identifiers)])).rows}


async def revoke(db: Database, actor: str, at: datetime) -> int:
    """Revoke every token of `actor`; return how many there were."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update gate_token set revoked_at = %s where actor = %s and revoked_at is null", [at, actor]
        )
        return done.rowcount


async def numbers(db: Database, keys: Sequence[tuple[str, str]]) -> list[int]:
    """Return the number of every (space, key), given anew where there is none; not flushed to disk by itself."""
    spaces, names = zip(*keys, strict=True)
    ((found,),) = (await db.ask("select gate_numbers($1, $2)", [array(spaces), array(names)])).rows
    return list(found)


async def spend(
    db: Database, keys: Sequence[tuple[str, str]], at_us: int, units: Sequence[dict[str, object]]
) -> tuple[list[int], list[int]]:
    """Return the numbers of `keys` and one verdict per unit; not flushed to disk by itself."""
    spaces, names = zip(*keys, strict=True)
    bound = [array(spaces), array(names), str(at_us).encode(), json.dumps(units).encode()]
    ((numbers_, verdicts),) = (await db.ask("select numbers, verdicts from gate_spend($1, $2, $3, $4)", bound)).rows
    return list(numbers_), list(verdicts)
