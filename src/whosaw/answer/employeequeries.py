"""Statements of what whosaw holds about one member of staff: flags, questions, holds, grants, broken glass."""

from __future__ import annotations

from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database

Row = tuple[Any, ...]


async def flags(db: Database, actor: int) -> list[Row]:
    """Return (id, day, tier, what it says, cases about whom it would profit, verdicts) of each flag, oldest first."""
    return await fetch(
        db,
        "select f.id, f.day, f.tier, f.told, "
        "array(select c.id from case_file c where c.beneficiary = f.beneficiary order by c.opened_at), "
        "array(select v.outcome from watch_verdict v where v.flag = f.id order by v.id) "
        "from watch_flag f where f.actor = %(actor)s order by f.day, f.id",
        {"actor": actor},
    )


async def led(db: Database) -> frozenset[str]:
    """Return the id of every case that is or was led here."""
    return frozenset(str(row[0]) for row in await fetch(db, "select id from case_file", {}))


async def prompts(db: Database, actor: int) -> list[Row]:
    """Return (looked_us, asked at, due at, answer, answered at) of each question he was asked, oldest first."""
    return await fetch(
        db,
        "select looked_us, asked_at, due_at, answer, answered_at from watch_prompt where actor = %(actor)s order by id",
        {"actor": actor},
    )


async def holds(db: Database, actor: int) -> list[Row]:
    """Return (case, added at, review on, lifted at) of each legal hold on him, oldest first.

    The case is that whose id the ground is; empty where the ground is anything else.
    """
    return await fetch(
        db,
        "select coalesce((select c.id from case_file c where c.id = h.ground), ''), added_at, review_on, lifted_at "
        "from legal_hold h where space = 'actor' and number = %(actor)s order by h.id",
        {"actor": actor},
    )


async def grants(db: Database, actor: int) -> list[Row]:
    """Return (kind, classes, state, asked at, until, functions that approved) of each grant of his, oldest first."""
    return await fetch(
        db,
        "select kind, classes, state, requested_at, coalesce(ended_at, until_at), "
        "array(select v.function from standing_verdict v where v.grant_id = g.id and v.verdict = 'approved' "
        "order by v.at) from standing_grant g where g.holder = %(actor)s order by g.id",
        {"actor": actor},
    )


async def glasses(db: Database, actor: int) -> list[Row]:
    """Return (classes, broken at, until, state, functions that reviewed) of each glass that he broke, oldest first."""
    return await fetch(
        db,
        "select classes, broken_at, coalesce(ended_at, until_at), state, "
        "array(select r.function from standing_review r where r.glass_id = b.id order by r.at) "
        "from standing_glass b where b.holder = %(actor)s order by b.id",
        {"actor": actor},
    )


async def steps_at(db: Database, actor: int) -> list[Row]:
    """Return (begun at, until, step, released at) of each time that he was held up, oldest first."""
    return await fetch(
        db,
        "select begun_at, until_at, step, released_at from gate_friction where actor = %(actor)s and enforced "
        "order by id",
        {"actor": actor},
    )


async def decided(db: Database, actor: int) -> list[Row]:
    """Return each decision of his that was drawn to be decided again, oldest first.

    Returns:
        (kind, decided_us, in favour, asked at, due at, what the second decided, when it did).
    """
    return await fetch(
        db,
        "select kind, decided_us, first_favours, asked_at, due_at, favours, answered_at from watch_second "
        "where first_actor = %(actor)s order by id",
        {"actor": actor},
    )


async def seconds(db: Database, actor: int) -> list[Row]:
    """Return (kind, asked at, due at, in favour, because, answered at) of each he was asked to decide, oldest first."""
    return await fetch(
        db,
        "select kind, asked_at, due_at, favours, because, answered_at from watch_second "
        "where second_actor = %(actor)s order by id",
        {"actor": actor},
    )


_KEPT = {
    "rows of the staff directory, and names by which sign-in services know you": (
        "select (select count(*) from person where key = %(key)s) "
        "+ (select count(*) from person_subject where actor = %(key)s)"
    ),
    "passwords (as a hash), passkeys, and passkeys about to be set up": (
        "select (select count(*) from person_password where actor = %(key)s) "
        "+ (select count(*) from person_passkey where actor = %(key)s) "
        "+ (select count(*) from person_enrolment where actor = %(key)s)"
    ),
    "tokens for programs of yours (as a hash)": "select count(*) from gate_token where actor = %(key)s",
    "counts of how many people you were shown, for the daily limits": (
        "select count(*) from gate_budget where actor = %(number)s"
    ),
    "functions that you have or had": (
        "select (select count(*) from standing_function where actor = %(number)s) "
        "+ (select count(*) from case_person where person = %(key)s)"
    ),
    "acknowledgements of the code of conduct": (
        "select count(*) from conduct_acknowledgement where actor = %(number)s"
    ),
    "approvals, reviews and verdicts that you gave": (
        "select (select count(*) from standing_verdict where approver = %(number)s) "
        "+ (select count(*) from standing_review where reviewer = %(number)s) "
        "+ (select count(*) from case_approval where person = %(key)s) "
        "+ (select count(*) from watch_verdict where by = %(key)s)"
    ),
    "alerts that you read": "select count(*) from alert_read where reader = %(key)s",
    "earlier answers to requests of yours": (
        "select count(*) from access_answered where space = 'actor' and number = %(number)s"
    ),
}
"""Places that are told by how many rows they hold. An inquiry into somebody fills none of them: a count that rose would
tell of it."""


async def kept_of(db: Database, key: str, number: int | None) -> dict[str, int]:
    """Return how many rows each such place holds of the member of staff with this key, where it holds any."""
    found: dict[str, int] = {}
    for what, statement in _KEPT.items():
        ((count,),) = await fetch(db, statement, {"key": key, "number": number})
        if count:
            found[what] = int(count)
    return found
