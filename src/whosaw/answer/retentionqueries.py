"""Statements that find cases whose time is over, and take away what they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]

_IN_ORDER = (
    "delete from sighting_alternative where sighting_id in (select id from sighting where case_id = %(case)s)",
    "update mail_hit set sighting_id = null where sighting_id in (select id from sighting where case_id = %(case)s)",
    "delete from sighting where case_id = %(case)s",
    "delete from case_source where case_id = %(case)s",
    "delete from case_entity where case_id = %(case)s",
    "delete from case_appeal where step_id in (select id from case_step where case_id = %(case)s)",
    "delete from case_approval where step_id in (select id from case_step where case_id = %(case)s)",
    "delete from case_step where case_id = %(case)s",
    "delete from case_verdict where case_id = %(case)s",  # which inputs each had goes with it
    "delete from case_trace_content where case_id = %(case)s",
    "delete from case_trace where case_id = %(case)s",
    "delete from case_move where case_id = %(case)s",
    "delete from case_knowledge where case_id = %(case)s",
    "delete from case_person where case_id = %(case)s",
    "delete from case_clock_hold where case_id = %(case)s",
    "delete from case_clock where case_id = %(case)s",
    "delete from case_unmasking where case_id = %(case)s",
    "delete from case_exculpatory where case_id = %(case)s",
    "delete from case_risk where case_id = %(case)s",
    "delete from case_hearing where case_id = %(case)s",
    "delete from case_correction where case_id = %(case)s",
    "delete from case_shown where case_id = %(case)s",
    "delete from approach_message where approach_id in (select id from approach where case_id = %(case)s)",
    "delete from approach where case_id = %(case)s",
    "delete from case_exhibit where case_id = %(case)s",
    "delete from covert_hold where case_id = %(case)s",
    "delete from notice_bounce where topic = %(case)s",
    "delete from outbox_mail where topic = %(case)s",
)
"""Children before what they refer to. The ledger of withheld money stays: books are kept by a term of their own."""


async def closed_before(db: Database, before: datetime) -> list[Row]:
    """Return (case, closed at, what keeps it) of closed cases not pruned yet, the oldest first.

    What keeps a case: a legal hold whose ground it is, an appeal that nobody decided, a letter that may be on its way,
    a covert inquiry that was not released, a correction that nobody read.
    """
    return await fetch(
        db,
        "select c.id, c.closed_at, array_remove(array["
        "case when exists (select 1 from legal_hold h where h.ground = c.id and h.lifted_at is null) then 'hold' end, "
        "case when exists (select 1 from case_appeal a join case_step s on s.id = a.step_id where s.case_id = c.id "
        "and a.outcome is null) then 'appeal' end, "
        "case when exists (select 1 from outbox_mail m where m.topic = c.id and m.state not in ('sent', 'failed')) "
        "then 'letters' end, "
        "case when exists (select 1 from covert_hold v where v.case_id = c.id and v.released_at is null) "
        "then 'covert' end, "
        "case when exists (select 1 from case_correction r where r.case_id = c.id and r.read_at is null) "
        "then 'corrections' end], null) from case_file c "
        "where c.state = 'closed' and c.pruned_at is null and c.closed_at < %(before)s order by c.closed_at, c.id",
        {"before": before},
    )


async def own_files(db: Database, case: str) -> list[str]:
    """Return the hashes of raw mails and screenshots that this case holds and nothing else does."""
    rows = await fetch(
        db,
        "select raw_sha256 from sighting where case_id = %(case)s union "
        "select screenshot_sha256 from approach where case_id = %(case)s and screenshot_sha256 is not null "
        "union select sha256 from case_exhibit where case_id = %(case)s "
        "except select sha256 from case_exhibit where case_id <> %(case)s "
        "except select raw_sha256 from sighting where case_id is distinct from %(case)s "
        "except select raw_sha256 from mail_hit "
        "except select screenshot_sha256 from approach where case_id is distinct from %(case)s "
        "and screenshot_sha256 is not null",
        {"case": case},
    )
    return [str(row[0]) for row in rows]


async def prune(connection: Connection, case: str, at: datetime) -> int:
    """Take away everything that a case holds and return how many rows died; its number and its dates stay."""
    rows = 0
    for statement in _IN_ORDER:
        rows += (await connection.execute(statement.encode(), {"case": case})).rowcount
    await connection.execute(
        "update case_file set beneficiary = '', opened_by = '', pruned_at = %(at)s where id = %(case)s",
        {"case": case, "at": at},
    )
    return rows
