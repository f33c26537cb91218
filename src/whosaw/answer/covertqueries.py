"""Statements about what a covert inquiry holds back, and about answers that were given meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database

Row = tuple[Any, ...]

_HOLD = "id, case_id, entries, from_staff, why, review_on, held_by, held_at, released_by, released_at, released_why"
_ANSWER = "id, reference, space, number, answered_at, held_entries, held_cases"


async def add_hold(db: Database, case: str, said: Mapping[str, object]) -> Row:
    """Keep a hold and return it."""
    (row,) = await fetch(
        db,
        "insert into covert_hold (case_id, entries, from_staff, why, review_on, held_by, held_at, entry) values "
        f"(%(case)s, %(entries)s, %(staff)s, %(why)s, %(review_on)s, %(by)s, %(at)s, %(entry)s) returning {_HOLD}",
        {"case": case, **said},
    )
    return row


async def release_hold(db: Database, identifier: int, said: Mapping[str, object]) -> bool:
    """Release a hold; false where it is released already."""
    rows = await fetch(
        db,
        "update covert_hold set released_by = %(by)s, released_at = %(at)s, released_why = %(why)s, "
        "release_entry = %(entry)s where id = %(id)s and released_at is null returning id",
        {"id": identifier, **said},
    )
    return bool(rows)


async def holds(db: Database, case: str | None) -> list[Row]:
    """Return the holds of one case or of all, oldest first."""
    return await fetch(
        db,
        f"select {_HOLD} from covert_hold where %(case)s::text is null or case_id = %(case)s order by id",
        {"case": case},
    )


async def add_answer(db: Database, said: Mapping[str, object]) -> None:
    """Keep that somebody was answered, and what was held back from him."""
    await fetch(
        db,
        "insert into access_answered (reference, space, number, answered_at, held_entries, held_cases, entry) values "
        "(%(reference)s, %(space)s, %(number)s, %(at)s, %(entries)s, %(cases)s, %(entry)s) returning id",
        said,
    )


async def answered_since(db: Database, actor: int, at: datetime) -> bool:
    """Return whether a member of staff got an answer at or after a moment."""
    rows = await fetch(
        db,
        "select 1 from access_answered where space = 'actor' and number = %(actor)s and answered_at >= %(at)s limit 1",
        {"actor": actor, "at": at},
    )
    return bool(rows)


async def incomplete_answers(db: Database) -> list[Row]:
    """Return answers from which something was held back, and after which the same person got no newer one.

    Whoever was erased since is not among them: nothing leads from the number to him, so nobody can tell him the rest.
    A number whose row is merely lost is: it may come back, and no lost row may make a case's records end.
    """
    return await fetch(
        db,
        f"select {_ANSWER} from access_answered a where (held_entries <> '{{}}' or held_cases <> '{{}}') "
        "and not exists (select 1 from access_answered b where (b.space, b.number) = (a.space, a.number) "
        "and b.id > a.id) and not exists (select 1 from number_erased e "
        "where (e.space, e.number) = (a.space, a.number)) order by id",
    )
