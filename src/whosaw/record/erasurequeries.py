"""The SQL of erasure, retention and holds. Orders and holds are placed under one lock, so that none passes another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

_LOCK = 0x65726173  # "eras", as in the function trail_erase

# entries that say what happened to other entries, or who signs: without them nothing could be checked later
PERMANENT = ("erasure", "pruning", "key_rotation")


@dataclass(frozen=True, slots=True)
class Order:
    """An erasure that was decided and may not be finished.

    Attributes:
        id: of the order.
        kind: `erasure` or `pruning`, the kind of the announcing entry.
        ask: random, and in the announcement too.
        payload: the announcement's canonical text.
        after_index: the announcement stands at this index or later.
        entry: where it stands, None where that is not known yet.
    """

    id: int
    kind: str
    ask: str
    payload: str
    after_index: int
    entry: int | None


_ORDER = "id, kind, ask, payload, after_index, entry"


@asynccontextmanager
async def placing(db: Database) -> AsyncIterator[Connection]:
    """Lend a transaction in which nobody else places an order or a hold."""
    async with db.transaction() as conn:
        await conn.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        yield conn


@asynccontextmanager
async def carrying_out(db: Database, order_id: int) -> AsyncIterator[Connection]:
    """Lend a connection while nobody else carries out this order."""
    async with db.connection() as conn:
        await conn.execute("select pg_advisory_lock(%s::int, %s::int)", [_LOCK, order_id % (1 << 31)])
        try:
            yield conn
        finally:
            if not conn.closed:
                await conn.execute("select pg_advisory_unlock(%s::int, %s::int)", [_LOCK, order_id % (1 << 31)])


async def standing_hold(
    conn: Connection, whose: tuple[str | None, int | None], indices: Sequence[int]
) -> tuple[int, str, date] | None:
    """Return (id, ground, review date) of a hold that forbids an erasure, or None.

    Args:
        conn: inside `placing`.
        whose: space and number whose map row would die, or two times None.
        indices: entries whose payloads would die; a hold on whom they show, or on who made them, forbids it.
    """
    rows = await conn.execute(
        "select h.id, h.ground, h.review_on from legal_hold h where h.lifted_at is null and ("
        " (h.space = %(space)s and h.number = %(number)s) or (h.space, h.number) in ("
        "  select 'subject', e.subject from trail_entry e where e.index = any(%(indices)s)"
        "  union select 'actor', e.actor from trail_entry e where e.index = any(%(indices)s))"
        " or (h.space = 'subject' and exists (select from trail_exposed r join trail_exposure x on x.hash = r.hash"
        "  where r.index = any(%(indices)s) and exposure_has(x.numbers, h.number))))"
        " order by h.review_on desc limit 1",
        {"space": whose[0], "number": whose[1], "indices": list(indices)},
    )
    return await rows.fetchone()


async def forbidding_hold(conn: Connection, order: Order) -> tuple[int, str, date] | None:
    """Return (id, ground, review date) of a hold that forbids an order, or None."""
    rows = await conn.execute("select space, number, indices from trail_erasure_order where id = %s", [order.id])
    found = await rows.fetchone()
    return None if found is None else await standing_hold(conn, (found[0], found[1]), found[2])


async def subject_indices(conn: Connection, subject: int) -> list[int]:
    """Return the entries about a subject whose payload stands and that no other order takes, in order."""
    rows = await conn.execute(
        "select index from trail_entry where subject = %s and payload is not null and index not in"
        " (select unnest(indices) from trail_erasure_order) order by index",
        [subject],
    )
    return [row[0] for row in await rows.fetchall()]


async def old_indices(conn: Connection, limits_us: Mapping[str, int], after: int, most: int) -> list[int]:
    """Return entries whose payload has outlived its time and that nothing holds, in order, at most `most`.

    Args:
        conn: inside `placing`.
        limits_us: by kind, payloads dated before this time are old; `*` stands for every other kind.
        after: only entries after this index.
        most: how many, > 0.
    """
    rows = await conn.execute(
        f"select e.index from trail_entry e where e.index > %(after)s and {_OLD} and e.index not in"
        " (select unnest(indices) from trail_erasure_order) order by e.index limit %(most)s",
        {**_old_bound(limits_us), "after": after, "most": most},
    )
    return [row[0] for row in await rows.fetchall()]


async def count_old(db: Database, limits_us: Mapping[str, int]) -> dict[str, int]:
    """Return by kind how many payloads have outlived their time and are not held."""
    async with db.connection() as conn:
        rows = await conn.execute(
            f"select e.kind, count(*) from trail_entry e where {_OLD} group by e.kind order by e.kind",
            _old_bound(limits_us),
        )
        return dict(await rows.fetchall())


_OLD = """
    e.payload is not null and e.at_us < %(most_us)s
    and e.at_us < coalesce((%(limits)s::jsonb ->> e.kind)::bigint, %(others_us)s)
    and e.kind <> all(%(permanent)s)
    and not exists (select from legal_hold h
        where h.lifted_at is null and h.space = 'subject' and h.number = e.subject)
    and not exists (select from legal_hold h where h.lifted_at is null and h.space = 'actor' and h.number = e.actor)
    and not exists (select from trail_exposed r join trail_exposure x on x.hash = r.hash, legal_hold h
        where r.index = e.index and h.lifted_at is null and h.space = 'subject'
            and exposure_has(x.numbers, h.number))
"""


def _old_bound(limits_us: Mapping[str, int]) -> dict[str, Any]:
    return {
        "most_us": max(limits_us.values()),
        "others_us": limits_us["*"],
        "limits": json.dumps({kind: limit for kind, limit in limits_us.items() if kind != "*"}),
        "permanent": list(PERMANENT),
    }


async def is_known(conn: Connection, space: str, number: int) -> bool:
    """Tell whether the number has a map row."""
    rows = await conn.execute("select 1 from number_map where space = %s and number = %s", [space, number])
    return await rows.fetchone() is not None


async def open_order(conn: Connection, space: str, number: int) -> Order | None:
    """Return the unfinished order on a number, or None."""
    rows = await conn.execute(
        f"select {_ORDER} from trail_erasure_order where space = %s and number = %s", [space, number]
    )
    row = await rows.fetchone()
    return None if row is None else Order(*row)


async def open_orders(db: Database) -> list[Order]:
    """Return every unfinished order, oldest first."""
    async with db.connection() as conn:
        rows = await conn.execute(f"select {_ORDER} from trail_erasure_order order by id")
        return [Order(*row) for row in await rows.fetchall()]


async def refresh(conn: Connection, order: Order) -> Order | None:
    """Return the order as it stands now, or None where it is finished or withdrawn."""
    rows = await conn.execute(f"select {_ORDER} from trail_erasure_order where id = %s", [order.id])
    row = await rows.fetchone()
    return None if row is None else Order(*row)


async def place(
    conn: Connection, kind: str, whose: tuple[str, int] | None, indices: Sequence[int], said: tuple[str, str]
) -> Order:
    """Write an order down.

    Args:
        conn: inside `placing`.
        kind: of the announcement.
        whose: space and number whose map row dies, or None.
        indices: entries whose payloads die.
        said: `ask` and canonical payload of the announcement.
    """
    space, number = whose if whose is not None else (None, None)
    rows = await conn.execute(
        "insert into trail_erasure_order (kind, space, number, indices, ask, payload, after_index)"
        f" select %s, %s, %s, %s, %s, %s, size from trail_head returning {_ORDER}",
        [kind, space, number, list(indices), *said],
    )
    row = await rows.fetchone()
    if row is None:
        raise LookupError("the trail has no head row")
    return Order(*row)


async def announced_at(conn: Connection, order: Order) -> int | None:
    """Return the index of an order's announcement, or None where it is not in the trail."""
    rows = await conn.execute(
        "select index from trail_entry where index >= %s and kind = %s and payload::json ->> 'ask' = %s limit 1",
        [order.after_index, order.kind, order.ask],
    )
    row = await rows.fetchone()
    return None if row is None else int(row[0])


async def set_entry(conn: Connection, order: Order, entry: int) -> None:
    """Note where an order is announced."""
    await conn.execute("update trail_erasure_order set entry = %s where id = %s", [entry, order.id])


async def carry_out(conn: Connection, order: Order) -> int:
    """Erase what an order names, in the transaction of `conn`, and return how many entries that were."""
    rows = await conn.execute("select trail_erase(%s)", [order.id])
    row = await rows.fetchone()
    return int(row[0]) if row else 0


async def withdraw(conn: Connection, order: Order) -> None:
    """Take an order back; nothing of it was carried out."""
    await conn.execute("delete from trail_erasure_order where id = %s", [order.id])


async def late_subjects(db: Database) -> list[int]:
    """Return erased subjects under whose number something was recorded by a door that still remembered it."""
    async with db.connection() as conn:
        rows = await conn.execute(
            "select n.number from number_erased n where n.space = 'subject'"
            " and exists (select from trail_entry e where e.subject = n.number) order by n.number"
        )
        return [row[0] for row in await rows.fetchall()]


async def erased_by(conn: Connection) -> list[tuple[int, int]]:
    """Return (index, index of the announcing entry) of every erased entry, in order."""
    rows = await conn.execute("select index, erasure_index from trail_erased order by index")
    return await rows.fetchall()


async def count_erased(db: Database) -> int:
    """Return of how many entries only the leaf is left."""
    async with db.connection() as conn:
        rows = await conn.execute("select count(*) from trail_erased")
        row = await rows.fetchone()
        return int(row[0]) if row else 0


async def remove_tokens(conn: Connection, actor: int) -> int:
    """Delete the personal tokens of an actor whose map row still stands; return how many there were."""
    done = await conn.execute(
        "delete from gate_token t using number_map m where m.space = 'actor' and m.number = %s and t.actor = m.key",
        [actor],
    )
    return done.rowcount


async def remove_staff(conn: Connection, actor: int, ended_before: datetime) -> int:
    """Delete what the directory and the sign-ins hold of an actor whose map row still stands; return how many rows.

    That his sign-ins were ended is kept until it is as old as `ended_before`: while a token may live that began before,
    it must not come back.
    """
    removed = 0
    whose = "in (select m.key from number_map m where m.space = 'actor' and m.number = %(actor)s)"
    for statement in (
        f"delete from person where key {whose}",
        f"delete from person_subject where actor {whose}",
        f"delete from person_password where actor {whose}",
        f"delete from person_passkey where actor {whose}",
        f"delete from person_enrolment where actor {whose}",
        f"delete from person_end where actor {whose} and before_at < %(ended_before)s",
        "delete from identity_attempt a using number_map m where m.space = 'actor' and m.number = %(actor)s "
        "and a.scope = 'account' and a.who = sha256(convert_to(m.key, 'UTF8'))",
    ):
        done = await conn.execute(statement.encode(), {"actor": actor, "ended_before": ended_before})
        removed += done.rowcount
    return removed


async def rewrite_tables(db: Database, tables: Iterable[str]) -> None:
    """Write tables anew, so that no file keeps a row version that was replaced; nobody can use them meanwhile."""
    async with db.connection() as conn:
        for table in tables:
            await conn.execute(f'vacuum (full) "{table}"'.encode())
        await conn.execute("checkpoint")


async def add_hold(
    conn: Connection, whose: tuple[str, int], needs: tuple[str, date, list[str]], made: tuple[datetime, int]
) -> bool:
    """Keep a hold; return whether none stood on this number before."""
    done = await conn.execute(
        "insert into legal_hold (space, number, ground, review_on, fields, added_at, added_by) values "
        "(%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (space, number) where lifted_at is null do nothing",
        [*whose, *needs, *made],
    )
    return done.rowcount == 1


async def lift_hold(
    conn: Connection, whose: tuple[str, int], made: tuple[datetime, int]
) -> tuple[datetime | None] | None:
    """Lift the standing hold on a number; return when an erasure was asked for meanwhile, or None where none stood."""
    rows = await conn.execute(
        "update legal_hold set lifted_at = %s, lifted_by = %s where space = %s and number = %s and lifted_at is null"
        " returning erasure_asked_at",
        [*made, *whose],
    )
    return await rows.fetchone()


async def narrow_hold(conn: Connection, whose: tuple[str, int], fields: list[str]) -> None:
    """Note which fields of the company's own tables the standing hold on a number needs."""
    await conn.execute(
        "update legal_hold set fields = %s where space = %s and number = %s and lifted_at is null", [fields, *whose]
    )


async def note_told(conn: Connection, whose: tuple[str, int], at: datetime) -> None:
    """Note that the person was told that the standing hold on him ends."""
    await conn.execute(
        "update legal_hold set told_at = coalesce(told_at, %s) where space = %s and number = %s and lifted_at is null",
        [at, *whose],
    )


async def note_asked(conn: Connection, hold: int, at: datetime) -> None:
    """Note at a hold that an erasure was asked for and refused."""
    await conn.execute(
        "update legal_hold set erasure_asked_at = coalesce(erasure_asked_at, %s) where id = %s", [at, hold]
    )


async def standing_holds(db: Database) -> list[tuple[Any, ...]]:
    """Return every standing hold, the next review first.

    Returns:
        (space, number, ground, review date, added at, erasure asked at, fields, told at).
    """
    async with db.connection() as conn:
        rows = await conn.execute(
            "select space, number, ground, review_on, added_at, erasure_asked_at, fields, told_at from legal_hold"
            " where lifted_at is null order by review_on, id"
        )
        return await rows.fetchall()


async def erased_at(db: Database, indices: Sequence[int]) -> dict[int, int | None]:
    """Return index → index of the announcing entry, None without one, of those at `indices` whose payload is gone."""
    async with db.connection() as conn:
        rows = await conn.execute(
            "select e.index, m.erasure_index from trail_entry e left join trail_erased m using (index)"
            " where e.index = any(%s) and e.payload is null",
            [list(indices)],
        )
        return dict(await rows.fetchall())


async def marks_of(db: Database, announcing: Sequence[int]) -> list[tuple[int, int]]:
    """Return (index, index of the announcing entry) of all that these entries are said to have announced."""
    async with db.connection() as conn:
        rows = await conn.execute(
            "select index, erasure_index from trail_erased where erasure_index = any(%s)", [list(announcing)]
        )
        return await rows.fetchall()


async def payloads_at(db: Database, indices: Sequence[int]) -> list[tuple[int, str]]:
    """Return (index, payload) of those at `indices` whose payload is there."""
    async with db.connection() as conn:
        rows = await conn.execute(
            "select index, payload from trail_entry where index = any(%s) and payload is not null", [list(indices)]
        )
        return await rows.fetchall()
