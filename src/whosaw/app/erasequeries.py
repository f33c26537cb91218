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
    "lines of the staff directory, as the identity provider sent them": (
        "select count(*) from person where key = %(key)s"
    ),
    "names by which identity providers call this person": ("select count(*) from person_subject where actor = %(key)s"),
    "local passwords and passkeys, links to make one included": (
        "select (select count(*) from person_password where actor = %(key)s) + (select count(*) from person_passkey "
        "where actor = %(key)s) + (select count(*) from person_enrolment where actor = %(key)s)"
    ),
    "ends of sign-ins (kept for a day, so that none comes back)": (
        "select count(*) from person_end where actor = %(key)s"
    ),
    "personal tokens": "select count(*) from gate_token where actor = %(key)s",
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


async def is_staff(db: Database, key: str) -> bool:
    """Return whether the directory or the sign-ins hold anything of this key."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select exists (select from person where key = %(key)s) or exists (select from person_subject "
            "where actor = %(key)s) or exists (select from person_password where actor = %(key)s) "
            "or exists (select from person_passkey where actor = %(key)s)",
            {"key": key},
        )
        row = await rows.fetchone()
        return bool(row and row[0])


async def _count(connection: Connection, statements: dict[str, str], bound: dict[str, object]) -> dict[str, int]:
    found = {}
    for place, statement in statements.items():
        row = await (await connection.execute(statement.encode(), bound)).fetchone()
        if row is not None and row[0]:
            found[place] = int(row[0])
    return found
