"""Statements about appeals, corrections and letters that came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database

Row = tuple[Any, ...]

_APPEAL = "id, step_id, filed_at, text, reviewer, outcome, why, decided_at"
_CORRECTION = "case_id, person, actor, text, made_at, read_at"


async def file_appeal(db: Database, said: Mapping[str, object]) -> Row:
    """Keep an appeal and return it; while one about the same step is open, return that one."""
    await fetch(
        db,
        "insert into case_appeal (step_id, filed_at, text, filed_entry) values (%(step)s, %(at)s, %(text)s, %(entry)s) "
        "on conflict do nothing returning id",
        said,
    )
    (row,) = await fetch(
        db, f"select {_APPEAL} from case_appeal where step_id = %(step)s and outcome is null", {"step": said["step"]}
    )
    return row


async def decide_appeal(db: Database, identifier: int, said: Mapping[str, object]) -> None:
    """Keep a decision; one that was made before stays."""
    await fetch(
        db,
        "update case_appeal set reviewer = %(by)s, outcome = %(outcome)s, why = %(why)s, decided_at = %(at)s, "
        "entry = %(entry)s where id = %(id)s and outcome is null returning id",
        {"id": identifier, **said},
    )


async def appeal(db: Database, identifier: int) -> Row | None:
    """Return one appeal."""
    rows = await fetch(db, f"select {_APPEAL} from case_appeal where id = %(id)s", {"id": identifier})
    return rows[0] if rows else None


async def appeals(db: Database, case: str) -> list[Row]:
    """Return the appeals of a case, oldest first."""
    return await fetch(
        db,
        f"select {_APPEAL} from case_appeal where step_id in (select id from case_step where case_id = %(case)s) "
        "order by id",
        {"case": case},
    )


async def show_actors(db: Database, case: str, person: str, actors: Sequence[int], at: datetime) -> None:
    """Keep that a person was shown these actors as suspected."""
    await fetch(
        db,
        "insert into case_shown (case_id, person, actor, first_at) select %(case)s, %(person)s, a, %(at)s "
        "from unnest(%(actors)s::bigint[]) a on conflict do nothing returning actor",
        {"case": case, "person": person, "actors": list(actors), "at": at},
    )


_KNOWING = """
    select person from case_shown where case_id = %(case)s and actor = %(actor)s
    union select unnest(array[planned_by, carried_by] || s.undone_by || array(
        select a.person from case_approval a where a.step_id = s.id)) from case_step s
        where case_id = %(case)s and target = %(key)s
    union select unnest(array[asked_by, approved_by]) from case_unmasking where case_id = %(case)s and actor = %(actor)s
    union select by from case_exculpatory where case_id = %(case)s and actor = %(key)s
    union select by from case_hearing where case_id = %(case)s and target = %(key)s
"""
"""Whoever knows of an accusation: who was shown it, and who planned, approved, asked or heard about this actor."""


async def untold(db: Database, case: str, whom: tuple[int, str], since: datetime) -> list[str]:
    """Return who knows of an accusation and was told nothing of its fall after `since`; `whom` is number and key."""
    rows = await fetch(
        db,
        f"select person from ({_KNOWING}) k where person is not null and not exists (select from case_correction c "
        "where c.case_id = %(case)s and c.person = k.person and c.actor = %(actor)s and c.made_at >= %(since)s) "
        "order by person",
        {"case": case, "actor": whom[0], "key": whom[1], "since": since},
    )
    return [row[0] for row in rows]


async def add_corrections(db: Database, case: str, said: Mapping[str, object]) -> int:
    """Write a correction to everybody who knows of an accusation; return to how many."""
    rows = await fetch(
        db,
        "insert into case_correction (case_id, person, actor, text, made_at) select %(case)s, person, %(actor)s, "
        f"%(text)s, %(at)s from ({_KNOWING}) k where person is not null on conflict do nothing returning person",
        {"case": case, **said},
    )
    return len(rows)


async def read_corrections(db: Database, person: str, until: datetime, at: datetime) -> None:
    """Keep that a person has read his corrections that were made by `until`."""
    await fetch(
        db,
        "update case_correction set read_at = %(at)s where person = %(person)s and read_at is null "
        "and made_at <= %(until)s returning person",
        {"person": person, "until": until, "at": at},
    )


async def corrections(db: Database, *, case: str | None = None, unread_by: str | None = None) -> list[Row]:
    """Return the corrections of a case, or those that a person has not read."""
    return await fetch(
        db,
        f"select {_CORRECTION} from case_correction where (%(case)s::text is null or case_id = %(case)s) "
        "and (%(person)s::text is null or (person = %(person)s and read_at is null)) order by made_at, person",
        {"case": case, "person": unread_by},
    )


async def add_bounce(db: Database, message_id: str, status: str, at: datetime) -> bool:
    """Keep that a letter of ours came back; false where it is none of ours, or known."""
    rows = await fetch(
        db,
        "insert into notice_bounce (message_id, topic, recipient_key, status, at) select message_id, topic, "
        "recipient_key, %(status)s, %(at)s from outbox_mail where message_id = %(id)s "
        "on conflict do nothing returning message_id",
        {"id": message_id, "status": status, "at": at},
    )
    return bool(rows)


async def undelivered(db: Database, case: str) -> list[Row]:
    """Return (subject, letter, why, channel, told at) of letters that bounced or that no server took."""
    return await fetch(
        db,
        "select m.recipient_key, m.message_id, coalesce(b.status, m.last_error), coalesce(b.channel, 'post'), "
        "b.done_at from outbox_mail m left join notice_bounce b using (message_id) where m.topic = %(case)s "
        "and (b.message_id is not null or m.state = 'failed') order by m.id",
        {"case": case},
    )


async def told_otherwise(db: Database, message_id: str, channel: str, at: datetime) -> bool:
    """Keep that a person was told by another channel; false where the letter did not come back."""
    rows = await fetch(
        db,
        "insert into notice_bounce (message_id, topic, recipient_key, status, at, channel, done_at) "
        "select message_id, topic, recipient_key, last_error, %(at)s, %(channel)s, %(at)s from outbox_mail "
        "where message_id = %(id)s and (state = 'failed' or exists (select 1 from notice_bounce b "
        "where b.message_id = outbox_mail.message_id)) on conflict (message_id) do update set "
        "channel = excluded.channel, done_at = coalesce(notice_bounce.done_at, excluded.done_at) "
        "returning message_id",
        {"id": message_id, "channel": channel, "at": at},
    )
    return bool(rows)
