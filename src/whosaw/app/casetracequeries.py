"""Statements about verdicts that are computed here: which cases wait for one, and what went into those there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256

from psycopg import Error

from whosaw.store import Database
from whosaw.store.database import Connection

_LOCK = 0x7472616365  # "trace"

# a digest of what a verdict would be computed from: the sightings of a case, hits of canaries and aliases by mail from
# the same senders that are of no other case, what else may explain each of them, which sources were asked that (a
# verdict names nobody a finding by itself before all were), and whom an answer of the case clears, and by what
_EVIDENCE = """
    select c.id, md5(string_agg(e.said, ',' order by e.said)) as evidence
    from case_file c
    join lateral (
        select 's' || s.id as said from sighting s
        where s.case_id = c.id or (s.case_id is null and s.form in ('alias', 'canary') and s.sender_domain <> ''
            and s.sender_domain in (select o.sender_domain from sighting o where o.case_id = c.id))
        union all
        select concat_ws('/', 'a' || a.sighting_id, a.kind, a.source, a.probability)
        from sighting_alternative a join sighting s on s.id = a.sighting_id where s.case_id = c.id
        union all
        select concat_ws('/', 'k' || k.sighting_id, k.kind)
        from sighting_check k join sighting s on s.id = k.sighting_id
        where s.case_id = c.id and k.outcome <> 'impossible'
        union all
        select concat_ws('/', 'x' || x.actor, x.item)
        from (select distinct on (actor, item) actor, item, finding from case_exculpatory
            where case_id = c.id order by actor, item, at desc) x
        where x.finding = 'clears'
    ) e on true
    where exists (select from sighting s where s.case_id = c.id)
    group by c.id
"""

_SAID = (
    "select said from jsonb_array_elements_text(case jsonb_typeof(v.verdict->'inputs'->'not_weighed') when 'array' "
    "then v.verdict->'inputs'->'not_weighed' end) said, unnest(%s::text[]) ending "
    "where right(said, length(ending)) = ending"
)

_MAY_BE_TRIED = "coalesce(t.again_at, t.tried_at + %(again)s::interval, %(now)s) <= %(now)s"


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[bool]:
    """Hold the right to compute verdicts until the block ends; yields False where another process has it.

    It is held by a connection and by no transaction, which a server or a pooler may cut when it idles that long. Where
    the connection itself is cut, `claim` still keeps two processes from one case.
    """
    async with db.connection() as connection:
        row = await (await connection.execute("select pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
        mine = row is not None and bool(row[0])
        try:
            yield mine
        finally:
            if mine:
                with suppress(Error):  # with the connection the lock is gone too
                    await connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


async def evidence(db: Database, case: str) -> str:
    """Return a digest of the evidence in a case; empty where it has no sighting."""
    async with db.connection() as connection:
        rows = await connection.execute(f"select evidence from ({_EVIDENCE}) e where id = %s", [case])
        row = await rows.fetchone()
        return "" if row is None else str(row[0])


async def look(db: Database, now: datetime) -> None:
    """Note of every open case what evidence it has now, and since when that waits to be weighed."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into case_trace (case_id, evidence, changed_at, waiting_since, weighed) "
            f"select e.id, e.evidence, %(now)s, %(now)s, '' from ({_EVIDENCE}) e "
            "join case_file c on c.id = e.id and c.state <> 'closed' "
            "on conflict (case_id) do update set evidence = excluded.evidence, changed_at = excluded.changed_at, "
            "waiting_since = coalesce(case_trace.waiting_since, excluded.changed_at), tried_at = null, "
            "again_at = null "
            "where case_trace.evidence <> excluded.evidence",
            {"now": now},
        )


async def ripe(db: Database, now: datetime, waits: tuple[timedelta, timedelta, timedelta]) -> list[str]:
    """Return the open cases whose evidence is to be weighed now, those never tried first.

    Args:
        db: whosaw's own database.
        now: the time.
        waits: how long evidence must have stood still; after how long it is weighed all the same; and how long to wait
            after an attempt of which nobody said what became of it.
    """
    quiet, most, again = waits
    async with db.connection() as connection:
        rows = await connection.execute(
            "select t.case_id from case_trace t join case_file c on c.id = t.case_id where c.state <> 'closed' "
            "and t.evidence <> t.weighed and (t.changed_at <= %(now)s - %(quiet)s::interval or "
            f"t.waiting_since <= %(now)s - %(most)s::interval) and ({_MAY_BE_TRIED}) "
            "order by t.tried_at nulls first, t.case_id",
            {"now": now, "quiet": quiet, "most": most, "again": again},
        )
        return [str(row[0]) for row in await rows.fetchall()]


async def claim(db: Database, case: str, now: datetime, again: timedelta) -> bool:
    """Note that a verdict is being computed; return False where another process did so meanwhile.

    Where it is cut, it is tried again after `again`, after other cases.
    """
    async with db.connection() as connection:
        done = await connection.execute(
            "update case_trace t set tried_at = %(now)s, again_at = null "
            f"where t.case_id = %(case)s and t.evidence <> t.weighed and ({_MAY_BE_TRIED})",
            {"now": now, "case": case, "again": again},
        )
        return done.rowcount == 1


async def put_off(db: Database, case: str, until: datetime) -> None:
    """Note until when a case is not tried again, unless further evidence joins it."""
    async with db.connection() as connection:
        await connection.execute("update case_trace set again_at = %s where case_id = %s", [until, case])


async def weighed(connection: Connection, case: str, digest: str, now: datetime) -> None:
    """Note from what evidence the newest verdict was computed, in the transaction that keeps it."""
    await connection.execute(
        "insert into case_trace (case_id, evidence, changed_at, weighed) values (%(case)s, %(e)s, %(now)s, %(e)s) "
        "on conflict (case_id) do update set weighed = excluded.weighed, tried_at = null, again_at = null, "
        "waiting_since = case when case_trace.evidence <> excluded.weighed then case_trace.waiting_since end",
        {"case": case, "e": digest, "now": now},
    )


async def add_inputs(connection: Connection, case: str, seq: int, inputs: Mapping[str, str]) -> None:
    """Keep what went into a verdict, by the name of its file; what went into an earlier one too is kept once."""
    for name, content in inputs.items():
        kept = [case, sha256(content.encode()).hexdigest(), content]
        await connection.execute("insert into case_trace_content values (%s, %s, %s) on conflict do nothing", kept)
        await connection.execute(
            "insert into case_trace_input (case_id, seq, name, sha256) values (%s, %s, %s, %s)",
            [case, seq, name, kept[1]],
        )


async def inputs_of(db: Database, case: str, seq: int) -> dict[str, str]:
    """Return what went into a verdict, by the name of its file; nothing of one that was not computed here."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select name, content from case_trace_input join case_trace_content using (case_id, sha256) "
            "where case_id = %s and seq = %s",
            [case, seq],
        )
        return {str(name): str(content) for name, content in await rows.fetchall()}


async def newest_of(db: Database, case: str, name: str, unless: Sequence[str]) -> str | None:
    """Return one of the inputs of the newest verdict of a case that has it and says no sentence with one of these ends.

    Args:
        db: whosaw's own database.
        case: the case.
        name: which input.
        unless: the ends of sentences.
    """
    async with db.connection() as connection:
        rows = await connection.execute(
            "select content from case_trace_input i join case_trace_content using (case_id, sha256) "
            "join case_verdict v using (case_id, seq) where case_id = %s and name = %s and not exists "
            f"({_SAID}) order by seq desc limit 1",
            [case, name, list(unless)],
        )
        row = await rows.fetchone()
        return None if row is None else str(row[0])


async def said_before(db: Database, case: str, ending: str) -> str:
    """Return a sentence with this end, as the newest verdict of a case has it that was computed here and has one."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select said.said from case_verdict v, lateral ({_SAID}) said where case_id = %s and exists "
            "(select from case_trace_input i where i.case_id = v.case_id and i.seq = v.seq) order by seq desc limit 1",
            [[ending], case],
        )
        row = await rows.fetchone()
        return "" if row is None else str(row[0])
