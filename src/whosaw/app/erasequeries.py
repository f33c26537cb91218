"""Statements that count where whosaw's own tables still mention a person."""

from __future__ import annotations

from whosaw.store import Database
from whosaw.store.database import Connection

_OF_SUBJECT = {
    "sightings (evidence of cases)": "select count(*) from sighting where subject = %(number)s",
    "letters queued or being sent, with address": (
        "select count(*) from outbox_mail where recipient_key = %(number)s::text and state <> 'sent'"
    ),
    "letters sent (time and hash; no address, no text)": (
        "select count(*) from outbox_mail where recipient_key = %(number)s::text and state = 'sent'"
    ),
    "entries about others that name it as beneficiary": (
        "select count(*) from trail_entry where beneficiary = %(key)s"
    ),
    "cases about it as beneficiary": "select count(*) from case_file where beneficiary = %(key)s",
    "sightings that name it as beneficiary": "select count(*) from sighting where beneficiary = %(key)s",
}
_OF_ACTOR = {
    "suspensions (they stand until lifted)": "select count(*) from gate_suspension where actor = %(key)s",
    "steps of cases against this person": "select count(*) from case_step where target = %(key)s",
    "verdicts of cases that name this person": (
        "select count(*) from case_verdict where position(to_json(%(key)s::text)::text in verdict::text) > 0"
    ),
}


async def mentions_of_subject(db: Database, key: str, number: int | None) -> dict[str, int]:
    """Return by place how many rows mention a subject's number or key; places without any are left out."""
    async with db.connection() as connection:
        return await _count(connection, _OF_SUBJECT, {"key": key, "number": number})


async def mentions_of_actor(db: Database, key: str) -> dict[str, int]:
    """Return by place how many rows name a member of staff; places without any are left out."""
    async with db.connection() as connection:
        return await _count(connection, _OF_ACTOR, {"key": key})


async def _count(connection: Connection, statements: dict[str, str], bound: dict[str, object]) -> dict[str, int]:
    found = {}
    for place, statement in statements.items():
        row = await (await connection.execute(statement.encode(), bound)).fetchone()
        if row is not None and row[0]:
            found[place] = int(row[0])
    return found
