"""Statements about steps of a case and the ledger of money they withhold, rows in and rows out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]

_STEP = (
    "s.id, s.case_id, s.kind, s.target, s.params, s.reason, s.state, s.planned_by, s.carried_by, s.entry, s.outcome, "
    "s.undo_reason, s.undo_entry, "
    "array(select a.person from case_approval a where a.step_id = s.id order by a.at, a.person)"
)


async def suspended_in(db: Database, case_id: str) -> set[str]:
    """Return the actors whom a step of this case suspends and none has undone."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select target from case_step where case_id = %s and kind = 'suspend_actor' and state in ('doing', 'done')",
            [case_id],
        )
        return {row[0] for row in await rows.fetchall()}


async def standing_against(db: Database, case_id: str, target: str, kinds: Sequence[str]) -> list[str]:
    """Return the steps of these kinds against `target` that are done and none has undone."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select id from case_step where case_id = %s and target = %s and kind = any(%s) "
            "and state in ('doing', 'done') order by seq",
            [case_id, target, list(kinds)],
        )
        return [row[0] for row in await rows.fetchall()]


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


async def preserving(db: Database) -> list[str]:
    """Return the cases that keep records by a `preserve` which none has undone, the first to do so first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select case_id from case_step where kind = 'preserve' and state in ('doing', 'done') "
            "group by case_id order by min(coalesce(done_at, planned_at)), case_id"
        )
        return [row[0] for row in await rows.fetchall()]


async def preserved_so_far(db: Database, case_id: str, identity: str) -> tuple[int, str | None]:
    """Return how many `preserve` steps of this evidence were carried out, and the identity of the newest live one.

    Undone ones count. Their identity is `identity`, or begins with it and a colon.
    """
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*) filter (where state in ('done', 'undoing', 'undone')), "
            "(array_agg(identity order by seq desc) filter (where state <> 'undone'))[1] from case_step "
            "where case_id = %(case)s and kind = 'preserve' "
            "and (identity = %(identity)s or starts_with(identity, %(identity)s || ':'))",
            {"case": case_id, "identity": identity},
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  counts always answer
        return int(row[0]), row[1]


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
        "update case_step set state = 'undone', undone_at = %s, "
        "outcome = coalesce(outcome, '{}') || jsonb_build_object('undo', %s::jsonb) where id = %s",
        [at, json.dumps(outcome), step_id],
    )


async def undoers(connection: Connection, step_id: str) -> list[str]:
    """Return who ordered the undoing of a step that is being undone."""
    rows = await connection.execute("select undone_by from case_step where id = %s", [step_id])
    row = await rows.fetchone()
    return [] if row is None or row[0] is None else list(row[0])
