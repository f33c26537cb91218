"""The one statement that says where actors stand, and the two that change it from the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database

# Subject, purpose or target of a grant may have been erased: its number has no key then, and the grant opens nothing.
_STANDING = """
select w.key, s.actor is not null,
    not %(required)s or exists (
        select from conduct_acknowledgement a where a.actor = m.number and a.at > %(since)s and a.code = (
            select c.id from conduct_code c where c.in_force_at <= %(at)s
            order by c.in_force_at desc, c.id desc limit 1)),
    g.list, b.list
from unnest(%(actors)s::text[]) as w(key)
left join gate_suspension s on s.actor = w.key
left join number_map m on m.space = 'actor' and m.key = w.key
left join lateral (
    select json_agg(json_build_array(g.id, g.kind, g.classes, g.action, ks.key, kp.key,
        (extract(epoch from g.until_at) * 1000000)::bigint, g.digest, kt.key, g.case_ref) order by g.id) as list
    from standing_grant g
    left join number_map ks on ks.space = 'subject' and ks.number = g.subject
    left join number_map kp on kp.space = 'purpose' and kp.number = g.purpose
    left join number_map kt on kt.space = 'actor' and kt.number = g.target
    where g.holder = m.number and g.state = 'in_force' and g.from_at <= %(at)s and g.until_at > %(at)s
        and (g.subject is null) = (ks.key is null) and (g.purpose is null) = (kp.key is null)
        and (g.target is null) = (kt.key is null)
) g on s.actor is null
left join lateral (
    select json_agg(json_build_array(b.id, b.classes, ks.key, (extract(epoch from b.until_at) * 1000000)::bigint)
        order by b.id) as list
    from standing_glass b left join number_map ks on ks.space = 'subject' and ks.number = b.subject
    where b.holder = m.number and b.ended_at is null and b.broken_at <= %(at)s and b.until_at > %(at)s
        and (b.subject is null) = (ks.key is null)
) b on s.actor is null
"""


async def standing_rows(
    db: Database, actors: Sequence[str], at: datetime, *, required: bool, since: datetime
) -> list[tuple[Any, ...]]:
    """Return (key, suspended, acknowledged, grants, glass) of every actor, the last two as lists or None.

    Args:
        db: whosaw's database; the door's role may run it.
        actors: keys.
        at: the moment in question.
        required: whether the code must be acknowledged.
        since: acknowledgements before this do not count any more.
    """
    async with db.connection() as connection:
        rows = await connection.execute(
            _STANDING, {"actors": list(actors), "at": at, "required": required, "since": since}
        )
        return await rows.fetchall()


async def consume(db: Database, grant: int, holder: int, at: datetime) -> bool:
    """Use up a grant that is good for one use; true for exactly one caller."""
    async with db.connection() as connection:
        rows = await connection.execute("select standing_consume(%s, %s, %s)", [grant, holder, at])
        row = await rows.fetchone()
        return bool(row and row[0])


async def void(db: Database, actor: str, at: datetime) -> list[tuple[str, int]]:
    """End every request, grant and broken glass of `actor`; return which, as (``grant`` or ``glass``, id)."""
    async with db.connection() as connection:
        rows = await connection.execute("select kind, id from standing_void(%s, %s) order by 1, 2", [actor, at])
        return [(str(kind), int(number)) for kind, number in await rows.fetchall()]
