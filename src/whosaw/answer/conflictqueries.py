"""Statements about what keeps a person from a case; each page of the console asks them for every case."""

from __future__ import annotations

from typing import Any

from whosaw.store import Database

Row = tuple[Any, ...]

_SHOWN = """
with complaining as (
    select array(select subject from sighting where case_id = %(case)s) as subjects
), who as (
    select number from number_map where space = 'actor' and key = %(person)s
), sets as materialized (
    -- only the sets that he was shown are looked into
    select distinct r.hash from trail_exposed r join trail_entry e on e.index = r.index
    where e.actor = (select number from who) and e.kind = 'disclosure' and e.at_us < %(before)s
)
select 1 from complaining c, trail_entry e
where e.subject = any(c.subjects) and e.actor = (select number from who) and e.kind = 'disclosure'
    and e.at_us < %(before)s
union all
select 1 from complaining c, sets s join trail_exposure x on x.hash = s.hash
where exists (select from unnest(c.subjects) as n where exposure_has(x.numbers, n))
limit 1
"""


async def was_shown(db: Database, case: str, person: str, before_us: int) -> bool:
    """Return whether a person was shown data of somebody who complained in a case, alone or in a set, before a time."""
    async with db.connection() as connection:
        rows = await connection.execute(_SHOWN, {"case": case, "person": person, "before": before_us})
        return await rows.fetchone() is not None


async def newest_verdict(db: Database, case: str) -> Row | None:
    """Return the newest snapshot of a case, or None."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select seq, at, complaints, verdict from case_verdict where case_id = %s order by seq desc limit 1", [case]
        )
        return await rows.fetchone()
