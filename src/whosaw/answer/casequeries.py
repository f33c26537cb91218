"""Statements about a case as people work on it, rows in and rows out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import psycopg

from whosaw.answer.errors import StepRefused
from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]

_KNOWLEDGE = "seq, kind, known_at, person, what, noted_at, noted_by, entry"
_PERSON = "person, function, named_by, named_at, ended_at, ended_why"
_CLOCK = (
    "c.rule, c.law_from, c.cause, c.started_at, c.due_at + h.held, c.zone, c.started_by, c.met_at, c.met_by, c.met_note"
)
_UNMASKING = "id, case_id, actor, reason, asked_by, asked_at, approved_by, approved_at, expires_at, days"


async def move(db: Database, case: str, states: tuple[str, str], said: Mapping[str, object]) -> bool:
    """Move a case from one state to another and keep who did it; false where it was in another state by then.

    Raises:
        StepRefused: a case is reopened whose beneficiary has another open one.
    """
    before, after = states
    bound = {"case": case, "from": before, "to": after, **said}
    try:
        async with db.transaction() as connection:
            done = await connection.execute(
                "update case_file set state = %(to)s, closed_at = case when %(to)s = 'closed' then %(at)s::timestamptz "
                "end where id = %(case)s and state = %(from)s and pruned_at is null",
                bound,
            )
            if done.rowcount != 1:
                return False
            await connection.execute(
                f"insert into case_move {_seq('case_move')}, %(at)s, %(from)s, %(to)s, %(by)s, %(reason)s, %(entry)s "
                "from case_move where case_id = %(case)s",
                bound,
            )
            return True
    except psycopg.errors.UniqueViolation as cause:
        raise StepRefused(
            "another_open", f"the beneficiary of `{case}` has another open case", hint="work on that one"
        ) from cause


async def moves(db: Database, case: str) -> list[Row]:
    """Return (at, from, to, by, reason, entry) of every move of a case, oldest first."""
    return await fetch(
        db,
        "select at, from_state, to_state, by, reason, entry from case_move where case_id = %(case)s order by seq",
        {"case": case},
    )


async def add_knowledge(db: Database, case: str, said: Mapping[str, object]) -> Row:
    """Append to who knew what when and return the row."""
    return await _appended(
        db,
        case,
        f"insert into case_knowledge {_seq('case_knowledge')}, %(kind)s, %(known_at)s, %(person)s, %(what)s, "
        "%(noted_at)s, %(noted_by)s, %(entry)s from case_knowledge where case_id = %(case)s "
        f"returning {_KNOWLEDGE}",
        {"case": case, **said},
    )


async def knowledge(db: Database, case: str) -> list[Row]:
    """Return who knew what when, in the order it was noted."""
    return await fetch(
        db, f"select {_KNOWLEDGE} from case_knowledge where case_id = %(case)s order by seq", {"case": case}
    )


async def name_person(db: Database, case: str, said: Mapping[str, object]) -> None:
    """Give a person a function in a case; what he had before ends."""
    bound = {"case": case, **said}
    async with db.transaction() as connection:
        await _end_person(connection, {**bound, "why": "another function"})
        await connection.execute(
            "insert into case_person (case_id, person, function, named_by, named_at, entry) values "
            "(%(case)s, %(person)s, %(function)s, %(by)s, %(at)s, %(entry)s)",
            bound,
        )


async def end_person(db: Database, case: str, person: str, at: datetime, why: str) -> bool:
    """End a person's function in a case; false where he has none."""
    async with db.connection() as connection:
        return await _end_person(connection, {"case": case, "person": person, "at": at, "why": why})


async def people(db: Database, case: str) -> list[Row]:
    """Return everybody who had a function in a case, in order."""
    return await fetch(db, f"select {_PERSON} from case_person where case_id = %(case)s order by id", {"case": case})


async def add_hearing(db: Database, case: str, said: Mapping[str, object]) -> None:
    """Keep a hearing; the same one again changes nothing."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into case_hearing (case_id, target, heard_at, said, by, entry) values "
            "(%(case)s, %(target)s, %(at)s, %(said)s, %(by)s, %(entry)s) on conflict do nothing",
            {"case": case, **said},
        )


async def start_clock(db: Database, case: str, said: Mapping[str, object]) -> bool:
    """Start a clock; false where it runs already for this rule and cause."""
    async with db.connection() as connection:
        done = await connection.execute(
            "insert into case_clock (case_id, rule, law_from, cause, started_at, due_at, zone, started_by, entry) "
            "values (%(case)s, %(rule)s, %(law_from)s, %(cause)s, %(started_at)s, %(due_at)s, %(zone)s, %(by)s, "
            "%(entry)s) "
            "on conflict do nothing",
            {"case": case, **said},
        )
        return done.rowcount == 1


async def meet_clock(db: Database, case: str, said: Mapping[str, object]) -> bool:
    """Note that what a clock waits for is done; false where it was, or no such clock runs."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update case_clock set met_at = %(at)s, met_by = %(by)s, met_note = %(note)s, met_entry = %(entry)s "
            "where case_id = %(case)s and rule = %(rule)s and met_at is null",
            {"case": case, **said},
        )
        return done.rowcount > 0


async def clocks(db: Database, case: str | None) -> list[Row]:
    """Return (case, and the clock) of one case or of every case, the next to end first."""
    return await fetch(
        db,
        f"select c.case_id, {_CLOCK}, h.since from case_clock c left join lateral (select "
        # a request that came when the term was over does not bring it back
        "coalesce(sum(lifted_at - from_at) filter (where from_at <= c.due_at), interval '0') as held, "
        "min(from_at) filter (where lifted_at is null and from_at <= c.due_at) as since from case_clock_hold h "
        "where (h.case_id, h.rule, h.cause) = (c.case_id, c.rule, c.cause)) h on true "
        "where %(case)s::text is null or c.case_id = %(case)s order by c.due_at + h.held, c.rule",
        {"case": case},
    )


async def hold_clock(db: Database, case: str, said: Mapping[str, object]) -> bool:
    """Note that the police ask for a term to stand still; false where it does already."""
    async with db.connection() as connection:
        done = await connection.execute(
            "insert into case_clock_hold (case_id, rule, cause, authority, why, from_at, noted_by, entry) select "
            "%(case)s, rule, cause, %(authority)s, %(why)s, %(at)s, %(by)s, %(entry)s from case_clock "
            "where case_id = %(case)s and rule = %(rule)s and met_at is null on conflict do nothing",
            {"case": case, **said},
        )
        return done.rowcount > 0


async def lift_clock(db: Database, case: str, said: Mapping[str, object]) -> bool:
    """Note that the police no longer ask; false where none did."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update case_clock_hold set lifted_at = %(at)s, lifted_by = %(by)s, lift_entry = %(entry)s "
            "where case_id = %(case)s and rule = %(rule)s and lifted_at is null",
            {"case": case, **said},
        )
        return done.rowcount > 0


async def police_holds(db: Database, case: str) -> tuple[int, int]:
    """Return how many requests of the police to wait stand in a case, and how many there ever were."""
    rows = await fetch(
        db,
        "select count(*) filter (where lifted_at is null), count(*) from case_clock_hold where case_id = %(case)s",
        {"case": case},
    )
    return int(rows[0][0]), int(rows[0][1])


async def ask_unmasking(db: Database, case: str, said: Mapping[str, object]) -> Row:
    """Keep that somebody asks who an actor is, and return the row."""
    return await _one(
        db,
        "insert into case_unmasking (case_id, actor, reason, asked_by, asked_at, ask_entry, days) values "
        f"(%(case)s, %(actor)s, %(reason)s, %(by)s, %(at)s, %(entry)s, %(days)s) returning {_UNMASKING}",
        {"case": case, **said},
    )


async def unmasking(db: Database, identifier: int) -> Row | None:
    """Return one unmasking."""
    found = await fetch(db, f"select {_UNMASKING} from case_unmasking where id = %(id)s", {"id": identifier})
    return found[0] if found else None


async def unmaskings(db: Database, case: str) -> list[Row]:
    """Return every unmasking of a case, asked or approved, oldest first."""
    return await fetch(
        db, f"select {_UNMASKING} from case_unmasking where case_id = %(case)s order by id", {"case": case}
    )


@asynccontextmanager
async def approving(db: Database) -> AsyncIterator[Connection]:
    """Lend a transaction in which nobody else, of any process, approves an unmasking of any case."""
    async with db.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('case_unmasking', 0))")
        yield connection


async def is_approved(connection: Connection, identifier: int) -> bool | None:
    """Return whether an unmasking is approved; None where it is no longer there."""
    rows = await connection.execute("select approved_by is not null from case_unmasking where id = %s", [identifier])
    row = await rows.fetchone()
    return None if row is None else bool(row[0])


async def approved_for(connection: Connection, *, asked: str, approved: str, since: datetime) -> bool:
    """Return whether `approved` approved what `asked` had asked for, in any case, since then."""
    rows = await connection.execute(
        "select 1 from case_unmasking where asked_by = %(asked)s and approved_by = %(approved)s "
        "and approved_at > %(since)s limit 1",
        {"asked": asked, "approved": approved, "since": since},
    )
    return await rows.fetchone() is not None


async def every_unmasking(db: Database) -> list[Row]:
    """Return every unmasking of every case, newest first, each with the functions of asker and approver at that time.

    A function counts for whoever had it in the case when he spoke; nobody's is null.
    """
    functions = f"{_function('asked')}, {_function('approved')}"
    return await fetch(db, f"select {_UNMASKING}, {functions} from case_unmasking as u order by u.id desc")


async def approve_unmasking(connection: Connection, identifier: int, said: Mapping[str, object]) -> bool:
    """Approve one; false where it was approved by then, or is no longer there."""
    done = await connection.execute(
        "update case_unmasking set approved_by = %(by)s, approved_at = %(at)s, expires_at = %(until)s, "
        "entry = %(entry)s where id = %(id)s and approved_by is null",
        {"id": identifier, **said},
    )
    return done.rowcount == 1


def _function(act: str) -> str:
    return (
        "(select p.function from case_person as p where p.case_id = u.case_id "
        f"and p.person = u.{act}_by and p.named_at <= u.{act}_at and coalesce(p.ended_at > u.{act}_at, true) "
        "order by p.named_at desc limit 1)"
    )


async def _end_person(connection: Connection, bound: Mapping[str, object]) -> bool:
    done = await connection.execute(
        "update case_person set ended_at = %(at)s, ended_why = %(why)s "
        "where case_id = %(case)s and person = %(person)s and ended_at is null",
        bound,
    )
    return done.rowcount == 1


def _seq(table: str) -> str:
    return f"select %(case)s, coalesce(max({table}.seq), 0) + 1"


async def _appended(db: Database, case: str, statement: str, bound: Mapping[str, object]) -> Row:
    """Run an insert that counts within a case, one at a time."""
    async with db.transaction() as connection:
        await connection.execute("select 1 from case_file where id = %s for update", [case])
        row = await (await connection.execute(statement, bound)).fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        return row


async def _one(db: Database, statement: str, bound: Mapping[str, object]) -> Row:
    (row,) = await fetch(db, statement, bound)
    return row


async def fetch(db: Database, statement: str, bound: Mapping[str, object] | None = None, **more: object) -> list[Row]:
    """Run one statement that returns rows."""
    async with db.connection() as connection:
        return await (await connection.execute(statement, {**(bound or {}), **more})).fetchall()
