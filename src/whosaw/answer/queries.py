"""The answer's own statements, rows in and rows out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]

_SIGHTING = (
    "id, case_id, subject, beneficiary, channel, contacted_at, contacted_exact, reported_at, sender_domain, verified, "
    "dkim, marks, raw_sha256, form, language, arrived"
)
_CASE = "id, beneficiary, state, opened_at, opened_by, closed_at"
_STEP = (
    "s.id, s.case_id, s.kind, s.target, s.params, s.reason, s.state, s.planned_by, s.carried_by, s.entry, s.outcome, "
    "s.undo_reason, s.undo_entry, "
    "array(select a.person from case_approval a where a.step_id = s.id order by a.at, a.person)"
)


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


async def add_verdict(db: Database, case_id: str, at: datetime, complaints: int, verdict: Mapping[str, object]) -> Row:
    """Append a snapshot to a case and return (seq, at, complaints, verdict)."""
    async with db.transaction() as connection:
        await connection.execute("select 1 from case_file where id = %s for update", [case_id])
        rows = await connection.execute(
            "insert into case_verdict (case_id, seq, at, complaints, verdict) select %(case)s, "
            "coalesce(max(seq), 0) + 1, %(at)s, %(n)s, %(verdict)s::jsonb from case_verdict where case_id = %(case)s "
            "returning seq, at, complaints, verdict",
            {"case": case_id, "at": at, "n": complaints, "verdict": json.dumps(verdict)},
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  an insert without conflict returns its row
        return row


async def verdicts(db: Database, case_id: str) -> list[Row]:
    """Return the snapshots of a case, oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select seq, at, complaints, verdict from case_verdict where case_id = %s order by seq", [case_id]
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


async def suspended_in(db: Database, case_id: str) -> set[str]:
    """Return the actors whom a step of this case suspends and none has undone."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select target from case_step where case_id = %s and kind = 'suspend_actor' and state in ('doing', 'done')",
            [case_id],
        )
        return {row[0] for row in await rows.fetchall()}


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


async def suspended_since(db: Database, case_id: str, seller: str) -> datetime | None:
    """Return since when a seller is suspended by a step of this case, or None."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select done_at from case_step where case_id = %s and target = %s and kind = 'suspend_seller' "
            "and state = 'done'",
            [case_id, seller],
        )
        row = await rows.fetchone()
        return None if row is None else row[0]


async def done_steps(db: Database, case_id: str) -> frozenset[str]:
    """Return the kinds of the steps of a case that are done."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select distinct kind from case_step where case_id = %s and state = 'done'", [case_id]
        )
        return frozenset(row[0] for row in await rows.fetchall())


async def move_funds(db: Database, step_id: str, kind: str, amount_cents: int, at: datetime) -> None:
    """Keep how much a step withheld or released; of a run that was repeated, the call that moved something counts."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into funds_movement (case_id, seller, step_id, kind, amount_cents, at, entry) "
            "select case_id, target, id, %(kind)s, %(amount)s, %(at)s, entry from case_step where id = %(step)s "
            "on conflict (step_id, kind) do update set amount_cents = greatest(funds_movement.amount_cents, "
            "excluded.amount_cents)",
            {"step": step_id, "kind": kind, "amount": amount_cents, "at": at},
        )


async def plan_step(db: Database, case_id: str, values: Mapping[str, object], params: Mapping[str, object]) -> Row:
    """Return the live step of this identity, planned now if there is none."""
    bound = {**values, "case": case_id, "params": json.dumps(params)}
    async with db.transaction() as connection:
        await connection.execute("select 1 from case_file where id = %s for update", [case_id])
        await connection.execute(
            "insert into case_step (id, case_id, seq, kind, target, identity, params, reason, state, planned_by, "
            "planned_at) select %(case)s || '/' || n.seq, %(case)s, n.seq, %(kind)s, %(target)s, %(identity)s, "
            "%(params)s::jsonb, %(reason)s, 'planned', %(by)s, %(at)s "
            "from (select count(*) + 1 as seq from case_step where case_id = %(case)s) n "
            "on conflict (case_id, identity) where state <> 'undone' do nothing",
            bound,
        )
        rows = await connection.execute(
            f"select {_STEP} from case_step s where case_id = %(case)s and identity = %(identity)s "
            "and state <> 'undone'",
            bound,
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  planned by the statement above, or before
        return row


async def step(db: Database, identifier: str) -> Row | None:
    """Return one step's row."""
    async with db.connection() as connection:
        return await step_on(connection, identifier)


async def step_on(connection: Connection, identifier: str) -> Row | None:
    """Return one step's row, read on a given connection."""
    rows = await connection.execute(f"select {_STEP} from case_step s where id = %s", [identifier])
    return await rows.fetchone()


async def steps(db: Database, case_id: str) -> list[Row]:
    """Return the steps of a case in the order they were planned."""
    async with db.connection() as connection:
        rows = await connection.execute(f"select {_STEP} from case_step s where case_id = %s order by seq", [case_id])
        return await rows.fetchall()


async def approve(db: Database, step_id: str, person: str, at: datetime) -> None:
    """Keep that `person` approved a step; a second time changes nothing."""
    async with db.connection() as connection:
        await connection.execute(
            "insert into case_approval (step_id, person, at) values (%s, %s, %s) on conflict do nothing",
            [step_id, person, at],
        )


async def lock_step(connection: Connection, step_id: str) -> None:
    """Wait until no other process works on this step; the lock ends with `unlock_step` or the connection."""
    await connection.execute("select pg_advisory_lock(hashtextextended('case_step:' || %s, 0))", [step_id])


async def unlock_step(connection: Connection, step_id: str) -> None:
    """Let other processes work on this step."""
    await connection.execute("select pg_advisory_unlock(hashtextextended('case_step:' || %s, 0))", [step_id])


async def set_doing(connection: Connection, step_id: str, by: str) -> None:
    """Mark a step as begun."""
    await connection.execute("update case_step set state = 'doing', carried_by = %s where id = %s", [by, step_id])


async def set_undoing(connection: Connection, step_id: str, by: Sequence[str], reason: str) -> None:
    """Mark a step's undoing as begun."""
    await connection.execute(
        "update case_step set state = 'undoing', undone_by = %s, undo_reason = %s where id = %s",
        [list(by), reason, step_id],
    )


async def set_entry(connection: Connection, step_id: str, index: int, *, undo: bool) -> None:
    """Keep which trail entry announces the step's effect."""
    column = "undo_entry" if undo else "entry"
    await connection.execute(f"update case_step set {column} = %s where id = %s", [index, step_id])


async def set_done(connection: Connection, step_id: str, outcome: Mapping[str, object], at: datetime) -> None:
    """Mark a step as done."""
    await connection.execute(
        "update case_step set state = 'done', outcome = %s::jsonb, done_at = %s where id = %s",
        [json.dumps(outcome), at, step_id],
    )


async def set_undone(connection: Connection, step_id: str, outcome: Mapping[str, object], at: datetime) -> None:
    """Mark a step as undone, keeping beside its outcome what the undoing gave."""
    await connection.execute(
        "update case_step set state = 'undone', outcome = outcome || jsonb_build_object('undo', %s::jsonb), "
        "undone_at = %s where id = %s",
        [json.dumps(outcome), at, step_id],
    )


async def undoers(connection: Connection, step_id: str) -> list[str]:
    """Return who ordered the undoing of a step that is being undone."""
    rows = await connection.execute("select undone_by from case_step where id = %s", [step_id])
    row = await rows.fetchone()
    return [] if row is None or row[0] is None else list(row[0])
