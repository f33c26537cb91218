"""The answer's own statements, rows in and rows out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]
Beside = Callable[[Connection, int], Awaitable[None]]
"""Keeps more in the transaction of a verdict, given its connection and the verdict's number."""

_SIGHTING = (
    "id, case_id, subject, beneficiary, channel, contacted_at, contacted_exact, reported_at, sender_domain, verified, "
    "dkim, marks, raw_sha256, form, language, arrived"
)
_CASE = "id, beneficiary, state, opened_at, opened_by, closed_at"


async def add_sighting(db: Database, values: Mapping[str, object], dkim: Mapping[str, str]) -> tuple[Row, bool]:
    """Keep a sighting, in the open case of its beneficiary if there is one; return its row and whether it is new."""
    bound = {"language": "", **values, "dkim": json.dumps(dkim), "arrived": json.dumps(values.get("arrived", {}))}
    async with db.transaction() as connection:
        rows = await connection.execute(
            f"insert into sighting (case_id, {_SIGHTING.removeprefix('id, case_id, ')}, evidence_key) values ("
            "(select id from case_file where beneficiary = %(beneficiary)s and state <> 'closed'), "
            "%(subject)s, %(beneficiary)s, %(channel)s, %(contacted_at)s, %(contacted_exact)s, %(reported_at)s, "
            "%(sender_domain)s, %(verified)s, %(dkim)s::jsonb, %(marks)s, %(raw_sha256)s, %(form)s, %(language)s, "
            "%(arrived)s::jsonb, %(evidence_key)s) "
            f"on conflict (subject, evidence_key) do nothing returning {_SIGHTING}",
            bound,
        )
        row = await rows.fetchone()
        if row is not None:
            return row, True
        rows = await connection.execute(
            f"select {_SIGHTING} from sighting where subject = %(subject)s and evidence_key = %(evidence_key)s", bound
        )
        known = await rows.fetchone()
        assert known is not None  # noqa: S101  sightings are never deleted
        return known, False


async def sighting(db: Database, subject: int, evidence_key: str) -> Row | None:
    """Return the row of one piece of evidence about a subject, or None."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select {_SIGHTING} from sighting where subject = %s and evidence_key = %s", [subject, evidence_key]
        )
        return await rows.fetchone()


async def sightings(db: Database, *, beneficiary: str | None, case: str | None) -> list[Row]:
    """Return sightings in order of arrival, all or those of one beneficiary or case."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select {_SIGHTING} from sighting where (%(b)s::text is null or beneficiary = %(b)s) "
            "and (%(c)s::text is null or case_id = %(c)s) order by reported_at, id",
            {"b": beneficiary, "c": case},
        )
        return await rows.fetchall()


async def open_case(db: Database, beneficiary: str, at: datetime, by: str) -> Row:
    """Return the open case of `beneficiary`, made if there is none, with every sighting that has no case."""
    async with db.transaction() as connection:
        # one at a time, so that two openers get one case and numbers stay dense
        await connection.execute("lock table case_file in share row exclusive mode")
        await connection.execute(
            "insert into case_file (id, beneficiary, opened_at, opened_by) "
            "select 'CASE-' || nextval('case_number'), %(b)s, %(at)s, %(by)s "
            "where not exists (select 1 from case_file where beneficiary = %(b)s and state <> 'closed')",
            {"b": beneficiary, "at": at, "by": by},
        )
        rows = await connection.execute(
            f"select {_CASE} from case_file where beneficiary = %s and state <> 'closed'", [beneficiary]
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  made two statements above
        await connection.execute(
            "update sighting set case_id = %s where beneficiary = %s and case_id is null", [row[0], beneficiary]
        )
        return row


async def case(db: Database, identifier: str) -> Row | None:
    """Return one case's row."""
    async with db.connection() as connection:
        rows = await connection.execute(f"select {_CASE} from case_file where id = %s", [identifier])
        return await rows.fetchone()


async def cases(db: Database) -> list[Row]:
    """Return every case, oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"select {_CASE} from case_file order by opened_at, id")
        return await rows.fetchall()


async def close_case(db: Database, identifier: str, at: datetime) -> None:
    """Close an open case."""
    async with db.connection() as connection:
        await connection.execute(
            "update case_file set state = 'closed', closed_at = %s where id = %s and state <> 'closed'",
            [at, identifier],
        )


async def add_verdict(
    db: Database,
    case_id: str,
    said: tuple[datetime, int],
    verdict: Mapping[str, object],
    beside: Beside | None = None,
) -> Row:
    """Append a snapshot whose people are numbered to a case; return (seq, at, complaints, verdict, numbered).

    Args:
        db: where cases are.
        case_id: the case.
        said: when, and from how many complaints.
        verdict: what was said.
        beside: keeps more in the same transaction.
    """
    at, complaints = said
    async with db.transaction() as connection:
        await connection.execute("select 1 from case_file where id = %s for update", [case_id])
        rows = await connection.execute(
            "insert into case_verdict (case_id, seq, at, complaints, verdict, numbered) select %(case)s, "
            "coalesce(max(seq), 0) + 1, %(at)s, %(n)s, %(verdict)s::jsonb, true from case_verdict "
            "where case_id = %(case)s returning seq, at, complaints, verdict, numbered",
            {"case": case_id, "at": at, "n": complaints, "verdict": json.dumps(verdict)},
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  an insert without conflict returns its row
        if beside is not None:
            await beside(connection, int(row[0]))
        return row


async def verdicts(db: Database, case_id: str) -> list[Row]:
    """Return the snapshots of a case, oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select seq, at, complaints, verdict, numbered from case_verdict where case_id = %s order by seq", [case_id]
        )
        return await rows.fetchall()


async def verified_sightings(db: Database, case_id: str) -> int:
    """Return how many sightings of a case carry the sender's own signature, look-alikes of his domain left out."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*) from sighting where case_id = %s and verified and not 'lookalike' = any(marks)", [case_id]
        )
        row = await rows.fetchone()
        return 0 if row is None else int(row[0])


async def hearings(db: Database, case_id: str, target: str) -> list[tuple[datetime, str]]:
    """Return when somebody was heard in this case, and what he said, oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select heard_at, said from case_hearing where case_id = %s and target = %s order by heard_at",
            [case_id, target],
        )
        return [(row[0], str(row[1])) for row in await rows.fetchall()]


async def was_heard(db: Database, case_id: str, target: str) -> bool:
    """Return whether a hearing of the one whom a step is about was noted."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select 1 from case_hearing where case_id = %s and target = %s limit 1", [case_id, target]
        )
        return await rows.fetchone() is not None


async def evidence_so_far(db: Database, case_id: str, kinds: Sequence[str]) -> str:
    """Return how many sightings, verdicts and steps of these kinds a case has, as ``7.3.1``."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select (select count(*) from sighting where case_id = %(case)s) || '.' || "
            "(select count(*) from case_verdict where case_id = %(case)s) || '.' || "
            "(select count(*) from case_step where case_id = %(case)s and kind = any(%(kinds)s))",
            {"case": case_id, "kinds": list(kinds)},
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  counts always answer
        return str(row[0])
