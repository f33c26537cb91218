"""Statements that count where whosaw's own tables still mention a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection

from whosaw.store import Database
from whosaw.store.database import Connection

_SHORTEST = 5
_KEPT = "select count(*) from case_trace_input join case_trace_content using (case_id, sha256)"
_CELL = "position(',' || %({cell})s::text || ',' in ',' || translate(content, chr(10), ',') || ',') > 0"
"""A whole cell of CSV: `E-1` stands in no row about `E-10`."""
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
    "answers given to this person (date and reference; not what was said)": (
        "select count(*) from access_answered where space = 'subject' and number = %(number)s"
    ),
    "entities of cases with a value of this person": (
        "select count(*) from case_entity where lower(value) = any(%(values)s)"
    ),
    "reports of an approach with a value of this person": (
        "select count(*) from approach a where exists (select 1 from unnest(%(values)s::text[]) v where position(v in "
        "lower(concat_ws(' ', a.handle, a.offer, a.payout, (select string_agg(m.text, ' ') from approach_message m "
        "where m.approach_id = a.id)))) > 0)"
    ),
    "sightings that name it as beneficiary": "select count(*) from sighting where beneficiary = %(key)s",
    "questions of watch to staff about an access to this person": (
        "select count(*) from watch_prompt where subject = %(number)s"
    ),
    "verdicts of cases that name this person as affected": (
        "select count(*) from case_verdict where position(to_json(%(key)s::text)::text in verdict::text) > 0"
    ),
    "what verdicts of cases were computed from (by number: contacts, orders, routes, hand-overs, other sources)": (
        f"{_KEPT} where {_CELL.format(cell='cell')} or {_CELL.format(cell='numbered')}"
    ),
}
EVIDENCE = (
    "sightings (evidence of cases)",
    "letters queued or being sent, with address",
    "entities of cases with a value of this person",
    "reports of an approach with a value of this person",
    "questions of watch to staff about an access to this person",
    "verdicts of cases that name this person as affected",
    "what verdicts of cases were computed from (by number: contacts, orders, routes, hand-overs, other sources)",
)
"""The places that hold something of the person beyond a number, a date or a hash."""

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
    "entities of cases with this person's key": "select count(*) from case_entity where lower(value) = lower(%(key)s)",
    "functions in cases, held now or before": "select count(*) from case_person where person = %(key)s",
    "questions and hearings of cases about this person": (
        "select (select count(*) from case_exculpatory where actor = %(key)s) "
        "+ (select count(*) from case_hearing where target = %(key)s)"
    ),
    "verdicts of cases that name this person": (
        "select count(*) from case_verdict where position(to_json(%(key)s::text)::text in verdict::text) > 0"
    ),
    "what such verdicts were computed from (kept with the case)": (f"{_KEPT} where {_CELL.format(cell='cell')}"),
    "times this person's asks were held up (by number: sign, step, when, who released and why)": (
        "select count(*) from gate_friction where actor = %(number)s"
    ),
    "releases of others that this person gave (key and words)": (
        "select count(*) from gate_friction where released_by = %(key)s"
    ),
    "flags of watch about this person (by number)": "select count(*) from watch_flag where actor = %(number)s",
    "questions of watch to this person, with answers": "select count(*) from watch_prompt where actor = %(number)s",
    "decisions of this person decided once more, or decided once more by this person": (
        "select count(*) from watch_second where %(number)s in (first_actor, second_actor)"
    ),
    "verdicts about flags that this person gave (key and words)": (
        "select count(*) from watch_verdict where by = %(key)s"
    ),
    "explanations of looks that this person declared, agreed to or withdrew (key and words)": (
        "select count(*) from watch_explanation where %(key)s in (declared_by, agreed_by, withdrawn_by)"
    ),
}


async def mentions_of_subject(
    db: Database, key: str, number: int | None, values: Collection[str] = ()
) -> dict[str, int]:
    """Return by place how many rows mention a subject's number, key or values; places without any are left out.

    Args:
        db: whosaw's own database.
        key: as the company writes it.
        number: the number it has, or had.
        values: what the company holds of it; any shorter than five characters would be found everywhere and is not
            sought.
    """
    sought = sorted({each.strip().lower() for each in (key, *values) if len(each.strip()) >= _SHORTEST})
    async with db.connection() as connection:
        bound: dict[str, object] = {"key": key, "number": number, "values": sought, "cell": _cell(key)}
        bound["numbered"] = None if number is None else f"#{number}"
        return await _count(connection, _OF_SUBJECT, bound)


async def mentions_of_actor(db: Database, key: str, number: int | None = None) -> dict[str, int]:
    """Return by place how many rows mention the key or number of a member of staff; places without any are left out.

    Args:
        db: whosaw's own database.
        key: in the staff directory.
        number: the number he has, or had before an erasure; None where that is not known.
    """
    async with db.connection() as connection:
        return await _count(connection, _OF_ACTOR, {"key": key, "number": number, "cell": _cell(key)})


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


def _cell(key: str) -> str:
    """Return a key as a cell of CSV holds it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([key])
    return text.getvalue()


async def _count(connection: Connection, statements: dict[str, str], bound: dict[str, object]) -> dict[str, int]:
    found = {}
    for place, statement in statements.items():
        row = await (await connection.execute(statement.encode(), bound)).fetchone()
        if row is not None and row[0]:
            found[place] = int(row[0])
    return found
