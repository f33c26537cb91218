"""Statements about what people found: entities and their links, alternatives, what clears somebody, approaches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database

Row = tuple[Any, ...]

_TAKING_IN = 0x617070726F616368  # "approach"
_CHECKING = 0x63686563  # "chec"
# a mail's own Date is the word of whoever sent it (`Sighting.contacted_by`)
_CONTACTED_BY = "case when s.form = 'mail' then s.reported_at else s.contacted_at end"
_APPROACH = "id, at, channel, handle, offer, payout, screenshot_sha256, state, case_id"


async def entity(db: Database, case: str, kind: str, value: str) -> Row:
    """Return (id, kind, value) of an entity, made if the case has none such."""
    bound = {"case": case, "kind": kind, "value": value}
    await fetch(
        db,
        "insert into case_entity (case_id, kind, value) values (%(case)s, %(kind)s, %(value)s) "
        "on conflict do nothing returning id",
        bound,
    )
    (row,) = await fetch(
        db,
        "select id, kind, value from case_entity where case_id = %(case)s and kind = %(kind)s and value = %(value)s",
        bound,
    )
    return row


async def entities(db: Database, case: str) -> list[Row]:
    """Return (id, kind, value) of a case's entities, in the order they came in."""
    return await fetch(
        db, "select id, kind, value from case_entity where case_id = %(case)s order by id", {"case": case}
    )


async def add_source(db: Database, case: str, said: Mapping[str, object]) -> None:
    """Keep who says that an entity exists, or that two belong together; the same word again changes nothing."""
    await fetch(
        db,
        "insert into case_source (case_id, one, other, source_kind, source, confidence, at, by, entry) values "
        "(%(case)s, %(one)s, %(other)s, %(kind)s, %(source)s, %(confidence)s, %(at)s, %(by)s, %(entry)s) "
        "on conflict do nothing returning id",
        {"case": case, **said},
    )


async def words_of(db: Database, case: str, identifier: int) -> list[Row]:
    """Return (kind, source, confidence) of who says that an entity exists."""
    return await fetch(
        db,
        "select source_kind, source, confidence from case_source where case_id = %(case)s and one = %(id)s "
        "and other is null order by id",
        {"case": case, "id": identifier},
    )


async def links(db: Database, case: str) -> list[Row]:
    """Return (one, other, kind, source, confidence) of who says that two entities belong together."""
    return await fetch(
        db,
        "select one, other, source_kind, source, confidence from case_source where case_id = %(case)s "
        "and other is not null order by id",
        {"case": case},
    )


async def note_alternatives(db: Database, rows: Sequence[Row], at: datetime, by: str) -> None:
    """Keep (sighting, kind, source, probability) of each alternative; the same one again takes the new probability."""
    async with db.transaction() as connection:
        for row in rows:
            await connection.execute(
                "insert into sighting_alternative (sighting_id, kind, source, probability, at, by) values "
                "(%s, %s, %s, %s, %s, %s) on conflict (sighting_id, kind, source) do update set "
                "probability = excluded.probability, at = excluded.at, by = excluded.by",
                [*row, at, by],
            )


async def alternatives(db: Database, case: str) -> list[Row]:
    """Return (sighting, kind, source, probability) of the alternatives of a case's sightings."""
    return await fetch(
        db,
        "select a.sighting_id, a.kind, a.source, a.probability from sighting_alternative a join sighting s "
        "on s.id = a.sighting_id where s.case_id = %(case)s order by 1, 2, 3",
        {"case": case},
    )


async def unchecked(db: Database, kind: str) -> list[Row]:
    """Return (case, sighting) of each sighting of an open case about which a source was not asked."""
    return await fetch(
        db,
        "select s.case_id, s.id from sighting s join case_file c on c.id = s.case_id where c.state <> 'closed' "
        "and not exists (select from sighting_check k where k.sighting_id = s.id and k.kind = %(kind)s) order by 1, 2",
        {"kind": kind},
    )


async def stale(db: Database, kind: str, before: datetime, most: int) -> list[Row]:
    """Return (case, sighting) of open cases where a source found nothing, or could not say, and is to be asked again.

    A case is asked whole when the oldest of its answers is older than `before`, so that it is asked once a day and not
    once for each hour at which a complaint came in.

    Args:
        db: where sightings are.
        kind: the source.
        before: answers of this moment or earlier are old.
        most: of so many cases, those whose answers are oldest.
    """
    return await fetch(
        db,
        "with old as (select s.case_id, min(k.at) as at from sighting_check k join sighting s on s.id = k.sighting_id "
        "join case_file c on c.id = s.case_id where c.state <> 'closed' and k.kind = %(kind)s and k.outcome <> 'found' "
        "group by s.case_id having min(k.at) <= %(before)s order by 2, 1 limit %(most)s) "
        "select s.case_id, s.id from old join sighting s on s.case_id = old.case_id "
        "join sighting_check k on k.sighting_id = s.id and k.kind = %(kind)s and k.outcome <> 'found' "
        "order by old.at, 1, 2",
        {"kind": kind, "before": before, "most": most},
    )


async def note_checks(db: Database, kind: str, outcomes: Mapping[int, str], at: datetime) -> None:
    """Keep what came of asking a source, by sighting; the latest stays."""
    async with db.transaction() as connection:
        for sighting, outcome in outcomes.items():
            await connection.execute(
                "insert into sighting_check (sighting_id, kind, outcome, at) values (%s, %s, %s, %s) "
                "on conflict (sighting_id, kind) do update set outcome = excluded.outcome, at = excluded.at",
                [sighting, kind, outcome, at],
            )
            same = await connection.execute(
                "update sighting_check_run set last_at = %(at)s, asked = asked + 1 where outcome = %(outcome)s "
                "and id = (select max(id) from sighting_check_run where sighting_id = %(sighting)s "
                "and kind = %(kind)s)",
                {"sighting": sighting, "kind": kind, "outcome": outcome, "at": at},
            )
            if not same.rowcount:
                await connection.execute(
                    "insert into sighting_check_run (sighting_id, kind, outcome, first_at, last_at) "
                    "values (%s, %s, %s, %s, %s)",
                    [sighting, kind, outcome, at, at],
                )


async def check_runs(db: Database, case: str) -> list[Row]:
    """Return (sighting, kind, outcome, first at, last at, how often) of what sources answered, in order."""
    return await fetch(
        db,
        "select r.sighting_id, r.kind, r.outcome, r.first_at, r.last_at, r.asked from sighting_check_run r "
        "join sighting s on s.id = r.sighting_id where s.case_id = %(case)s order by 1, 2, r.id",
        {"case": case},
    )


async def checks(db: Database, case: str) -> list[Row]:
    """Return (sighting, kind, whether it could be asked) of what was asked about a case's sightings."""
    return await fetch(
        db,
        "select k.sighting_id, k.kind, k.outcome <> 'impossible' from sighting_check k join sighting s "
        "on s.id = k.sighting_id where s.case_id = %(case)s",
        {"case": case},
    )


async def numbers_of(db: Database, case: str) -> list[int]:
    """Return the sightings of a case, rising."""
    rows = await fetch(db, "select id from sighting where case_id = %(case)s order by id", {"case": case})
    return [int(row[0]) for row in rows]


async def told_before(db: Database, case: str, odds: float) -> list[Row]:
    """Return an alternative for each sighting whose subject was told of an earlier case before its contact."""
    return await fetch(
        db,
        "select s.id, 'earlier_case', m.topic, %(odds)s::float8 from sighting s join outbox_mail m on "
        "m.recipient_key = s.subject::text join case_file earlier on earlier.id = m.topic "
        f"where s.case_id = %(case)s and m.topic <> %(case)s and earlier.opened_at < {_CONTACTED_BY} order by 1",
        {"case": case, "odds": odds},
    )


async def told_since(db: Database) -> list[Row]:
    """Return (case, sighting) of open cases where an earlier case tells the customer, and a check had found none."""
    return await fetch(
        db,
        "select distinct s.case_id, s.id from sighting_check k join sighting s on s.id = k.sighting_id "
        "join case_file c on c.id = s.case_id join outbox_mail m on m.recipient_key = s.subject::text "
        "join case_file earlier on earlier.id = m.topic where k.kind = 'earlier_case' and k.outcome = 'nothing' "
        f"and c.state <> 'closed' and m.topic <> s.case_id and earlier.opened_at < {_CONTACTED_BY} order by 1, 2",
        {},
    )


async def add_exculpatory(db: Database, case: str, said: Mapping[str, object]) -> None:
    """Keep an answer to what may clear somebody; earlier ones stay."""
    await fetch(
        db,
        "insert into case_exculpatory (case_id, actor, item, finding, text, by, at, entry) values "
        "(%(case)s, %(actor)s, %(item)s, %(finding)s, %(text)s, %(by)s, %(at)s, %(entry)s) returning item",
        {"case": case, **said},
    )


async def exculpatory(db: Database, case: str, actor: str) -> list[Row]:
    """Return (item, finding, text, by, at) of the latest answers about an actor."""
    return await fetch(
        db,
        "select distinct on (item) item, finding, text, by, at from case_exculpatory "
        "where case_id = %(case)s and actor = %(actor)s order by item, at desc",
        {"case": case, "actor": actor},
    )


@asynccontextmanager
async def taking_in(db: Database) -> AsyncIterator[bool]:
    """Hold the lock of whoever takes reports in until the block ends; False where another process has it."""
    async with _alone(db, _TAKING_IN) as mine:
        yield mine


@asynccontextmanager
async def checking(db: Database) -> AsyncIterator[bool]:
    """Hold the lock of whoever checks alternatives until the block ends; False where another process has it."""
    async with _alone(db, _CHECKING) as mine:
        yield mine


@asynccontextmanager
async def _alone(db: Database, lock: int) -> AsyncIterator[bool]:
    async with db.transaction() as connection:
        row = await (await connection.execute("select pg_try_advisory_xact_lock(%s)", [lock])).fetchone()
        yield row is not None and bool(row[0])


async def approach_entries(db: Database) -> list[int]:
    """Return the entries of all reports that are kept."""
    return [int(row[0]) for row in await fetch(db, "select entry from approach")]


async def add_approach(db: Database, said: Mapping[str, object]) -> bool:
    """Keep a report of an approach; no column leads to who made it. False where its code has one already."""
    rows = await fetch(
        db,
        "insert into approach (code_sha256, at, channel, handle, offer, payout, screenshot_sha256, entry) values "
        "(%(code)s, %(at)s, %(channel)s, %(handle)s, %(offer)s, %(payout)s, %(shown)s, %(entry)s) "
        "on conflict (code_sha256) do nothing returning id",
        said,
    )
    return bool(rows)


async def approaches(db: Database) -> list[Row]:
    """Return every report, the latest first."""
    return await fetch(db, f"select {_APPROACH} from approach order by id desc")


async def take_approach(db: Database, identifier: int, case: str | None) -> Row | None:
    """Keep that the desk works on a report and return it."""
    rows = await fetch(
        db,
        f"update approach set state = 'taken', case_id = %(case)s where id = %(id)s returning {_APPROACH}",
        {"id": identifier, "case": case},
    )
    return rows[0] if rows else None


async def find_approach(db: Database, *, identifier: int | None = None, code_sha256: str | None = None) -> int | None:
    """Return the number of the report that has it, or that was made under a code."""
    rows = await fetch(
        db,
        "select id from approach where id = %(id)s or code_sha256 = %(code)s",
        {"id": identifier, "code": code_sha256},
    )
    return int(rows[0][0]) if rows else None


async def add_message(db: Database, identifier: int, said: Mapping[str, object]) -> None:
    """Keep a message between the desk and whoever reported."""
    await fetch(
        db,
        "insert into approach_message (approach_id, seq, at, from_desk, text) select %(id)s, "
        "coalesce(max(seq), 0) + 1, %(at)s, %(desk)s, %(text)s from approach_message where approach_id = %(id)s "
        "returning seq",
        {"id": identifier, **said},
    )


async def messages(db: Database, identifier: int) -> list[Row]:
    """Return (at, from the desk, text) of the messages about a report."""
    return await fetch(
        db,
        "select at, from_desk, text from approach_message where approach_id = %(id)s order by seq",
        {"id": identifier},
    )
