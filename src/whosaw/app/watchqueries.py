"""Statements of watch's tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from whosaw.store import Database
from whosaw.store.database import Connection

_LOCK = 0x7761746368  # "watch"

Row = tuple[Any, ...]


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[Connection | None]:
    """Hold the lock of the daily run until the block ends, in one transaction; None where another process has it."""
    async with db.transaction() as connection:
        rows = await connection.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
        row = await rows.fetchone()
        yield connection if row is not None and row[0] else None


async def last_day(db: Database) -> date | None:
    """Return the day of the newest run, or None."""
    async with db.connection() as connection:
        rows = await connection.execute("select max(day) from watch_run")
        row = await rows.fetchone()
        return row[0] if row is not None else None


async def first_access_us(db: Database) -> int | None:
    """Return when the record's first disclosure was, or None."""
    async with db.connection() as connection:
        rows = await connection.execute("select min(at_us) from trail_entry where kind = 'disclosure'")
        row = await rows.fetchone()
        return row[0] if row is not None else None


async def add_run(connection: Connection, values: Sequence[object], told: object) -> None:
    """Store a run: day, at, entry, accesses, people, settings; and what it was told."""
    await connection.execute(
        "insert into watch_run (day, at, entry, accesses, people, settings, told) values (%s, %s, %s, %s, %s, %s, %s)",
        [*values, Jsonb(told)],
    )


async def add_flag(connection: Connection, values: Sequence[object], told: object) -> None:
    """Store a flag: id, day, actor, tier, beneficiary, seal, entry; and what it says. A stored one stays as it is."""
    await connection.execute(
        "insert into watch_flag (id, day, actor, tier, beneficiary, seal, entry, told) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        [*values, Jsonb(told)],
    )


async def run_of(db: Database, day: date) -> Row | None:
    """Return day, at, entry, accesses, people, settings, told of a run."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select day, at, entry, accesses, people, settings, told from watch_run where day = %s", [day]
        )
        return await rows.fetchone()


_FLAG = "select id, day, actor, tier, beneficiary, seal, entry, told from watch_flag"


async def flags(db: Database, limit: int) -> list[Row]:
    """Return the newest flag of each person and beneficiary, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select * from (select distinct on (actor, beneficiary) * from ({_FLAG}) f "
            "order by actor, beneficiary, day desc) newest order by day desc, tier = 'review', id limit %s",
            [limit],
        )
        return await rows.fetchall()


async def flag(db: Database, identifier: str) -> Row | None:
    """Return one flag."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_FLAG} where id = %s", [identifier])
        return await rows.fetchone()


@asynccontextmanager
async def judging(db: Database, flag: str, by: str) -> AsyncIterator[tuple[Connection, bool]]:
    """Lend a transaction in which nobody else decides about a flag, and whether this person did before."""
    async with db.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('watch_verdict:' || %s, 0))", [flag])
        rows = await connection.execute("select from watch_verdict where flag = %s and by = %s", [flag, by])
        yield connection, await rows.fetchone() is not None


async def add_verdict(connection: Connection, values: Sequence[object]) -> None:
    """Store a verdict: flag, outcome, record, note, by, at, entry."""
    await connection.execute(
        "insert into watch_verdict (flag, outcome, record, note, by, at, entry) values (%s, %s, %s, %s, %s, %s, %s)",
        values,
    )


async def verdicts(db: Database) -> list[Row]:
    """Return flag, outcome, record, note, by, at of every verdict, in order."""
    async with db.connection() as connection:
        rows = await connection.execute("select flag, outcome, record, note, by, at from watch_verdict order by id")
        return await rows.fetchall()


async def judged(db: Database) -> list[Row]:
    """Return actor, beneficiary, flag, outcome, at of every verdict, in order."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select f.actor, coalesce(f.beneficiary, ''), v.flag, v.outcome, v.at from watch_verdict v "
            "join watch_flag f on f.id = v.flag order by v.id"
        )
        return await rows.fetchall()


async def asked_since(db: Database, since: datetime) -> set[int]:
    """Return the actors who were asked from then on."""
    async with db.connection() as connection:
        rows = await connection.execute("select distinct actor from watch_prompt where asked_at >= %s", [since])
        return {int(row[0]) for row in await rows.fetchall()}


async def asked_about(db: Database, until_us: int, *, days: int = 1) -> int:
    """Return how many were asked about accesses of the days that end then."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*) from watch_prompt where looked_us >= %s and looked_us < %s",
            [until_us - days * 86_400_000_000, until_us],
        )
        row = await rows.fetchone()
        return int(row[0]) if row is not None else 0


async def add_prompt(db: Database, values: Sequence[object]) -> int | None:
    """Store a prompt: actor, subject, looked_us, asked_at, due_at, entry, shown; return its number, None if there."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "insert into watch_prompt (actor, subject, looked_us, asked_at, due_at, entry, shown) "
            "values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing returning id",
            values,
        )
        row = await rows.fetchone()
        return None if row is None else int(row[0])


_PROMPT = "select id, actor, subject, looked_us, asked_at, due_at, answer, answered_at, shown from watch_prompt"


async def prompts_of(db: Database, actor: int) -> list[Row]:
    """Return the prompts to one person, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_PROMPT} where actor = %s order by id desc limit 100", [actor])
        return await rows.fetchall()


async def open_prompts(db: Database, now: datetime) -> list[Row]:
    """Return the prompts that wait for an answer in time, the oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_PROMPT} where answer is null and due_at > %s order by id", [now])
        return await rows.fetchall()


async def mails_wait(db: Database, topic: str) -> bool:
    """Return whether mail of a topic waits to go out."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select from outbox_mail where topic = %s and state in ('pending', 'claimed') limit 1", [topic]
        )
        return await rows.fetchone() is not None


async def prune_prompts(db: Database, before: datetime) -> int:
    """Delete prompts asked before a moment, where no legal hold stands on either side; return how many."""
    async with db.connection() as connection:
        done = await connection.execute(
            "delete from watch_prompt p where p.asked_at < %s and not exists (select from legal_hold h "
            "where h.lifted_at is null and ((h.space = 'subject' and h.number = p.subject) "
            "or (h.space = 'actor' and h.number = p.actor)))",
            [before],
        )
        return done.rowcount


async def prompt(db: Database, identifier: int) -> Row | None:
    """Return one prompt."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_PROMPT} where id = %s", [identifier])
        return await rows.fetchone()


async def answer(db: Database, identifier: int, values: Sequence[object]) -> bool:
    """Store the answer to a prompt: text, when, entry; false where it has one."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update watch_prompt set answer = %s, answered_at = %s, answer_entry = %s where id = %s and answer is null",
            [*values, identifier],
        )
        return done.rowcount == 1


async def answers_before(db: Database, before: datetime) -> list[Row]:
    """Return actor, subject, looked_us, shown of every prompt that was answered in time and before a moment."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select actor, subject, looked_us, shown from watch_prompt "
            "where answered_at < %s and answered_at <= due_at order by id",
            [before],
        )
        return await rows.fetchall()
